"""Read the access log through the acting person: what is looked for, the rows, and the rows as a table to take out."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import QuerySet
from django.utils import timezone

from apps.accounts.labels import ACTIONS
from apps.accounts.models import AccessLog, User
from apps.accounts.roles import Right
from apps.accounts.selectors import access_organizations
from apps.accounts.services import log_access
from apps.core.tables import csv_line

MAX_ROWS = 100_000


@dataclass(frozen=True)
class LogFilter:
    """What is looked for; an empty field narrows nothing. `since` is included, `until` is not."""

    actor: UUID | None = None
    action: str = ""
    since: datetime | None = None
    until: datetime | None = None
    object_id: UUID | None = None


_LOOKUPS = {
    "actor": "actor",
    "action": "action",
    "since": "at__gte",
    "until": "at__lt",
    "object_id": "object_id",
}


def access_log(actor: User, wanted: LogFilter) -> QuerySet[AccessLog]:
    """Return the lines that `wanted` describes where `actor` reads the log, newest first; Http404 if nowhere."""
    asked = {lookup: getattr(wanted, field) for field, lookup in _LOOKUPS.items()}
    houses = access_organizations(actor, [Right.READ_ACCESS_LOG])
    rows = AccessLog.objects.filter(organization__in=houses, **{k: v for k, v in asked.items() if v})
    return rows.select_related("actor", "organization").order_by("-at", "pk")


def people_in_log(actor: User) -> QuerySet[User]:
    """Return everybody who is or was a member where `actor` reads the log, by name."""
    houses = access_organizations(actor, [Right.READ_ACCESS_LOG])
    return User.objects.filter(memberships__organization__in=houses).distinct().order_by("username")


def record_log_export(*, actor: User) -> None:
    """Note in the access log itself that `actor` took it out of the house."""
    for house in access_organizations(actor, [Right.READ_ACCESS_LOG]):
        log_access(
            actor=actor, organization_id=house.pk, action="export_access_log", kind="organization", object_id=house.pk
        )


def log_lines(rows: QuerySet[AccessLog]) -> Iterator[str]:
    """Yield the lines of a CSV that spreadsheets open, up to a hundred thousand rows."""
    yield "\ufeff" + csv_line(["at", "person", "action", "action_name", "object", "object_id", "organization"])
    for row in rows[:MAX_ROWS].iterator():
        who, name = row.actor.username if row.actor else "", ACTIONS.get(row.action, row.action)
        at = timezone.localtime(row.at).isoformat(timespec="seconds")
        yield csv_line([at, who, row.action, str(name), row.object_type, str(row.object_id), row.organization.name])
