"""Whether people changed a transcript: the rule that pages, services and stages share. Asks no permission."""

from datetime import datetime
from uuid import UUID

from django.db.models import Max

from apps.transcripts.models import TranscriptChange


def corrected_at(call_id: UUID) -> datetime | None:
    """Return when a person last changed the transcript; None when nobody did."""
    latest: datetime | None = TranscriptChange.objects.filter(call_id=call_id).aggregate(at=Max("created_at"))["at"]
    return latest
