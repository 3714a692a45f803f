"""A summary in the shape its template asks for: sections in order, lists cut to their lengths, filled fields.

What is cut stays in the summary; a summary without a template has every section and no limit.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from django.utils import timezone

from apps.summaries.labels import VALUE_KINDS
from apps.summaries.models import Summary
from apps.summaries.reading import Claim, Piece, ReadSummary, cited, read_summary
from apps.summary_templates.labels import FIELD_TYPES
from apps.summary_templates.models import TemplateUse
from apps.summary_templates.uses import filled_of
from apps.transcripts.models import TranscriptSegment
from workers.contracts.template import FilledField, Section, TemplateSpec


@dataclass(frozen=True)
class FieldRow:
    """A custom field as pages show it; `claim` is None when the call did not say it."""

    label: str
    type: str
    claim: Claim | None


@dataclass(frozen=True)
class View:
    """A summary to show: what `sections` does not name is empty in `reading`, whose `content` is whole."""

    reading: ReadSummary
    sections: tuple[Section, ...]
    fields: tuple[FieldRow, ...]


def show(summary: Summary, segments: Sequence[TranscriptSegment], use: TemplateUse | None) -> View:
    """Return `summary` in the shape of the template version that made it, `use`."""
    spec = TemplateSpec.model_validate(use.version.content) if use else TemplateSpec()
    return view_of(summary.content, segments, spec, filled_of(use), timezone.localdate(summary.call.happened_at))


def view_of(
    content: object,
    segments: Sequence[TranscriptSegment],
    spec: TemplateSpec,
    filled: Sequence[FilledField],
    called_on: date,
) -> View:
    """Return a summary of a call on `called_on` as `spec` shapes it, with its `filled` fields."""
    rows = tuple(_row(field, segments) for field in filled) if "fields" in spec.sections else ()
    return View(_cut(read_summary(content, segments, called_on), spec), spec.sections, rows)


def _cut(reading: ReadSummary, spec: TemplateSpec) -> ReadSummary:
    most = spec.limits
    topics = tuple(replace(topic, points=topic.points[: most.points]) for topic in reading.topics[: most.topics])
    shown: dict[Section, Any] = {
        "one_line": reading.one_line,
        "topics": topics,
        "actions": reading.actions[: most.actions],
        "decisions": reading.decisions[: most.decisions],
    }
    empty: dict[Section, Any] = dict.fromkeys(shown, ()) | {"one_line": Claim((), ())}
    return replace(reading, **{name: (shown if name in spec.sections else empty)[name] for name in shown})


def _row(field: FilledField, segments: Sequence[TranscriptSegment]) -> FieldRow:
    label = str(FIELD_TYPES[field.type])
    if not field.text:
        return FieldRow(field.label, label, None)
    differs = field.normalized.replace(" ", "") != field.text.replace(" ", "")
    kind = str(VALUE_KINDS.get(field.type, label))
    piece = Piece(field.text, kind, field.normalized if differs else "")
    lines = {segment.number: segment for segment in segments}
    return FieldRow(field.label, label, Claim((piece,), cited(field.evidence, lines)))
