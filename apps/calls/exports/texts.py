"""A call as plain text, as SubRip and WebVTT subtitles, and as JSON.

Sources: WebVTT, W3C Candidate Recommendation, 4 April 2019, section 4; SubRip as players read it.
"""

import json
from collections.abc import Iterable

from django.utils import timezone
from django.utils.translation import gettext as _

from apps.actions.due import Due, dues_of
from apps.calls.exports.material import Material
from apps.core.templatetags.yoyak import due_time
from apps.summaries.reading import Claim
from apps.summary_templates.shaping import FieldRow, View
from workers.contracts.template import Section


def txt(material: Material) -> str:
    """Return title, facts, summary and transcript; what verification could not confirm stands apart."""
    lines = [material.call.title, timezone.localtime(material.call.happened_at).strftime("%Y-%m-%d %H:%M %Z"), ""]
    if material.view is not None:
        lines += [summary_text(material.view), ""]
    for segment in material.segments:
        at = f"[{clock(segment.start_s, '.')[:8]}] " if material.timed else ""
        lines.append(f"{at}{material.speaker(segment.party)}: {segment.text}")
    return "\n".join(lines) + "\n"


def summary_text(view: View) -> str:
    """Return a summary as plain text in the active language, in the shape of its template."""
    parts = [[view.reading.title], *(_section(view, section) for section in view.sections)]
    if view.reading.doubtful:
        parts.append(["", _("근거를 찾지 못함"), *(f"? {said(claim)}" for claim in view.reading.doubtful)])
    return "\n".join(line for part in parts for line in part)


def _section(view: View, section: Section) -> list[str]:
    reading = view.reading
    match section:
        case "one_line":
            return [said(reading.one_line)] if reading.one_line.pieces else []
        case "kinds":
            empty = reading.content.method == "empty"
            return [] if empty else [" · ".join((reading.category, reading.outcome, reading.sentiment))]
        case "fields":
            return _listed(_("우리 조직의 필드"), map(field_text, view.fields))
        case "actions":
            return _listed(_("할 일"), map(said, reading.actions))
        case "decisions":
            return _listed(_("결정"), map(said, reading.decisions))
        case "topics":
            return [line for topic in reading.topics for line in _listed(topic.title, map(said, topic.points))]


def _listed(heading: str, items: Iterable[str]) -> list[str]:
    lines = [f"- {item}" for item in items]
    return ["", heading, *lines] if lines else []


def field_text(field: FieldRow) -> str:
    """Return a custom field as one line: its label and what was said, or that nothing was."""
    return f"{field.label}: {said(field.claim) if field.claim else _('대화에 없음')}"


def said(claim: Claim) -> str:
    """Return a statement, or an action with who and when, as one line."""
    return " · ".join(filter(None, (claim.who, "".join(piece.text for piece in claim.pieces), when_told(claim))))


def when_told(claim: Claim) -> str:
    """Return when an action is due as it was said, with the day that the words meant: 내일 · 12월 4일 (금)."""
    return f"{claim.when} · {due_time(claim.due_told)}" if claim.due_told else claim.when


def srt(material: Material) -> str:
    """Return SubRip subtitles, a cue a line of the transcript."""
    cues = (
        f"{segment.number}\n{clock(segment.start_s, ',')} --> {clock(_end(segment.start_s, segment.end_s), ',')}\n"
        f"{material.speaker(segment.party)}: {segment.text}\n"
        for segment in material.segments
    )
    return "\n".join(cues)


def vtt(material: Material) -> str:
    """Return WebVTT subtitles with the parties as voices."""
    cues = (
        f"{segment.number}\n{clock(segment.start_s, '.')} --> {clock(_end(segment.start_s, segment.end_s), '.')}\n"
        f"<v {_escaped(material.speaker(segment.party))}>{_escaped(segment.text)}\n"
        for segment in material.segments
    )
    return "WEBVTT\n\n" + "\n".join(cues)


def _end(start_s: float, end_s: float) -> float:
    return max(end_s, start_s + 0.001)


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def clock(seconds: float, point: str) -> str:
    """Return ``hh:mm:ss`` and milliseconds after `point`."""
    total_ms = round(seconds * 1000)
    minutes, ms = divmod(total_ms, 60_000)
    return f"{minutes // 60:02}:{minutes % 60:02}:{ms // 1000:02}{point}{ms % 1000:03}"


def as_json(material: Material) -> str:
    """Return everything as JSON, in the words of the API."""
    call, shown, use = material.call, material.shown, material.use
    summary = material.view.reading.content if material.view else None
    dues = dues_of(summary, timezone.localdate(call.happened_at)) if summary else []
    content = {
        "id": str(call.pk),
        "title": call.title,
        "created_at": call.created_at.isoformat(),
        "happened_at": call.happened_at.isoformat(),
        "duration_s": call.duration_s,
        "summary": summary.model_dump(mode="json") if summary else None,
        "dues": [_due(due) for due in dues],
        "summary_version": shown.version if shown else None,
        "model_version": shown.model_version if shown else None,
        "template": {"name": use.version.template.name, "version": use.version.number} if use else None,
        "sections": material.view.sections if material.view else [],
        "fields": use.fields if use else [],
        "names": material.names,
        "segments": [
            {
                "number": segment.number,
                "party": segment.party,
                "start_s": segment.start_s,
                "end_s": segment.end_s,
                "text": segment.text,
                "confidence": segment.confidence,
            }
            for segment in material.segments
        ],
    }
    return json.dumps(content, ensure_ascii=False, indent=1) + "\n"


def _due(due: Due) -> dict[str, str | None]:
    return {
        "due_on": due.on.isoformat() if due.on else None,
        "due_time": due.at.isoformat() if due.at else None,
    }
