"""Two hundred clients that send and read as slowly as they can: others are answered meanwhile, nobody gets a 500."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.request import urlopen

import pytest

from apps.core.management.commands.up import web_command
from tests.stack.browser import Person
from tests.stack.running import ROOT, free_port, wait_until

pytestmark = [pytest.mark.stack, pytest.mark.slow]
# The machine may be busy with other things. Without care for slow clients nobody is answered for minutes.
PATIENCE_S = 60.0
LOGIN = b"GET /login/ HTTP/1.1\r\nHost: localhost\r\n"
SCRIPT = b"GET /static/django_htmx/htmx-2.min.js HTTP/1.1\r\nHost: localhost\r\n\r\n"
BEGINNINGS = {
    "nothing at all": b"",
    "half a head": LOGIN + b"X-Slow: ",
    "half a form": b"POST /login/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: 500\r\n\r\nlogin=",
    "the beginning of a large body": b"POST /login/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3000000\r\n\r\nx",
    "many questions, and no answer is read": SCRIPT * 20,
}
_PREPARE = """
from django.core.management import call_command
from apps.core.demo import ensure_demo
call_command("migrate", verbosity=0, interactive=False)
ensure_demo(samples=False)
"""


@contextmanager
def _web(data_dir: Path) -> Iterator[tuple[int, Path]]:
    """Run the web server of `manage.py up` with a demo user; yield its port and its log."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("YOYAK_", "DJANGO_"))}
    environment |= {"YOYAK_DATA_DIR": str(data_dir)}
    subprocess.run([sys.executable, "manage.py", "shell", "-c", _PREPARE], cwd=ROOT, env=environment, check=True)
    port, log = free_port(), data_dir.parent / "web.log"
    with log.open("wb") as sink:
        process = subprocess.Popen(web_command("127.0.0.1", port), cwd=ROOT, env=environment, stdout=sink, stderr=sink)
    try:
        wait_until("the server answers", lambda: _answers(port), 120)
        yield port, log
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=60)


def _answers(port: int) -> bool:
    try:
        with urlopen(f"http://127.0.0.1:{port}/healthz", timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def _slow(port: int, sent: bytes) -> socket.socket:
    client = socket.socket()
    client.settimeout(PATIENCE_S)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.connect(("127.0.0.1", port))
    client.sendall(sent)
    return client


@pytest.mark.timeout(400)
def test_others_are_answered_while_two_hundred_are_slow(tmp_path: Path) -> None:
    with _web(tmp_path / "data") as (port, log), ExitStack() as crowd:
        demo = Person(f"http://127.0.0.1:{port}", "demo", (tmp_path / "data" / "demo-password").read_text())
        slow = {name: [crowd.enter_context(_slow(port, sent)) for _ in range(40)] for name, sent in BEGINNINGS.items()}
        assert sum(map(len, slow.values())) == 200
        for path in ("/healthz", "/calls/", "/api/v1/openapi.json", "/login/", "/healthz"):
            began = time.monotonic()
            assert demo.get(path).status == 200
            assert time.monotonic() - began < PATIENCE_S, path
        late = crowd.enter_context(_slow(port, BEGINNINGS["half a head"]))
        late.sendall(b"1\r\n\r\n")
        assert late.recv(100).startswith(b"HTTP/1.1 200"), "who is slow and goes on is answered too"
        assert " 500 " not in log.read_text() and "Traceback" not in log.read_text()
