"""When a request that arrives in pieces can be given to a thread."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.serving import MAX_HEAD_BYTES, SMALL_BODY_BYTES, Arrival

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"


def _post(length: int, more: bytes = b"") -> bytes:
    return b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n%s\r\n" % (length, more)


@pytest.mark.parametrize(
    ("content", "there", "large"),
    [
        (b"", False, False),
        (GET, True, False),
        (GET[:-1], False, False),
        (_post(3) + b"ab", False, False),
        (_post(3) + b"abc", True, False),
        (_post(SMALL_BODY_BYTES + 1), True, True),
        (_post(3, b"Expect: 100-continue\r\n"), True, True),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", True, True),
        (b"GET / HTTP/1.1\r\nX: " + b"a" * MAX_HEAD_BYTES, True, False),
    ],
)
def test_a_request_is_there(content: bytes, there: bool, large: bool) -> None:
    arrival = Arrival(0.0, bytearray(content))
    assert (arrival.is_there(), arrival.large) == (there, large)


@given(body=st.binary(max_size=40), cut=st.integers(0, 200))
def test_wherever_it_is_cut_it_is_there_only_whole(body: bytes, cut: int) -> None:
    whole = _post(len(body)) + body
    assert Arrival(0.0, bytearray(whole[:cut])).is_there() == (cut >= len(whole))
