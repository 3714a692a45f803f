"""Which texts of a call can be found, and as what. Reads calls, transcripts and summaries; writes nothing."""

from collections.abc import Iterable, Iterator
from typing import Any

from apps.actions.models import Action
from apps.calls.models import Call, Recording
from apps.intake.models import CallDetails
from apps.search.tokens import Place, joined_terms
from apps.summaries.shown import current_by_call
from apps.summary_templates.uses import filled_of, use_of
from apps.transcripts.models import TranscriptSegment
from workers.contracts.summary import CallSummary
from workers.contracts.template import FilledField


def document_of(call: Call) -> dict[str, Any]:
    """Return the fields of the search document of `call` as it is now."""
    recording, shown = Recording.objects.filter(call=call).first(), current_by_call([call.pk]).get(call.pk)
    summary = CallSummary.model_validate(shown.content) if shown else None
    about = [call.title, recording.file_name if recording else ""]
    if shown and summary:
        about += summary_texts(summary, filled_of(use_of(shown)))
    about += CallDetails.objects.filter(call=call).values_list("external_id", "phone_digits").first() or ()
    segments = list(TranscriptSegment.objects.filter(call=call))
    texts = {
        Place.ABOUT: about,
        Place.SAID_A: [segment.text for segment in segments if segment.party == "A"],
        Place.SAID_B: [segment.text for segment in segments if segment.party != "A"],
    }
    return {
        "terms": joined_terms(texts, call.happened_at),
        "category": summary.category if summary else "",
        "outcome": summary.outcome if summary else "",
        "sentiment": summary.sentiment if summary else "",
        "open_actions": Action.objects.filter(call=call, done_at=None).count(),
    }


def summary_texts(summary: CallSummary, filled: Iterable[FilledField] = ()) -> Iterator[str]:
    """Yield what a summary says as fact, and what fills the fields of its template.

    What verification could not confirm is not found by searching; what the template leaves out is, for it was said.
    """
    yield summary.title
    for field in filled:
        if field.text:
            yield " ".join(dict.fromkeys(filter(None, (field.text, field.normalized))))
    for topic in summary.topics:
        yield topic.title
    points = [point for topic in summary.topics for point in topic.points]
    for statement in (summary.one_line, *points, *summary.decisions):
        if statement.supported:
            yield statement.text
    for item in summary.actions:
        if item.supported:
            yield " ".join(filter(None, (item.who, item.what, item.when)))
