"""Upload of large files from the calls' page: begin, send parts, ask how much has come, finish. Answers are JSON."""

import uuid
from http import HTTPStatus

from django.http import HttpRequest, JsonResponse
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from apps.accounts.selectors import access_organization
from apps.calls.selectors import access_calls
from apps.calls.services import DuplicateRecording
from apps.core.errors import YoyakError
from apps.core.feedback import explain
from apps.core.people import person
from apps.uploads.files import MAX_PART_BYTES, received_bytes
from apps.uploads.forms import BeginForm
from apps.uploads.selectors import access_upload
from apps.uploads.services import add_part, begin_upload, finish_upload


@require_POST
def begin(request: HttpRequest) -> JsonResponse:
    """Begin an upload and say where its parts go."""
    actor, form = person(request), BeginForm(request.POST)
    organization = access_organization(actor)
    if not form.is_valid():
        reason = " ".join(str(text) for errors in form.errors.values() for text in errors)
        return _refusal(reason)
    try:
        upload = begin_upload(organization=organization, actor=actor, **form.cleaned_data)
    except YoyakError as error:
        return _refusal(explain(error))
    url = reverse("uploads:part", args=[upload.pk])
    return JsonResponse({"url": url, "part_bytes": MAX_PART_BYTES // 4}, status=HTTPStatus.CREATED)


@require_http_methods(["GET", "PUT"])
def part(request: HttpRequest, upload_id: uuid.UUID) -> JsonResponse:
    """Take a part in, or only say how much has come; either answer has the offset to go on from."""
    upload = access_upload(person(request), upload_id)
    if request.method == "PUT":
        offset = request.GET.get("offset", "")
        try:
            add_part(upload=upload, offset=int(offset) if offset.isdecimal() and len(offset) < 17 else -1, part=request)
        except YoyakError as error:
            offset_now = received_bytes(upload.pk)
            return JsonResponse({"reason": explain(error), "offset": offset_now}, status=HTTPStatus.CONFLICT)
    return JsonResponse({"offset": received_bytes(upload.pk)})


@require_POST
def finish(request: HttpRequest, upload_id: uuid.UUID) -> JsonResponse:
    """Make a call of the upload; the answer is that of the upload in one piece."""
    actor = person(request)
    upload = access_upload(actor, upload_id)
    try:
        call = finish_upload(upload=upload, actor=actor)
    except DuplicateRecording as known:
        visible = access_calls(actor).filter(pk=known.call.pk).exists()
        url = reverse("calls:page", args=[known.call.pk]) if visible else ""
        return _refusal(explain(known), "duplicate", url)
    except YoyakError as error:
        return _refusal(explain(error))
    result = {"status": "added", "reason": "", "url": reverse("calls:page", args=[call.pk])}
    return JsonResponse({"results": [result]}, status=HTTPStatus.CREATED)


def _refusal(reason: str, status: str = "refused", url: str = "") -> JsonResponse:
    results = [{"status": status, "reason": reason, "url": url}]
    return JsonResponse({"results": results}, status=HTTPStatus.UNPROCESSABLE_ENTITY)
