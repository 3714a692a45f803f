"""A secret key made once for each installation and kept beside its data. Knows no Django."""

import contextlib
import os
import secrets
from pathlib import Path


def secret_key(path: Path) -> str:
    """Return the key kept in `path`, making it on first use, readable by the owner only."""
    if path.exists():
        return path.read_text()
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.{os.getpid()}")
    partial.write_text(secrets.token_urlsafe(50))
    partial.chmod(0o600)
    with contextlib.suppress(FileExistsError):  # another process was first
        os.link(partial, path)
    partial.unlink()
    return path.read_text()
