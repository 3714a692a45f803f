"""Many calls as one CSV table that a spreadsheet opens: a row a call, UTF-8 with a mark so that Excel reads Hangul."""

from collections.abc import Iterable, Iterator, Sequence

from apps.accounts.models import User
from apps.calls.exports.material import Material, material_of
from apps.calls.exports.texts import field_text, said
from apps.calls.models import Call
from apps.core.tables import csv_line
from apps.intake.models import CallDetails
from apps.sorting.models import Tag
from apps.sorting.selectors import tags_by_call

COLUMNS = (
    "id",
    "title",
    "happened_at",
    "created_at",
    "duration_s",
    "agent",
    "external_id",
    "customer_phone",
    "direction",
    "tags",
    "category",
    "outcome",
    "sentiment",
    "headline",
    "one_line",
    "fields",
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
    names = dict(User.objects.filter(pk__in={call.created_by_id for call in calls}).values_list("pk", "username"))
    told = {details.call_id: details for details in CallDetails.objects.filter(call__in=calls)}
    tags = tags_by_call(call.pk for call in calls)
    for material in material_of(calls, transcripts=False):
        call = material.call
        agent = names.get(call.created_by_id, "") if call.created_by_id else ""
        known = _known(agent, told.get(call.pk), tags.get(call.pk, []))
        yield csv_line([*_facts(call), *known, *_summary(material)])


def _facts(call: Call) -> list[str]:
    length = "" if call.duration_s is None else f"{call.duration_s:.1f}"
    return [str(call.pk), call.title, call.happened_at.isoformat(), call.created_at.isoformat(), length]


def _known(agent: str, details: CallDetails | None, tags: Sequence[Tag]) -> list[str]:
    told = [details.external_id, details.customer_phone, details.direction] if details else ["", "", ""]
    return [agent, *told, "; ".join(tag.name for tag in tags)]


def _summary(material: Material) -> list[str]:
    view, shown = material.view, material.shown
    if view is None or shown is None:
        return [""] * (len(COLUMNS) - COLUMNS.index("category"))
    content = view.reading.content
    return [
        content.category,
        content.outcome,
        content.sentiment,
        content.title,
        said(view.reading.one_line),
        "; ".join(map(field_text, view.fields)),
        "; ".join(map(said, view.reading.decisions)),
        "; ".join(map(said, view.reading.actions)),
        str(content.unsupported),
        shown.state,
    ]
