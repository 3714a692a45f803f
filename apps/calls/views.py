"""The list of calls, the upload, the call page and what can be done from it. Queries and changes are elsewhere."""

import uuid
from datetime import UTC
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_GET, require_POST, require_safe
from django_htmx.http import HttpResponseClientRefresh, HttpResponseStopPolling

from apps.accounts.selectors import access_organization
from apps.calls.forms import FilterForm, FormatForm, UploadForm, moment_of
from apps.calls.listening import recording_response
from apps.calls.listing import rows_of
from apps.calls.models import Call
from apps.calls.page import call_page
from apps.calls.searching import first_found
from apps.calls.selectors import access_call, access_calls, access_recording, agents_of, find_calls
from apps.calls.services import (
    DuplicateRecording,
    add_recording,
    declare_format,
    delete_call,
    record_reading,
)
from apps.core.errors import YoyakError
from apps.core.feedback import back, explain, refusals_as_messages, see_other
from apps.core.paging import CappedPaginator, capped_page_of, page_of
from apps.core.people import person, reader
from apps.jobs.models import Job
from apps.jobs.progress import progress_of
from apps.jobs.requests import cancel_job, request_processing, request_summary, run_again
from apps.jobs.selectors import latest_job_by_call, waiting_before
from apps.sorting.selectors import access_searches, access_tags

_MAX_LIVE = 50
# What a multipart envelope may add to the file itself.
_ENVELOPE_BYTES = 1024 * 1024


@require_safe
def list_calls(request: HttpRequest) -> HttpResponse:
    """Show the calls the person may see, filtered, a page at a time."""
    actor, form = reader(request), FilterForm(request.GET)
    wanted = form.wanted()
    # Calls that come in while somebody turns the pages would shift them.
    as_of = moment_of(request.GET.get("as_of", "")) or timezone.now()
    tags = access_tags(actor)
    form.offer(agents=[(str(agent.pk), agent.username) for agent in agents_of(actor)], tags=[tag.name for tag in tags])
    if wanted.narrows:
        keys = first_found(actor=actor, wanted=wanted, most=CappedPaginator.most + 1, as_of=as_of)
        page = capped_page_of(request, access_calls(actor), keys=keys)
    else:
        page = page_of(request, find_calls(actor, wanted, as_of=as_of))
    rows, moment = rows_of(list(page.object_list), wanted), as_of.astimezone(UTC).isoformat()
    context = {
        "page": page,
        "rows": rows,
        "live": [row.call.pk for row in rows if row.is_live],
        "filter": form,
        "filtered": wanted.narrows,
        "filter_query": form.query(),
        "as_of": moment,
        "page_query": urlencode({"as_of": moment}) + "&" + form.query(),
        "searches": access_searches(actor),
        "tags": tags,
        "upload": UploadForm(),
        "limit_bytes": settings.ENV.max_upload_mb * 1024 * 1024,
        "limit_mb": settings.ENV.max_upload_mb,
        "limit_minutes": settings.ENV.max_call_minutes,
    }
    return render(request, "calls/list.html", context)


@require_GET
def live_rows(request: HttpRequest) -> HttpResponse:
    """Return the rows named by ``?id=`` as they are now, for polling; 286 ends it when nothing moves any more.

    What was searched for comes along, so that a row keeps showing where it was found.
    """
    form = FilterForm(request.GET)
    calls = list(access_calls(person(request)).filter(pk__in=_ids(request)).select_related("recording"))
    rows = rows_of(calls, form.wanted())
    live = [row.call.pk for row in rows if row.is_live]
    response = render(request, "calls/live.html", {"rows": rows, "live": live, "filter_query": form.query()})
    return response if live else HttpResponseStopPolling(response.content)


def _ids(request: HttpRequest) -> list[uuid.UUID]:
    keys = []
    for text in request.GET.getlist("id")[:_MAX_LIVE]:
        try:
            keys.append(uuid.UUID(text))
        except ValueError:
            raise Http404("no such call") from None
    return keys


@csrf_exempt
@require_POST
def upload(request: HttpRequest) -> HttpResponse:
    """Take in recordings. A body that is too large is refused before a byte of it is read."""
    access_organization(person(request))
    size = request.META.get("CONTENT_LENGTH") or "0"
    limit_mb = settings.ENV.max_upload_mb
    if size.isdigit() and int(size) > limit_mb * 1024 * 1024 + _ENVELOPE_BYTES:
        error = YoyakError("too_large", size_mb=int(size) // 2**20, limit_mb=limit_mb)
        return _upload_answer(request, [_refused("", error)])
    return _upload(request)


@csrf_protect
def _upload(request: HttpRequest) -> HttpResponse:
    form = UploadForm(request.POST, request.FILES)
    if not form.is_valid():
        reason = " ".join(str(text) for errors in form.errors.values() for text in errors)
        return _upload_answer(request, [{"file": "", "status": "refused", "reason": reason, "url": ""}])
    return _upload_answer(request, [_take_in(request, file, form.cleaned_data) for file in form.cleaned_data["files"]])


def _take_in(request: HttpRequest, file: "UploadedFile[Any]", declared: dict[str, Any]) -> dict[str, str]:
    actor, name = person(request), file.name or _("이름 없는 파일")
    try:
        call = add_recording(
            organization=access_organization(actor),
            actor=actor,
            file_name=name,
            chunks=file.chunks(),
            source=Call.Source.UPLOAD,
            declared_codec=declared["codec"],
            declared_rate_hz=declared["rate_hz"],
        )
    except DuplicateRecording as known:
        visible = access_calls(actor).filter(pk=known.call.pk).exists()
        url = reverse("calls:page", args=[known.call.pk]) if visible else ""
        return {"file": name, "status": "duplicate", "reason": explain(known), "url": url}
    except YoyakError as error:
        return _refused(name, error)
    request_processing(call=call, actor=actor)
    return {"file": name, "status": "added", "reason": "", "url": reverse("calls:page", args=[call.pk])}


def _refused(name: str, error: YoyakError) -> dict[str, str]:
    return {"file": name, "status": "refused", "reason": explain(error), "url": ""}


def _upload_answer(request: HttpRequest, results: list[dict[str, str]]) -> HttpResponse:
    """Answer a script with JSON (201 when anything was added, 422 else), a plain form with messages."""
    added = sum(result["status"] == "added" for result in results)
    if request.accepts("text/html"):
        for result in results:
            if result["status"] != "added":
                messages.warning(request, f"{result['file']} {result['reason']}".strip())
        if added:
            messages.success(
                request, ngettext("통화 %(n)s건을 올렸습니다.", "통화 %(n)s건을 올렸습니다.", added) % {"n": added}
            )
        return see_other("calls:list")
    status = HTTPStatus.CREATED if added else HTTPStatus.UNPROCESSABLE_ENTITY
    return JsonResponse({"results": results}, status=status)


@require_safe
def show_call(request: HttpRequest, call_id: uuid.UUID) -> HttpResponse:
    """Show one call: player, summary, transcript; ``?version=`` shows an earlier summary."""
    actor = person(request)
    call = access_call(actor, call_id)
    record_reading(call=call, actor=actor, action="read_call")
    context = call_page(actor, call, version=request.GET.get("version", ""))
    return render(request, "calls/page.html", context | {"format": FormatForm()})


@require_GET
def show_progress(request: HttpRequest, call_id: uuid.UUID) -> HttpResponse:
    """Return the progress of the call's job, for polling; the page reloads itself once the job has ended."""
    job = _newest_job(access_call(person(request), call_id))
    if job is None or job.is_final:
        return HttpResponseClientRefresh()
    context = {"progress": progress_of(job), "before": waiting_before(job), "call_id": call_id}
    return render(request, "calls/progress.html", context)


def _newest_job(call: Call) -> Job | None:
    return latest_job_by_call([call.pk]).get(call.pk)


@require_safe
def play(request: HttpRequest, call_id: uuid.UUID) -> HttpResponseBase:
    """Send the copy of the recording that browsers can play, in ranges."""
    actor = person(request)
    return recording_response(request, access_recording(actor, call_id), actor=actor)


@require_POST
@refusals_as_messages("calls:list")
def regenerate(request: HttpRequest, call_id: uuid.UUID) -> HttpResponse:
    """Summarize the call again."""
    actor = person(request)
    call = access_call(actor, call_id)
    request_summary(call=call, actor=actor)
    return see_other("calls:page", call.pk)


@require_POST
@refusals_as_messages("calls:list")
def retry(request: HttpRequest, call_id: uuid.UUID) -> HttpResponse:
    """Run the call again from where it stopped; a call that never ran, from the start.

    A recording without a header can be told its codec and sample rate on the way.
    """
    actor = person(request)
    call = access_call(actor, call_id)
    form = FormatForm(request.POST)
    if form.is_valid() and form.cleaned_data["codec"]:
        declare_format(call=call, actor=actor, **form.cleaned_data)
    run_again(call=call, job=_newest_job(call), actor=actor)
    return back(request, reverse("calls:page", args=[call.pk]))


@require_POST
def cancel(request: HttpRequest, call_id: uuid.UUID) -> HttpResponse:
    """Cancel what is being done with the call."""
    actor = person(request)
    call = access_call(actor, call_id)
    job = _newest_job(call)
    if job is not None and not job.is_final:
        cancel_job(job=job, actor=actor)
    return back(request, reverse("calls:page", args=[call.pk]))


@require_POST
def delete(request: HttpRequest, call_id: uuid.UUID) -> HttpResponse:
    """Delete the call with everything that hangs on it."""
    actor = person(request)
    call = access_call(actor, call_id)
    title = call.title
    delete_call(call=call, actor=actor)
    messages.success(request, _("“%(title)s” 통화를 지웠습니다.") % {"title": title})
    return see_other("calls:list")
