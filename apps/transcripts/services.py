"""Write transcripts: from the pipeline, or from turns that somebody imports."""

import uuid
from dataclasses import asdict
from typing import Any

from django.db import transaction

from apps.accounts.models import Organization, User
from apps.calls.models import Call
from apps.calls.services import add_transcript_call
from apps.core.errors import YoyakError
from apps.core.lines import one_line
from apps.search.services import index_call
from apps.transcripts.corrected import corrected_at
from apps.transcripts.models import TranscriptSegment
from workers.contracts.transcript import Segment

MAX_TURN_CHARS = 5000


@transaction.atomic
def replace_segments(*, call_id: uuid.UUID, organization_id: uuid.UUID, segments: list[Segment]) -> None:
    """Put `segments` in the place of the call's present ones, unless people changed those: a correction stays."""
    Call.objects.select_for_update().get(pk=call_id)
    if corrected_at(call_id) is not None:
        return
    TranscriptSegment.objects.filter(call_id=call_id).delete()
    TranscriptSegment.objects.bulk_create(
        TranscriptSegment(
            call_id=call_id,
            organization_id=organization_id,
            number=segment.number,
            party=segment.party,
            start_s=segment.start_s,
            end_s=segment.end_s,
            text=segment.text,
            confidence=segment.confidence,
            words=[asdict(word) for word in segment.words],
        )
        for segment in segments
    )
    index_call(call_id=call_id)


@transaction.atomic
def import_turns(*, organization: Organization, actor: User | None, title: str, turns: object) -> Call:
    """Make a call from ``[{"speaker": …, "text": …}, …]``. The first speaker is party A, others by appearance.

    Raises:
        YoyakError: the structure is not a list of turns, or a turn is too long; the message names the turn.
    """
    lines = _read_turns(turns)
    call = add_transcript_call(organization=organization, actor=actor, title=title, turns=len(lines))
    parties = _parties([speaker for speaker, _ in lines])
    segments = [
        Segment(number, parties[speaker], 0.0, 0.0, text, 1.0) for number, (speaker, text) in enumerate(lines, 1)
    ]
    replace_segments(call_id=call.pk, organization_id=organization.pk, segments=segments)
    return call


_AGENT_WORDS = ("상담", "직원", "agent", "counselor", "operator", "수신")


def _parties(speakers: list[str]) -> dict[str, str]:
    """Give each speaker a letter: the one whose name tells an agent is A, else the first who speaks."""
    order = sorted(dict.fromkeys(speakers), key=lambda name: not any(word in name.lower() for word in _AGENT_WORDS))
    return {name: chr(ord("A") + min(position, 25)) for position, name in enumerate(order)}


def _read_turns(turns: object) -> list[tuple[str, str]]:
    if not isinstance(turns, list):
        raise YoyakError("bad_transcript", detail="'turns' must be a list")
    return [_read_turn(number, turn) for number, turn in enumerate(turns, 1)]


def _read_turn(number: int, turn: Any) -> tuple[str, str]:
    if not isinstance(turn, dict) or not isinstance(turn.get("text"), str) or not turn["text"].strip():
        raise YoyakError("bad_transcript", detail=f"turn {number} has no text")
    if not isinstance(turn.get("speaker", ""), str):
        raise YoyakError("bad_transcript", detail=f"turn {number}: 'speaker' must be a string")
    if len(turn["text"]) > MAX_TURN_CHARS:
        raise YoyakError(
            "bad_transcript", detail=f"turn {number} has {len(turn['text'])} characters, limit {MAX_TURN_CHARS}"
        )
    return turn.get("speaker", ""), one_line(turn["text"])
