"""Take in a recording part by part: begin, append, finish or drop; sweep what nobody finished."""

import uuid
from datetime import timedelta
from pathlib import Path
from typing import BinaryIO

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from apps.accounts.models import Organization, User
from apps.accounts.services import log_access
from apps.calls.models import Call
from apps.calls.services import add_recording
from apps.core.errors import YoyakError
from apps.jobs.requests import request_processing
from apps.uploads.files import MAX_PART_BYTES, Source, append, checked_blocks, held, path_of, received_bytes
from apps.uploads.models import Upload

LIFETIME = timedelta(hours=24)
# What one person may leave unfinished, so that nobody fills the disk.
MAX_OPEN = 20
# Refusals that no further part could mend.
_HOPELESS = {"duplicate", "bad_checksum"}


@transaction.atomic
def begin_upload(
    *,
    organization: Organization,
    actor: User,
    file_name: str,
    size_bytes: int,
    sha256: str = "",
    title: str = "",
    codec: str = "",
    rate_hz: int | None = None,
) -> Upload:
    """Return a new upload of a file of `size_bytes`, to be sent in parts within a day.

    Raises:
        YoyakError: the file is empty or too large, or the person has too many unfinished ones.
    """
    _check_size(size_bytes)
    User.objects.select_for_update(no_key=True).get(pk=actor.pk)
    if Upload.objects.filter(created_by=actor, call=None, expires_at__gt=timezone.now()).count() >= MAX_OPEN:
        raise YoyakError("too_many_uploads", limit=MAX_OPEN)
    upload = Upload.objects.create(
        organization=organization,
        created_by=actor,
        file_name=Path(file_name).name or "recording",
        size_bytes=size_bytes,
        sha256=sha256,
        title=title,
        codec=codec,
        rate_hz=rate_hz,
        expires_at=timezone.now() + LIFETIME,
    )
    log_access(actor=actor, organization_id=organization.pk, action="begin_upload", kind="upload", object_id=upload.pk)
    return upload


def _check_size(size_bytes: int) -> None:
    limit_mb = settings.ENV.max_upload_mb
    if size_bytes == 0:
        raise YoyakError("empty_file")
    if size_bytes > limit_mb * 2**20:
        raise YoyakError("too_large", size_mb=size_bytes // 2**20, limit_mb=limit_mb)


def add_part(*, upload: Upload, offset: int, part: Source) -> int:
    """Append a part that begins at `offset` and return how many bytes have come.

    Raises:
        YoyakError: the offset is not where the file ends, the part is too large, or another request is at it.
        BadRequest: the connection broke; what came is kept.
    """
    if upload.call_id:
        raise YoyakError("upload_finished")
    with held(upload.pk) as file:
        received = received_bytes(upload.pk)
        if offset != received:
            raise YoyakError("wrong_offset", sent=offset, offset=received)
        append(file, part, min(MAX_PART_BYTES, upload.size_bytes - received))
    return received_bytes(upload.pk)


def finish_upload(*, upload: Upload, actor: User) -> Call:
    """Make a call of an upload that is complete and start its processing; one that was finished gives its call again.

    Raises:
        YoyakError: bytes are missing; or the checksum is another or the organization has the recording already, and
            the upload is forgotten.
    """
    with held(upload.pk) as file:
        upload.refresh_from_db()
        if upload.call is not None:
            path_of(upload.pk).unlink(missing_ok=True)
            return upload.call
        try:
            call = _become_call(upload, actor, file)
        except YoyakError as error:
            if error.code in _HOPELESS:
                _forget(upload.pk)
            raise
        path_of(upload.pk).unlink()
    return call


def _become_call(upload: Upload, actor: User, file: BinaryIO) -> Call:
    received = received_bytes(upload.pk)
    if received != upload.size_bytes:
        raise YoyakError("incomplete_upload", offset=received, size=upload.size_bytes)
    call = add_recording(
        organization=upload.organization,
        actor=actor,
        file_name=upload.file_name,
        chunks=checked_blocks(file, upload.sha256),
        source=Call.Source.UPLOAD,
        title=upload.title,
        declared_codec=upload.codec,
        declared_rate_hz=upload.rate_hz,
    )
    request_processing(call=call, actor=actor)
    Upload.objects.filter(pk=upload.pk).update(call=call)
    return call


@transaction.atomic
def drop_upload(*, upload: Upload, actor: User) -> None:
    """Forget an upload with what has come; a call that it became stays."""
    log_access(
        actor=actor, organization_id=upload.organization_id, action="drop_upload", kind="upload", object_id=upload.pk
    )
    _forget(upload.pk)


def _forget(upload_id: uuid.UUID) -> None:
    Upload.objects.filter(pk=upload_id).delete()
    transaction.on_commit(lambda: path_of(upload_id).unlink(missing_ok=True))


def sweep_uploads() -> int:
    """Forget the uploads whose day is over and return how many there were."""
    over = list(Upload.objects.filter(expires_at__lte=timezone.now()).values_list("pk", flat=True))
    for upload_id in over:
        _forget(upload_id)
    return len(over)
