"""A request to a stranger's address: where it may go, and that nothing the other side does keeps us."""

import socket
import threading
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.apps.webhooks.receiver import Receiver, receiving
from workers.contracts.addresses import is_public
from workers.engines import outgoing
from workers.engines.outgoing import post

PRIVATE = [
    "0.0.0.1", "10.1.2.3", "100.64.0.1", "127.0.0.1", "169.254.169.254", "172.16.0.1", "192.168.0.1", "224.0.0.1",
    "255.255.255.255", "240.0.0.1", "::", "::1", "fc00::1", "fd12::1", "fe80::1", "fe80::1%eth0", "fec0::1", "ff02::1",
    "::ffff:10.0.0.1", "::10.0.0.1", "2002:0a00:0001::1", "64:ff9b::10.0.0.1", "64:ff9b:1::1", "2001:db8::1",
    "2001:0:0a00:1::", "", "localhost", "8.8.8", "010.8.8.8",
]  # fmt: skip
PUBLIC = ["8.8.8.8", "1.1.1.1", "203.0.114.1", "2001:4860:4860::8888", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8"]


@pytest.mark.parametrize("address", PRIVATE)
def test_inside_stays_inside(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", PUBLIC)
def test_the_internet_is_public(address: str) -> None:
    assert is_public(address)


@given(st.ip_addresses(v=4, network="10.0.0.0/8") | st.ip_addresses(v=4, network="192.168.0.0/16"))
def test_no_spelling_of_a_private_address_is_public(address: Any) -> None:
    for spelling in (f"::ffff:{address}", f"64:ff9b::{address}", f"::{address}", str(address)):
        assert not is_public(spelling)


def _resolve_to(monkeypatch: pytest.MonkeyPatch, *answers: list[str]) -> list[str]:
    """Let every name resolve to the next of `answers`; return the list of names asked for."""
    asked: list[str] = []
    real, left = socket.getaddrinfo, list(answers)

    def resolve(host: str, port: int, *args: Any, **kwargs: Any) -> Any:
        if host[0].isdigit() or ":" in host:
            return real(host, port, *args, **kwargs)
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in left.pop(0)]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    return asked


def test_one_private_address_among_several_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    connected: list[Any] = []
    monkeypatch.setattr(socket, "create_connection", lambda *a, **k: connected.append(a))
    for addresses in (["127.0.0.1"], ["8.8.8.8", "10.0.0.1"], ["::1"], ["::ffff:127.0.0.1"]):
        _resolve_to(monkeypatch, addresses)
        answer = post("https://hooks.example.com/", {}, b"{}", allow_private=False)
        assert (answer.status, answer.error) == (None, "private_address")
    for url in ("https://127.0.0.1/", "https://[::1]/", "http://2130706433/", "http://0x7f.1/", "http://127.1/"):
        assert post(url, {}, b"{}", allow_private=False).error == "private_address", url
    assert connected == []


def test_the_connection_goes_to_the_address_that_was_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = _resolve_to(monkeypatch, ["8.8.8.8"], ["127.0.0.1"])
    reached: list[str] = []

    def connect(target: tuple[str, int], *_: Any) -> socket.socket:
        reached.append(target[0])
        raise ConnectionRefusedError

    monkeypatch.setattr(socket, "create_connection", connect)
    assert post("http://rebinding.example.com/", {}, b"{}", allow_private=False).error == "unreachable"
    assert asked == ["rebinding.example.com"], "the name is asked for once"
    assert reached == ["8.8.8.8"]


@pytest.fixture
def receiver() -> Any:
    with receiving() as running:
        yield running


def test_the_receiver_sees_the_name_and_all_of_the_body(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    _resolve_to(monkeypatch, ["127.0.0.1"])
    url = receiver.url.replace("127.0.0.1", "crm.internal")
    assert post(url, {"Content-Type": "application/json"}, "가".encode(), allow_private=True).error == ""
    headers, body = receiver.got[0]
    assert headers["Host"].startswith("crm.internal:") and body.decode() == "가"


def test_an_endless_answer_is_left(receiver: Receiver) -> None:
    receiver.body = b"x" * 50_000_000
    receiver.headers = {"Content-Length": str(len(receiver.body))}
    receiver.status = 200
    answer = post(receiver.url, {}, b"{}", allow_private=True)
    assert answer.status == 200 and answer.elapsed_s < 2


def test_a_dripping_answer_ends_at_the_deadline(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outgoing, "DEADLINE_S", 0.5)
    receiver.drip_s = 0.1
    started = time.monotonic()
    answer = post(receiver.url, {}, b"{}", allow_private=True)
    assert answer.error == "timeout" and time.monotonic() - started < 2


def test_a_resolver_that_does_not_answer_ends_at_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outgoing, "DEADLINE_S", 0.2)
    monkeypatch.setattr(socket, "getaddrinfo", lambda *a, **k: time.sleep(1))
    started = time.monotonic()
    assert post("https://slow.example.com/", {}, b"{}", allow_private=False).error == "timeout"
    assert time.monotonic() - started < 0.9


def test_tls_is_asked_of_whoever_says_https(receiver: Receiver) -> None:
    answer = post(receiver.url.replace("http:", "https:"), {}, b"{}", allow_private=True)
    assert answer.error == "tls" and receiver.got == []


@pytest.mark.parametrize("greeting", [b"", b"nonsense\r\n\r\n", b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 1000])
def test_nonsense_is_an_error_not_a_crash(greeting: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(greeting)

        threading.Thread(target=answer, daemon=True).start()
        port = server.getsockname()[1]
        assert post(f"http://127.0.0.1:{port}/", {}, b"{}", allow_private=True).error in ("malformed", "unreachable")


def test_a_port_nobody_listens_on() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    assert post(f"http://127.0.0.1:{port}/", {}, b"{}", allow_private=True).error == "unreachable"
