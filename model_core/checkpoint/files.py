"""Files that are either whole or not there: atomic writes, digests, and the manifest that is written last.

A folder is complete when its MANIFEST.json lists every file with its size and SHA-256. It knows no tensors.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

from model_core.errors import CheckpointError, CheckpointWriteError

MANIFEST = "MANIFEST.json"
FORMAT_VERSION = 1
_READ_BYTES = 1 << 20


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(_READ_BYTES):
            digest.update(block)
    return digest.hexdigest()


def write_folder(folder: Path, fill: Callable[[Path], None]) -> str:
    """Make `folder` by letting `fill` write into a temporary one beside it; return the folder's digest.

    The files are synced, the manifest is written last, and one rename makes it all appear. A folder of that name is
    replaced.

    Raises: CheckpointWriteError when there is no room or no right to write; what was there stays.
    Side effects: leftovers of an earlier, killed attempt are removed.
    """
    temporary = folder.with_name(f".{folder.name}.part")
    shutil.rmtree(temporary, ignore_errors=True)
    try:
        temporary.mkdir(parents=True)
        fill(temporary)
        digest = _write_manifest(temporary)
        _put_in_place(temporary, folder)
    except OSError as error:
        raise CheckpointWriteError(f"{folder} cannot be written: {error}") from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return digest


def _put_in_place(temporary: Path, folder: Path) -> None:
    replaced = folder.with_name(f".{folder.name}.old")
    shutil.rmtree(replaced, ignore_errors=True)
    if folder.exists():
        folder.rename(replaced)
    temporary.rename(folder)
    _sync(folder.parent)
    shutil.rmtree(replaced, ignore_errors=True)


def _write_manifest(folder: Path) -> str:
    files = {}
    for path in sorted(folder.iterdir()):
        _sync(path)
        files[path.name] = {"size_bytes": path.stat().st_size, "sha256": sha256_of(path)}
    manifest = folder / MANIFEST
    manifest.write_text(json.dumps({"format_version": FORMAT_VERSION, "files": files}, indent=1, sort_keys=True) + "\n")
    _sync(manifest)
    _sync(folder)
    return sha256_of(manifest)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def verify_folder(folder: Path) -> str:
    """Check every file of a folder against its manifest; return the folder's digest, the manifest's SHA-256.

    Raises: CheckpointError naming what is missing or altered.
    """
    manifest = folder / MANIFEST
    if not manifest.is_file():
        raise CheckpointError(f"{folder} is no complete checkpoint: it has no {MANIFEST}")
    try:
        listed = json.loads(manifest.read_text())["files"]
    except (ValueError, KeyError) as error:
        raise CheckpointError(f"{manifest} cannot be read: {error}") from error
    for name, wanted in listed.items():
        path = folder / name
        if not path.is_file() or path.stat().st_size != wanted["size_bytes"]:
            found = path.stat().st_size if path.is_file() else 0
            raise CheckpointError(f"{path} holds {found} bytes; the manifest says {wanted['size_bytes']}")
        if sha256_of(path) != wanted["sha256"]:
            raise CheckpointError(f"{path} was altered: its SHA-256 is not the manifest's {wanted['sha256']}")
    return sha256_of(manifest)


def is_complete(folder: Path) -> bool:
    """Return whether a folder matches its manifest."""
    try:
        verify_folder(folder)
    except CheckpointError:
        return False
    return True
