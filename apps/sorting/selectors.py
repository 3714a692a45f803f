"""Read tags and saved searches through the acting person."""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import QueryDict
from django.shortcuts import get_object_or_404

from apps.accounts.models import User
from apps.accounts.selectors import organization_ids
from apps.calls.forms import FilterForm
from apps.calls.selectors import find_calls
from apps.sorting.models import CallTag, SavedSearch, Tag

# Counting goes no further: a page says "1,000+".
MOST_COUNTED = 1000
# So many searches are counted for a page.
_COUNTED = 20


@dataclass(frozen=True)
class Found:
    """A saved search with how many calls it finds for the person, None where that was not counted; `more` when there
    are more than counted."""

    search: SavedSearch
    count: int | None
    more: bool
    own: bool


def access_tags(actor: User) -> QuerySet[Tag]:
    """Return the tags that stand on calls of the organizations of `actor`, by name."""
    used = Exists(CallTag.objects.filter(tag=OuterRef("pk")))
    return Tag.objects.filter(used, organization_id__in=organization_ids(actor)).order_by("name", "pk")


def tags_by_call(call_ids: Iterable[UUID]) -> dict[UUID, list[Tag]]:
    """Return the tags of calls that the caller may see, by name."""
    tags: dict[UUID, list[Tag]] = {}
    for row in CallTag.objects.filter(call_id__in=list(call_ids)).select_related("tag").order_by("tag__name"):
        tags.setdefault(row.call_id, []).append(row.tag)
    return tags


def access_searches(actor: User) -> QuerySet[SavedSearch]:
    """Return the searches of `actor` and those shared within their organizations, by name."""
    mine = Q(owner=actor) | Q(shared=True)
    return SavedSearch.objects.filter(mine, organization_id__in=organization_ids(actor)).order_by("name", "pk")


def access_search(actor: User, search_id: UUID) -> SavedSearch:
    """Return a search that `actor` may use, or raise Http404."""
    return get_object_or_404(access_searches(actor), pk=search_id)


def access_own_search(actor: User, search_id: UUID) -> SavedSearch:
    """Return a search that `actor` saved, or raise Http404."""
    return get_object_or_404(access_searches(actor).filter(owner=actor), pk=search_id)


def searches_with_counts(actor: User) -> list[Found]:
    """Return the searches of `actor`, the first with the number of calls that this person finds with them.

    Colleagues share as many as they like, and each count is a search: one's own are counted before theirs.
    """
    searches = sorted(access_searches(actor).select_related("owner"), key=lambda one: one.owner_id != actor.pk)
    return [_found(actor, search, counted=place < _COUNTED) for place, search in enumerate(searches)]


def _found(actor: User, search: SavedSearch, *, counted: bool) -> Found:
    own = search.owner_id == actor.pk
    if not counted:
        return Found(search, None, False, own)
    wanted = FilterForm(QueryDict(search.query)).wanted()
    count = find_calls(actor, wanted).order_by()[: MOST_COUNTED + 1].count()
    return Found(search, min(count, MOST_COUNTED), count > MOST_COUNTED, own)
