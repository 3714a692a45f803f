"""The operations on the access log, for auditors and administrators: read a page of it, take it out."""

import uuid
from datetime import datetime
from typing import Annotated

from django.http import StreamingHttpResponse
from pydantic import BaseModel, Field

from apps.accounts.log import LogFilter, access_log, log_lines, record_log_export
from apps.accounts.models import AccessLog
from apps.api.operations import Ask, Incoming, operation
from apps.api.shapes import Moment, PageQuery
from apps.core.cursor import page_after


class LogFilterQuery(Incoming):
    """`actor` is the id of a person, `object` of what was read or changed; `since` is included, `until` is not."""

    actor: uuid.UUID | None = None
    action: Annotated[str, Field(max_length=40)] = ""
    object: uuid.UUID | None = None
    since: Moment | None = None
    until: Moment | None = None

    def wanted(self) -> LogFilter:
        """Return the filter."""
        return LogFilter(self.actor, self.action, self.since, self.until, self.object)


class LogQuery(LogFilterQuery, PageQuery):
    """The filter of the access log and the page."""


class LogLineOut(BaseModel):
    """`actor` is null for the command line and the workers."""

    at: datetime
    organization: uuid.UUID
    actor: uuid.UUID | None
    username: str
    action: str
    object_type: str
    object_id: uuid.UUID

    @classmethod
    def of(cls, row: AccessLog) -> "LogLineOut":
        """Return a line as the API shows it."""
        who = row.actor.username if row.actor else ""
        return cls.model_validate(
            {**vars(row), "organization": row.organization_id, "actor": row.actor_id, "username": who}
        )


class LogOut(BaseModel):
    items: list[LogLineOut]
    next_cursor: str


@operation("GET", "access-log", query=LogQuery, answer=LogOut)
def read_log(ask: Ask) -> LogOut:
    """Read the access log, newest first."""
    found = access_log(ask.actor, ask.query.wanted())
    rows, following = page_after(found, ask.query.cursor, ask.query.limit, at="at", key=int)
    return LogOut(items=[LogLineOut.of(row) for row in rows], next_cursor=following)


@operation("GET", "access-log/export", query=LogFilterQuery, media_type="text/csv")
def export_log(ask: Ask) -> StreamingHttpResponse:
    """Take out the access log as CSV, up to a hundred thousand lines; that is a line of the log itself."""
    rows = access_log(ask.actor, ask.query.wanted())
    record_log_export(actor=ask.actor)
    headers = {"Content-Disposition": 'attachment; filename="access-log.csv"'}
    return StreamingHttpResponse(log_lines(rows), content_type="text/csv; charset=utf-8", headers=headers)
