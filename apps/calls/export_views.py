"""Downloads: one call in a format, the calls of a filter as a table, a batch as a ZIP. Each call is logged."""

import uuid

from django.http import FileResponse, HttpRequest, HttpResponse, StreamingHttpResponse
from django.views.decorators.http import require_GET

from apps.calls.exports.files import calls_in_order, disposition, export_of, zip_of
from apps.calls.exports.tables import csv_lines
from apps.calls.forms import FilterForm
from apps.calls.searching import search_calls
from apps.calls.selectors import access_call, access_calls
from apps.calls.services import record_export
from apps.core.feedback import refusals_as_messages
from apps.core.people import person
from apps.jobs.selectors import access_batch

MAX_CALLS = 10_000


@require_GET
@refusals_as_messages("calls:list")
def export_call(request: HttpRequest, call_id: uuid.UUID, name: str) -> HttpResponse:
    """Send one call in one of the formats of `apps.calls.exports.files`."""
    actor = person(request)
    call = access_call(actor, call_id)
    content, chosen = export_of(call, name)
    record_export(calls=[call], actor=actor)
    headers = {"Content-Disposition": disposition(call.title, name)}
    return HttpResponse(content, content_type=chosen.media_type, headers=headers)


@require_GET
def export_table(request: HttpRequest) -> StreamingHttpResponse:
    """Send the calls of the list's filter, up to ten thousand, as CSV."""
    actor = person(request)
    calls = list(search_calls(actor=actor, wanted=FilterForm(request.GET).wanted())[:MAX_CALLS])
    record_export(calls=calls, actor=actor)
    headers = {"Content-Disposition": disposition("calls", "csv")}
    return StreamingHttpResponse(csv_lines(calls), content_type="text/csv; charset=utf-8", headers=headers)


@require_GET
def export_batch(request: HttpRequest, batch_id: uuid.UUID) -> FileResponse:
    """Send the calls of a batch that the person may see as one ZIP."""
    actor = person(request)
    batch = access_batch(actor, batch_id)
    calls = calls_in_order(access_calls(actor).filter(jobs__batch=batch).distinct())
    record_export(calls=calls, actor=actor)
    headers = {"Content-Disposition": disposition(batch.name, "zip")}
    return FileResponse(zip_of(calls), content_type="application/zip", headers=headers)
