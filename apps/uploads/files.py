"""The partial file of an upload: how much of it is there, appending to it, reading it back. Knows no people.

One request at a time holds the file, by a lock that the operating system takes back when a process dies.
"""

import fcntl
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Protocol
from uuid import UUID

from django.conf import settings
from django.core.exceptions import BadRequest
from django.http import UnreadablePostError

from apps.core.errors import YoyakError

MAX_PART_BYTES = 16 * 1024 * 1024
_BLOCK_BYTES = 256 * 1024


class Source(Protocol):
    """What a part is read from: a request, or a file."""

    def read(self, size: int, /) -> bytes:
        """Return up to `size` bytes, none at the end."""
        ...


def path_of(upload_id: UUID) -> Path:
    """Return where the bytes of an upload are gathered."""
    return Path(settings.FILE_UPLOAD_TEMP_DIR) / f"{upload_id}.upload"


def received_bytes(upload_id: UUID) -> int:
    """Return how many bytes have come."""
    path = path_of(upload_id)
    return path.stat().st_size if path.exists() else 0


@contextmanager
def held(upload_id: UUID) -> Iterator[BinaryIO]:
    """Open the file of an upload for this request alone.

    Raises:
        YoyakError: another request holds it.
    """
    with path_of(upload_id).open("ab+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise YoyakError("upload_busy") from None
        yield file


def append(file: BinaryIO, part: Source, most_bytes: int) -> None:
    """Append `part` to `file`. What came before a connection broke is kept.

    Raises:
        YoyakError: the part goes beyond `most_bytes`; nothing of it is kept.
    """
    start = file.seek(0, os.SEEK_END)
    try:
        for block in _blocks(part):
            if file.tell() - start + len(block) > most_bytes:
                file.truncate(start)
                raise YoyakError("part_too_large", most=most_bytes)
            file.write(block)
    except UnreadablePostError as broken:
        raise BadRequest("the connection broke") from broken
    finally:
        file.flush()
        os.fsync(file.fileno())


def checked_blocks(file: BinaryIO, sha256: str) -> Iterator[bytes]:
    """Yield the whole file.

    Raises:
        YoyakError: at its end, when `sha256` is not that of the bytes; an empty one is not compared.
    """
    file.seek(0)
    digest = hashlib.sha256()
    for block in _blocks(file):
        digest.update(block)
        yield block
    if sha256 and digest.hexdigest() != sha256:
        raise YoyakError("bad_checksum")


def _blocks(source: Source) -> Iterator[bytes]:
    while block := source.read(_BLOCK_BYTES):
        yield block
