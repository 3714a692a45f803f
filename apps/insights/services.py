"""Write what the insights rest on, and note who took the cost ledger out of the house."""

import uuid
from dataclasses import asdict

from django.db import transaction

from apps.accounts.models import User
from apps.accounts.services import log_access
from apps.calls.models import Call
from apps.insights.models import TalkTime
from apps.insights.talk import measure
from apps.transcripts.models import TranscriptSegment


@transaction.atomic
def measure_talk(*, call_id: uuid.UUID) -> None:
    """Measure the talk of a call anew from its transcript; one without times has none."""
    call = Call.objects.get(pk=call_id)
    turns = TranscriptSegment.objects.filter(call=call).values_list("party", "start_s", "end_s")
    talk = measure(turns, call.duration_s or max((end for _, _, end in turns), default=0.0))
    if talk is None:
        TalkTime.objects.filter(call=call).delete()
    else:
        values = {"organization_id": call.organization_id, **asdict(talk)}
        TalkTime.objects.update_or_create(call=call, defaults=values)


def record_ledger_export(*, actor: User, organization_id: uuid.UUID) -> None:
    """Note in the access log that `actor` took the costs of the calls they may see."""
    log_access(
        actor=actor,
        organization_id=organization_id,
        action="export_ledger",
        kind="organization",
        object_id=organization_id,
    )
