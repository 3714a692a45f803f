"""The dates, amounts and phone numbers of a summary, each once, with the line that says it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from apps.actions.due import names_its_day, read_due
from apps.summaries.labels import VALUE_KINDS
from workers.contracts.summary import ActionItem, CallSummary, Statement

_KINDS = ("date", "time", "money", "phone")


@dataclass(frozen=True)
class Chip:
    """A value as it is read ("54,000원"), what it is ("금액"), and the first line that is its evidence.

    `day` is the day of the calendar that words such as "글피" meant on the day of the call.
    """

    text: str
    kind: str
    label: str
    number: int
    day: date | None = None


def chips_of(summary: CallSummary, called_on: date) -> tuple[Chip, ...]:
    """Return the supported values of `summary` with evidence: dates and times, then amounts, then phone numbers."""
    found: dict[tuple[str, str], Chip] = {}
    for item in _supported(summary):
        for value in item.values:
            if value.kind in _KINDS and value.supported and item.evidence:
                text = value.normalized or value.text
                day = _day(text, called_on) if value.kind == "date" else None
                chip = Chip(text, value.kind, str(VALUE_KINDS[value.kind]), min(item.evidence), day)
                found.setdefault((value.kind, text), chip)
    return tuple(sorted(found.values(), key=lambda chip: (_KINDS.index(chip.kind), chip.number)))


def _day(text: str, called_on: date) -> date | None:
    return None if names_its_day(text) else read_due(text, called_on).on


def _supported(summary: CallSummary) -> Iterator[Statement | ActionItem]:
    points = [point for topic in summary.topics for point in topic.points]
    yield from (item for item in (summary.one_line, *points, *summary.decisions) if item.supported)
    yield from (item for item in summary.actions if item.supported)
