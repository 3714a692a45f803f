"""Read calls through the acting person. A call of another organization does not exist."""

from datetime import datetime
from uuid import UUID

from django.db.models import Count, Exists, OuterRef, QuerySet
from django.shortcuts import get_object_or_404

from apps.accounts.models import User
from apps.accounts.selectors import organization_ids, within_reach
from apps.calls.filters import CallFilter, digits_of
from apps.calls.models import Call, Recording
from apps.jobs.models import Job
from apps.search.matching import Holds
from apps.search.tokens import Place, day_terms, query_words
from apps.transcripts.models import TranscriptSegment, spoken_by

_GROUPS = {
    "active": [*Job.ACTIVE],
    "done": [Job.State.DONE],
    "failed": [Job.State.FAILED],
    "cancelled": [Job.State.CANCELLED],
}
_PLACES_OF_PARTY = {"A": (Place.SAID_A,), "B": (Place.SAID_B,)}
_LOOKUPS = {
    "happened_at__gte": "since",
    "happened_at__lt": "until",
    "created_by": "created_by",
    "document__category": "category",
    "document__outcome": "outcome",
    "document__sentiment": "sentiment",
    "duration_s__gte": "min_duration_s",
    "duration_s__lte": "max_duration_s",
    "call_tags__tag__name": "tag",
    "details__external_id": "external_id",
    "details__direction": "direction",
}


def access_calls(actor: User) -> QuerySet[Call]:
    """Return the calls `actor` may see, newest first; Http404 for whoever works on none."""
    return Call.objects.filter(within_reach(actor)).order_by("-happened_at", "pk")


def access_call(actor: User, call_id: UUID) -> Call:
    """Return one call or raise Http404."""
    return get_object_or_404(access_calls(actor), pk=call_id)


def access_recording(actor: User, call_id: UUID) -> Recording:
    """Return the recording of a call that `actor` may hear, or raise Http404."""
    return get_object_or_404(Recording, call=access_call(actor, call_id))


def recording_of(call: Call) -> Recording | None:
    """Return the recording of `call`, None for an imported transcript."""
    return Recording.objects.filter(call=call).first()


def find_calls(actor: User, wanted: CallFilter, *, as_of: datetime | None = None, rare: bool = False) -> QuerySet[Call]:
    """Return the calls `actor` may see that `wanted` describes, newest first; those that came in after `as_of` wait.

    `rare` tells the database that few calls hold the words: it is quicker then and finds the same.
    """
    calls = access_calls(actor)
    if as_of is not None:
        calls = calls.filter(created_at__lte=as_of)
    if wanted.text:
        calls = _holding(calls, wanted, rare)
    elif wanted.party:
        calls = calls.filter(Exists(spoken_by(wanted.party).filter(call=OuterRef("pk"))))
    if wanted.phone:
        digits = digits_of(wanted.phone)
        calls = calls.filter(details__phone_digits__contains=digits) if digits else calls.none()
    if wanted.group in _GROUPS:
        calls = calls.filter(Exists(_newest_jobs(_GROUPS[wanted.group])))
    asked = {name: getattr(wanted, field) for name, field in _LOOKUPS.items()}
    calls = calls.filter(**{name: value for name, value in asked.items() if value not in ("", None)})
    if wanted.open_actions is None:
        return calls
    return calls.filter(document__open_actions__gt=0) if wanted.open_actions else calls.filter(document__open_actions=0)


def _newest_jobs(states: list[Job.State]) -> QuerySet[Job]:
    """Return the jobs in one of `states` that no later one of their call, the outer query's, has followed."""
    later = Job.objects.filter(call=OuterRef("call"), created_at__gt=OuterRef("created_at"))
    return Job.objects.filter(~Exists(later), call=OuterRef("pk"), state__in=states)


def _holding(calls: QuerySet[Call], wanted: CallFilter, rare: bool) -> QuerySet[Call]:
    words = query_words(wanted.text)
    if not words:
        return calls.none()
    places = _PLACES_OF_PARTY.get(wanted.party, tuple(Place))
    return calls.filter(Holds(words, places, days=_days(calls, wanted), rare=rare))


def _days(calls: QuerySet[Call], wanted: CallFilter) -> tuple[str, ...]:
    """Return the terms of the days that `wanted` is narrowed to, none when it is not, or hardly."""
    if wanted.since is None:
        return ()
    newest = wanted.until or calls.order_by("-happened_at").values_list("happened_at", flat=True).first()
    return day_terms(wanted.since, newest) if newest else ()


def party_counts(calls: list[Call]) -> dict[UUID, int]:
    """Return how many parties speak in each call that has a transcript."""
    rows = TranscriptSegment.objects.filter(call__in=calls).values("call_id").order_by("call_id")
    return {row["call_id"]: row["n"] for row in rows.annotate(n=Count("party", distinct=True))}


def agents_of(actor: User) -> list[User]:
    """Return the people whose calls `actor` may see besides their own, by name; empty for an agent."""
    # Asked of each member, not of each call: there are few members and many calls.
    theirs = access_calls(actor).order_by().filter(created_by=OuterRef("pk"))
    mates = User.objects.filter(memberships__organization__in=organization_ids(actor)).distinct()
    return list(mates.filter(Exists(theirs)).exclude(pk=actor.pk).order_by("username"))
