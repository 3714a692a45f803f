"""Two hundred clients that send and read as slowly as they can: others are answered meanwhile, nobody gets a 500."""

import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.stack.browser import Person
from tests.stack.running import Stack, running_stack

pytestmark = [pytest.mark.stack, pytest.mark.slow]
# One machine may be busy with other things: what is shown is that answers come, long before the slow ones end.
PATIENCE_S = 20.0
LARGE = b"POST /login/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3000000\r\n\r\n" + b"x" * 1000
BEGINNINGS = {
    "nothing at all": b"",
    "half a head": b"GET /login/ HTTP/1.1\r\nHost: localhost\r\nX-Slow: ",
    "half a form": b"POST /login/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: 500\r\n\r\nlogin=",
    "the beginning of a large body": LARGE,
}
READERS = b"GET /login/ HTTP/1.1\r\nHost: localhost\r\n\r\n" * 20


def _slow(stack: Stack, sent: bytes) -> socket.socket:
    client = socket.create_connection(("127.0.0.1", stack.port), timeout=PATIENCE_S)
    client.sendall(sent)
    return client


def _crowd(stack: Stack) -> Iterator[socket.socket]:
    for beginning in BEGINNINGS.values():
        for _ in range(40):
            yield _slow(stack, beginning)
    for _ in range(40):
        yield _slow(stack, READERS)  # and reads nothing


@pytest.mark.timeout(240)
def test_others_are_answered_while_two_hundred_are_slow(tmp_path: Path) -> None:
    with running_stack(tmp_path / "data", "--no-samples") as stack, ExitStack() as crowd:
        demo = Person(stack.url, "demo", (tmp_path / "data" / "demo-password").read_text())
        slow = [crowd.enter_context(client) for client in _crowd(stack)]
        assert len(slow) == 200
        for path in ("/healthz", "/calls/", "/api/v1/openapi.json", "/login/", "/healthz"):
            began = time.monotonic()
            assert demo.get(path).status == 200
            assert time.monotonic() - began < PATIENCE_S, path
        slow[45].sendall(b"1\r\n\r\n")
        assert slow[45].recv(100).startswith(b"HTTP/1.1 200"), "who was slow and goes on is answered too"
        log = stack.log.read_text()
        assert " 500 " not in log and "Traceback" not in log, log[-2000:]
