"""Many calls as one CSV table that a spreadsheet opens: a row a call, UTF-8 with a mark so that Excel reads Hangul."""

from collections.abc import Iterable, Iterator

from apps.calls.exports.material import Material, material_of
from apps.calls.exports.texts import said
from apps.calls.models import Call
from apps.core.tables import csv_line

COLUMNS = (
    "id",
    "title",
    "created_at",
    "duration_s",
    "category",
    "outcome",
    "sentiment",
    "headline",
    "one_line",
    "decisions",
    "actions",
    "unsupported",
    "state",
)
_TOGETHER = 200


def csv_lines(calls: Iterable[Call]) -> Iterator[str]:
    """Yield the table in pieces, without holding all of it."""
    yield "\ufeff" + csv_line(COLUMNS)
    waiting: list[Call] = []
    for call in calls:
        waiting.append(call)
        if len(waiting) == _TOGETHER:
            yield from _rows(waiting)
            waiting = []
    yield from _rows(waiting)


def _rows(calls: list[Call]) -> Iterator[str]:
    yield from (csv_line(_row(material)) for material in material_of(calls, transcripts=False))


def _row(material: Material) -> list[str]:
    call, summary, shown = material.call, material.summary, material.shown
    length = "" if call.duration_s is None else f"{call.duration_s:.1f}"
    facts = [str(call.pk), call.title, call.created_at.isoformat(), length]
    if summary is None or shown is None:
        return facts + [""] * (len(COLUMNS) - len(facts))
    return [
        *facts,
        summary.category,
        summary.outcome,
        summary.sentiment,
        summary.title,
        summary.one_line.text if summary.one_line.supported else "",
        "; ".join(said(item) for item in summary.decisions if item.supported),
        "; ".join(said(item) for item in summary.actions if item.supported),
        str(summary.unsupported),
        shown.state,
    ]
