"""Check a table of calls against the folder and the organization, and plan what would be taken in. Changes nothing."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from apps.accounts.models import Organization, User
from apps.core.errors import YoyakError
from apps.intake.columns import CallRow
from apps.intake.folder import digest_of, plain_name, recordings_in
from apps.intake.selectors import call_with_external_id, call_with_recording, members_by_name
from apps.intake.table import Complaint, Table, read_table

# Tells whether the file can be read as the row says; raises YoyakError when not.
Look = Callable[[Path, CallRow], None]


@dataclass(frozen=True)
class Entry:
    """One row to take in; `twin` is the call id or the row that has the same sound, empty for a new one."""

    number: int
    row: CallRow
    path: Path
    owner: User | None
    twin: str = ""


@dataclass
class Plan:
    """What the import would do. With any complaint it does nothing; `unnamed` are files that the table leaves out."""

    entries: list[Entry] = field(default_factory=list)
    complaints: list[Complaint] = field(default_factory=list)
    unnamed: list[str] = field(default_factory=list)


class _Planner:
    def __init__(self, organization: Organization, folder: Path, table: Table, look: Look) -> None:
        self.organization, self.table, self.look = organization, table, look
        self.files = recordings_in(folder)
        self.members = members_by_name(organization)
        self.first_row: dict[tuple[str, str], int] = {}

    def entry(self, number: int, row: CallRow) -> Entry | None:
        path, owner = self.files.get(plain_name(row.file)), self.members.get(row.agent)
        self._once(number, "file", plain_name(row.file))
        self._once(number, "external_id", row.external_id)
        if row.agent and owner is None:
            self.table.complain(number, "agent", YoyakError("agent_unknown", value=row.agent))
        if path is None:
            self.table.complain(number, "file", YoyakError("file_missing", value=row.file))
            return None
        try:
            return Entry(number, row, path, owner, self._twin(number, path, row))
        except YoyakError as error:
            self.table.complain(number, "external_id" if error.code == "external_id_taken" else "file", error)
            return None

    def _once(self, number: int, column: str, value: str) -> None:
        first = self.first_row.setdefault((column, value), number)
        if value and first != number:
            self.table.complain(number, column, YoyakError("repeated", value=value, row=first))

    def _twin(self, number: int, path: Path, row: CallRow) -> str:
        digest = digest_of(path)
        known = call_with_recording(self.organization, digest)
        named = call_with_external_id(self.organization, row.external_id) if row.external_id else None
        if named is not None and named != known:
            raise YoyakError("external_id_taken", value=row.external_id)
        first = self.first_row.setdefault(("sound", digest), number)
        if known is not None:
            return str(known.pk)
        if first != number:
            return f"row {first}"
        self.look(path, row)
        return ""


def plan_import(*, organization: Organization, folder: Path, table: bytes, look: Look) -> Plan:
    """Return what importing `folder` by the CSV file `table` would do, with everything that is wrong with it."""
    read = read_table(table)
    planner = _Planner(organization, folder, read, look)
    entries = [planner.entry(number, row) for number, row in read.rows.items()]
    named = {plain_name(row.file) for row in read.rows.values()}
    return Plan(
        entries=[entry for entry in entries if entry is not None],
        complaints=sorted(read.complaints, key=lambda complaint: complaint.row),
        unnamed=sorted(set(planner.files) - named),
    )
