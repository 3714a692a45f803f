"""Read calls through the acting person. A call of another organization does not exist."""

from uuid import UUID

from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Subquery
from django.shortcuts import get_object_or_404

from apps.accounts.models import User
from apps.accounts.selectors import reach
from apps.calls.models import Call, Recording
from apps.jobs.models import Job
from apps.summaries.models import Summary
from apps.transcripts.models import TranscriptSegment

_GROUPS = {
    "active": [Job.State.QUEUED, Job.State.RUNNING],
    "done": [Job.State.DONE],
    "failed": [Job.State.FAILED],
    "cancelled": [Job.State.CANCELLED],
}


def access_calls(actor: User) -> QuerySet[Call]:
    """Return the calls `actor` may see, newest first: their own as an agent, all of the organization otherwise."""
    whole, own = reach(actor)
    visible = Q(organization_id__in=whole) | Q(organization_id__in=own, created_by=actor)
    return Call.objects.filter(visible).order_by("-created_at", "pk")


def access_call(actor: User, call_id: UUID) -> Call:
    """Return one call or raise Http404."""
    return get_object_or_404(access_calls(actor), pk=call_id)


def access_recording(actor: User, call_id: UUID) -> Recording:
    """Return the recording of a call that `actor` may hear, or raise Http404."""
    return get_object_or_404(Recording, call=access_call(actor, call_id))


def recording_of(call: Call) -> Recording | None:
    """Return the recording of `call`, None for an imported transcript."""
    return Recording.objects.filter(call=call).first()


def find_calls(actor: User, *, text: str = "", group: str = "") -> QuerySet[Call]:
    """Return the calls `actor` may see that hold `text` in title, file name, summary or transcript.

    `group` narrows to those whose newest job is active, done, failed or cancelled; an unknown one narrows nothing.
    """
    calls = access_calls(actor).select_related("recording")
    if text:
        calls = calls.filter(_holds(text))
    if group in _GROUPS:
        newest = Job.objects.filter(call=OuterRef("pk")).order_by("-created_at")
        calls = calls.alias(state=Subquery(newest.values("state")[:1])).filter(state__in=_GROUPS[group])
    return calls


def _holds(text: str) -> Q:
    summaries = Summary.objects.filter(call=OuterRef("pk")).filter(
        Q(content__title__icontains=text) | Q(content__one_line__text__icontains=text)
    )
    spoken = TranscriptSegment.objects.filter(call=OuterRef("pk"), text__icontains=text)
    named = Q(title__icontains=text) | Q(recording__file_name__icontains=text)
    return named | Q(Exists(summaries)) | Q(Exists(spoken))


def party_counts(calls: list[Call]) -> dict[UUID, int]:
    """Return how many parties speak in each call that has a transcript."""
    rows = TranscriptSegment.objects.filter(call__in=calls).values("call_id").order_by("call_id")
    return {row["call_id"]: row["n"] for row in rows.annotate(n=Count("party", distinct=True))}
