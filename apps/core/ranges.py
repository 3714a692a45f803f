"""Answer byte ranges of a file, so that a player can seek. Knows HTTP and files, nothing of calls or people.

One range a request; several ranges, or a header that is not understood, get the whole file, as the standard allows.
Source: RFC 9110, sections 13.1.5 and 14.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseNotModified, StreamingHttpResponse

_BLOCK_BYTES = 256 * 1024
# A player that asks for all the rest reads as it plays: it gets a piece and asks again, and holds no thread meanwhile.
PIECE_BYTES = 1024 * 1024
_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})", re.ASCII)


class Unsatisfiable(Exception):
    """The range asked for lies outside the file."""

    permanent = True


def parse_range(header: str, size_bytes: int) -> tuple[int, int] | None:
    """Return the first and last byte to answer `header` with, None for the whole file; a range without an end is cut.

    Raises:
        Unsatisfiable: the range begins after the end of the file or is empty.
    """
    match = _RANGE.fullmatch(header.strip())
    if match is None or not any(match.groups()):
        return None
    first, last = match.groups()
    if not first:
        start, end = max(0, size_bytes - int(last)), size_bytes - 1
    else:
        start = int(first)
        end = min(int(last) if last else start + PIECE_BYTES - 1, size_bytes - 1)
        if last and int(last) < int(first):
            return None
    if start >= size_bytes or start > end:
        raise Unsatisfiable(f"range {header!r} of {size_bytes} bytes")
    return start, end


def file_response(request: HttpRequest, path: Path, *, content_type: str, etag: str) -> HttpResponseBase:
    """Return the file, the range asked for (206), 304 when the browser has it, or 416. `etag` is a strong, bare tag."""
    quoted, size_bytes = f'"{etag}"', path.stat().st_size
    if request.headers.get("If-None-Match", "") in (quoted, "*"):
        return _with_headers(HttpResponseNotModified(), quoted)
    header = request.headers.get("Range", "")
    if request.headers.get("If-Range", quoted) != quoted:
        header = ""
    try:
        chosen = parse_range(header, size_bytes)
    except Unsatisfiable:
        refusal = HttpResponse(status=416, headers={"Content-Range": f"bytes */{size_bytes}"})
        return _with_headers(refusal, quoted)
    start, end = chosen or (0, size_bytes - 1)
    content = iter(()) if request.method == "HEAD" else _blocks(path, start, end - start + 1)
    response = StreamingHttpResponse(content, status=206 if chosen else 200, content_type=content_type)
    response["Content-Length"] = str(end - start + 1)
    if chosen:
        response["Content-Range"] = f"bytes {start}-{end}/{size_bytes}"
    return _with_headers(response, quoted)


def _with_headers(response: HttpResponseBase, etag: str) -> HttpResponseBase:
    response["ETag"] = etag
    response["Accept-Ranges"] = "bytes"
    response["Cache-Control"] = "private, no-cache"
    return response


def _blocks(path: Path, start: int, length: int) -> Iterator[bytes]:
    with path.open("rb") as file:
        file.seek(start)
        while length > 0 and (block := file.read(min(_BLOCK_BYTES, length))):
            length -= len(block)
            yield block
