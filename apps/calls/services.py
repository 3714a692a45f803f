"""Take in calls: recordings and finished transcripts. A file is stored whole before its row exists."""

import hashlib
import os
import shutil
import uuid
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from apps.accounts.models import AccessLog, Organization, User
from apps.accounts.services import log_access, log_access_to_many
from apps.calls.models import Call, Recording
from apps.core.errors import YoyakError
from apps.search.services import index_call

_MAX_TURNS = 5000
_LISTENING = timedelta(hours=1)


class DuplicateRecording(YoyakError):
    """The same bytes are a call of this organization already; `call` is that call."""

    def __init__(self, call: Call) -> None:
        super().__init__("duplicate", call_id=str(call.pk))
        self.call = call


def add_recording(
    *,
    organization: Organization,
    actor: User | None,
    file_name: str,
    chunks: Iterable[bytes],
    source: Call.Source,
    title: str = "",
    declared_codec: str = "",
    declared_rate_hz: int | None = None,
    call_id: uuid.UUID | None = None,
) -> Call:
    """Store an uploaded recording and return its new call.

    `declared_codec` ("mulaw", "alaw", "pcm_s16le") and `declared_rate_hz` describe files without a header. `call_id` is
    the id that the call is to have, for callers that must know their own call again after a crash.

    Raises:
        YoyakError: the file is empty or larger than the limit.
        DuplicateRecording: the organization has a call with these bytes.
    """
    call_id = call_id or uuid.uuid4()
    partial = Path(settings.FILE_UPLOAD_TEMP_DIR) / f"{call_id}.part"
    try:
        digest, size = _store(chunks, partial)
        _refuse_duplicate(organization, digest)
        path = Path(str(organization.pk)) / str(call_id) / "original"
        target = Path(settings.MEDIA_ROOT) / path
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(partial, target)
    finally:
        partial.unlink(missing_ok=True)
    with transaction.atomic():
        _refuse_duplicate(organization, digest)
        call = _create_call(call_id, organization, actor, title or Path(file_name).name, source)
        Recording.objects.create(
            call=call,
            organization=organization,
            path=str(path),
            file_name=Path(file_name).name[:255],
            sha256=digest,
            size_bytes=size,
            declared_codec=declared_codec,
            declared_rate_hz=declared_rate_hz,
        )
        index_call(call_id=call.pk)
    return call


def _store(chunks: Iterable[bytes], path: Path) -> tuple[str, int]:
    limit = settings.ENV.max_upload_mb * 1024 * 1024
    digest, size = hashlib.sha256(), 0
    with path.open("xb") as file:
        for chunk in chunks:
            size += len(chunk)
            if size > limit:
                raise YoyakError("too_large", size_mb=f"> {limit // 2**20}", limit_mb=settings.ENV.max_upload_mb)
            digest.update(chunk)
            file.write(chunk)
        file.flush()
        os.fsync(file.fileno())
    if size == 0:
        raise YoyakError("empty_file")
    return digest.hexdigest(), size


def _refuse_duplicate(organization: Organization, digest: str) -> None:
    known = Recording.objects.filter(organization=organization, sha256=digest).select_related("call").first()
    if known is not None:
        raise DuplicateRecording(known.call)


def _create_call(
    call_id: uuid.UUID, organization: Organization, actor: User | None, title: str, source: Call.Source
) -> Call:
    call = Call.objects.create(
        id=call_id, organization=organization, created_by=actor, title=title[:300], source=source
    )
    log_access(actor=actor, organization_id=organization.pk, action="add_call", kind="call", object_id=call.pk)
    return call


@transaction.atomic
def add_transcript_call(*, organization: Organization, actor: User | None, title: str, turns: int) -> Call:
    """Return a new call that has no recording; `apps.transcripts` adds its `turns` segments.

    Raises:
        YoyakError: there are no turns or too many.
    """
    if not 0 < turns <= _MAX_TURNS:
        raise YoyakError("bad_transcript", detail=f"{turns} turns, 1 to {_MAX_TURNS} are allowed")
    return _create_call(uuid.uuid4(), organization, actor, title, Call.Source.TRANSCRIPT)


@transaction.atomic
def delete_call(*, call: Call, actor: User | None) -> None:
    """Remove a call with all that hangs on it, files included."""
    log_access(actor=actor, organization_id=call.organization_id, action="delete_call", kind="call", object_id=call.pk)
    folder = Path(settings.MEDIA_ROOT) / str(call.organization_id) / str(call.pk)
    call.delete()
    transaction.on_commit(lambda: shutil.rmtree(folder, ignore_errors=True))


def record_reading(*, call: Call, actor: User, action: str) -> None:
    """Note in the access log that `actor` read or heard `call`; `action` is "read_call" or "play_recording"."""
    log_access(actor=actor, organization_id=call.organization_id, action=action, kind="call", object_id=call.pk)


def record_export(*, calls: Iterable[Call], actor: User) -> None:
    """Note in the access log that `actor` took each of `calls` out of the house."""
    objects = [(call.organization_id, call.pk) for call in calls]
    log_access_to_many(actor=actor, action="export_call", kind="call", objects=objects)


def record_listening(*, call: Call, actor: User) -> None:
    """Note in the access log that `actor` hears `call`: once an hour, for a player asks for piece after piece."""
    lately = AccessLog.objects.filter(
        organization_id=call.organization_id, at__gte=timezone.now() - _LISTENING, actor=actor
    )
    if not lately.filter(action="play_recording", object_id=call.pk).exists():
        record_reading(call=call, actor=actor, action="play_recording")


@transaction.atomic
def declare_format(*, call: Call, actor: User, codec: str, rate_hz: int | None) -> None:
    """Write down how to read the call's recording, which has no header; processing it again is up to the caller."""
    Recording.objects.filter(call=call).update(declared_codec=codec, declared_rate_hz=rate_hz)
    log_access(
        actor=actor, organization_id=call.organization_id, action="declare_format", kind="call", object_id=call.pk
    )


def describe_recording(*, call_id: uuid.UUID, facts: dict[str, Any]) -> None:
    """Write what the probe found out: channels, sample rate, codec, the copy to listen to and its peaks."""
    Recording.objects.filter(call_id=call_id).update(**facts)
