"""Pages of a list: a page number that makes no sense leads to the nearest page, never to an error."""

from typing import TYPE_CHECKING, Any, cast

from django.core.paginator import Page, Paginator
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.functional import cached_property

if TYPE_CHECKING:
    AnyPaginator = Paginator[Any]
else:
    AnyPaginator = Paginator

PAGE_SIZE = 20


class CappedPaginator(AnyPaginator):
    """Pages of the first thousand items only: counting all that a common word finds would take longer than the page."""

    most = 1000

    @cached_property
    def count(self) -> int:
        """Return the number of items, at most the cap."""
        return min(self._reached, self.most)

    @property
    def more(self) -> bool:
        """Tell whether there are items beyond the cap."""
        return self._reached > self.most

    @cached_property
    def _reached(self) -> int:
        # Which thousand they are does not matter, so the database need not walk them in order.
        return cast("QuerySet[Any]", self.object_list).order_by()[: self.most + 1].count()


def page_of(request: HttpRequest, items: "QuerySet[Any] | list[Any]", size: int = PAGE_SIZE) -> Page[Any]:
    """Return the page that ``?page=`` names; `items` must be in a stable order."""
    return Paginator(items, size).get_page(request.GET.get("page"))


def capped_page_of(request: HttpRequest, items: QuerySet[Any], size: int = PAGE_SIZE) -> Page[Any]:
    """Return the page that ``?page=`` names out of the first thousand `items`."""
    return CappedPaginator(items, size).get_page(request.GET.get("page"))
