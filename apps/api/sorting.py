"""The operations on tags and on saved searches."""

import uuid
from datetime import date, datetime
from typing import Annotated

from django.http import QueryDict
from pydantic import BaseModel, Field

from apps.accounts.selectors import access_organization
from apps.api.batches import CallsIn, chosen_calls
from apps.api.calls import page_of_calls
from apps.api.operations import Ask, Incoming, example, operation
from apps.api.shapes import CallsOut, FilterFields, PageQuery
from apps.calls.forms import FilterForm
from apps.sorting.models import SavedSearch
from apps.sorting.selectors import access_own_search, access_search, access_tags, searches_with_counts
from apps.sorting.services import MAX_NAME, MAX_SEARCH_NAME, add_tag, forget_search, remove_tag, save_search
from workers.contracts.lines import ONE_LINE, STRIPPED


class TagsIn(CallsIn):
    """A tag, and the calls to put it on or to take it off."""

    model_config = example(
        name="환불",
        filter={"q": "환불"},
    )

    name: Annotated[str, Field(min_length=1, max_length=MAX_NAME, pattern=ONE_LINE), STRIPPED]


class TagOut(BaseModel):
    id: uuid.UUID
    name: str


class TagsOut(BaseModel):
    items: list[TagOut]


class TaggedOut(BaseModel):
    """On how many calls the tag was put, or off how many it was taken."""

    calls: int


class SearchFilter(FilterFields):
    """The filter of the list as people use it: whole days, lengths in minutes."""

    since: date | None = None
    until: date | None = None
    agent: uuid.UUID | None = None
    min_minutes: Annotated[float, Field(ge=0, le=1e5)] | None = None
    max_minutes: Annotated[float, Field(ge=0, le=1e5)] | None = None

    def query(self) -> str:
        """Return the filter as the query string of the list; "" when it narrows nothing."""
        said = QueryDict(mutable=True)
        for name, value in self.model_dump(mode="json").items():
            if value not in ("", None):
                said[name] = str(value).lower() if isinstance(value, bool) else str(value)
        form = FilterForm(said)
        return form.query() if form.wanted().narrows else ""


class SearchIn(Incoming):
    """A search to keep, for oneself or `shared` with the organization."""

    name: Annotated[str, Field(min_length=1, max_length=MAX_SEARCH_NAME, pattern=ONE_LINE), STRIPPED]
    shared: bool = False
    filter: SearchFilter


class SearchOut(BaseModel):
    """`query` is the query string of the list of calls; `own` tells that one may forget it."""

    id: uuid.UUID
    name: str
    query: str
    shared: bool
    own: bool
    created_at: datetime

    @classmethod
    def of(cls, search: SavedSearch, own: bool) -> "SearchOut":
        """Return a saved search as the API shows it."""
        return cls.model_validate({**vars(search), "own": own})


class CountedOut(SearchOut):
    """A saved search with how many calls one finds with it, counted up to a thousand; `more` when there are more.
    Beyond the first twenty nothing is counted."""

    count: int | None
    more: bool


class SearchesOut(BaseModel):
    items: list[CountedOut]


@operation("GET", "tags", answer=TagsOut)
def list_tags(ask: Ask) -> TagsOut:
    """List the tags that stand on calls of one's organizations."""
    return TagsOut(items=[TagOut(id=tag.pk, name=tag.name) for tag in access_tags(ask.actor)])


@operation("POST", "tags", body=TagsIn, answer=TaggedOut)
def tag_calls(ask: Ask) -> TaggedOut:
    """Put a tag on calls."""
    calls = chosen_calls(ask)
    add_tag(calls=calls, name=ask.body.name, actor=ask.actor)
    return TaggedOut(calls=len(calls))


@operation("POST", "tags/remove", body=TagsIn, answer=TaggedOut)
def untag_calls(ask: Ask) -> TaggedOut:
    """Take a tag off calls."""
    return TaggedOut(calls=remove_tag(calls=chosen_calls(ask), name=ask.body.name, actor=ask.actor))


@operation("GET", "searches", answer=SearchesOut)
def list_searches(ask: Ask) -> SearchesOut:
    """List one's own saved searches and those shared within the organization, with what they find."""
    found = [
        CountedOut(**SearchOut.of(one.search, one.own).model_dump(), count=one.count, more=one.more)
        for one in searches_with_counts(ask.actor)
    ]
    return SearchesOut(items=found)


@operation("POST", "searches", body=SearchIn, answer=SearchOut, status=201)
def create_search(ask: Ask) -> SearchOut:
    """Keep a search under a name."""
    body, house = ask.body, access_organization(ask.actor)
    search = save_search(
        organization=house, name=body.name, query=body.filter.query(), shared=body.shared, actor=ask.actor
    )
    return SearchOut.of(search, own=True)


@operation("GET", "searches/{search_id}/calls", query=PageQuery, answer=CallsOut)
def run_search(ask: Ask) -> CallsOut:
    """List the calls that a saved search finds, newest first."""
    wanted = FilterForm(QueryDict(access_search(ask.actor, ask.ids["search_id"]).query)).wanted()
    return page_of_calls(ask, wanted)


@operation("DELETE", "searches/{search_id}", status=204)
def remove_search(ask: Ask) -> None:
    """Forget a saved search of one's own."""
    forget_search(search=access_own_search(ask.actor, ask.ids["search_id"]), actor=ask.actor)
