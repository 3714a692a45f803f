"""The operations that take in a recording in parts, for connections that break."""

from apps.accounts.selectors import access_organization
from apps.api.operations import Ask, operation
from apps.api.shapes import CallOut
from apps.api.upload_shapes import PartQuery, UploadIn, UploadOut
from apps.jobs.selectors import latest_job_by_call
from apps.uploads.selectors import access_upload
from apps.uploads.services import add_part, begin_upload, drop_upload, finish_upload


@operation("POST", "uploads", body=UploadIn, answer=UploadOut, status=201)
def create_upload(ask: Ask) -> UploadOut:
    """Begin to upload a recording in parts; it must be finished within 24 hours."""
    house = access_organization(ask.actor)
    return UploadOut.of(begin_upload(organization=house, actor=ask.actor, **ask.body.model_dump()))


@operation("GET", "uploads/{upload_id}", answer=UploadOut)
def read_upload(ask: Ask) -> UploadOut:
    """Read how much of an upload has come: the `offset` of the next part."""
    return UploadOut.of(access_upload(ask.actor, ask.ids["upload_id"]))


@operation("PUT", "uploads/{upload_id}", query=PartQuery, raw=True, answer=UploadOut)
def put_part(ask: Ask) -> UploadOut:
    """Append a part, up to 16 MiB; `offset` must be the number of bytes that have come, else the answer is 409."""
    upload = access_upload(ask.actor, ask.ids["upload_id"])
    add_part(upload=upload, offset=ask.query.offset, part=ask.request)
    return UploadOut.of(upload)


@operation("POST", "uploads/{upload_id}/finish", answer=CallOut, status=201)
def finish(ask: Ask) -> CallOut:
    """Check size and SHA-256, make a call of the upload and start its summary. Asked again, the same call."""
    call = finish_upload(upload=access_upload(ask.actor, ask.ids["upload_id"]), actor=ask.actor)
    return CallOut.of(call, latest_job_by_call([call.pk]).get(call.pk))


@operation("DELETE", "uploads/{upload_id}", status=204)
def remove_upload(ask: Ask) -> None:
    """Forget an upload; a call that it became stays."""
    drop_upload(upload=access_upload(ask.actor, ask.ids["upload_id"]), actor=ask.actor)
