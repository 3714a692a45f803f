"""Days of the calendar as people name them in a filter, in the zone of the pages, as moments of the database."""

from datetime import UTC, date, datetime, time, timedelta

from django.utils import timezone


def midnight(day: date | None, days: int = 0) -> datetime | None:
    """Return when the day `days` after `day` begins, in UTC; None where there is no day or the calendar ends."""
    try:
        return timezone.make_aware(datetime.combine(day + timedelta(days), time())).astimezone(UTC) if day else None
    except OverflowError:
        return None
