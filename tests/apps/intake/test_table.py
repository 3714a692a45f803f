"""A table of calls as spreadsheets save it, and every way in which a row can be wrong, each named by its row."""

import csv
import io
import unicodedata
from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from apps.core.feedback import explain
from apps.intake import table as tables
from apps.intake.columns import COLUMNS, CallRow
from apps.intake.folder import plain_name
from apps.intake.table import read_table

KOREAN = (
    "파일,제목,통화 ID,시작 시각,상담원,고객 전화번호,수신/발신\r\n"
    "가.wav,환불 문의,A-1,2026-11-25 오후 2:30,김상담,010-1234-5678,수신\r\n"
)


def _complaints(text: str | bytes) -> list[tuple[int, str, str]]:
    table = read_table(text.encode() if isinstance(text, str) else text)
    for complaint in table.complaints:
        assert "%(" not in explain(complaint.error), "every reason is a whole sentence"
    return [(each.row, each.column, each.error.code) for each in table.complaints]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp949"])
def test_a_korean_spreadsheet_is_read_in_every_encoding_it_saves(encoding: str) -> None:
    table = read_table(KOREAN.encode(encoding))
    assert table.complaints == []
    row = table.rows[2]
    assert (row.file, row.title, row.external_id, row.agent) == ("가.wav", "환불 문의", "A-1", "김상담")
    assert (row.customer_phone, row.direction) == ("010-1234-5678", "inbound")
    assert row.started_at == datetime(2026, 11, 25, 5, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "hour", "minute"),
    [
        ("2026-11-25 14:30", 14, 30),
        ("2026-11-25T14:30:59", 14, 30),
        ("2026/11/25 14:30", 14, 30),
        ("2026.11.25 14:30", 14, 30),
        ("2026. 11. 25. 오후 2:30", 14, 30),
        ("2026-11-25 오전 12:05", 0, 5),
        ("2026-11-25 오후 12:05", 12, 5),
        ("2026-11-25 2:30 PM", -1, -1),
        ("2026-11-25T05:30:00Z", 14, 30),
        ("2026-11-25", 0, 0),
    ],
)
def test_times_of_korean_spreadsheets(text: str, hour: int, minute: int) -> None:
    table = read_table(f"file,started_at\na.wav,{text}\n".encode())
    if hour < 0:
        assert _complaints(f"file,started_at\na.wav,{text}\n") == [(2, "started_at", "bad_moment")]
    else:
        moment = table.rows[2].started_at
        assert moment is not None
        assert (timezone.localtime(moment).hour, timezone.localtime(moment).minute) == (hour, minute)


BAD = {
    "file,started_at\na.wav,2026-13-01 10:00\n": [(2, "started_at", "bad_moment")],
    "file,started_at\na.wav,어제\n": [(2, "started_at", "bad_moment")],
    "file,started_at\na.wav,2026-11-25 오후 13:00\n": [(2, "started_at", "bad_moment")],
    "file,started_at\na.wav,0001-01-01\n": [(2, "started_at", "bad_moment")],
    "file,started_at\na.wav,9999-12-31 23:59\n": [(2, "started_at", "future_moment")],
    "file,customer_phone\na.wav,1.01235E+10\n": [(2, "customer_phone", "bad_phone")],
    "file,customer_phone\na.wav,12\n": [(2, "customer_phone", "bad_phone")],
    "file,direction\na.wav,옆으로\n": [(2, "direction", "bad_direction")],
    "file,codec,rate_hz\na.raw,mp7,8000\n": [(2, "codec", "bad_codec")],
    "file,codec,rate_hz\na.raw,mulaw,12\n": [(2, "rate_hz", "bad_rate")],
    "file,codec\na.raw,mulaw\n": [(2, "codec", "headerless")],
    "file,title\n,x\n": [(2, "file", "cell_missing")],
    f"file,title\na.wav,{'가' * 301}\n": [(2, "title", "cell_too_long")],
    'file,title\na.wav,"두\n줄"\n': [(2, "title", "cell_unprintable")],
    "file,title\na.wav,\0\n": [(2, "title", "cell_unprintable")],
    "file,title\na.wav\nb.wav,x,y\n": [(2, "", "csv_cells"), (3, "", "csv_cells")],
    "file,farbe\na.wav,rot\n": [(1, "farbe", "column_unknown")],
    "file,파일\na.wav,b.wav\n": [(1, "파일", "column_twice")],
    "title\nx\n": [(0, "", "column_missing")],
    'file,title\na.wav,"offen\n': [(0, "", "csv_broken")],
    "": [(0, "", "csv_empty")],
    "file\n": [(0, "", "csv_empty")],
}


@pytest.mark.parametrize("text", BAD)
def test_what_is_wrong_is_said_with_its_row(text: str) -> None:
    assert _complaints(text) == BAD[text]


def test_every_wrong_row_is_named_not_only_the_first() -> None:
    rows = "".join(f"{n}.wav,{'수신' if n % 3 else '?'}\n" for n in range(1, 10))
    assert [row for row, *_ in _complaints(f"file,direction\n{rows}")] == [4, 7, 10]


def test_empty_lines_count_as_rows_but_are_no_calls() -> None:
    table = read_table(b"file,title\n\na.wav,x\n,\n\nb.wav,\n")
    assert {number: row.file for number, row in table.rows.items()} == {3: "a.wav", 6: "b.wav"}


def test_other_encodings_and_sizes_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    assert _complaints("파일\n가.wav\n".encode("utf-16")) == [(0, "", "csv_encoding")]
    assert _complaints(f"file{',x' * 100}\na\n") == [(0, "", "csv_too_wide")]
    monkeypatch.setattr(tables, "MAX_ROWS", 2)
    assert _complaints("file\na\nb\nc\n") == [(0, "", "csv_too_many")]
    monkeypatch.setattr(tables, "MAX_BYTES", 3)
    assert _complaints("file\na\n") == [(0, "", "too_large")]


@given(st.binary(max_size=300))
def test_any_bytes_are_rows_or_complaints(content: bytes) -> None:
    table = read_table(content)
    assert table.rows or table.complaints


@given(st.lists(st.lists(st.text(max_size=20), min_size=len(COLUMNS), max_size=len(COLUMNS)), min_size=1, max_size=4))
def test_any_cells_are_read_or_complained_about(cells: list[list[str]]) -> None:
    buffer = io.StringIO()
    csv.writer(buffer).writerows([[column.names[0] for column in COLUMNS], *cells])
    table = read_table(buffer.getvalue().encode("utf-8", "replace"))
    told = set(table.rows) | {complaint.row for complaint in table.complaints}
    filled = {n for n, row in enumerate(cells, 2) if any(cell.replace("\xa0", " ").strip() for cell in row)}
    assert 0 in told or filled == told


@given(st.datetimes(datetime(1990, 1, 1), datetime(2026, 1, 1)).map(lambda at: at.replace(microsecond=0)))
def test_a_time_reads_back(at: datetime) -> None:
    half = f"{at:%Y-%m-%d} {'오후' if at.hour >= 12 else '오전'} {at.hour % 12 or 12}:{at:%M:%S}"
    for text in (f"{at:%Y-%m-%d %H:%M:%S}", half):
        row = read_table(f"file,started_at\na.wav,{text}\n".encode()).rows[2]
        assert row.started_at is not None and abs(row.started_at - timezone.make_aware(at)) < timedelta(seconds=1)


def test_names_from_other_systems_are_the_names_people_write() -> None:
    assert plain_name(unicodedata.normalize("NFD", "통화.wav")) == "통화.wav", "composed, as a Mac does not keep it"
    assert plain_name("통화.wav".encode("cp949").decode("utf-8", "surrogateescape")) == "통화.wav"
    assert plain_name("십일월\\가.wav") == "십일월/가.wav"
    assert CallRow("a.wav") == CallRow(file="a.wav")
