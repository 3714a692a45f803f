"""Pages of a list: a page number that makes no sense leads to the nearest page, never to an error."""

from typing import Any

from django.core.paginator import Page, Paginator
from django.db.models import QuerySet
from django.http import HttpRequest

PAGE_SIZE = 20


def page_of(request: HttpRequest, items: "QuerySet[Any] | list[Any]", size: int = PAGE_SIZE) -> Page[Any]:
    """Return the page that ``?page=`` names; `items` must be in a stable order."""
    return Paginator(items, size).get_page(request.GET.get("page"))
