"""Correct and approve summaries."""

import uuid

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.calls.services import record_reading
from apps.core.feedback import back, refusals_as_messages, see_other
from apps.core.people import person
from apps.summaries.changes import changes
from apps.summaries.forms import CorrectionForm
from apps.summaries.selectors import access_summary, access_versions, version_before
from apps.summaries.services import approve_summary, correct_summary
from apps.transcripts.selectors import access_segments
from apps.transcripts.turns import read_turns
from workers.contracts.summary import CallSummary


@require_POST
@refusals_as_messages("calls:list")
def approve(request: HttpRequest, summary_id: uuid.UUID) -> HttpResponse:
    """Approve a version."""
    actor = person(request)
    summary = access_summary(actor, summary_id)
    approve_summary(summary=summary, actor=actor)
    messages.success(request, _("요약을 승인했습니다. 다음 학습에 쓰입니다."))
    return back(request, summary.call.get_absolute_url())


@require_http_methods(["GET", "HEAD", "POST"])
@refusals_as_messages("calls:list")
def correct(request: HttpRequest, summary_id: uuid.UUID) -> HttpResponse:
    """Show the correction form; keep what comes back as a new version, approved when asked for."""
    actor = person(request)
    summary = access_summary(actor, summary_id)
    base = CallSummary.model_validate(summary.content)
    form = CorrectionForm(request.POST or None, base=base)
    if request.method != "POST" or not form.is_valid():
        turns = read_turns(summary.call, access_segments(actor, summary.call))
        status = 422 if request.method == "POST" else 200
        context = {"form": form, "summary": summary, "call": summary.call, "turns": turns}
        return render(request, "summaries/correct.html", context, status=status)
    corrected = correct_summary(base=summary, content=form.corrected(), actor=actor)
    if "approve" in request.POST:
        approve_summary(summary=corrected, actor=actor)
        messages.success(request, _("고친 요약을 저장하고 승인했습니다."))
    else:
        messages.success(request, _("고친 요약을 저장했습니다."))
    return see_other("calls:page", summary.call_id)


@require_safe
def show_changes(request: HttpRequest, summary_id: uuid.UUID) -> HttpResponse:
    """Show what a version changed against ``?from=``, another version's number, by default the one before it."""
    actor = person(request)
    summary = access_summary(actor, summary_id)
    record_reading(call=summary.call, actor=actor, action="read_call")
    versions = access_versions(actor, summary.call_id)
    before = version_before(summary, versions, request.GET.get("from", ""))
    parts = (
        changes(CallSummary.model_validate(before.content), CallSummary.model_validate(summary.content))
        if before
        else []
    )
    context = {
        "call": summary.call,
        "summary": summary,
        "before": before,
        "versions": versions,
        "parts": parts,
        "changed": any(part.changed for part in parts),
    }
    return render(request, "summaries/changes.html", context)
