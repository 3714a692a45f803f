"""Bring in a folder by page or API: begin with the table, gather the files, let a worker import all or nothing.

The caller holds each import by right (`access_import`). What the worker does is in `workers.importing`.
"""

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from apps.accounts.models import Organization, User
from apps.accounts.services import log_access
from apps.core.dispatch import ring, ring_on_commit
from apps.core.errors import YoyakError
from apps.intake.folder import plain_name
from apps.intake.models import ImportRun
from apps.intake.staging import clear, gathered, keep_file
from apps.intake.table import Complaint, read_table
from apps.uploads.files import Source
from workers.contracts.stages import IMPORT_TASK

# What one organization may leave unfinished, so that nobody fills the disk; it is forgotten after a day.
MAX_OPEN = 5
LIFETIME = timedelta(hours=24)
# A worker that gave no sign of life for so long has died; its import is taken up by another.
_LOST_AFTER = timedelta(minutes=2)


class BadTable(YoyakError):
    """The table cannot be used; `complaints` name every row that is wrong and what is wrong with it."""

    def __init__(self, complaints: Sequence[Complaint]) -> None:
        super().__init__("bad_table", errors=len(complaints))
        self.complaints = list(complaints)


def wanted_files(run: ImportRun) -> list[str]:
    """Return the names of the files that the table asks for, in its order."""
    return list(_wanted(run.pk))


@lru_cache(maxsize=64)
def _wanted(run_id: uuid.UUID) -> tuple[str, ...]:
    """Read the table of an import, which never changes, once for all its files."""
    table = ImportRun.objects.values_list("table", flat=True).get(pk=run_id)
    return tuple(dict.fromkeys(plain_name(row.file) for row in read_table(bytes(table)).rows.values()))


def missing_files(run: ImportRun) -> list[str]:
    """Return those that have not come yet."""
    there = gathered(run.pk)
    return [name for name in wanted_files(run) if name not in there]


@transaction.atomic
def begin_import(*, organization: Organization, actor: User, name: str, table: bytes) -> ImportRun:
    """Begin an import with the CSV file `table`.

    Raises:
        BadTable: a row of it cannot be used; nothing is kept then.
        YoyakError: the organization has too many unfinished imports.
    """
    read = read_table(table)
    if read.complaints:
        raise BadTable(sorted(read.complaints, key=lambda complaint: complaint.row))
    Organization.objects.select_for_update(no_key=True).get(pk=organization.pk)
    open_ones = ImportRun.objects.filter(organization=organization, finished_at=None)
    if open_ones.count() >= MAX_OPEN:
        raise YoyakError("too_many_imports", limit=MAX_OPEN)
    run = ImportRun.objects.create(organization=organization, created_by=actor, name=name[:200], table=table)
    _log(actor, run, "begin_import")
    return run


def add_file(*, run: ImportRun, name: str, content: Source, size_bytes: int) -> None:
    """Take in a file that the table names; one that came before is replaced.

    Raises:
        YoyakError: the import has begun, the table names no such file, or the file is too large.
        BadRequest: fewer than `size_bytes` came.
    """
    if run.state != ImportRun.State.GATHERING:
        raise YoyakError("import_started")
    if plain_name(name) not in wanted_files(run):
        raise YoyakError("file_not_named", value=name[:80])
    keep_file(run.pk, name, content, size_bytes)


@transaction.atomic
def start_import(*, run: ImportRun, actor: User) -> None:
    """Let a worker check everything and, with nothing wrong, import it. One that was started stays as it is."""
    gathering = ImportRun.objects.filter(pk=run.pk, state=ImportRun.State.GATHERING)
    if gathering.update(state=ImportRun.State.QUEUED, beat_at=timezone.now()):
        _log(actor, run, "start_import")
        ring_on_commit(IMPORT_TASK, str(run.pk), queue="io")


@transaction.atomic
def drop_import(*, run: ImportRun, actor: User) -> None:
    """Forget an import that is not at work; calls that it became stay.

    Raises:
        YoyakError: a worker is at it.
    """
    if run.state in (ImportRun.State.QUEUED, ImportRun.State.RUNNING):
        raise YoyakError("import_started")
    _log(actor, run, "drop_import")
    _forget(run.pk)


def _forget(run_id: uuid.UUID) -> None:
    ImportRun.objects.filter(pk=run_id).delete()
    transaction.on_commit(lambda: clear(run_id))


def claim_import(run_id: uuid.UUID) -> ImportRun | None:
    """Claim a waiting import, or one whose worker has died; None when it is not to be had."""
    now = timezone.now()
    run = _ready(now).filter(pk=run_id).first()
    if run is None:
        return None
    as_seen = ImportRun.objects.filter(pk=run.pk, state=run.state, beat_at=run.beat_at)
    return run if as_seen.update(state=ImportRun.State.RUNNING, beat_at=now) else None


def _ready(now: datetime) -> Any:
    lost = Q(state=ImportRun.State.RUNNING, beat_at__lt=now - _LOST_AFTER)
    return ImportRun.objects.filter(lost | Q(state=ImportRun.State.QUEUED))


def beat(*, run_id: uuid.UUID) -> None:
    """Note that the worker lives."""
    ImportRun.objects.filter(pk=run_id, state=ImportRun.State.RUNNING).update(beat_at=timezone.now())


def end_import(*, run_id: uuid.UUID, state: ImportRun.State, report: dict[str, Any]) -> None:
    """Write down how an import ended; its files are not needed any more."""
    running = ImportRun.objects.filter(pk=run_id, state=ImportRun.State.RUNNING)
    running.update(state=state, report=report, finished_at=timezone.now())
    clear(run_id)


def ring_for_imports() -> None:
    """Ring for imports that wait, or whose worker has died."""
    for run_id in _ready(timezone.now()).values_list("pk", flat=True)[:10]:
        ring(IMPORT_TASK, str(run_id), queue="io", expires_s=60)


def sweep_imports() -> int:
    """Forget the imports that nobody started within a day and return how many there were."""
    over = ImportRun.objects.filter(state=ImportRun.State.GATHERING, created_at__lt=timezone.now() - LIFETIME)
    keys = list(over.values_list("pk", flat=True))
    for run_id in keys:
        _forget(run_id)
    return len(keys)


def _log(actor: User, run: ImportRun, action: str) -> None:
    log_access(actor=actor, organization_id=run.organization_id, action=action, kind="import", object_id=run.pk)
