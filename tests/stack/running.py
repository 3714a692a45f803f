"""Start the whole product as processes in a data folder of its own, and look at it from outside."""

import json
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import urlopen

ROOT = Path(__file__).resolve().parent.parent.parent
SAMPLES = ROOT / "pretrained" / "samples"


@dataclass
class Stack:
    """A running product: its address, its data folder and its environment."""

    port: int
    data_dir: Path
    environment: Mapping[str, str]
    process: subprocess.Popen[bytes]
    log: Path

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def manage(self, *arguments: str, timeout_s: float = 240, check: bool = True) -> str:
        """Run a management command against this stack and return what it printed."""
        answer = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=dict(self.environment),
            capture_output=True,
            text=True,
            timeout=timeout_s,
        )
        assert not check or answer.returncode == 0, answer.stderr[-2000:] + answer.stdout[-500:]
        return answer.stdout

    def start_call(self, recording: Path) -> "subprocess.Popen[str]":
        """Begin `process_call` in the background; its output is one JSON object."""
        return subprocess.Popen(
            [sys.executable, "manage.py", "process_call", str(recording), "--json"],
            cwd=ROOT,
            env=dict(self.environment),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """Read the SQLite database from outside."""
        connection = sqlite3.connect(f"file:{self.data_dir}/yoyak.sqlite3?mode=ro", uri=True, timeout=10)
        try:
            return connection.execute(sql).fetchall()
        finally:
            connection.close()

    def worker_pids(self, queue: str) -> tuple[int, list[int]]:
        """Return the main process of the worker of `queue` and its pool children."""
        mains: dict[int, list[int]] = {}
        parents = {}
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            try:
                command = (entry / "cmdline").read_bytes().decode(errors="replace")
                status = (entry / "stat").read_text()
                environment = (entry / "environ").read_bytes().decode(errors="replace")
            except OSError:
                continue
            if f"{queue}@" in command and str(self.data_dir) in environment:
                parents[int(entry.name)] = int(re.sub(r"\(.*\)", "x", status).split()[3])
        for pid, parent in parents.items():
            if parent in parents:
                mains.setdefault(parent, []).append(pid)
            else:
                mains.setdefault(pid, [])
        assert len(mains) == 1, f"one {queue} worker is expected, not {mains}"
        return next(iter(mains.items()))


def wait_until(what: str, condition: Callable[[], Any], timeout_s: float = 60, every_s: float = 0.05) -> Any:
    """Return the first true answer of `condition`."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        if answer := condition():
            return answer
        time.sleep(every_s)
    raise AssertionError(f"after {timeout_s} s: not {what}")


def free_port() -> int:
    """Return a TCP port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def running_stack(data_dir: Path, *arguments: str, **settings: str) -> Iterator[Stack]:
    """Run `manage.py up` with `settings` added to the environment; stop it with Ctrl-C."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("YOYAK_", "DJANGO_"))}
    environment |= {"YOYAK_DATA_DIR": str(data_dir), "PYTHONUNBUFFERED": "1"} | settings
    port = free_port()
    log = data_dir.parent / f"{data_dir.name}.log"
    with log.open("ab") as sink:
        process = subprocess.Popen(
            [sys.executable, "manage.py", "up", "--port", str(port), *arguments],
            cwd=ROOT,
            env=environment,
            stdout=sink,
            stderr=sink,
            start_new_session=True,
        )
    stack = Stack(port, data_dir, environment, process, log)
    try:
        wait_until("the page answers and every queue has a worker", lambda: _answers(stack), 900, every_s=0.5)
        yield stack
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(timeout=40)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            raise


def _answers(stack: Stack) -> bool:
    assert stack.process.poll() is None, stack.log.read_text()[-3000:]
    try:
        with urlopen(f"{stack.url}/readyz", timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def report_of(call: "subprocess.Popen[str]", timeout_s: float = 240) -> dict[str, Any]:
    """Wait for `Stack.start_call` and return its report."""
    output, _ = call.communicate(timeout=timeout_s)
    report: dict[str, Any] = json.loads(output)
    return report
