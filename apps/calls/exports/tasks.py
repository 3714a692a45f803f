"""The action items of a call as iCalendar to-dos. When something is due is kept in words: calls say "내일", not a date.

Source: RFC 5545, sections 3.1 (folding), 3.3.11 (text) and 3.6.2 (VTODO).
"""

from collections.abc import Iterator
from datetime import UTC

from apps.calls.exports.material import Material

_MAX_OCTETS = 75


def ics(material: Material) -> str:
    """Return a calendar with a to-do for each supported action item."""
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Yoyak//KO", *_todos(material), "END:VCALENDAR"]
    return "".join(f"{_folded(line)}\r\n" for line in lines)


def _todos(material: Material) -> Iterator[str]:
    shown, summary = material.shown, material.summary
    if shown is None or summary is None:
        return
    for number, item in enumerate(summary.actions, 1):
        if not item.supported:
            continue
        described = "\n".join(part for part in (item.when or "", material.call.title) if part)
        yield "BEGIN:VTODO"
        yield f"UID:{shown.pk}-{number}@yoyak"
        yield f"DTSTAMP:{shown.created_at.astimezone(UTC):%Y%m%dT%H%M%SZ}"
        yield f"SUMMARY:{_text(f'{item.who}: {item.what}' if item.who else item.what)}"
        yield f"DESCRIPTION:{_text(described)}"
        yield "STATUS:NEEDS-ACTION"
        yield "END:VTODO"


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
