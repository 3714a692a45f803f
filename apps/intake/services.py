"""Take in a recording from a folder with what is known about it. Interrupted anywhere, taking it in again ends well."""

import uuid
from datetime import datetime
from pathlib import Path

from django.db import transaction

from apps.accounts.models import Organization, User
from apps.calls.filters import digits_of
from apps.calls.models import Call
from apps.calls.services import DuplicateRecording, add_recording
from apps.intake.columns import CallRow
from apps.intake.folder import chunks_of
from apps.intake.models import CallDetails
from apps.jobs.models import Batch, Job
from apps.jobs.requests import request_processing
from apps.search.services import index_call


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
    names = ("external_id", "started_at", "customer_phone", "direction")
    told = {name: getattr(row, name) for name in names if getattr(row, name)}
    if told:
        keep_details(call=call, **told)
    request_processing(call=call, actor=None, batch=batch)


@transaction.atomic
def keep_details(
    *,
    call: Call,
    external_id: str = "",
    started_at: datetime | None = None,
    customer_phone: str = "",
    direction: str = "",
) -> None:
    """Keep what the telephone system knew of `call`: it can be found by it, and happened when people spoke."""
    told = {
        "organization_id": call.organization_id,
        "external_id": external_id,
        "started_at": started_at,
        "customer_phone": customer_phone,
        "phone_digits": digits_of(customer_phone),
        "direction": direction,
    }
    CallDetails.objects.update_or_create(call=call, defaults=told)
    if started_at is not None:
        Call.objects.filter(pk=call.pk).update(happened_at=started_at)
    index_call(call_id=call.pk)
