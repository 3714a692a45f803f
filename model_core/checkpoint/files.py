"""Files that are either whole or not there: atomic writes, digests, and the manifest that is written last.

A folder is complete when its MANIFEST.json lists every file with its size and SHA-256, and itself has the digest that
it names. What was measured of the weights is written beside them later and may be listed or not. Several processes can
write one folder, on a disk that all see: each its own files, and what fails on one is raised on all. It knows no
tensors.
"""

import errno
import hashlib
import json
import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

from model_core.errors import CheckpointDiskError, CheckpointError, ModelCoreError
from model_core.parallel.team import Team

MANIFEST = "MANIFEST.json"
# Version 1 had no digest of its own.
FORMAT_VERSION = 2
_READABLE: Final = (1, 2)
# The results of these weights and the card made of them; they belong to no other weights.
MEASURED: Final = ("evaluation.json", "README.md")
_READ_BYTES = 1 << 20

Result = TypeVar("Result")


@dataclass(frozen=True)
class ListedFile:
    """What a manifest says of a file."""

    size_bytes: int
    sha256: str


@dataclass(frozen=True)
class Manifest:
    """The files of a folder by name."""

    files: Mapping[str, ListedFile]
    format_version: int = FORMAT_VERSION

    def text(self) -> str:
        """Return the one text that stands for it on disk, with a digest of the rest: a flipped bit shows anywhere."""
        values: dict[str, Any] = {
            "files": {name: asdict(file) for name, file in self.files.items()},
            "format_version": self.format_version,
        }
        if self.format_version > 1:
            values["sha256"] = hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()
        return json.dumps(values, indent=1, sort_keys=True) + "\n"


def read_manifest(folder: Path) -> Manifest:
    """Return the manifest of a folder.

    Raises: CheckpointError when there is none, it was altered, or its format is of another version. Side effects: a
    folder that was moved away by a writer which was killed comes back.
    """
    restore_replaced(folder)
    path = folder / MANIFEST
    if not path.is_file():
        raise CheckpointError(f"{folder} is no complete checkpoint: it has no {MANIFEST}")
    try:
        text = path.read_bytes().decode()
        values = json.loads(text)
        version = values["format_version"]
        manifest = Manifest({name: ListedFile(**file) for name, file in values["files"].items()}, version)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise CheckpointError(f"{path} cannot be read: {error}") from error
    if version not in _READABLE:
        raise CheckpointError(f"format_version of {path} is {version!r}; this program reads 1 to {FORMAT_VERSION}")
    if manifest.text() != text:
        raise CheckpointError(f"{path} was altered: it is not as it was written")
    return manifest


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

    Raises: CheckpointDiskError, or what else of the family, on every rank when it failed on one.
    """
    result: Result | None = None
    own: ModelCoreError | None = None
    try:
        result = action()
    except ModelCoreError as error:
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


def _synced(folder: Path, team: Team) -> dict[str, ListedFile]:
    """Bring the files to the disk, as every rank must for its own, and describe this rank's share of them."""
    paths = sorted(folder.iterdir())
    for path in paths:
        _sync(path)
    return {path.name: ListedFile(path.stat().st_size, sha256_of(path)) for path in team.share(paths)}


def _publish(temporary: Path, folder: Path, files: Mapping[str, ListedFile]) -> str:
    manifest = temporary / MANIFEST
    manifest.write_bytes(Manifest(files).text().encode())
    digest = sha256_of(manifest)
    _sync(manifest)
    _sync(temporary)
    _exchange(temporary, folder)
    return digest


def _exchange(temporary: Path, folder: Path) -> None:
    """Let the new folder take the place of the old one, which stands beside it for a moment."""
    replaced = _replaced(folder)
    shutil.rmtree(replaced, ignore_errors=True)
    if folder.exists():
        folder.rename(replaced)
    try:
        temporary.rename(folder)
    except OSError as error:
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
            raise
        # Who looked between the two renames has put the old one back.
        shutil.rmtree(folder)
        temporary.rename(folder)
    _sync(folder.parent)
    shutil.rmtree(replaced, ignore_errors=True)


def restore_replaced(folder: Path) -> None:
    """Put back what a writer moved away from `folder` when it was killed before the new one stood there."""
    if _replaced(folder).is_dir() and not folder.exists():
        _replaced(folder).rename(folder)


def _replaced(folder: Path) -> Path:
    return folder.with_name(f".{folder.name}.old")


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
    listed = read_manifest(folder).files
    found = {path.name for path in folder.iterdir() if not path.name.startswith(".")}
    unlisted = found - {*listed, MANIFEST, *MEASURED}
    if unlisted:
        raise CheckpointError(f"{folder} holds {min(unlisted)}, which its {MANIFEST} does not list")
    for name, wanted in team.share(list(listed.items())):
        path = folder / name
        if not path.is_file() or path.stat().st_size != wanted.size_bytes:
            size_bytes = path.stat().st_size if path.is_file() else 0
            raise CheckpointError(f"{path} holds {size_bytes} bytes; the manifest says {wanted.size_bytes}")
        if sha256_of(path) != wanted.sha256:
            raise CheckpointError(f"{path} was altered: its SHA-256 is not the manifest's {wanted.sha256}")
    return sha256_of(folder / MANIFEST)
