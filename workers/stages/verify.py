"""Check what the model claims against what was said; when it fails badly, use the transcript's own sentences."""

from workers.contracts.payloads import segments_from
from workers.contracts.summary import CallSummary
from workers.contracts.template import ChosenTemplate
from workers.contracts.transcript import Segment
from workers.contracts.work import Payload, Stage, StageContext
from workers.engines.extractive import extract, mostly_korean
from workers.engines.fields import fill_fields
from workers.engines.verify import trustworthy, verify


def run(context: StageContext) -> Payload:
    """Return the verified summary, `method` tells who wrote it, and with a template the fields it asks for."""
    made = context.results["summarize"]
    segments = segments_from(made)
    summary = CallSummary.model_validate(made["summary"])
    if summary.method == "model":
        summary = verify(summary, segments)
        if not trustworthy(summary, segments, translated=_translated(context, summary, segments)):
            summary = extract(segments)
    payload = {"summary": summary.model_dump(mode="json"), "model_version": made["model_version"]}
    return payload | _filled(context.template, summary, segments)


def _translated(context: StageContext, summary: CallSummary, segments: list[Segment]) -> bool:
    """Tell whether the summary is in another language than the call because the template asked for one."""
    if context.template is None or not context.template.spec.language:
        return False
    said = [Segment(0, "?", 0.0, 0.0, " ".join(_texts(summary)), 1.0)]
    return mostly_korean(said) != mostly_korean(segments)


def _texts(summary: CallSummary) -> list[str]:
    points = [point.text for topic in summary.topics for point in topic.points]
    return [summary.one_line.text, *points, *(item.text for item in summary.decisions)]


def _filled(template: ChosenTemplate | None, summary: CallSummary, segments: list[Segment]) -> Payload:
    if template is None:
        return {}
    fields = fill_fields(template.spec.fields, summary, segments)
    return {"template": {"version_id": template.version_id, "fields": [f.model_dump(mode="json") for f in fields]}}


def _inputs(context: StageContext) -> object:
    made = context.results["summarize"]
    return [made, context.template.model_dump(mode="json")] if context.template else made


STAGE = Stage("verify", lambda _: "1", _inputs, run)
