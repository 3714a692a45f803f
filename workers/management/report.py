"""What a command prints about a finished call: one JSON object, the same for recordings and transcripts."""

from collections.abc import Mapping
from typing import Any

from django.utils import translation

from apps.core.errors import YoyakError
from apps.jobs.models import Job, StageResult
from apps.jobs.reasons import describe
from apps.summaries.selectors import current_summary
from apps.transcripts.selectors import segments_of
from workers.contracts.summary import ActionItem, CallSummary, Statement


def call_report(job: Job) -> dict[str, Any]:
    """Return what became of `job`'s call: transcript, summary, timings, and the versions that made them."""
    results = {result.stage: result for result in StageResult.objects.filter(call=job.call).order_by("used_at")}
    summary = current_summary(job.call)
    return {
        "call_id": str(job.call_id),
        "status": job.state,
        "reason": _reason(job),
        "duration_s": job.call.duration_s,
        "segments": [
            {
                "number": segment.number,
                "start_s": segment.start_s,
                "end_s": segment.end_s,
                "party": segment.party,
                "text": segment.text,
                "confidence": segment.confidence,
            }
            for segment in segments_of(job.call)
        ],
        "summary": summary and summary_report(CallSummary.model_validate(summary.content)),
        "timings_s": {stage: result.elapsed_s for stage, result in results.items()},
        "models": {stage: result.engine_version for stage, result in results.items()},
    }


def _reason(job: Job) -> dict[str, str] | None:
    if not job.reason or job.state == Job.State.DONE:
        return None
    return reason_report(job.reason, job.reason_values)


def reason_report(code: str, values: Mapping[str, object]) -> dict[str, str]:
    """Return a reason as its code and its sentence in both languages."""
    texts = {}
    for language in ("ko", "en"):
        with translation.override(language):
            texts[language] = describe(code, values)
    return {"code": code, **texts}


def refusal_report(error: YoyakError) -> dict[str, Any]:
    """Return what a command prints about input that did not become a call."""
    return {"status": "refused", "reason": reason_report(error.code, error.values)}


def summary_report(summary: CallSummary) -> dict[str, Any]:
    """Return `summary` in the shape that the command line promises."""
    return {
        "title": summary.title,
        "one_line": _statement(summary.one_line),
        "topics": [{"title": t.title, "points": [_statement(p) for p in t.points]} for t in summary.topics],
        "actions": [_action(action) for action in summary.actions],
        "decisions": [_statement(decision) for decision in summary.decisions],
        "category": summary.category,
        "outcome": summary.outcome,
        "sentiment": summary.sentiment,
        "method": summary.method,
        "unsupported": summary.unsupported,
    }


def _statement(statement: Statement) -> dict[str, Any]:
    return {
        "text": statement.text,
        "evidence": list(statement.evidence),
        "values": [value.model_dump() for value in statement.values],
        "supported": statement.supported,
    }


def _action(action: ActionItem) -> dict[str, Any]:
    return {
        "who": action.who,
        "what": action.what,
        "when": action.when,
        "evidence": list(action.evidence),
        "values": [value.model_dump() for value in action.values],
        "supported": action.supported,
    }
