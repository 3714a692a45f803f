"""The operations that take calls out as files; the same files as the pages give, the same lines in the access log."""

from typing import Literal

from django.http import FileResponse, HttpResponse, StreamingHttpResponse

from apps.api.operations import Ask, Incoming, operation
from apps.api.shapes import CallsQuery
from apps.calls.export_views import MAX_CALLS
from apps.calls.exports.files import FORMATS, calls_in_order, disposition, export_of, zip_of
from apps.calls.exports.tables import csv_lines
from apps.calls.searching import search_calls
from apps.calls.selectors import access_call, access_calls
from apps.calls.services import record_export
from apps.jobs.selectors import access_batch


class FormatQuery(Incoming):
    format: Literal["txt", "docx", "pdf", "srt", "vtt", "json", "ics"] = "txt"


_MEDIA_TYPES = tuple(sorted(chosen.media_type.split(";")[0] for chosen in FORMATS.values()))


@operation("GET", "calls/{call_id}/export", query=FormatQuery, media_type=_MEDIA_TYPES)
def export_call(ask: Ask) -> HttpResponse:
    """Take out one call as text, a document, subtitles, JSON or to-dos."""
    call = access_call(ask.actor, ask.ids["call_id"])
    content, chosen = export_of(call, ask.query.format)
    record_export(calls=[call], actor=ask.actor)
    headers = {"Content-Disposition": disposition(call.title, ask.query.format)}
    return HttpResponse(content, content_type=chosen.media_type, headers=headers)


@operation("GET", "calls/export", query=CallsQuery, media_type="text/csv")
def export_table(ask: Ask) -> StreamingHttpResponse:
    """Take out the calls that a filter finds, up to ten thousand, as CSV; `limit` and `cursor` are ignored."""
    calls = list(search_calls(actor=ask.actor, wanted=ask.query.wanted())[:MAX_CALLS])
    record_export(calls=calls, actor=ask.actor)
    headers = {"Content-Disposition": disposition("calls", "csv")}
    return StreamingHttpResponse(csv_lines(calls), content_type="text/csv; charset=utf-8", headers=headers)


@operation("GET", "batches/{batch_id}/export", media_type="application/zip")
def export_batch(ask: Ask) -> FileResponse:
    """Take out the calls of a batch as a ZIP."""
    batch = access_batch(ask.actor, ask.ids["batch_id"])
    calls = calls_in_order(access_calls(ask.actor).filter(jobs__batch=batch).distinct())
    record_export(calls=calls, actor=ask.actor)
    headers = {"Content-Disposition": disposition(batch.name, "zip")}
    return FileResponse(zip_of(calls), content_type="application/zip", headers=headers)
