"""The watched folder: a file that has stopped growing becomes a call and moves to `done`, or to `refused` with why.

What is under way lies in ``.yoyak/taking/<call id>/``: the rename into it is the claim, its name the id the call will
have. So a run that was killed anywhere is finished by the next, and no file becomes two calls.
"""

import fcntl
import json
import logging
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from apps.accounts.models import Organization, User
from apps.calls.services import DuplicateRecording
from apps.core.errors import YoyakError
from apps.intake.columns import CallRow
from apps.intake.folder import plain_name
from apps.intake.services import take_in
from workers.management.report import reason_report
from workers.readable import require_readable

logger = logging.getLogger(__name__)
# What programs call a file that they are still writing.
_UNFINISHED = (".part", ".partial", ".filepart", ".tmp", ".crdownload", ".!ut")

# So that a folder of thousands does not keep a worker from everything else.
_A_VISIT = 50
# A name is cut where the reason beside it would be too long for a file system (255 bytes).
_NAME_BYTES = 200


@dataclass(frozen=True)
class Watched:
    """A folder and whose calls its files become. A file has arrived when it has not changed for `settle_s` seconds."""

    folder: Path
    organization: Organization
    owner: User | None
    settle_s: float

    def visit(self, now_s: float) -> None:
        """Finish what an earlier visit began, then take in what has arrived by `now_s`. One visit at a time."""
        self._taking.mkdir(parents=True, exist_ok=True)
        with _alone(self.folder / ".yoyak" / "lock") as alone:
            if not alone:
                return
            interrupted = sorted(self._taking.iterdir())
            arrived = [self._claim(path) for path in self._arrived(now_s)[:_A_VISIT]]
            for claim in interrupted + arrived:
                self._finish(claim)

    @property
    def _taking(self) -> Path:
        return self.folder / ".yoyak" / "taking"

    def _arrived(self, now_s: float) -> list[Path]:
        """Return the files that are as they were `settle_s` ago, and remember how the others are now."""
        memory = self.folder / ".yoyak" / "seen.json"
        before = _remembered(memory)
        seen: dict[str, list[float]] = {}
        for entry in sorted(os.scandir(self.folder), key=lambda entry: entry.name):
            if entry.is_file(follow_symlinks=False) and not _unfinished(entry.name):
                stat = entry.stat(follow_symlinks=False)
                known = before.get(entry.name)
                same = known is not None and known[:2] == [stat.st_size, stat.st_mtime_ns]
                seen[entry.name] = [stat.st_size, stat.st_mtime_ns, known[2] if known and same else now_s]
        memory.with_suffix(".new").write_text(json.dumps(seen))
        memory.with_suffix(".new").replace(memory)
        return [self.folder / name for name, (*_, since_s) in seen.items() if now_s - since_s >= self.settle_s]

    def _claim(self, path: Path) -> Path:
        claim = self._taking / str(uuid.uuid4())
        claim.mkdir()
        with suppress(FileNotFoundError):  # somebody took it back
            path.rename(claim / path.name)
        return claim

    def _finish(self, claim: Path) -> None:
        """Bring a claimed file to its end. What a later visit may mend, such as a full disk, is left for it."""
        try:
            for path in claim.iterdir():
                self._take(path, uuid.UUID(claim.name))
            claim.rmdir()
        except Exception:
            logger.warning("a file of the watched folder waits in %s", claim, exc_info=True)

    def _take(self, path: Path, call_id: uuid.UUID) -> None:
        row = CallRow(file=plain_name(path.name))
        try:
            require_readable(path, row)
            take_in(organization=self.organization, owner=self.owner, path=path, row=row, call_id=call_id)
        except YoyakError as error:
            self._refuse(path, error)
        else:
            path.rename(_free(self.folder / "done", path.name))

    def _refuse(self, path: Path, error: YoyakError) -> None:
        target = _free(self.folder / "refused", path.name)
        reason = reason_report(error.code, error.values)
        known = f"\n{error.call.pk}" if isinstance(error, DuplicateRecording) else ""
        # Before the file, so that no refused file is without its reason.
        target.with_name(f"{target.name}.reason.txt").write_text(
            f"{reason['ko']}\n{reason['en']}\n{error.code}{known}\n", encoding="utf-8"
        )
        path.rename(target)


@contextmanager
def _alone(lock: Path) -> Iterator[bool]:
    """Hold `lock` and tell whether it was free. The kernel lets it go when the process dies."""
    with lock.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True


def _remembered(memory: Path) -> dict[str, list[float]]:
    try:
        remembered: dict[str, list[float]] = json.loads(memory.read_text())
    except (OSError, ValueError):
        return {}
    return remembered


def _unfinished(name: str) -> bool:
    return name.startswith((".", "~")) or name.lower().endswith(_UNFINISHED)


def _free(folder: Path, name: str) -> Path:
    """Return a path for `name` in `folder` that no file has yet."""
    folder.mkdir(exist_ok=True)
    stem, suffix = Path(name).stem, Path(name).suffix
    if len(os.fsencode(name)) > _NAME_BYTES:
        stem, suffix = stem[:50], suffix[:10]
    target, number = folder / f"{stem}{suffix}", 2
    while target.exists():
        target = folder / f"{stem} ({number}){suffix}"
        number += 1
    return target
