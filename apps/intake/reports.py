"""What became of an import, in words: every row that was wrong, or every row with its call."""

from dataclasses import dataclass

from apps.core.feedback import explain
from apps.intake.imports import BadTable
from apps.intake.models import ImportRun
from apps.jobs.reasons import describe


@dataclass(frozen=True)
class RowComplaint:
    """Why a row, and which column of it, cannot be used; `row` 0 is the file itself."""

    row: int
    column: str
    code: str
    reason: str


@dataclass(frozen=True)
class RowResult:
    """`status` is added, duplicate or failed; `call` is the call's id, "row 3" for a twin in the table, or empty."""

    row: int
    file: str
    status: str
    call: str


@dataclass(frozen=True)
class Report:
    """`batch` is the id of the batch that the new calls make up, empty without any."""

    complaints: list[RowComplaint]
    results: list[RowResult]
    batch: str

    def count(self, status: str) -> int:
        """Return how many rows ended so."""
        return sum(result.status == status for result in self.results)

    @property
    def counts(self) -> dict[str, int]:
        """Return the counts by status."""
        return {status: self.count(status) for status in ("added", "duplicate", "failed")}


def complaints_of(error: BadTable) -> list[RowComplaint]:
    """Return what is wrong with a table that was refused, in the active language."""
    return [RowComplaint(each.row, each.column, each.error.code, explain(each.error)) for each in error.complaints]


def report_of(run: ImportRun) -> Report | None:
    """Return the report of an import that has ended, in the active language."""
    if not run.is_final:
        return None
    complaints = [
        RowComplaint(each["row"], each["column"], each["code"], describe(each["code"], each["values"]))
        for each in run.report.get("errors", [])
    ]
    names = ("row", "file", "status", "call")
    results = [RowResult(**{name: each[name] for name in names}) for each in run.report.get("calls", [])]
    return Report(complaints, results, run.report.get("batch") or "")
