"""Name the version of a model folder by its weights, so that a result can always be traced to what made it."""

import hashlib
from functools import lru_cache
from pathlib import Path


def folder_version(folder: str, weights: str) -> str:
    """Return "name@digest" for a model folder whose weights are in the file `weights`; a hub name stays as it is."""
    file = Path(folder) / weights
    if not file.is_file():
        return folder
    return f"{file.parent.name}@{_digest(file, file.stat().st_mtime_ns)}"


@lru_cache(maxsize=16)
def _digest(file: Path, _changed_ns: int) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()[:8]
