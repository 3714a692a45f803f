"""Stable pages of a list that is ordered newest first: a cursor names the last row seen, so new rows shift nothing."""

import uuid
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet


class BadCursor(ValueError):
    """The text is not a cursor of ours."""

    permanent = True


def page_after(items: QuerySet[Any], cursor: str, size: int) -> tuple[list[Any], str]:
    """Return up to `size` rows after `cursor` ("" for the first) and the cursor of the next page, "" at the end.

    `items` must be ordered by ``-created_at, pk`` and have UUID keys.

    Raises:
        BadCursor: `cursor` was not made here.
    """
    if cursor:
        at, key = _read(cursor)
        items = items.filter(Q(created_at__lt=at) | Q(created_at=at, pk__gt=key))
    rows = list(items[: size + 1])
    return rows[:size], _write(rows[size - 1]) if len(rows) > size else ""


def _write(row: Any) -> str:
    return urlsafe_b64encode(f"{row.created_at.isoformat()}|{row.pk}".encode()).decode().rstrip("=")


def _read(cursor: str) -> tuple[datetime, uuid.UUID]:
    try:
        at, key = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode().split("|")
        moment = datetime.fromisoformat(at)
        if moment.tzinfo is None:
            raise ValueError("without a time zone")
        return moment, uuid.UUID(key)
    except ValueError as error:
        raise BadCursor(cursor) from error
