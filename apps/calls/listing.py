"""The rows of the list of calls: each call with its newest job, its summary and who speaks, read in a few queries."""

from collections.abc import Sequence
from dataclasses import dataclass

from apps.calls.filters import CallFilter
from apps.calls.models import Call
from apps.calls.selectors import party_counts
from apps.jobs.progress import Progress, progress_of
from apps.jobs.selectors import latest_job_by_call
from apps.search.hits import Hits, find_hits
from apps.sorting.models import Tag
from apps.sorting.selectors import tags_by_call
from apps.summaries.labels import CATEGORIES, OUTCOMES, SENTIMENTS
from apps.summaries.reading import in_words
from apps.summaries.shown import current_by_call
from workers.contracts.summary import CallSummary

_ANY = CallFilter()


@dataclass(frozen=True)
class Glance:
    """A summary at a glance."""

    title: str
    one_line: str
    category: str
    outcome: str
    sentiment: str
    mood: str
    method: str
    unsupported: int
    approved: bool
    by_person: bool


@dataclass(frozen=True)
class CallRow:
    """What the list shows of one call; everything but `call` may be missing yet."""

    call: Call
    progress: Progress | None
    glance: Glance | None
    parties: int
    hits: Hits | None = None
    tags: Sequence[Tag] = ()
    searched: bool = False

    @property
    def is_live(self) -> bool:
        """Tell whether the row may still change by itself."""
        return self.progress is not None and not self.progress.job.is_final


def rows_of(calls: list[Call], wanted: CallFilter = _ANY) -> list[CallRow]:
    """Return the rows for `calls`, which the caller may see, in their order, with where they hold the text `wanted`."""
    keys = [call.pk for call in calls]
    jobs, summaries, parties = latest_job_by_call(keys), current_by_call(keys), party_counts(calls)
    hits = find_hits(calls, text=wanted.text, party=wanted.party, summaries=summaries)
    tags = tags_by_call(keys)
    rows = []
    for call in calls:
        job, summary = jobs.get(call.pk), summaries.get(call.pk)
        glance = None
        if summary is not None:
            content = CallSummary.model_validate(summary.content)
            glance = _glance(content, approved=summary.state == summary.State.APPROVED, author=summary.author_id)
        progress = progress_of(job) if job else None
        speakers, found, tagged = parties.get(call.pk, 0), hits.get(call.pk), tags.get(call.pk, ())
        rows.append(CallRow(call, progress, glance, speakers, found, tagged, searched=bool(wanted.text)))
    return rows


def _glance(content: CallSummary, *, approved: bool, author: object) -> Glance:
    return Glance(
        title=in_words(content, content.title),
        one_line=in_words(content, content.one_line.text) if content.one_line.supported else "",
        category=str(CATEGORIES[content.category]) if content.category != "other" else "",
        outcome=str(OUTCOMES[content.outcome]) if content.outcome != "unknown" else "",
        sentiment=str(SENTIMENTS[content.sentiment]) if content.sentiment != "neutral" else "",
        mood=content.sentiment,
        method=content.method,
        unsupported=content.unsupported,
        approved=approved,
        by_person=author is not None,
    )
