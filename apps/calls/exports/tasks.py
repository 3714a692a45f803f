"""The action items of a call as iCalendar to-dos: what was said of when, and the day where the inbox knows one.

Source: RFC 5545, sections 3.1 (folding), 3.3.11 (text), 3.6.2 (VTODO) and 3.8.2.3 (DUE).
"""

from collections.abc import Iterator
from datetime import UTC, datetime

from django.utils import timezone

from apps.actions.models import Action
from apps.calls.exports.material import Material

_MAX_OCTETS = 75


def ics(material: Material) -> str:
    """Return a calendar with a to-do for each supported action item, as the inbox has them: no template hides one."""
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Yoyak//KO", *_todos(material), "END:VCALENDAR"]
    return "".join(f"{_folded(line)}\r\n" for line in lines)


def _todos(material: Material) -> Iterator[str]:
    shown = material.shown
    if shown is None or material.view is None:
        return
    summary = material.view.reading.content
    rows = {row.number: row for row in Action.objects.filter(call=material.call, dropped_at=None)}
    for number, item in enumerate((item for item in summary.actions if item.supported and item.what.strip()), 1):
        row = rows.get(number)
        described = "\n".join(part for part in (item.when or "", material.call.title) if part)
        yield "BEGIN:VTODO"
        yield f"UID:{row.pk if row else f'{shown.pk}-{number}'}@yoyak"
        yield f"DTSTAMP:{_moment(shown.created_at)}"
        yield f"SUMMARY:{_text(f'{item.who}: {item.what}' if item.who else item.what)}"
        yield f"DESCRIPTION:{_text(described)}"
        yield from _due(row)
        yield f"STATUS:{'COMPLETED' if row and row.done_at else 'NEEDS-ACTION'}"
        yield "END:VTODO"


def _due(row: Action | None) -> Iterator[str]:
    """Yield when the action is due, where a day is known; without an hour it is due that day."""
    if row is None or row.due_on is None:
        return
    if row.due_time is None:
        yield f"DUE;VALUE=DATE:{row.due_on:%Y%m%d}"
    else:
        yield f"DUE:{_moment(timezone.make_aware(datetime.combine(row.due_on, row.due_time)))}"


def _moment(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y%m%dT%H%M%SZ}"


def _text(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,")
    return escaped.replace("\r\n", "\n").replace("\r", "\n").replace("\n", "\\n")


def _folded(line: str) -> str:
    """Return `line` cut into pieces of at most 75 octets, never within a character."""
    pieces, piece, size = [], "", 0
    for character in line:
        octets = len(character.encode())
        if size + octets > _MAX_OCTETS:
            pieces.append(piece)
            piece, size = "", 1
        piece, size = piece + character, size + octets
    return "\r\n ".join([*pieces, piece])
