"""A folder that one process at a time may write. The lock goes with its process, however that ends."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from model_core.errors import FolderInUseError


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold `folder`, which is made when it is not there, for this process.

    Raises: FolderInUseError when another process holds it; OSError when it cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise FolderInUseError(f"another run is writing {folder}") from error
        yield
