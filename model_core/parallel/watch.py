"""A thread that notices when another process of the run is gone, so that none waits for it for ever.

Each rank shows a sign of life in the launcher's store every few seconds, looks for that of the next rank, and for a
word that the run has ended. It works where a collective would not come back: a killed process, a machine without
power, a stopped one. It knows nothing of what the ranks compute.
"""

import logging
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta

from torch.distributed import TCPStore  # type: ignore[attr-defined]

from model_core.errors import ModelCoreError, PeerLostError
from model_core.parallel.team import Team

logger = logging.getLogger(__name__)

_BEAT_S = 2.0
# How long a rank that lost touch waits to learn why, and then to end in an orderly way.
_GRACE_S = 10.0
LOST_EXIT_CODE = 3
_WORD, _DONE = "ended", b"done"
# What the errors of collectives and of the store have in them when another process is gone.
_OF_OTHERS = ("gloo", "nccl", "connection", "peer", "timed out", "timeout", "broken pipe")


@contextmanager
def watched(team: Team, lost_after_s: int, on_lost: Callable[[str], None]) -> Iterator[None]:
    """Watch over the other ranks while the body runs.

    Raises: PeerLostError in place of the error that a collective ends with when another rank stopped. Side effects: a
    rank that is stuck calls `on_lost` with the reason, writes it to standard error and ends with code 3; an error of
    this rank is told to the others.
    """
    if team.size == 1:
        yield
        return
    watch = _Watch(team, lost_after_s, on_lost)
    try:
        yield
    except ModelCoreError as error:
        watch.tell(str(error))
        raise
    except RuntimeError as error:
        reason = watch.reason() if any(mark in str(error).lower() for mark in _OF_OTHERS) else None
        if reason is None:
            watch.tell(f"{type(error).__name__}: {error}")
            raise
        raise PeerLostError(reason) from error
    except BaseException as error:
        watch.tell(f"{type(error).__name__}: {error}")
        raise
    finally:
        watch.close()


class _Watch:
    """This rank's sign of life and what it has seen of the next rank's."""

    def __init__(self, team: Team, lost_after_s: int, on_lost: Callable[[str], None]) -> None:
        self._rank, self._next = team.rank, (team.rank + 1) % team.size
        self._lost_after_s = lost_after_s
        self._on_lost = on_lost
        host, port = os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"])
        # A connection of its own: the process group's may be waiting in a collective.
        self._store = TCPStore(host, port, is_master=False, timeout=timedelta(seconds=lost_after_s))
        self._prefix = f"watch/{os.environ.get('TORCHELASTIC_RESTART_COUNT', '0')}"
        self._told = False
        self._found: str | None = None
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)
        self._thread.start()

    def tell(self, message: str) -> None:
        """Let the other ranks know that this one ends, and why."""
        self._told = True
        try:
            self._store.set(f"{self._prefix}/{_WORD}", f"rank {self._rank} stopped: {message.splitlines()[0][:500]}")
        except RuntimeError:
            logger.warning("the other ranks could not be told")

    def reason(self) -> str | None:
        """Return why the run has ended elsewhere, waiting a while for it; None when nothing was wrong there."""
        deadline = time.monotonic() + self._lost_after_s + 3 * _BEAT_S
        self._told = True
        while self._found is None and time.monotonic() < deadline:
            time.sleep(0.1)
        return self._found

    def close(self) -> None:
        """Stop watching; the sign of life says that this rank is done."""
        self._closing.set()
        self._thread.join(_GRACE_S)

    def _run(self) -> None:
        seen, seen_at, beat = b"", time.monotonic(), 0
        while not self._closing.wait(_BEAT_S):
            beat += 1
            try:
                self._store.set(f"{self._prefix}/{self._rank}", str(beat))
                found = self._look(f"{self._prefix}/{_WORD}")
                sign = self._look(f"{self._prefix}/{self._next}")
            except RuntimeError:
                self._end("the process that keeps the run together (rank 0, or its launcher) is gone")
                return
            if found:
                self._end(found.decode())
                return
            if sign != seen or sign == _DONE:
                seen, seen_at = sign, time.monotonic()
            elif time.monotonic() - seen_at > self._lost_after_s:
                reason = f"rank {self._next} has shown no sign of life for {self._lost_after_s} s"
                self._store.set(f"{self._prefix}/{_WORD}", reason)
                self._end(reason)
                return
        with suppress(RuntimeError):
            self._store.set(f"{self._prefix}/{self._rank}", _DONE.decode())

    def _look(self, key: str) -> bytes:
        return bytes(self._store.get(key)) if self._store.check([key]) else b""

    def _end(self, reason: str) -> None:
        """Give the main thread time to end by itself; one that waits in a collective never would."""
        self._found = reason
        if self._closing.wait(_GRACE_S) or self._told:
            return
        self._on_lost(reason)
        sys.stderr.write(f"error: {reason}; rank {self._rank} stops, the newest checkpoint is whole\n")
        sys.stderr.flush()
        os._exit(LOST_EXIT_CODE)
