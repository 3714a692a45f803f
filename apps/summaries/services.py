"""Write summaries: what the model made, what a person corrected, and who approved it."""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from django.db import transaction
from django.db.models import Max
from django.utils import timezone
from pydantic import ValidationError

from apps.accounts.models import User
from apps.accounts.services import log_access
from apps.actions.services import sync_actions
from apps.calls.models import Call
from apps.core.errors import YoyakError
from apps.search.services import index_call
from apps.summaries.bounds import check_correction, lines_cited
from apps.summaries.models import Summary
from apps.summaries.shown import current_by_call
from apps.summary_templates.models import TemplateUse
from apps.summary_templates.uses import filled_of, use_of
from apps.transcripts.models import TranscriptSegment
from apps.webhooks.events import record_event
from apps.webhooks.models import Kind
from workers.contracts.summary import CallSummary, CorrectedSummary
from workers.contracts.template import FilledField


class SummaryChanged(YoyakError):
    """Another version is shown than the person saw; `current` is the one shown now."""

    def __init__(self, current: Summary) -> None:
        super().__init__("summary_changed", version=current.version)
        self.current = current


@transaction.atomic
def add_model_summary(
    *,
    call_id: uuid.UUID,
    organization_id: uuid.UUID,
    content: CallSummary,
    model_version: str,
    usage: dict[str, Any],
    template: Mapping[str, Any] | None = None,
) -> Summary:
    """Add what the pipeline made as the newest version; `template` holds the version_id and the fields it filled."""
    return _add(
        call_id,
        organization_id,
        content,
        template,
        model_version=model_version,
        elapsed_s=usage.get("duration_s", 0.0),
        input_tokens=usage.get("prompt_tokens", 0),
        output_tokens=usage.get("completion_tokens", 0),
    )


def _add(
    call_id: uuid.UUID,
    organization_id: uuid.UUID,
    content: CallSummary,
    template: Mapping[str, Any] | None,
    **fields: Any,
) -> Summary:
    Call.objects.select_for_update().get(pk=call_id)
    last = Summary.objects.filter(call_id=call_id).aggregate(last=Max("version"))["last"] or 0
    summary = Summary.objects.create(
        call_id=call_id,
        organization_id=organization_id,
        version=last + 1,
        content=content.model_dump(mode="json"),
        method=content.method,
        **fields,
    )
    if template is not None:
        TemplateUse.objects.create(summary=summary, **template)
    _tell_readers(call_id)
    return summary


@transaction.atomic
def correct_summary(
    *,
    base: Summary,
    content: dict[str, Any],
    actor: User,
    seen: int | None = None,
    fields: Sequence[FilledField] | None = None,
) -> Summary:
    """Keep a person's correction of `base` as a new version.

    `seen` is the number of the version that was shown when the person began, `base` itself unless told. `fields` are
    those of the template; left out, they stay.

    Raises:
        YoyakError: the content is not a summary, is too long, cites lines that the call does not have, or has other
            fields than the template; the message names it.
        SummaryChanged: another version is shown by now; nothing is kept.
    """
    try:
        corrected = CorrectedSummary.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        raise YoyakError("bad_summary", field=".".join(map(str, first["loc"])), detail=first["msg"]) from error
    known = TranscriptSegment.objects.filter(call_id=base.call_id).values_list("number", flat=True)
    # What recognition run again has taken away may go on being cited by what cited it before.
    check_correction(corrected, {*known, *lines_cited(CallSummary.model_validate(base.content))})
    Call.objects.select_for_update().get(pk=base.call_id)
    shown = current_by_call([base.call_id])[base.call_id]
    if shown.version != (base.version if seen is None else seen):
        raise SummaryChanged(shown)
    template = _refilled(use_of(base), fields)
    by = {"model_version": base.model_version, "base": base, "author": actor}
    summary = _add(base.call_id, base.organization_id, corrected, template, **by)
    _log(actor, summary, "correct_summary")
    return summary


def _refilled(use: TemplateUse | None, fields: Sequence[FilledField] | None) -> dict[str, Any] | None:
    """Return the template of a corrected version with its fields as the person left them."""
    kept = filled_of(use)
    filled = kept if fields is None else tuple(fields)
    if [(each.label, each.type) for each in filled] != [(each.label, each.type) for each in kept]:
        raise YoyakError("bad_summary", field="fields", detail=", ".join(each.label for each in kept) or "-")
    if use is None:
        return None
    return {"version_id": use.version_id, "fields": [each.model_dump(mode="json") for each in filled]}


@transaction.atomic
def approve_summary(*, summary: Summary, actor: User) -> None:
    """Approve one version: it becomes a training pair of its organization.

    Raises:
        YoyakError: neither the model nor a person wrote it, so there is nothing to learn from.
    """
    if not summary.approvable:
        raise YoyakError("not_approvable")
    Summary.objects.filter(pk=summary.pk).update(
        state=Summary.State.APPROVED, approved_by=actor, approved_at=timezone.now()
    )
    _tell_readers(summary.call_id)
    _log(actor, summary, "approve_summary")
    told = {"call": summary.call_id, "summary": summary.pk, "version": summary.version}
    record_event(organization_id=summary.organization_id, kind=Kind.SUMMARY_APPROVED, data=told)


def _tell_readers(call_id: uuid.UUID) -> None:
    """Let what rests on the version shown follow: the action items, then the search, which counts the open ones."""
    sync_actions(call_id=call_id)
    index_call(call_id=call_id)


def _log(actor: User, summary: Summary, action: str) -> None:
    log_access(
        actor=actor, organization_id=summary.organization_id, action=action, kind="call", object_id=summary.call_id
    )
