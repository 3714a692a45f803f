"""Read a table of calls from the bytes of a CSV file, whole, and say of every row what is wrong with it.

UTF-8 with or without a mark, or CP949 as Korean spreadsheets save. Rows are numbered as a spreadsheet shows them.
"""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass, field

from apps.core.errors import YoyakError
from apps.intake.columns import CallRow, Column, call_row, column_named, read_cell

MAX_ROWS = 20_000
# Each that is not known is named, so there must not be a million of them.
MAX_COLUMNS = 100
MAX_BYTES = 32 * 1024 * 1024


@dataclass(frozen=True)
class Complaint:
    """Why a row, and which column of it, cannot be used; `row` 0 is the file itself."""

    row: int
    column: str
    error: YoyakError


@dataclass
class Table:
    """The good rows by number, and everything that is wrong."""

    rows: dict[int, CallRow] = field(default_factory=dict)
    complaints: list[Complaint] = field(default_factory=list)

    def complain(self, row: int, column: str, error: YoyakError) -> None:
        """Note that `row` cannot be used."""
        self.complaints.append(Complaint(row, column, error))


def read_table(content: bytes) -> Table:
    """Return the table that `content` holds; nothing is raised, what is wrong is in its complaints."""
    table = Table()
    try:
        records = list(_records(content))
        columns = _columns(records, table)
    except YoyakError as error:
        table.complain(0, "", error)
        return table
    if not table.complaints:
        for number, cells in records[1:]:
            _read_row(table, number, columns, cells)
    return table


def _records(content: bytes) -> Iterator[tuple[int, list[str]]]:
    """Yield the records that hold anything with their numbers."""
    if len(content) > MAX_BYTES:
        raise YoyakError("too_large", size_mb=len(content) // 2**20, limit_mb=MAX_BYTES // 2**20)
    number = 0
    try:
        for number, cells in enumerate(csv.reader(io.StringIO(_decoded(content), newline=""), strict=True), 1):
            if number > MAX_ROWS + 1:
                raise YoyakError("csv_too_many", limit=MAX_ROWS)
            stripped = [cell.replace("\xa0", " ").strip() for cell in cells]
            if any(stripped):
                yield number, stripped
    except csv.Error as error:
        raise YoyakError("csv_broken", row=number + 1, detail=error) from None


def _decoded(content: bytes) -> str:
    for encoding in ("utf-8-sig", "cp949"):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise YoyakError("csv_encoding")


def _columns(records: list[tuple[int, list[str]]], table: Table) -> list[Column]:
    if len(records) < 2:
        raise YoyakError("csv_empty")
    number, headings = records[0]
    if len(headings) > MAX_COLUMNS:
        raise YoyakError("csv_too_wide", columns=len(headings), limit=MAX_COLUMNS)
    columns: list[Column] = []
    for heading in headings:
        try:
            column = column_named(heading)
            if column in columns:
                raise YoyakError("column_twice")
            columns.append(column)
        except YoyakError as error:
            table.complain(number, heading[:40], error)
    if not table.complaints and "file" not in {column.names[0] for column in columns}:
        raise YoyakError("column_missing", column="file")
    return columns


def _read_row(table: Table, number: int, columns: list[Column], cells: list[str]) -> None:
    if len(cells) != len(columns):
        table.complain(number, "", YoyakError("csv_cells", cells=len(cells), columns=len(columns)))
        return
    values, before = {}, len(table.complaints)
    for column, text in zip(columns, cells, strict=True):
        if not text:
            continue
        try:
            values[column.names[0]] = read_cell(column, text)
        except YoyakError as error:
            table.complain(number, column.names[0], error)
    if len(table.complaints) > before:
        return
    try:
        table.rows[number] = call_row(values)
    except YoyakError as error:
        table.complain(number, "codec" if error.code == "headerless" else "file", error)
