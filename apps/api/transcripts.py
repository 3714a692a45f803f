"""The operations on transcripts: read, correct a line with its history, name and swap the parties."""

import uuid
from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, Field

from apps.api.operations import Ask, Incoming, example, operation
from apps.calls.models import Call
from apps.calls.selectors import access_call
from apps.calls.services import record_reading
from apps.transcripts.corrections import MAX_NAME_CHARS, correct_line, name_parties, swap_parties
from apps.transcripts.models import TranscriptSegment
from apps.transcripts.selectors import access_segment, access_segments, changed_lines, line_history, party_names
from apps.transcripts.services import MAX_TURN_CHARS

Text = Annotated[str, Field(min_length=1, max_length=MAX_TURN_CHARS)]


class LineIn(Incoming):
    """`before` is the text that was read: a line that holds another by now is not overwritten (409)."""

    model_config = example(
        before="할우 십팔만 원이고요.",
        text="하루 십팔만 원이고요.",
    )

    before: Text
    text: Text


class PartiesIn(Incoming):
    """Names by party ("A", "B"); an empty one takes the name back, a party that is left out keeps its own."""

    model_config = example(
        names={"A": "김 상담원", "B": ""},
    )

    names: dict[Annotated[str, Field(min_length=1, max_length=8)], Annotated[str, Field(max_length=MAX_NAME_CHARS)]]


class WordOut(BaseModel):
    text: str
    start_s: float
    end_s: float
    confidence: float


class SegmentOut(BaseModel):
    """One line; `changed` tells that a person corrected it, and then its words are those that were recognized."""

    number: int
    party: str
    start_s: float
    end_s: float
    text: str
    confidence: float
    changed: bool
    words: list[WordOut]

    @classmethod
    def of(cls, segment: TranscriptSegment, changed: bool) -> "SegmentOut":
        """Return a line as the API shows it."""
        return cls.model_validate({**vars(segment), "changed": changed})


class TranscriptOut(BaseModel):
    """`names` are those that people gave the parties."""

    call: uuid.UUID
    names: dict[str, str]
    segments: list[SegmentOut]

    @classmethod
    def of(cls, call: Call, segments: list[TranscriptSegment]) -> "TranscriptOut":
        """Return the segments as the API shows them."""
        changed = changed_lines(call)
        lines = [SegmentOut.of(segment, segment.number in changed) for segment in segments]
        return cls(call=call.pk, names=party_names(call), segments=lines)


class ChangeOut(BaseModel):
    """What a person made of a line, and what stood there before."""

    at: datetime
    author: uuid.UUID | None
    before: str
    after: str


class HistoryOut(BaseModel):
    items: list[ChangeOut]


@operation("GET", "calls/{call_id}/transcript", answer=TranscriptOut)
def read_transcript(ask: Ask) -> TranscriptOut:
    """Read the transcript of a call."""
    call = _call(ask)
    record_reading(call=call, actor=ask.actor, action="read_call")
    return _whole(ask, call)


@operation("PATCH", "calls/{call_id}/transcript/{number}", body=LineIn, answer=SegmentOut)
def change_line(ask: Ask) -> SegmentOut:
    """Correct a line; summaries are made from the corrected transcript from then on."""
    segment = access_segment(ask.actor, ask.ids["call_id"], ask.ids["number"])
    correct_line(segment=segment, before=ask.body.before, after=ask.body.text, actor=ask.actor)
    segment.refresh_from_db()
    return SegmentOut.of(segment, segment.number in changed_lines(segment.call))


@operation("GET", "calls/{call_id}/transcript/{number}/history", answer=HistoryOut)
def read_line_history(ask: Ask) -> HistoryOut:
    """Read what people changed of a line, newest first."""
    segment = access_segment(ask.actor, ask.ids["call_id"], ask.ids["number"])
    record_reading(call=segment.call, actor=ask.actor, action="read_call")
    return HistoryOut(
        items=[
            ChangeOut(at=change.created_at, author=change.author_id, before=change.before, after=change.after)
            for change in line_history(segment)
        ]
    )


@operation("PUT", "calls/{call_id}/parties", body=PartiesIn, answer=TranscriptOut)
def put_names(ask: Ask) -> TranscriptOut:
    """Name the parties of a call; a party that does not speak in it is ignored."""
    call = _call(ask)
    speaking = {segment.party for segment in access_segments(ask.actor, call)}
    names = {party: name for party, name in ask.body.names.items() if party in speaking}
    name_parties(call=call, names=names, actor=ask.actor)
    return _whole(ask, call)


@operation("POST", "calls/{call_id}/parties/swap", answer=TranscriptOut)
def swap_speakers(ask: Ask) -> TranscriptOut:
    """Give every line of A to B and the other way round."""
    call = _call(ask)
    swap_parties(call=call, actor=ask.actor)
    return _whole(ask, call)


def _call(ask: Ask) -> Call:
    return access_call(ask.actor, ask.ids["call_id"])


def _whole(ask: Ask, call: Call) -> TranscriptOut:
    return TranscriptOut.of(call, access_segments(ask.actor, call))
