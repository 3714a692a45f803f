"""A call as plain text, as SubRip and WebVTT subtitles, and as JSON.

Sources: WebVTT, W3C Candidate Recommendation, 4 April 2019, section 4; SubRip as players read it.
"""

import json
from collections.abc import Iterator

from django.utils import timezone
from django.utils.translation import gettext as _

from apps.calls.exports.material import Material
from apps.summaries.labels import CATEGORIES, OUTCOMES, SENTIMENTS
from workers.contracts.summary import ActionItem, CallSummary, Statement


def txt(material: Material) -> str:
    """Return title, facts, summary and transcript; what verification could not confirm stands apart."""
    lines = [material.call.title, timezone.localtime(material.call.created_at).strftime("%Y-%m-%d %H:%M %Z"), ""]
    if material.summary is not None:
        lines += [summary_text(material.summary), ""]
    for segment in material.segments:
        at = f"[{clock(segment.start_s, '.')[:8]}] " if material.timed else ""
        lines.append(f"{at}{material.speaker(segment.party)}: {segment.text}")
    return "\n".join(lines) + "\n"


def summary_text(summary: CallSummary) -> str:
    """Return a summary as plain text in the active language."""
    return "\n".join(_summary(summary))


def _summary(summary: CallSummary) -> Iterator[str]:
    yield summary.title
    labels = (CATEGORIES[summary.category], OUTCOMES[summary.outcome], SENTIMENTS[summary.sentiment])
    yield " · ".join(map(str, labels))
    if summary.one_line.supported:
        yield summary.one_line.text
    for topic in summary.topics:
        if any(point.supported for point in topic.points):
            yield f"\n{topic.title}"
            yield from _items(topic.points)
    points = [point for topic in summary.topics for point in topic.points]
    listed: tuple[tuple[str, tuple[Statement, ...] | tuple[ActionItem, ...]], ...] = (
        (_("결정"), summary.decisions),
        (_("할 일"), summary.actions),
    )
    for heading, items in listed:
        if any(item.supported for item in items):
            yield f"\n{heading}"
            yield from _items(items)
    everything: list[Statement | ActionItem] = [summary.one_line, *points, *summary.decisions, *summary.actions]
    doubtful = [item for item in everything if not item.supported]
    if doubtful:
        yield f"\n{_('근거를 찾지 못함')}"
        yield from (f"? {said(item)}" for item in doubtful)


def _items(items: tuple[Statement, ...] | tuple[ActionItem, ...]) -> Iterator[str]:
    yield from (f"- {said(item)}" for item in items if item.supported)


def said(item: Statement | ActionItem) -> str:
    """Return a statement, or an action with who and when, as one line."""
    if isinstance(item, Statement):
        return item.text
    return " · ".join(part for part in (item.who, item.what, item.when or "") if part)


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
    call, shown = material.call, material.shown
    content = {
        "id": str(call.pk),
        "title": call.title,
        "created_at": call.created_at.isoformat(),
        "duration_s": call.duration_s,
        "summary": material.summary.model_dump(mode="json") if material.summary else None,
        "summary_version": shown.version if shown else None,
        "model_version": shown.model_version if shown else None,
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
