"""Functions run on several ranks at once: started from a server that has torch and DeepSpeed loaded, each with a limit.

A rank that fails, dies or hangs fails the test with what every rank had to say.
"""

import multiprocessing
import os
import pickle
import signal
import socket
import tempfile
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(["tests.model_core.distributed.preload"])


class Ranks:
    """`size` processes that each run `function(*args)` as a rank of one run."""

    def __init__(self, size: int, function: Callable[..., Any], *args: Any) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="ranks-"))
        port = _free_port()
        self.processes = [
            _context.Process(target=_run, args=(rank, size, port, self._folder, function, args)) for rank in range(size)
        ]
        for process in self.processes:
            process.start()

    def kill(self, *ranks: int) -> None:
        """SIGKILL these ranks, or all."""
        for rank in ranks or range(len(self.processes)):
            process = self.processes[rank]
            if process.pid is not None and process.is_alive():
                os.kill(process.pid, signal.SIGKILL)

    def join(self, timeout_s: float) -> list[str]:
        """Wait until all have ended; return each rank's traceback, empty when it did well.

        Raises: AssertionError when one still runs after `timeout_s`; all are killed then.
        """
        deadline = time.monotonic() + timeout_s
        for process in self.processes:
            process.join(max(0.0, deadline - time.monotonic()))
        late = [rank for rank, process in enumerate(self.processes) if process.is_alive()]
        self.kill()
        errors = [self._error(rank) for rank in range(len(self.processes))]
        assert not late, f"ranks {late} still ran after {timeout_s} s\n" + "\n".join(errors)
        return errors

    def _error(self, rank: int) -> str:
        path = self._folder / f"error-{rank}"
        if path.is_file():
            return path.read_text()
        code = self.processes[rank].exitcode
        return "" if code == 0 else f"ended with code {code}"

    def results(self, timeout_s: float = 280) -> list[Any]:
        """Wait and return what each rank's function returned.

        Raises: AssertionError with the errors of all ranks.
        """
        errors = self.join(timeout_s)
        assert not any(errors), "\n".join(f"rank {rank}:\n{error}" for rank, error in enumerate(errors) if error)
        return [self.result(rank) for rank in range(len(errors))]

    def result(self, rank: int) -> Any:
        """Return what one rank's function returned."""
        return pickle.loads((self._folder / f"result-{rank}").read_bytes())  # noqa: S301


def run_ranks(size: int, function: Callable[..., Any], *args: Any, timeout_s: float = 280) -> list[Any]:
    """Run a function on `size` ranks; return what each returned."""
    return Ranks(size, function, *args).results(timeout_s)


def _run(rank: int, size: int, port: int, folder: Path, function: Callable[..., Any], args: tuple[Any, ...]) -> None:
    import torch

    os.environ |= {"RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": str(size)}
    os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    torch.set_num_threads(1)
    try:
        (folder / f"result-{rank}").write_bytes(pickle.dumps(function(*args)))
    except BaseException:
        (folder / f"error-{rank}").write_text(traceback.format_exc())
        # Threads of a broken process group must not keep the process.
        os._exit(1)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
