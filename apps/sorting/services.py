"""Put tags on calls and take them off, keep and forget searches."""

import uuid
from collections.abc import Sequence

from django.db import IntegrityError, transaction

from apps.accounts.models import Organization, User
from apps.accounts.services import log_access, log_access_to_many
from apps.calls.models import Call
from apps.core.errors import YoyakError
from apps.core.lines import one_line
from apps.sorting.models import CallTag, SavedSearch, Tag

MAX_NAME = 40
MAX_TAGS = 1000
MAX_SEARCH_NAME = 60
MAX_SEARCHES = 50


@transaction.atomic
def add_tag(*, calls: Sequence[Call], name: str, actor: User) -> Tag:
    """Put the tag `name` on each of `calls`, which are of one organization.

    Raises:
        YoyakError: the name is empty or too long, the calls are of several organizations, or there are too many tags.
    """
    organization_id = _one_organization(calls)
    tag = _tag(organization_id, _word(name))
    rows = [CallTag(call=call, tag=tag, added_by=actor) for call in calls]
    CallTag.objects.bulk_create(rows, ignore_conflicts=True)
    _log(actor, calls, "add_tag")
    return tag


@transaction.atomic
def remove_tag(*, calls: Sequence[Call], name: str, actor: User) -> int:
    """Take the tag `name` off `calls` and return how many had it.

    Raises:
        YoyakError: as for `add_tag`.
    """
    organization_id = _one_organization(calls)
    held = CallTag.objects.filter(call__in=calls, tag__organization_id=organization_id, tag__name=_word(name))
    count, _ = held.delete()
    _log(actor, calls, "remove_tag")
    return count


def _one_organization(calls: Sequence[Call]) -> uuid.UUID:
    if len({call.organization_id for call in calls}) > 1:
        raise YoyakError("mixed_organizations")
    return calls[0].organization_id


def _word(name: str) -> str:
    word = one_line(name)
    if not 0 < len(word) <= MAX_NAME:
        raise YoyakError("bad_tag", name=word[:MAX_NAME], limit=MAX_NAME)
    return word


def _tag(organization_id: uuid.UUID, name: str) -> Tag:
    tag, made = Tag.objects.get_or_create(organization_id=organization_id, name=name)
    if made and Tag.objects.filter(organization_id=organization_id).count() > MAX_TAGS:
        raise YoyakError("too_many_tags", limit=MAX_TAGS)
    return tag


def _log(actor: User, calls: Sequence[Call], action: str) -> None:
    log_access_to_many(
        actor=actor, action=action, kind="call", objects=[(call.organization_id, call.pk) for call in calls]
    )


@transaction.atomic
def save_search(*, organization: Organization, name: str, query: str, shared: bool, actor: User) -> SavedSearch:
    """Keep the list's query string `query` under `name`.

    Raises:
        YoyakError: nothing is asked for, the name is empty, too long or taken, or there are too many.
    """
    word = one_line(name)
    if not 0 < len(word) <= MAX_SEARCH_NAME:
        raise YoyakError("bad_search_name", limit=MAX_SEARCH_NAME)
    if not query:
        raise YoyakError("empty_search")
    if SavedSearch.objects.filter(owner=actor).count() >= MAX_SEARCHES:
        raise YoyakError("too_many_searches", limit=MAX_SEARCHES)
    try:
        with transaction.atomic():
            search = SavedSearch.objects.create(
                organization=organization, owner=actor, name=word, query=query, shared=shared
            )
    except IntegrityError as error:
        raise YoyakError("search_name_taken", name=word) from error
    _log_search(actor, search, "save_search")
    return search


@transaction.atomic
def forget_search(*, search: SavedSearch, actor: User) -> None:
    """Remove a saved search."""
    _log_search(actor, search, "forget_search")
    search.delete()


def _log_search(actor: User, search: SavedSearch, action: str) -> None:
    log_access(actor=actor, organization_id=search.organization_id, action=action, kind="search", object_id=search.pk)
