"""Keep a handful of child processes running: start, watch, restart what dies, stop all of them cleanly.

Knows processes only; which ones make up the product is `manage.py up`'s business.
"""

import logging
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

logger = logging.getLogger(__name__)

_GRACE_S = 20.0
_STEADY_S = 30.0
_MAX_PAUSE_S = 15.0


@dataclass
class Child:
    """One supervised process; `failures` counts its quick deaths in a row."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    start_after: float = 0.0
    failures: int = 0


class Supervisor:
    """Run `children` until SIGINT or SIGTERM. Each child leads its own process group, so none is left behind."""

    def __init__(self, children: Sequence[Child]) -> None:
        self.children = children
        self.stopping = False

    def run(self) -> None:
        """Block until asked to stop; then stop every child."""
        previous = {number: signal.signal(number, self._ask_to_stop) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            while not self.stopping:
                for child in self.children:
                    self._tend(child)
                time.sleep(0.2)
        finally:
            self._stop_all()
            for number, handler in previous.items():
                signal.signal(number, handler)

    def _ask_to_stop(self, *_: object) -> None:
        self.stopping = True

    def _tend(self, child: Child) -> None:
        now = time.monotonic()
        if child.process is None:
            if now >= child.start_after:
                self._start(child, now)
        elif child.process.poll() is not None:
            quick = now - child.started_at < _STEADY_S
            child.failures = child.failures + 1 if quick else 0
            pause = min(2.0**child.failures - 1.0, _MAX_PAUSE_S)
            logger.warning("%s ended with %s; starting it again in %.0f s", child.name, child.process.returncode, pause)
            _end_group(child.process, signal.SIGKILL)
            child.process, child.start_after = None, now + pause

    def _start(self, child: Child, now: float) -> None:
        child.process = subprocess.Popen(
            child.command, env=os.environ | dict(child.environment), start_new_session=True
        )
        child.started_at = now

    def _stop_all(self) -> None:
        running = [child.process for child in self.children if child.process and child.process.poll() is None]
        for process in running:
            process.terminate()
        deadline = time.monotonic() + _GRACE_S
        while any(process.poll() is None for process in running) and time.monotonic() < deadline:
            time.sleep(0.1)
        for child in self.children:
            if child.process is not None:
                _end_group(child.process, signal.SIGKILL)
                child.process.wait()


def _end_group(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    try:
        os.killpg(process.pid, number)
    except ProcessLookupError:
        return
