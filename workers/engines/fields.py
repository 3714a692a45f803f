"""Fill the fields of a template with values of their types that the transcript holds; nothing is ever made up.

Figures, dates, phones and addresses are found by their spelling. A name counts where the summary marks one and its
cited line says it. A field for which nothing fits stays empty.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from model_core.data.korean.values import FoundValue, find_values, normalized_display
from workers.contracts.summary import CallSummary, Value
from workers.contracts.template import CustomField, FieldType, FilledField
from workers.contracts.transcript import Segment

KINDS: dict[FieldType, frozenset[str]] = {
    "address": frozenset({"address"}),
    "appointment": frozenset({"date", "time"}),
    "date": frozenset({"date"}),
    "time": frozenset({"time"}),
    "money": frozenset({"money"}),
    "phone": frozenset({"phone"}),
    "name": frozenset({"name"}),
    "count": frozenset({"count", "measure", "number"}),
    "duration": frozenset({"duration"}),
    "car": frozenset({"carno"}),
}
# A time that follows its date within so many characters belongs to it (내일은 오후 세 시).
_NEAR_CHARS = 6


@dataclass(frozen=True)
class _Said:
    """A value where it was said; `at` is its place in the line."""

    segment: Segment
    at: int
    text: str
    normalized: str


def fill_fields(
    fields: Sequence[CustomField], summary: CallSummary, segments: Sequence[Segment]
) -> tuple[FilledField, ...]:
    """Return `fields` with what `segments` say; `summary` is verified and tells what of it mattered."""
    return tuple(_fill(field, summary, segments) for field in fields)


def _fill(field: CustomField, summary: CallSummary, segments: Sequence[Segment]) -> FilledField:
    said = list(_said(field.type, summary, segments))
    best = _by_clue(said, field.clues, segments) if field.clues else _by_weight(said, summary)
    if best is None:
        return FilledField(label=field.label, type=field.type)
    return FilledField(
        label=field.label,
        type=field.type,
        text=best.text,
        normalized=best.normalized,
        evidence=(best.segment.number,),
    )


def _said(wanted: FieldType, summary: CallSummary, segments: Sequence[Segment]) -> Iterator[_Said]:
    names = {value.text for value in supported_values(summary) if value.kind == "name"} if wanted == "name" else set()
    for segment in segments:
        for name in sorted(names):
            if (at := segment.text.find(name)) >= 0:
                yield _Said(segment, at, name, name)
        found = [value for value in find_values(segment.text) if value.kind in KINDS[wanted]]
        yield from _appointments(segment, found) if wanted == "appointment" else (_one(segment, v) for v in found)


def _one(segment: Segment, value: FoundValue) -> _Said:
    return _Said(segment, value.start, value.text, normalized_display(value))


def _appointments(segment: Segment, found: Sequence[FoundValue]) -> Iterator[_Said]:
    """Yield dates with the times that follow them; a date or a time alone is an appointment too."""
    waiting: FoundValue | None = None
    for value in found:
        if value.kind == "time" and waiting and value.start - waiting.end <= _NEAR_CHARS:
            reading = f"{normalized_display(waiting)} {normalized_display(value)}"
            yield _Said(segment, waiting.start, segment.text[waiting.start : value.end], reading)
            waiting = None
            continue
        if waiting:
            yield _one(segment, waiting)
        waiting = value if value.kind == "date" else None
        if value.kind == "time":
            yield _one(segment, value)
    if waiting:
        yield _one(segment, waiting)


def _by_clue(said: Sequence[_Said], clues: Sequence[str], segments: Sequence[Segment]) -> _Said | None:
    """Return the value nearest to a clue in its line, else the first in the other party's answer to such a line."""
    near = [(distance, number) for number, item in enumerate(said) if (distance := _distance(item, clues)) is not None]
    if near:
        return said[min(near)[1]]
    answers = {
        after.number
        for before, after in pairwise(segments)
        if before.party != after.party and any(clue in before.text for clue in clues)
    }
    return next((item for item in said if item.segment.number in answers), None)


def _distance(item: _Said, clues: Sequence[str]) -> int | None:
    places = [item.segment.text.find(clue) for clue in clues]
    return min((abs(place - item.at) for place in places if place >= 0), default=None)


def _by_weight(said: Sequence[_Said], summary: CallSummary) -> _Said | None:
    """Return the first value that the summary states as well, a whole appointment before a part; else the first."""
    stated = {value.text for value in supported_values(summary)}
    ranked = sorted(said, key=lambda item: (not any(text in item.text for text in stated), -(" " in item.normalized)))
    return ranked[0] if ranked else None


def supported_values(summary: CallSummary) -> Iterator[Value]:
    """Yield the values of the statements that verification could confirm."""
    points = [point for topic in summary.topics for point in topic.points]
    for statement in (summary.one_line, *points, *summary.decisions):
        if statement.supported:
            yield from (value for value in statement.values if value.supported)
    for action in summary.actions:
        if action.supported:
            yield from (value for value in action.values if value.supported)
