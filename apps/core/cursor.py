"""Stable pages of a list that is ordered newest first: a cursor names the last row seen, so new rows shift nothing."""

import uuid
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db.models import Q, QuerySet

_FAR = datetime(9999, 1, 1, tzinfo=UTC)


class BadCursor(ValueError):
    """The text is not a cursor of ours."""

    permanent = True


def page_after(
    items: QuerySet[Any], cursor: str, size: int, *, at: str = "created_at", key: Callable[[str], Any] = uuid.UUID
) -> tuple[list[Any], str]:
    """Return up to `size` rows after `cursor` ("" for the first) and the cursor of the next page, "" at the end.

    `items` must be ordered by the moment in the field `at`, newest first, then by the primary key; `key` reads one.

    Raises:
        BadCursor: `cursor` was not made here.
    """
    rows = list(items.filter(after(cursor, at=at, key=key))[: size + 1])
    return rows[:size], cursor_of(rows[size - 1], at=at) if len(rows) > size else ""


def after(cursor: str, *, at: str = "created_at", key: Callable[[str], Any] = uuid.UUID) -> Q:
    """Return the condition for rows after `cursor`, as `page_after` orders them.

    Raises:
        BadCursor: `cursor` was not made here.
    """
    if not cursor:
        return Q()
    moment, last = _read(cursor, key)
    return Q(**{f"{at}__lt": moment}) | Q(**{at: moment, "pk__gt": last})


def cursor_of(row: Any, *, at: str = "created_at") -> str:
    """Return the cursor of the page after `row`."""
    return urlsafe_b64encode(f"{getattr(row, at).isoformat()}|{row.pk}".encode()).decode().rstrip("=")


def end_of(cursor: str) -> datetime | None:
    """Return a moment before which every row on the page of `cursor` stands, None for the first page.

    Raises:
        BadCursor: `cursor` was not made here.
    """
    return min(_read(cursor, str)[0], _FAR) + timedelta(microseconds=1) if cursor else None


def _read(cursor: str, key: Callable[[str], Any]) -> tuple[datetime, Any]:
    try:
        at, last = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode().split("|")
        moment = datetime.fromisoformat(at)
        if moment.tzinfo is None:
            raise ValueError("without a time zone")
        return moment.astimezone(UTC), key(last)
    except (ValueError, OverflowError) as error:
        raise BadCursor(cursor) from error
