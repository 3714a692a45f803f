"""Search calls and say so in the access log: the one way in which lists, exports and programs look for words."""

from dataclasses import replace
from datetime import datetime
from uuid import UUID

from django.db.models import QuerySet

from apps.accounts.models import User
from apps.accounts.selectors import organization_ids
from apps.accounts.services import log_access_to_many
from apps.calls.filters import CallFilter
from apps.calls.models import Call
from apps.calls.selectors import access_calls, find_calls
from apps.core.cursor import after, end_of

# How many of the newest calls are looked through before more are, and fewer than how many of them make a word rare.
_NEWEST, _FEW = 3000, 100


def search_calls(*, actor: User, wanted: CallFilter) -> QuerySet[Call]:
    """Return what `find_calls` finds. A search for words is noted in the log of every organization that it reaches,
    without the words."""
    _note(actor, wanted)
    return find_calls(actor, wanted)


def first_found(
    *, actor: User, wanted: CallFilter, most: int, as_of: datetime | None = None, cursor: str = ""
) -> list[UUID]:
    """Return the keys of the first `most` calls that a search finds, after `cursor`. It is noted as in `search_calls`.

    The newest calls are looked through first: how many of them are found tells how far back the first ones reach, and
    whether a word is so rare that its calls are best read and sorted.

    Raises:
        BadCursor: `cursor` was not made here.
    """
    _note(actor, wanted)
    following, end = after(cursor, at="happened_at"), end_of(cursor)
    if end is not None:
        wanted = replace(wanted, until=min(end, wanted.until or end))

    def look(narrowed: CallFilter, *, rare: bool = False) -> list[UUID]:
        found = find_calls(actor, narrowed, as_of=as_of, rare=rare).filter(following)
        return list(found.values_list("pk", flat=True)[:most])

    recent = _recent(actor, wanted, _NEWEST) if wanted.text else None
    if recent is None:
        return look(wanted)
    keys = look(recent)
    if _FEW <= len(keys) < most and (further := _recent(actor, wanted, _NEWEST * most * 3 // (len(keys) * 2))):
        keys = look(further)
    if len(keys) == most:
        return keys
    words = CallFilter(text=wanted.text, party=wanted.party, since=recent.since, until=recent.until)
    return look(wanted, rare=find_calls(actor, words).order_by()[:_FEW].count() < _FEW)


def _recent(actor: User, wanted: CallFilter, newest: int) -> CallFilter | None:
    """Return `wanted` among the newest calls alone; None when that is not narrower."""
    calls = access_calls(actor)
    if wanted.until is not None:
        calls = calls.filter(happened_at__lt=wanted.until)
    edge = calls.order_by("-happened_at").values_list("happened_at", flat=True)[newest : newest + 1].first()
    if edge is None or (wanted.since is not None and edge <= wanted.since):
        return None
    return replace(wanted, since=edge)


def _note(actor: User, wanted: CallFilter) -> None:
    if wanted.text:
        houses = [(key, key) for key in organization_ids(actor)]
        log_access_to_many(actor=actor, action="search_calls", kind="organization", objects=houses)
