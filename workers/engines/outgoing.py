"""Send one HTTP request to an address that a stranger chose, without becoming their door into the house.

The name is resolved once, every address it has is checked, and the connection goes to a checked address, so a name
that changes its mind between check and use gains nothing. No redirects, no proxies, one deadline for all of it, and of
the answer only the status is used. Knows no webhooks and no Django.
"""

import http.client
import socket
import ssl
import threading
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

from workers.contracts.addresses import is_public
from workers.contracts.webhooks import Answer

DEADLINE_S = 10.0
# What is read of an answer, so that its sender can finish in peace; it is thrown away.
_READ_BYTES = 64 * 1024


class PrivateAddress(Exception):
    """The name leads to an address that is not on the public internet."""

    permanent = True


def post(url: str, headers: Mapping[str, str], body: bytes, *, allow_private: bool) -> Answer:
    """Send `body` to `url` and tell how it went. Raises nothing: whatever goes wrong becomes the answer's `error`."""
    started = time.monotonic()
    connection: _Pinned | None = None
    status, error = None, ""
    try:
        connection = _Pinned(url, started + DEADLINE_S, allow_private)
        status = _exchange(connection, url, headers, body)
        error = "" if 200 <= status < 300 else "redirect" if 300 <= status < 400 else "status"
    except Exception as trouble:  # a stranger's server may break any layer below, in any way
        late = connection is not None and connection.cut_off
        error = "timeout" if late else _name_of(trouble)
    return Answer(status, error, round(time.monotonic() - started, 3))


def _exchange(connection: "_Pinned", url: str, headers: Mapping[str, str], body: bytes) -> int:
    parts = urlsplit(url)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    watchdog = threading.Timer(connection.left_s(), connection.cut)
    watchdog.daemon = True
    watchdog.start()
    try:
        connection.request("POST", target, body, dict(headers))
        response = connection.getresponse()
        response.read(_READ_BYTES)
        return response.status
    finally:
        watchdog.cancel()
        connection.close()


def _name_of(trouble: Exception) -> str:
    match trouble:
        case PrivateAddress():
            return "private_address"
        case TimeoutError():
            return "timeout"
        case socket.gaierror():
            return "name"
        case ssl.SSLError():
            return "tls"
        case OSError():
            return "unreachable"
        case _:
            return "malformed"


class _Pinned(http.client.HTTPConnection):
    """A connection to a checked address of the URL's host, which speaks under the host's name."""

    def __init__(self, url: str, deadline: float, allow_private: bool) -> None:
        parts = urlsplit(url)
        self.secure = parts.scheme == "https"
        host = (parts.hostname or "").encode("idna").decode()
        super().__init__(host, parts.port or (443 if self.secure else 80))
        self.deadline, self.allow_private, self.cut_off = deadline, allow_private, False

    def left_s(self) -> float:
        """Return the seconds until the deadline, a little more than none when it has passed."""
        return max(0.01, self.deadline - time.monotonic())

    def cut(self) -> None:
        """Break off, from another thread, whatever the connection waits for."""
        self.cut_off = True
        if self.sock is not None:
            try:
                socket.socket.shutdown(self.sock, socket.SHUT_RDWR)
            except OSError:
                return

    def connect(self) -> None:
        """Resolve, check, connect, and speak TLS under the host's name.

        Raises:
            PrivateAddress: one of the name's addresses is not public.
            OSError: none of them answers, or its certificate is not the host's.
        """
        addresses = resolve(self.host, self.port, self.left_s())
        if not self.allow_private and not all(map(is_public, addresses)):
            raise PrivateAddress(self.host)
        self.sock = self._reach(addresses)
        if self.secure:
            context = ssl.create_default_context()
            self.sock = context.wrap_socket(self.sock, server_hostname=self.host, do_handshake_on_connect=False)
            self.sock.do_handshake()

    def _reach(self, addresses: list[str]) -> socket.socket:
        for address in addresses[:-1]:
            try:
                return socket.create_connection((address, self.port), self.left_s() / 2)
            except OSError:
                continue
        return socket.create_connection((addresses[-1], self.port), self.left_s())


def resolve(host: str, port: int, timeout_s: float) -> list[str]:
    """Return every address of `host`.

    Raises:
        OSError: the name has none, or the resolver takes longer than `timeout_s`.
    """
    pool = ThreadPoolExecutor(1, "resolve")
    try:
        found = pool.submit(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM).result(timeout_s)
    finally:
        pool.shutdown(wait=False)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))
