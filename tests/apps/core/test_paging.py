"""Pages of a list: each item on one page, in order, whichever end it is read from."""

import pytest
from django.core.paginator import Paginator
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.accounts.models import Organization
from apps.core.paging import CappedPaginator, EitherEndPaginator

LISTED = Organization.objects.order_by("-require_totp", "name")


@pytest.fixture
def houses(db: None) -> list[Organization]:
    for number in range(23):
        Organization.objects.create(name=f"{number:02}", require_totp=number % 3 == 0)
    return list(LISTED.all())


@pytest.mark.parametrize("size", [1, 4, 5, 22, 23, 50])
@pytest.mark.parametrize("kind", [EitherEndPaginator, CappedPaginator])
def test_pages_are_those_of_a_plain_paginator(houses: list[Organization], kind: type, size: int) -> None:
    plain, ours = Paginator(LISTED.all(), size), kind(LISTED.all(), size)
    assert (ours.count, ours.num_pages) == (23, plain.num_pages)
    for number in plain.page_range:
        assert list(ours.page(number)) == list(plain.page(number)), number
    assert list(ours.get_page("last")) == houses[:size]


def test_the_last_page_skips_nothing(houses: list[Organization]) -> None:
    with CaptureQueriesContext(connection) as queries:
        assert list(EitherEndPaginator(LISTED.all(), 5).get_page(99)) == houses[20:]
    assert not any("OFFSET" in query["sql"] for query in queries)


def test_a_list_of_python_is_paged_from_its_beginning() -> None:
    assert list(EitherEndPaginator([1, 2, 3], 2).page(2)) == [3]


def test_what_goes_between_the_count_and_the_page_is_left_out(houses: list[Organization]) -> None:
    pages = CappedPaginator(LISTED.all(), 5)
    assert pages.count == 23
    houses[1].delete()
    assert list(pages.page(1)) == [houses[0], *houses[2:5]]


def test_no_page_goes_beyond_the_cap(houses: list[Organization], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(CappedPaginator, "most", 7)
    pages = CappedPaginator(LISTED.all(), 5)
    assert (pages.count, pages.num_pages, pages.more) == (7, 2, True)
    assert list(pages.page(2)) == houses[5:7]
