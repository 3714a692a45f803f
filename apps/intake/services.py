"""Take in a recording from a folder with what is known about it. Interrupted anywhere, taking it in again ends well."""

import uuid
from pathlib import Path

from django.db import transaction

from apps.accounts.models import Organization, User
from apps.calls.models import Call
from apps.calls.services import DuplicateRecording, add_recording
from apps.intake.columns import CallRow
from apps.intake.folder import chunks_of
from apps.intake.models import CallDetails
from apps.jobs.models import Batch, Job
from apps.jobs.services import request_processing


def take_in(
    *,
    organization: Organization,
    owner: User | None,
    path: Path,
    row: CallRow,
    batch: Batch | None = None,
    call_id: uuid.UUID | None = None,
) -> Call:
    """Add the recording at `path` as a call of `owner` and ask for its summary.

    A call with these bytes that an interrupted run left without a job is finished; so is the one called `call_id`.

    Raises:
        YoyakError: the file is empty or larger than the limit.
        DuplicateRecording: the organization has another call with these bytes.
    """
    try:
        call = add_recording(
            organization=organization,
            actor=None,
            file_name=row.file,
            chunks=chunks_of(path),
            source=Call.Source.COMMAND,
            title=row.title,
            declared_codec=row.codec,
            declared_rate_hz=row.rate_hz,
            call_id=call_id,
        )
    except DuplicateRecording as known:
        if known.call.pk != call_id and Job.objects.filter(call=known.call).exists():
            raise
        call = known.call
    _begin(call, owner, row, batch)
    return call


@transaction.atomic
def _begin(call: Call, owner: User | None, row: CallRow, batch: Batch | None) -> None:
    if Job.objects.filter(call=call).exists():
        return
    Call.objects.filter(pk=call.pk).update(created_by=owner)
    told = {"external_id": row.external_id, "started_at": row.started_at, "customer_phone": row.customer_phone}
    if any(told.values()) or row.direction:
        CallDetails.objects.update_or_create(
            call=call, defaults=told | {"direction": row.direction, "organization_id": call.organization_id}
        )
    request_processing(call=call, actor=None, batch=batch)
