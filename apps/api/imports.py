"""The operations on imports, for administrators: a table of calls, the recordings that it names, all or nothing."""

import uuid
from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, Field

from apps.api.operations import Ask, Incoming, operation
from apps.api.problems import Problem
from apps.api.shapes import PageQuery
from apps.core.cursor import page_after
from apps.core.feedback import explain
from apps.intake.imports import (
    BadTable,
    add_file,
    begin_import,
    drop_import,
    missing_files,
    start_import,
    wanted_files,
)
from apps.intake.models import ImportRun
from apps.intake.reports import complaints_of, report_of
from apps.intake.selectors import access_import, access_importing, access_imports
from apps.intake.table import MAX_BYTES
from workers.contracts.lines import STRIPPED


class TableIn(Incoming):
    """Fields beside the part `file`, which is the CSV file."""

    name: Annotated[str, Field(max_length=200), STRIPPED] = ""


class FileQuery(Incoming):
    """The name under which the table knows the file: its path in the folder, with slashes."""

    name: Annotated[str, Field(min_length=1, max_length=1000)]


class ImportComplaintOut(BaseModel):
    """Why a row cannot be used; `row` is numbered as a spreadsheet shows it, 0 is the file itself."""

    row: int
    column: str
    code: str
    reason: str


class ImportRowOut(BaseModel):
    """`status` is added, duplicate or failed; `call` is the id of the call, or the row with the same sound."""

    row: int
    file: str
    status: str
    call: str


class ImportReportOut(BaseModel):
    """With any complaint nothing was imported; the new calls make up the batch."""

    complaints: list[ImportComplaintOut]
    results: list[ImportRowOut]
    batch: str


class ImportBriefOut(BaseModel):
    """`state` is gathering, queued, running, done or refused."""

    id: uuid.UUID
    name: str
    state: str
    created_at: datetime
    finished_at: datetime | None


class ImportOut(ImportBriefOut):
    """`missing` are the files of the table that have not come; `report` is there once it has ended."""

    wanted: int
    missing: list[str]
    report: ImportReportOut | None

    @classmethod
    def of(cls, run: ImportRun) -> "ImportOut":
        """Return an import as the API shows it."""
        brief = ImportBriefOut.model_validate(run, from_attributes=True)
        gathering, report = run.state == ImportRun.State.GATHERING, report_of(run)
        return cls(
            **brief.model_dump(),
            wanted=len(wanted_files(run)),
            missing=missing_files(run) if gathering else [],
            report=ImportReportOut.model_validate(report, from_attributes=True) if report else None,
        )


class ImportsOut(BaseModel):
    items: list[ImportBriefOut]
    next_cursor: str


@operation("GET", "imports", query=PageQuery, answer=ImportsOut)
def list_imports(ask: Ask) -> ImportsOut:
    """List imports, newest first."""
    runs, following = page_after(access_imports(ask.actor), ask.query.cursor, ask.query.limit)
    items = [ImportBriefOut.model_validate(run, from_attributes=True) for run in runs]
    return ImportsOut(items=items, next_cursor=following)


@operation("POST", "imports", form=TableIn, answer=ImportOut, status=201)
def create_import(ask: Ask) -> ImportOut:
    """Begin an import with a CSV file of calls; one with a row that cannot be used is refused, each row named."""
    house, file = access_importing(ask.actor), ask.request.FILES.get("file")
    if file is None or ask.body is None:
        raise Problem(422, "invalid", "file: the table is missing")
    name = ask.body.name or (file.name or "calls.csv").replace("\0", "")
    try:
        run = begin_import(organization=house, actor=ask.actor, name=name, table=file.read(MAX_BYTES + 1))
    except BadTable as error:
        errors = [vars(complaint) for complaint in complaints_of(error)]
        raise Problem(422, error.code, explain(error), errors=errors) from error
    return ImportOut.of(run)


@operation("GET", "imports/{import_id}", answer=ImportOut)
def read_import(ask: Ask) -> ImportOut:
    """Read which files an import waits for, how it goes, and what became of it."""
    return ImportOut.of(_run(ask))


@operation("PUT", "imports/{import_id}/files", query=FileQuery, raw=True, answer=ImportOut)
def put_import_file(ask: Ask) -> ImportOut:
    """Send a file that the table names, whole; one that came before is replaced."""
    run, size = _run(ask), ask.request.META.get("CONTENT_LENGTH") or ""
    if not size.isdigit():
        raise Problem(411, "length_required", "send Content-Length")
    add_file(run=run, name=ask.query.name, content=ask.request, size_bytes=int(size))
    return ImportOut.of(run)


@operation("POST", "imports/{import_id}/start", answer=ImportOut, status=202)
def begin_importing(ask: Ask) -> ImportOut:
    """Let a worker check everything and, with nothing wrong, import it; poll what is answered."""
    start_import(run=_run(ask), actor=ask.actor)
    return ImportOut.of(_run(ask))


@operation("DELETE", "imports/{import_id}", status=204)
def remove_import(ask: Ask) -> None:
    """Forget an import that is not at work; calls that it became stay."""
    drop_import(run=_run(ask), actor=ask.actor)


def _run(ask: Ask) -> ImportRun:
    return access_import(ask.actor, ask.ids["import_id"])
