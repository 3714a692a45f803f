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


class EitherEndPaginator(AnyPaginator):
    """Pages of a list in a stable order; those of its second half are read from its end."""

    def page(self, number: int | str) -> Page[Any]:
        """Return the page of that number."""
        whole, held = self.validate_number(number), self.object_list
        bottom = (whole - 1) * self.per_page
        if not isinstance(held, QuerySet) or bottom < self.count // 2:
            return super().page(whole)
        top = min(bottom + self.per_page, self.count)
        rows = list(held.reverse()[self.count - top : self.count - bottom])
        return Page(rows[::-1], whole, self)


class CappedPaginator(AnyPaginator):
    """Pages of the first thousand items only: counting all that a common word finds would take longer than the page.

    The keys of those items, which are found once, in order, tell how many there are and which stand on a page. Who can
    find them faster than by reading the list from its beginning gives the first ``most + 1`` as `keys`.
    """

    most = 1000

    def __init__(self, items: QuerySet[Any], size: int, keys: list[Any] | None = None) -> None:
        super().__init__(items, size)
        if keys is not None:
            self._keys = keys

    @cached_property
    def count(self) -> int:
        """Return the number of items, at most the cap."""
        return min(len(self._keys), self.most)

    @property
    def more(self) -> bool:
        """Tell whether there are items beyond the cap."""
        return len(self._keys) > self.most

    def page(self, number: int | str) -> Page[Any]:
        """Return the page of that number."""
        whole, items = self.validate_number(number), cast("QuerySet[Any]", self.object_list)
        keys = self._keys[: self.most][(whole - 1) * self.per_page : whole * self.per_page]
        rows = items.model._default_manager.all()
        rows.query.select_related = items.query.select_related
        by_key = rows.in_bulk(keys)
        return Page([by_key[key] for key in keys if key in by_key], whole, self)

    @cached_property
    def _keys(self) -> list[Any]:
        items = cast("QuerySet[Any]", self.object_list)
        return list(items.values_list("pk", flat=True)[: self.most + 1])


def page_of(request: HttpRequest, items: "QuerySet[Any] | list[Any]", size: int = PAGE_SIZE) -> Page[Any]:
    """Return the page that ``?page=`` names; `items` must be in a stable order."""
    return EitherEndPaginator(items, size).get_page(request.GET.get("page"))


def capped_page_of(
    request: HttpRequest, items: QuerySet[Any], size: int = PAGE_SIZE, *, keys: list[Any] | None = None
) -> Page[Any]:
    """Return the page that ``?page=`` names out of the first thousand `items`; `keys` as in `CappedPaginator`."""
    return CappedPaginator(items, size, keys).get_page(request.GET.get("page"))
