"""Search calls and say so in the access log: the one way in which lists, exports and programs look for words."""

from dataclasses import replace
from datetime import datetime

from django.db.models import QuerySet

from apps.accounts.models import User
from apps.accounts.selectors import organization_ids
from apps.accounts.services import log_access_to_many
from apps.calls.filters import CallFilter
from apps.calls.models import Call
from apps.calls.selectors import access_calls, find_calls

# How many of the newest calls are looked through before all are: quick, and enough for a word of every third call.
_NEWEST = 3000


def search_calls(
    *, actor: User, wanted: CallFilter, as_of: datetime | None = None, first: int | None = None
) -> QuerySet[Call]:
    """Return what `find_calls` finds; where only the `first` so many are read, perhaps no more than these.

    A search for words is noted in the log of every organization that it reaches, without the words.
    """
    if wanted.text:
        houses = [(key, key) for key in organization_ids(actor)]
        log_access_to_many(actor=actor, action="search_calls", kind="organization", objects=houses)
        if first is not None and (recent := _recent(actor, wanted)):
            found = find_calls(actor, recent, as_of=as_of)
            if found[first - 1 : first].exists():
                return found
    return find_calls(actor, wanted, as_of=as_of)


def _recent(actor: User, wanted: CallFilter) -> CallFilter | None:
    """Return `wanted` among the newest calls alone; None when that is not narrower."""
    calls = access_calls(actor)
    if wanted.until is not None:
        calls = calls.filter(happened_at__lt=wanted.until)
    edge = calls.values_list("happened_at", flat=True)[_NEWEST : _NEWEST + 1].first()
    if edge is None or (wanted.since is not None and edge <= wanted.since):
        return None
    return replace(wanted, since=edge)
