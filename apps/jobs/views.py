"""Batches: many calls summarized as one piece of work, with one bar and an account of every call."""

import uuid
from collections.abc import Sequence
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, QueryDict, StreamingHttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST, require_safe
from django_htmx.http import HttpResponseStopPolling

from apps.accounts.models import User
from apps.calls.models import Call
from apps.core.feedback import refusals_as_messages, see_other
from apps.core.paging import page_of
from apps.core.people import person
from apps.jobs.batches import cancel_batch, pause_batch, resume_batch, retry_batch
from apps.jobs.estimates import estimate_batch
from apps.jobs.forms import BatchForm, WishForm
from apps.jobs.models import Batch
from apps.jobs.progress import progress_of
from apps.jobs.reports import report_response
from apps.jobs.selectors import (
    BatchReport,
    access_batch,
    access_batch_jobs,
    access_batches,
    access_whole_batch,
    batch_report,
    batch_shares,
)
from apps.summaries.shown import titles_by_call
from apps.summary_templates.selectors import access_templates, access_wish
from apps.summary_templates.services import batch_with
from apps.training.selectors import model_name, models_of


@require_safe
def list_batches(request: HttpRequest) -> HttpResponse:
    """Show the batches the person may see, newest first."""
    actor = person(request)
    page = page_of(request, access_batches(actor))
    shares = batch_shares(actor, page.object_list)
    rows = [(batch, shares[batch.pk], bar(shares[batch.pk])) for batch in page.object_list]
    return render(request, "jobs/batches.html", {"page": page, "rows": rows})


@require_http_methods(["GET", "HEAD", "POST"])
@refusals_as_messages("calls:list")
def prepare(request: HttpRequest) -> HttpResponse:
    """Show what summarizing the chosen calls again would take, before anything starts; it changes nothing."""
    actor = person(request)
    form = BatchForm(request.POST or request.GET, actor=actor)
    calls = form.chosen()
    context = {
        "hidden": form.hidden(),
        "name": batch_name(len(calls)),
        "estimate": estimate_batch(calls, request.POST.get("model", "")),
        "wishes": _wish_form(actor, calls, {name: request.POST.get(name, "") for name in ("template", "model")}),
    }
    return render(request, "jobs/prepare.html", context)


def batch_name(count: int) -> str:
    """Return what a batch of `count` calls is called unless the person says otherwise."""
    return _("%(when)s · %(n)s건") % {"when": timezone.localtime().strftime("%Y-%m-%d %H:%M"), "n": count}


def _wish_form(actor: User, calls: Sequence[Call], initial: dict[str, str], data: QueryDict | None = None) -> WishForm:
    house = calls[0].organization_id
    templates = [(str(one.pk), one.name) for one in access_templates(actor).filter(organization=house)]
    models = [(one.key, one.version or str(_("기본 모델"))) for one in models_of(house)]
    return WishForm(data, initial=initial, templates=templates, models=models)


@require_POST
@refusals_as_messages("calls:list")
def start(request: HttpRequest) -> HttpResponse:
    """Summarize the chosen calls again as one batch."""
    actor = person(request)
    form = BatchForm(request.POST, actor=actor)
    calls = form.chosen()
    wishes = _wish_form(actor, calls, {}, request.POST)
    if not wishes.is_valid():
        raise Http404("no such template or model")
    template = access_wish(actor, wishes.cleaned_data["template"])
    name = form.cleaned_data["name"] or batch_name(len(calls))
    batch = batch_with(calls=calls, template=template, name=name, actor=actor, model=wishes.cleaned_data["model"])
    return see_other("jobs:batch", batch.pk)


@require_safe
def show_batch(request: HttpRequest, batch_id: uuid.UUID) -> HttpResponse:
    """Show one batch with the account of every call."""
    batch = access_batch(person(request), batch_id)
    return render(request, "jobs/batch.html", _account(request, batch, batch_report(person(request), batch)))


@require_GET
def show_batch_progress(request: HttpRequest, batch_id: uuid.UUID) -> HttpResponse:
    """Return the moving part of the page, for polling; 286 once every call has ended."""
    batch = access_batch(person(request), batch_id)
    report = batch_report(person(request), batch)
    response = render(request, "jobs/batch_account.html", _account(request, batch, report))
    return HttpResponseStopPolling(response.content) if report.is_final else response


def _account(request: HttpRequest, batch: Batch, report: BatchReport) -> dict[str, Any]:
    page = page_of(request, access_batch_jobs(person(request), [batch]), 50)
    page.object_list = [progress_of(job) for job in page.object_list]
    return {
        "batch": batch,
        "report": report,
        "bar": bar(report.counts),
        "page": page,
        "titles": titles_by_call(progress.job.call_id for progress in page.object_list),
        "model": model_name(batch.model),
    }


def bar(counts: dict[str, int]) -> list[dict[str, Any]]:
    """Return the parts of a stacked bar 100 units wide: what is done, failed, cancelled and running."""
    total, parts, at = max(1, counts["total"]), [], 0.0
    for state in ("done", "failed", "cancelled", "running"):
        width = counts[state] / total * 100
        if width:
            parts.append({"state": state, "x": f"{at:.2f}", "width": f"{width:.2f}"})
        at += width
    return parts


@require_POST
def cancel(request: HttpRequest, batch_id: uuid.UUID) -> HttpResponse:
    """Cancel every unfinished call of the batch."""
    actor = person(request)
    batch = access_batch(actor, batch_id)
    n = cancel_batch(batch=batch, jobs=access_batch_jobs(actor, [batch]), actor=actor)
    messages.info(request, ngettext("%(n)s건을 취소했습니다.", "%(n)s건을 취소했습니다.", n) % {"n": n})
    return see_other("jobs:batch", batch_id)


@require_POST
def pause(request: HttpRequest, batch_id: uuid.UUID) -> HttpResponse:
    """Let no further stage of the batch begin."""
    actor = person(request)
    pause_batch(batch=access_whole_batch(actor, batch_id), actor=actor)
    return see_other("jobs:batch", batch_id)


@require_POST
def resume(request: HttpRequest, batch_id: uuid.UUID) -> HttpResponse:
    """Go on with the paused batch."""
    actor = person(request)
    resume_batch(batch=access_whole_batch(actor, batch_id), actor=actor)
    return see_other("jobs:batch", batch_id)


@require_POST
def retry(request: HttpRequest, batch_id: uuid.UUID) -> HttpResponse:
    """Run the failed calls of the batch again."""
    actor = person(request)
    n = retry_batch(jobs=access_batch_jobs(actor, [access_batch(actor, batch_id)]), actor=actor)
    messages.info(request, ngettext("%(n)s건을 다시 시작했습니다.", "%(n)s건을 다시 시작했습니다.", n) % {"n": n})
    return see_other("jobs:batch", batch_id)


@require_safe
def report(request: HttpRequest, batch_id: uuid.UUID) -> StreamingHttpResponse:
    """Send the account of every call as CSV: "summary", or the reason why there is none."""
    actor = person(request)
    return report_response(actor, access_batch(actor, batch_id))
