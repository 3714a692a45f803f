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

# How many of the newest calls are looked through before more are, and fewer than how many of them make a word rare.
_NEWEST, _FEW = 3000, 40


def search_calls(
    *, actor: User, wanted: CallFilter, as_of: datetime | None = None, first: int | None = None
) -> QuerySet[Call]:
    """Return what `find_calls` finds; where only the `first` so many are read, perhaps no more than these.

    A search for words is noted in the log of every organization that it reaches, without the words.
    """
    if wanted.text:
        houses = [(key, key) for key in organization_ids(actor)]
        log_access_to_many(actor=actor, action="search_calls", kind="organization", objects=houses)
        if first is not None:
            return _first_found(actor, wanted, as_of, first)
    return find_calls(actor, wanted, as_of=as_of)


def _first_found(actor: User, wanted: CallFilter, as_of: datetime | None, first: int) -> QuerySet[Call]:
    """Return the calls found, or so many of the newest that the `first` are among them.

    How many of the newest calls are found tells how far back the first ones reach.
    """
    newest = _NEWEST
    for _ in range(2):
        recent = _recent(actor, wanted, newest)
        if recent is None:
            break
        found = find_calls(actor, recent, as_of=as_of)
        held = _count(found, first)
        if held == first:
            return found
        if held < _FEW:
            words = CallFilter(text=wanted.text, party=wanted.party, since=recent.since, until=recent.until)
            return find_calls(actor, wanted, as_of=as_of, rare=_count(find_calls(actor, words), _FEW) < _FEW)
        newest = newest * first * 3 // (held * 2)
    return find_calls(actor, wanted, as_of=as_of)


def _count(found: QuerySet[Call], most: int) -> int:
    return found.order_by()[:most].count()


def _recent(actor: User, wanted: CallFilter, newest: int) -> CallFilter | None:
    """Return `wanted` among the newest calls alone; None when that is not narrower."""
    calls = access_calls(actor)
    if wanted.until is not None:
        calls = calls.filter(happened_at__lt=wanted.until)
    edge = calls.values_list("happened_at", flat=True)[newest : newest + 1].first()
    if edge is None or (wanted.since is not None and edge <= wanted.since):
        return None
    return replace(wanted, since=edge)
