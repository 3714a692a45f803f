"""The summary, by the model that the settings or the `production` alias name."""

from django.conf import settings

from apps.calls.models import Call
from apps.transcripts.corrected import corrected_at
from apps.transcripts.selectors import segments_of
from model_core.inference.notes import RULES
from workers.contracts.payloads import segments_from, segments_payload
from workers.contracts.summary import CallSummary
from workers.contracts.transcript import Segment, Word
from workers.contracts.work import Payload, Stage, StageContext
from workers.engines.extractive import extract, mostly_korean, nobody_spoke
from workers.engines.summarizer import SummarizerSettings, load_summarizer
from workers.engines.wishes import wishes
from workers.model_choice import chosen_model


def run(context: StageContext) -> Payload:
    """Summarize the transcript; one in which nobody spoke, or that our own model cannot read, without any model."""
    segments = _segments(context)
    if not any(segment.text.strip() for segment in segments):
        return _payload(nobody_spoke(), segments, "none", {})
    env = settings.ENV
    if not env.llm_base_url and not mostly_korean(segments):
        return _payload(extract(segments), segments, "none", {})
    model = chosen_model(context.model)
    summarizer = load_summarizer(
        SummarizerSettings(
            model=model.folder,
            base_url=env.llm_base_url,
            api_key=env.llm_api_key,
            context=env.llm_context,
            threads=env.llm_threads,
        )
    )
    summary, usage = summarizer.summarize(segments, context.check_in, _wishes(context))
    return _payload(summary, segments, model.version, usage)


def _payload(summary: CallSummary, segments: list[Segment], version: str, usage: dict[str, float]) -> Payload:
    return {
        "summary": summary.model_dump(mode="json"),
        "segments": segments_payload(segments),
        "model_version": version,
        "usage": usage,
    }


def _segments(context: StageContext) -> list[Segment]:
    if "diarize" in context.results and corrected_at(context.call_id) is None:
        return segments_from(context.results["diarize"])
    call = Call.objects.get(pk=context.call_id)
    return [
        Segment(s.number, s.party, s.start_s, s.end_s, s.text, s.confidence, tuple(Word(**w) for w in s.words))
        for s in segments_of(call)
    ]


def _wishes(context: StageContext) -> str:
    """Return what the template asks of a model that follows instructions; our own does not."""
    return wishes(context.template.spec) if context.template and settings.ENV.llm_base_url else ""


def _inputs(context: StageContext) -> object:
    return [segments_payload(_segments(context)), _wishes(context), RULES]


def _on_gpu() -> bool:
    """Tell whether a model server does the work; our own model runs on the processor."""
    return bool(settings.ENV.llm_base_url)


STAGE = Stage("summarize", lambda context: chosen_model(context.model).version, _inputs, run, _on_gpu)
