"""The recordings in a folder by the names that people write: whatever bytes or composition the file system keeps."""

import hashlib
import os
import unicodedata
from collections.abc import Iterator
from pathlib import Path

_CHUNK_BYTES = 1 << 20


def recordings_in(folder: Path) -> dict[str, Path]:
    """Return the files under `folder` by their path in it, with slashes. Links and hidden files do not count."""
    found = {}
    for root, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            path = Path(root, name)
            if not name.startswith(".") and path.is_file() and not path.is_symlink():
                found[plain_name(str(path.relative_to(folder)))] = path
    return found


def plain_name(name: str) -> str:
    """Return `name` composed, with slashes, its bytes read as UTF-8 or, from older Korean systems, as CP949."""
    raw = os.fsencode(name) if any("\udc80" <= c <= "\udcff" for c in name) else name.encode("utf-8", "replace")
    for encoding in ("utf-8", "cp949"):
        try:
            return unicodedata.normalize("NFC", raw.decode(encoding)).replace("\\", "/")
        except UnicodeDecodeError:
            continue
    return raw.decode("utf-8", "replace")


def chunks_of(path: Path) -> Iterator[bytes]:
    """Yield the content of a file in pieces."""
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            yield chunk


def digest_of(path: Path) -> str:
    """Return the SHA-256 of a file."""
    digest = hashlib.sha256()
    for chunk in chunks_of(path):
        digest.update(chunk)
    return digest.hexdigest()
