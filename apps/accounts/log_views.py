"""The access log as auditors and administrators read it, and take it out."""

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET, require_safe

from apps.accounts.forms import LogForm
from apps.accounts.labels import ACTIONS, KINDS
from apps.accounts.log import access_log, log_lines, people_in_log, record_log_export
from apps.core.paging import capped_page_of
from apps.core.people import person

_ROWS = 50


@require_safe
def show_log(request: HttpRequest) -> HttpResponse:
    """Show the lines that the filter finds, newest first, up to a thousand."""
    actor = person(request)
    form = LogForm(request.GET, people_in_log(actor))
    page = capped_page_of(request, access_log(actor, form.wanted()), _ROWS)
    rows = [(row, ACTIONS.get(row.action, row.action), KINDS.get(row.object_type, row.object_type)) for row in page]
    context = {"page": page, "rows": rows, "filter": form, "filter_query": form.query()}
    return render(request, "members/log.html", context)


@require_GET
def export_log(request: HttpRequest) -> StreamingHttpResponse:
    """Send the lines that the filter finds as CSV; that is a line of the log itself."""
    actor = person(request)
    rows = access_log(actor, LogForm(request.GET, people_in_log(actor)).wanted())
    record_log_export(actor=actor)
    headers = {"Content-Disposition": 'attachment; filename="access-log.csv"'}
    return StreamingHttpResponse(log_lines(rows), content_type="text/csv; charset=utf-8", headers=headers)
