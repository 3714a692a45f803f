"""A summary in the shape its template asks for: sections in order, lists cut to their lengths, filled fields.

What is cut stays in the summary; a summary without a template has every section and no limit.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from apps.summaries.labels import VALUE_KINDS
from apps.summaries.models import Summary
from apps.summaries.reading import Claim, Piece, ReadSummary, cited, read_summary
from apps.summary_templates.labels import FIELD_TYPES
from apps.summary_templates.models import TemplateUse
from apps.summary_templates.selectors import use_of
from apps.transcripts.models import TranscriptSegment
from workers.contracts.template import SECTIONS, FilledField, Section, TemplateSpec


@dataclass(frozen=True)
class FieldRow:
    """A custom field as pages show it; `claim` is None when the call did not say it."""

    label: str
    type: str
    claim: Claim | None


@dataclass(frozen=True)
class View:
    """A summary to show."""

    reading: ReadSummary
    sections: tuple[Section, ...]
    fields: tuple[FieldRow, ...]
    use: TemplateUse | None


def show(summary: Summary, segments: Iterable[TranscriptSegment]) -> View:
    """Return `summary` in the shape of the template version that made it."""
    lines, use = list(segments), use_of(summary)
    spec = TemplateSpec.model_validate(use.version.content) if use else None
    return view_of(summary.content, lines, spec, use.fields if use else [], use)


def view_of(
    content: Any,
    segments: Sequence[TranscriptSegment],
    spec: TemplateSpec | None,
    fields: Sequence[Any],
    use: TemplateUse | None = None,
) -> View:
    """Return a summary as `spec` shapes it; `fields` are its FilledFields as JSON."""
    reading = read_summary(content, segments)
    if spec is None:
        return View(reading, SECTIONS, (), use)
    rows = tuple(_row(FilledField.model_validate(field), segments) for field in fields)
    return View(_cut(reading, spec), spec.sections, rows, use)


def _cut(reading: ReadSummary, spec: TemplateSpec) -> ReadSummary:
    most = spec.limits
    topics = tuple(replace(topic, points=topic.points[: most.points]) for topic in reading.topics[: most.topics])
    actions, decisions = reading.actions[: most.actions], reading.decisions[: most.decisions]
    return replace(reading, topics=topics, actions=actions, decisions=decisions)


def _row(field: FilledField, segments: Sequence[TranscriptSegment]) -> FieldRow:
    label = str(FIELD_TYPES[field.type])
    if not field.text:
        return FieldRow(field.label, label, None)
    differs = field.normalized.replace(" ", "") != field.text.replace(" ", "")
    kind = str(VALUE_KINDS.get(field.type, label))
    piece = Piece(field.text, kind, field.normalized if differs else "")
    lines = {segment.number: segment for segment in segments}
    return FieldRow(field.label, label, Claim((piece,), cited(field.evidence, lines)))
