"""Correct and approve summaries."""

import uuid
from http import HTTPStatus

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.calls.services import record_reading
from apps.core.feedback import back, explain, refusals_as_messages, see_other
from apps.core.people import person
from apps.summaries.changes import changes_between
from apps.summaries.forms import CorrectionForm
from apps.summaries.models import Summary
from apps.summaries.selectors import access_summary, access_versions, current_summary, version_before
from apps.summaries.services import SummaryChanged, approve_summary, correct_summary
from apps.summaries.shown import titles_by_call
from apps.summary_templates.uses import filled_of, use_of
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
    """Show the correction form; keep what comes back as a new version, approved when asked for.

    409 when another version is shown by now than the person saw: what they wrote stays in the form, and saving it again
    says that they have seen the other one.
    """
    actor = person(request)
    summary = access_summary(actor, summary_id)
    base, filled = CallSummary.model_validate(summary.content), filled_of(use_of(summary))
    shown = current_summary(summary.call) or summary
    form = CorrectionForm(request.POST or None, base=base, shown=shown.version, filled=filled)
    if request.method != "POST" or not form.is_valid():
        return _correction(request, summary, form, status=422 if request.method == "POST" else 200)
    seen = form.cleaned_data["seen"]
    try:
        corrected = correct_summary(
            base=summary, content=form.corrected(), actor=actor, seen=seen, fields=form.refilled()
        )
    except SummaryChanged as changed:
        asked = request.POST.copy()
        asked["seen"] = str(changed.current.version)
        form = CorrectionForm(asked, base=base, shown=changed.current.version, filled=filled)
        return _correction(request, summary, form, status=HTTPStatus.CONFLICT, changed=changed)
    if "approve" in request.POST:
        approve_summary(summary=corrected, actor=actor)
        messages.success(request, _("고친 요약을 저장하고 승인했습니다."))
    else:
        messages.success(request, _("고친 요약을 저장했습니다."))
    return see_other("calls:page", summary.call_id)


def _correction(
    request: HttpRequest, summary: Summary, form: CorrectionForm, *, status: int, changed: SummaryChanged | None = None
) -> HttpResponse:
    actor = person(request)
    record_reading(call=summary.call, actor=actor, action="read_call")
    context = {
        "form": form,
        "summary": summary,
        "call": summary.call,
        "titles": titles_by_call([summary.call_id]),
        "turns": read_turns(summary.call, access_segments(actor, summary.call)),
        "changed": changed,
        "changed_how": changes_between(summary, changed.current) if changed else [],
        "reason": explain(changed) if changed else "",
    }
    return render(request, "summaries/correct.html", context, status=status)


@require_safe
def show_changes(request: HttpRequest, summary_id: uuid.UUID) -> HttpResponse:
    """Show what a version changed against ``?from=``, another version's number, by default the one before it."""
    actor = person(request)
    summary = access_summary(actor, summary_id)
    record_reading(call=summary.call, actor=actor, action="read_call")
    versions = access_versions(actor, summary.call_id)
    before = version_before(summary, versions, request.GET.get("from", ""))
    parts = changes_between(before, summary) if before else []
    context = {
        "call": summary.call,
        "titles": titles_by_call([summary.call_id]),
        "summary": summary,
        "before": before,
        "versions": versions,
        "parts": parts,
        "changed": any(part.changed for part in parts),
    }
    return render(request, "summaries/changes.html", context)
