"""Threads that notice when another process of the run is gone, so that none waits for it for ever.

Each rank shows a sign of life in the launcher's store every few seconds, looks for that of the next rank, and for a
word that the run has ended. It works where a collective would not come back: a killed process, a machine without
power, a stopped one, be it the one that holds the store. It knows nothing of what the ranks compute.
"""

import logging
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

from torch.distributed import TCPStore  # type: ignore[attr-defined]

from model_core.errors import ModelCoreError, PeerLostError
from model_core.parallel.team import place_in_run

logger = logging.getLogger(__name__)

_BEAT_S = 2.0
# How long a rank that lost touch waits to learn why, and then to end in an orderly way.
_GRACE_S = 10.0
# How long ranks may come one after the other at the start, each loading its libraries from a disk that all share.
_START_S = 600.0
LOST_EXIT_CODE = 3
_WORD, _DONE = "ended", b"done"
# What the errors of collectives and of the store have in them when another process is gone.
_OF_OTHERS = ("gloo", "nccl", "connection", "peer", "timed out", "timeout", "broken pipe")


@contextmanager
def watched(lost_after_s: int, on_lost: Callable[[str], None]) -> Iterator[None]:
    """Watch over the other ranks of the launcher's run while the body joins them and computes.

    Raises: PeerLostError in place of the error that a collective ends with when another rank stopped. Side effects: a
    rank that is stuck calls `on_lost` with the reason, writes it to standard error and ends with code 3; an error of
    this rank is told to the others.
    """
    rank, size = place_in_run()
    if size == 1:
        yield
        return
    watch = _Watch(rank, size, lost_after_s, on_lost)
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
    """This rank's sign of life and what it has seen of the next rank's.

    One thread talks to the store, another one judges: the first gets no answer from a store whose process was stopped.
    """

    def __init__(self, rank: int, size: int, lost_after_s: int, on_lost: Callable[[str], None]) -> None:
        self._rank, self._next = rank, (rank + 1) % size
        self._lost_after_s = lost_after_s
        self._on_lost = on_lost
        self._prefix = f"watch/{os.environ.get('TORCHELASTIC_RESTART_COUNT', '0')}"
        self._store: TCPStore | None = None
        self._told = False
        self._found: str | None = None
        self._closing = threading.Event()
        # The sign of life seen last, the moment from which it is too old, and that from which the store's silence is.
        self._sign, self._sign_ends = b"", time.monotonic() + _START_S
        self._answer_ends = self._sign_ends
        self._threads = [threading.Thread(target=run, daemon=True) for run in (self._talk, self._judge)]
        for thread in self._threads:
            thread.start()

    def tell(self, message: str) -> None:
        """Let the other ranks know that this one ends, and why."""
        if not self._write(_WORD, f"rank {self._rank} stopped: {message.splitlines()[0][:500]}"):
            logger.warning("the other ranks could not be told")
        self._told = True

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
        for thread in self._threads:
            thread.join(_GRACE_S)

    def _talk(self) -> None:
        """Show signs of life and look for others', until there is a reason to end."""
        beat = 0
        while not self._closing.wait(_BEAT_S):
            beat += 1
            try:
                reason = self._beat(beat)
            except RuntimeError:
                reason = "the process that keeps the run together (rank 0, or its launcher) is gone"
            if reason:
                self._end(reason)
                return
            self._answer_ends = time.monotonic() + self._lost_after_s
        self._write(str(self._rank), _DONE.decode())

    def _beat(self, number: int) -> str:
        """Show sign of life `number`; return why the run has ended, nothing while it has not."""
        self._connected().set(f"{self._prefix}/{self._rank}", str(number))
        word, sign = self._look(_WORD), self._look(str(self._next))
        if word:
            return word.decode()
        if sign != self._sign or sign == _DONE:
            self._sign, self._sign_ends = sign, time.monotonic() + self._lost_after_s
        if time.monotonic() < self._sign_ends:
            return ""
        reason = f"rank {self._next} has shown no sign of life for {self._lost_after_s if sign else _START_S:.0f} s"
        self._write(_WORD, reason)
        return reason

    def _judge(self) -> None:
        """End a run whose store answers no more, though the connection to it stands."""
        while not self._closing.wait(_BEAT_S) and self._found is None:
            if time.monotonic() > self._answer_ends:
                self._end("the process that keeps the run together (rank 0, or its launcher) does not answer")

    def _connected(self) -> TCPStore:
        """Return a connection of our own: the process group's may be waiting in a collective."""
        if self._store is None:
            host, port = os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"])
            self._store = TCPStore(host, port, is_master=False, timeout=timedelta(seconds=_START_S))
        return self._store

    def _look(self, key: str) -> bytes:
        store, key = self._connected(), f"{self._prefix}/{key}"
        return bytes(store.get(key)) if store.check([key]) else b""

    def _write(self, key: str, value: str) -> bool:
        """Write to the store; return whether that was possible."""
        try:
            if self._store is not None:
                self._store.set(f"{self._prefix}/{key}", value)
        except RuntimeError:
            return False
        return self._store is not None

    def _end(self, reason: str) -> None:
        """Give the main thread time to end by itself; one that waits in a collective never would."""
        self._found = reason
        if self._closing.wait(_GRACE_S) or self._told:
            return
        self._on_lost(reason)
        sys.stderr.write(f"error: {reason}; rank {self._rank} stops, the newest checkpoint is whole\n")
        sys.stderr.flush()
        os._exit(LOST_EXIT_CODE)
