"""Write summaries: what the model made, what a person corrected, and who approved it."""

import uuid
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
from apps.summaries.models import Summary
from apps.webhooks.events import record_event
from apps.webhooks.models import Kind
from workers.contracts.summary import CallSummary


@transaction.atomic
def add_model_summary(
    *, call_id: uuid.UUID, organization_id: uuid.UUID, content: CallSummary, model_version: str, usage: dict[str, Any]
) -> Summary:
    """Add what the pipeline made as the newest version, unless a person has written a newer one in the meantime."""
    return _add(
        call_id,
        organization_id,
        content,
        model_version=model_version,
        elapsed_s=usage.get("duration_s", 0.0),
        input_tokens=usage.get("prompt_tokens", 0),
        output_tokens=usage.get("completion_tokens", 0),
    )


def _add(call_id: uuid.UUID, organization_id: uuid.UUID, content: CallSummary, **fields: Any) -> Summary:
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
    _tell_readers(call_id)
    return summary


@transaction.atomic
def correct_summary(*, base: Summary, content: dict[str, Any], actor: User) -> Summary:
    """Keep a person's correction of `base` as a new version.

    Raises:
        YoyakError: the content is not a summary; the message names the field.
    """
    try:
        corrected = CallSummary.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        raise YoyakError("bad_summary", field=".".join(map(str, first["loc"])), detail=first["msg"]) from error
    summary = _add(
        base.call_id, base.organization_id, corrected, model_version=base.model_version, base=base, author=actor
    )
    _log(actor, summary, "correct_summary")
    return summary


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
