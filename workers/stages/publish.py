"""The last stage: write transcript and summary into the tables people read, together with the end of the job."""

from apps.calls.models import Call
from apps.insights.services import measure_talk
from apps.summaries.services import add_model_summary
from apps.transcripts.services import replace_segments
from workers.contracts.payloads import segments_from
from workers.contracts.summary import CallSummary
from workers.contracts.work import Payload, Stage, StageContext


def run(context: StageContext) -> Payload:
    """Publish the verified summary and, for a recording, its segments. Runs inside the job's closing transaction."""
    if "diarize" in context.results:
        replace_segments(
            call_id=context.call_id,
            organization_id=context.organization_id,
            segments=segments_from(context.results["diarize"]),
        )
        Call.objects.filter(pk=context.call_id).update(duration_s=context.results["probe"]["duration_s"])
        measure_talk(call_id=context.call_id)
    verified = context.results["verify"]
    add_model_summary(
        call_id=context.call_id,
        organization_id=context.organization_id,
        content=CallSummary.model_validate(verified["summary"]),
        model_version=verified["model_version"],
        usage=context.results["summarize"]["usage"],
        template=verified.get("template"),
    )
    return {}


STAGE = Stage("publish", lambda _: "1", lambda context: "", run)
