"""Behind a proxy the product knows that it is asked by HTTPS, and by whom; nobody else can say so. Through waitress."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.request import Request, urlopen

import pytest
import waitress
from django.core.handlers.wsgi import WSGIRequest

from config.env import Environment
from config.serve import options


def _echo(environ, start_response):  # type: ignore[no-untyped-def]
    request = WSGIRequest(environ)
    start_response("200 OK", [("Content-Type", "application/json")])
    return [json.dumps([request.is_secure(), request.META["REMOTE_ADDR"]]).encode()]


@contextmanager
def _served(trusted_proxy: str) -> Iterator[str]:
    server = waitress.create_server(_echo, listen="127.0.0.1:0", **options(Environment(trusted_proxy=trusted_proxy)))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.effective_port}/"
    finally:
        server.close()
        thread.join(5)


@pytest.mark.parametrize(
    ("trusted_proxy", "seen"),
    [
        ("127.0.0.1", [True, "203.0.113.7"]),
        ("*", [True, "203.0.113.7"]),
        ("", [False, "127.0.0.1"]),
        ("192.0.2.1", [False, "127.0.0.1"]),
    ],
)
def test_who_asks_and_how_is_taken_from_the_proxy_alone(trusted_proxy: str, seen: list[object]) -> None:
    with _served(trusted_proxy) as address:
        headers = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "203.0.113.7"}
        with urlopen(Request(address, headers=headers), timeout=5) as answer:
            assert json.loads(answer.read()) == seen
