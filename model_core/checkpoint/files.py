"""Files that are either whole or not there: atomic writes, digests, and the manifest that is written last.

A folder is complete when its MANIFEST.json lists every file with its size and SHA-256. Several processes can write one
folder, on a disk that all see: each its own files, and what fails on one is raised on all. It knows no tensors.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from model_core.errors import CheckpointDiskError, CheckpointError
from model_core.parallel.team import Team

MANIFEST = "MANIFEST.json"
FORMAT_VERSION = 1
_READ_BYTES = 1 << 20

Result = TypeVar("Result")
Described = dict[str, dict[str, int | str]]


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(_READ_BYTES):
            digest.update(block)
    return digest.hexdigest()


def write_folder(folder: Path, fill: Callable[[Path], None], team: Team | None = None) -> str:
    """Make `folder` by letting `fill` write into a temporary one beside it; return the folder's digest.

    Of a team every rank calls it, and `fill` writes that rank's files. The files are synced, the manifest is written
    last, and one rename makes it all appear. A folder of that name is replaced.

    Raises: CheckpointDiskError when there is no room or no right to write; what was there stays. Side effects:
    leftovers of an earlier, killed attempt are removed.
    """
    team = team or Team()
    temporary = folder.with_name(f".{folder.name}.part")
    try:
        together(team, folder, lambda: _clear(temporary) if team.rank == 0 else None)
        # Listed when every rank has written its own: a file in the making has another name.
        together(team, folder, lambda: fill(temporary))
        digests = together(team, folder, lambda: _synced(temporary, team))
        files = {name: described for part in digests for name, described in part.items()}
        return str(together(team, folder, lambda: _publish(temporary, folder, files) if team.rank == 0 else "")[0])
    finally:
        if team.rank == 0:
            shutil.rmtree(temporary, ignore_errors=True)


def together(team: Team, folder: Path, action: Callable[[], Result]) -> list[Result]:
    """Do something with files of `folder` on every rank; return every rank's result.

    Raises: CheckpointDiskError or CheckpointError on every rank when it failed on one.
    """
    result: Result | None = None
    own: CheckpointError | None = None
    try:
        result = action()
    except CheckpointError as error:
        own = error
    except OSError as error:
        own = CheckpointDiskError(f"{folder} cannot be read or written: {error}")
    outcomes = team.gather((result, own))
    for rank, (_, failure) in enumerate(outcomes):
        if failure is not None:
            place = f" (rank {rank})" if team.size > 1 else ""
            raise type(failure)(f"{failure}{place}") from own
    return [found for found, _ in outcomes]  # type: ignore[misc]


def _clear(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)


def _synced(folder: Path, team: Team) -> Described:
    """Bring the files to the disk, as every rank must for its own, and describe this rank's share of them."""
    paths = sorted(folder.iterdir())
    for path in paths:
        _sync(path)
    return {path.name: {"size_bytes": path.stat().st_size, "sha256": sha256_of(path)} for path in team.share(paths)}


def _publish(temporary: Path, folder: Path, files: Described) -> str:
    manifest = temporary / MANIFEST
    manifest.write_text(json.dumps({"format_version": FORMAT_VERSION, "files": files}, indent=1, sort_keys=True) + "\n")
    digest = sha256_of(manifest)
    _sync(manifest)
    _sync(temporary)
    replaced = folder.with_name(f".{folder.name}.old")
    shutil.rmtree(replaced, ignore_errors=True)
    if folder.exists():
        folder.rename(replaced)
    temporary.rename(folder)
    _sync(folder.parent)
    shutil.rmtree(replaced, ignore_errors=True)
    return digest


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def verify_folder(folder: Path, team: Team | None = None) -> str:
    """Check every file of a folder against its manifest; return the folder's digest, the manifest's SHA-256.

    Of a team every rank calls it and reads its share of the files.

    Raises: CheckpointError naming what is missing or altered.
    """
    team = team or Team()
    return together(team, folder, lambda: _verify(folder, team))[0]


def _verify(folder: Path, team: Team) -> str:
    manifest = folder / MANIFEST
    if not manifest.is_file():
        raise CheckpointError(f"{folder} is no complete checkpoint: it has no {MANIFEST}")
    try:
        listed = json.loads(manifest.read_text())["files"]
    except (ValueError, KeyError) as error:
        raise CheckpointError(f"{manifest} cannot be read: {error}") from error
    for name, wanted in team.share(list(listed.items())):
        path = folder / name
        if not path.is_file() or path.stat().st_size != wanted["size_bytes"]:
            found = path.stat().st_size if path.is_file() else 0
            raise CheckpointError(f"{path} holds {found} bytes; the manifest says {wanted['size_bytes']}")
        if sha256_of(path) != wanted["sha256"]:
            raise CheckpointError(f"{path} was altered: its SHA-256 is not the manifest's {wanted['sha256']}")
    return sha256_of(manifest)


def is_complete(folder: Path, team: Team | None = None) -> bool:
    """Return whether a folder matches its manifest."""
    try:
        verify_folder(folder, team)
    except CheckpointError:
        return False
    return True
