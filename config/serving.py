"""A gunicorn worker that slow clients cannot keep from everybody else.

Gunicorn's own gives a thread to each connection that has begun to send; sixteen clients that never finish a request
would hold all of them. Here the main loop gathers what arrives, without threads, and a thread takes a request when its
head and, up to `SMALL_BODY_BYTES`, its body are there. Larger bodies are read by the thread, `LARGE_AT_ONCE` of them at
a time; further ones wait, and so does the next request of a client that has not read the answer before. Behind a proxy
that gathers requests and answers itself (`deploy/nginx.conf`) nothing of this is seen.
"""

import fcntl
import re
import selectors
import socket
import struct
import termios
import time
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from gunicorn import http
from gunicorn.workers.gthread import TConn, ThreadWorker

MAX_HEAD_BYTES = 64 * 1024
SMALL_BODY_BYTES = 64 * 1024
# Of the threads that read large bodies; the others stay free.
LARGE_AT_ONCE = 8
# A request must have come within so long; one whose large body, or whose reader, stands still so long is given up.
ARRIVAL_S, STALLED_S = 30.0, 30
_STOPPING_ARRIVAL_S = 2.0
# A client that has so much left to read gets no further answer on that connection yet.
UNREAD_BYTES = 64 * 1024
# An answer of this size leaves its thread at once, whether it is read or not (the kernel may allow less).
_SEND_BUFFER_BYTES = 1024 * 1024
_BLOCK_BYTES = 64 * 1024
_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d{1,18})[ \t]*\r\n", re.IGNORECASE)
_UNGATHERED = re.compile(rb"\r\n(?:transfer-encoding|expect):", re.IGNORECASE)
_TOO_SLOW = b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"


@dataclass
class Arrival:
    """A request on its way in."""

    began_at: float
    content: bytearray = field(default_factory=bytearray)
    large: bool = False

    def is_there(self) -> bool:
        """Tell whether a thread can take the request; `large` tells then that its body is still to be read."""
        end = self.content.find(b"\r\n\r\n")
        if end < 0:
            # More than any head may have: gunicorn's parser refuses it.
            return len(self.content) > MAX_HEAD_BYTES
        head = bytes(self.content[: end + 4])
        length = _LENGTH.search(head)
        body_bytes = int(length[1]) if length else 0
        self.large = body_bytes > SMALL_BODY_BYTES or _UNGATHERED.search(head) is not None
        return self.large or len(self.content) - len(head) >= body_bytes


class PatientWorker(ThreadWorker):  # type: ignore[misc]
    """The threaded worker, given whole requests."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._arriving: dict[TConn, Arrival] = {}
        self._reading_large: set[TConn] = set()
        self._waiting_large: deque[tuple[TConn, Arrival]] = deque()
        self._unread: dict[TConn, Arrival] = {}

    def enqueue_req(self, conn: TConn) -> None:
        """Gather the next request of a connection before a thread takes it."""
        arrival = Arrival(time.monotonic())
        if conn.parser is not None:
            arrival.content += conn.parser.unreader.take_buffered()
        conn.sock.setblocking(False)
        self._arriving[conn] = arrival
        self.poller.register(conn.sock, selectors.EVENT_READ, partial(self._gather, conn))
        if arrival.is_there():
            self._arrived(conn)

    def _gather(self, conn: TConn, _sock: socket.socket) -> None:
        try:
            data = conn.sock.recv(_BLOCK_BYTES)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            data = b""
        if not data:
            self._drop(conn)
            return
        self._arriving[conn].content += data
        if self._arriving[conn].is_there():
            self._arrived(conn)

    def _arrived(self, conn: TConn) -> None:
        arrival = self._arriving.pop(conn)
        self.poller.unregister(conn.sock)
        if _unread_bytes(conn.sock) > UNREAD_BYTES:
            self._unread[conn] = arrival
        else:
            self._admit(conn, arrival)

    def _admit(self, conn: TConn, arrival: Arrival) -> None:
        if arrival.large and len(self._reading_large) >= LARGE_AT_ONCE:
            self._waiting_large.append((conn, arrival))
        else:
            self._hand_over(conn, arrival)

    def _hand_over(self, conn: TConn, arrival: Arrival) -> None:
        if arrival.large:
            self._reading_large.add(conn)
        if conn.parser is None:
            conn.parser = http.get_parser(self.cfg, conn.sock, conn.client)
            conn.initialized = True
            _be_strict(conn.sock)
        conn.data_ready = True
        conn.parser.unreader.unread(bytes(arrival.content))
        super().enqueue_req(conn)

    def finish_request(self, conn: TConn, fs: Any) -> None:
        """Take note of an answered request, and let a large one that waits begin."""
        if conn in self._reading_large:
            self._reading_large.remove(conn)
            if self._waiting_large:
                self._hand_over(*self._waiting_large.popleft())
        super().finish_request(conn, fs)

    def murder_pending(self) -> None:
        """Give up requests that take too long to come."""
        super().murder_pending()
        patience_s = ARRIVAL_S if self.alive else _STOPPING_ARRIVAL_S
        now = time.monotonic()
        for conn, arrival in list(self._unread.items()):
            if _unread_bytes(conn.sock) <= UNREAD_BYTES:
                self._admit(conn, self._unread.pop(conn))
            elif now - arrival.began_at >= patience_s:
                del self._unread[conn]
                self._hang_up(conn)
        for conn, arrival in list(self._arriving.items()):
            if now - arrival.began_at < patience_s:
                break
            self._drop(conn, _TOO_SLOW if arrival.content else b"")

    def _drop(self, conn: TConn, last_words: bytes = b"") -> None:
        del self._arriving[conn]
        self.poller.unregister(conn.sock)
        self._hang_up(conn, last_words)

    def _hang_up(self, conn: TConn, last_words: bytes = b"") -> None:
        self.nr_conns -= 1
        with suppress(OSError):
            conn.sock.send(last_words)
        conn.close()


def _unread_bytes(sock: socket.socket) -> int:
    """Return how much of what was sent the other side has not taken."""
    answer = fcntl.ioctl(sock.fileno(), termios.TIOCOUTQ, struct.pack("i", 0))
    return int(struct.unpack("i", answer)[0])


def _be_strict(sock: socket.socket) -> None:
    """Let neither reading from nor writing to a client that stands still hold a thread for long."""
    limit = struct.pack("ll", STALLED_S, 0)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, limit)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, limit)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER_BYTES)
