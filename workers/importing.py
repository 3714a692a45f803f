"""Import a folder whose table was checked: for the command line, and for imports that came by page or API.

Killed anywhere, an import is taken up by the next worker and ends well: what is a call already is a duplicate then.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

from django.utils import timezone

from apps.accounts.models import Organization, User
from apps.calls.services import DuplicateRecording
from apps.core.errors import YoyakError
from apps.intake.columns import CallRow
from apps.intake.imports import beat, claim_import, end_import
from apps.intake.models import ImportRun
from apps.intake.planning import Entry, Plan, plan_import
from apps.intake.services import take_in
from apps.intake.staging import folder_of
from apps.jobs.batches import close_batch, start_batch
from apps.jobs.models import Batch
from workers.readable import require_readable


def run_import(run_id: UUID) -> None:
    """Check an import that waits and, with nothing wrong in it, import it; nothing happens when it is not to be had."""
    run = claim_import(run_id)
    if run is None:
        return

    def look(path: Path, row: CallRow) -> None:
        beat(run_id=run_id)
        require_readable(path, row)

    plan = plan_import(organization=run.organization, folder=folder_of(run_id), table=bytes(run.table), look=look)
    errors = [
        {"row": each.row, "column": each.column, "code": each.error.code, "values": _plain(each.error.values)}
        for each in plan.complaints
    ]
    if errors:
        end_import(run_id=run_id, state=ImportRun.State.REFUSED, report={"errors": errors})
        return
    account = import_planned(run.organization, plan, run.name, run.created_by, lambda: beat(run_id=run_id))
    end_import(run_id=run_id, state=ImportRun.State.DONE, report={"errors": [], **account})


def _plain(values: dict[str, object]) -> dict[str, str]:
    return {name: str(value) for name, value in values.items()}


def planned(plan: Plan) -> dict[str, Any]:
    """Return the account of what importing `plan` would do."""
    return {"batch": None, "calls": [_line(e, "duplicate" if e.twin else "new", e.twin) for e in plan.entries]}


def import_planned(
    organization: Organization,
    plan: Plan,
    name: str,
    actor: User | None = None,
    told: Callable[[], None] = lambda: None,
) -> dict[str, Any]:
    """Import `plan` as one batch and return the account of every row; `told` is called after each."""
    batch = None
    if any(not entry.twin for entry in plan.entries):
        title = f"{name[:180]} {timezone.localtime():%Y-%m-%d %H:%M}"
        batch = start_batch(name=title, calls=[], actor=actor, organization_id=organization.pk, filling=True)
    calls = []
    for entry in plan.entries:
        calls.append(_one(organization, entry, batch))
        told()
    if batch is not None:
        close_batch(batch=batch)
    return {"batch": batch and str(batch.pk), "calls": calls}


def _one(organization: Organization, entry: Entry, batch: Batch | None) -> dict[str, Any]:
    if entry.twin:
        return _line(entry, "duplicate", entry.twin)
    try:
        call = take_in(organization=organization, owner=entry.owner, path=entry.path, row=entry.row, batch=batch)
    except DuplicateRecording as known:
        return _line(entry, "duplicate", str(known.call.pk))
    except (YoyakError, OSError) as error:
        # It was readable a moment ago. The others go on; running the import again takes this one in.
        return _line(entry, "failed", "") | {"detail": str(error)}
    return _line(entry, "added", str(call.pk))


def _line(entry: Entry, status: str, call: str) -> dict[str, Any]:
    return {"row": entry.number, "file": entry.row.file, "status": status, "call": call}
