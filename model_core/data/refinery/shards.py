"""Shards on disk: written beside their place, synced, renamed, and real only when their manifest stands there too.

What a kill leaves behind is never taken for a shard. Knows rows and manifests, nothing of what is in them.
"""

import gzip
import hashlib
import io
import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

from model_core.errors import DataError

Row = dict[str, Any]
_CHUNK_BYTES: Final = 1 << 20


class OutputError(DataError):
    """The output folder cannot be written; with room or rights the same run can go on."""

    permanent = False


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file so that it is there as a whole or not at all.

    Raises: OutputError when the disk is full or the folder not writable.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(path)
        _sync_folder(path.parent)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise OutputError(f"{path.name} ({len(content)} bytes) cannot be written: {error.strerror}") from error


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def pack_rows(rows: Iterable[Row]) -> bytes:
    """Return rows as gzipped JSON lines; the same rows are always the same bytes."""
    buffer = io.BytesIO()
    with gzip.GzipFile(fileobj=buffer, mode="wb", compresslevel=4, mtime=0) as stream:
        for row in rows:
            stream.write(json.dumps(row, ensure_ascii=False, separators=(",", ":")).encode() + b"\n")
    return buffer.getvalue()


def unpack_rows(path: Path) -> Iterator[Row]:
    """Yield the rows of a shard."""
    with gzip.open(path, "rb") as stream:
        for line in stream:
            yield json.loads(line)


def write_json(path: Path, value: object) -> None:
    """Write a manifest, atomically and the same for the same value."""
    write_atomically(path, json.dumps(value, ensure_ascii=False, indent=1, sort_keys=True).encode() + b"\n")


def read_manifest(path: Path) -> Row | None:
    """Return a manifest whose files are all there with their sizes, else None."""
    try:
        manifest: Row = json.loads(path.read_bytes())
        whole = all((path.parent / name).stat().st_size == size for name, size in manifest["files"].items())
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    return manifest if whole else None


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file.

    Raises: DataError when it cannot be read.
    """
    digest = hashlib.sha256()
    try:
        with path.open("rb") as stream:
            while chunk := stream.read(_CHUNK_BYTES):
                digest.update(chunk)
    except OSError as error:
        raise DataError(f"{path.name} cannot be read: {error.strerror}") from error
    return digest.hexdigest()
