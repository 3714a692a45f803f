"""Check what the model claims against what was said; when it fails badly, use the transcript's own sentences."""

from workers.contracts.payloads import segments_from
from workers.contracts.summary import CallSummary
from workers.contracts.work import Payload, Stage, StageContext
from workers.engines.extractive import extract
from workers.engines.verify import trustworthy, verify


def run(context: StageContext) -> Payload:
    """Return the verified summary; `method` tells who wrote it."""
    made = context.results["summarize"]
    segments = segments_from(made)
    summary = CallSummary.model_validate(made["summary"])
    if summary.method == "model":
        summary = verify(summary, segments)
        if not trustworthy(summary, segments):
            summary = extract(segments)
    return {"summary": summary.model_dump(mode="json"), "model_version": made["model_version"]}


STAGE = Stage("verify", lambda: "1", lambda context: context.results["summarize"], run)
