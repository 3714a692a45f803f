"""Exports are read back by what would read them: subtitles, calendar, table, ZIP; never a stranger's call."""

import csv
import io
import json
import re
import uuid
import zipfile
from datetime import date, time, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from apps.accounts.models import AccessLog
from apps.actions.models import Action
from apps.calls.exports.files import FORMATS, safe_name
from apps.calls.exports.tables import COLUMNS
from apps.calls.exports.tasks import _folded, _text
from apps.calls.exports.texts import clock
from apps.calls.models import Call
from apps.jobs.batches import start_batch
from apps.summaries.services import add_model_summary
from apps.transcripts.services import replace_segments
from tests.calls import finished_call
from tests.people import TwoHouses
from workers.contracts.summary import ActionItem, CallSummary, Statement, Topic
from workers.contracts.transcript import Segment

SEGMENTS = [
    Segment(1, "A", 0.0, 2.5, "무엇을 도와드릴까요", 1.0),
    Segment(2, "B", 3599.9996, 3605.25, "환불 <b>부탁</b> & 확인", 0.9),
]
SUMMARY = CallSummary(
    title="환불 문의",
    one_line=Statement(text="고객이 환불을 물었다."),
    topics=(Topic(title="환불", points=(Statement(text="환불 예정"), Statement(text="수수료 면제", supported=False))),),
    decisions=(Statement(text="환불한다"),),
    actions=(
        ActionItem(who="상담원", what="환불 처리; 문자, 전화", when="내일 오후 3시까지"),
        ActionItem(who="고객", what="지어낸 일", supported=False),
    ),
)


@pytest.fixture
def call(houses: TwoHouses) -> Call:
    call = Call.objects.create(
        organization=houses.ours.organization,
        created_by=houses.ours.agent,
        title='=합/계: "통화"',
        source=Call.Source.UPLOAD,
        duration_s=3606.0,
    )
    replace_segments(call_id=call.pk, organization_id=call.organization_id, segments=SEGMENTS)
    add_model_summary(
        call_id=call.pk, organization_id=call.organization_id, content=SUMMARY, model_version="m", usage={}
    )
    return call


def _client(user: Any) -> Client:
    client = Client()
    client.force_login(user)
    return client


def _get(call: Call, user: Any, name: str) -> str:
    answer = _client(user).get(f"/calls/{call.pk}/export.{name}")
    assert answer.status_code == 200
    assert answer["Content-Disposition"].startswith("attachment; ")
    return answer.content.decode(errors="replace")


def test_text_keeps_doubtful_statements_apart(call: Call, houses: TwoHouses) -> None:
    text = _get(call, houses.ours.agent, "txt")
    facts, doubtful = text.split("근거를 찾지 못함")
    assert "- 환불 예정" in facts and "- 상담원 · 환불 처리; 문자, 전화 · 내일 오후 3시까지" in facts
    assert "수수료 면제" not in facts and "? 수수료 면제" in doubtful and "지어낸 일" in doubtful
    assert "[01:00:00] B: 환불 <b>부탁</b> & 확인" in text


def test_subtitles_have_every_line_in_time(call: Call, houses: TwoHouses) -> None:
    srt = _get(call, houses.ours.agent, "srt").strip().split("\n\n")
    assert srt[0].split("\n") == ["1", "00:00:00,000 --> 00:00:02,500", "A: 무엇을 도와드릴까요"]
    assert srt[1].split("\n")[1] == "01:00:00,000 --> 01:00:05,250"
    vtt = _get(call, houses.ours.agent, "vtt").strip().split("\n\n")
    assert vtt[0] == "WEBVTT"
    assert vtt[2].split("\n")[1:] == ["01:00:00.000 --> 01:00:05.250", "<v B>환불 &lt;b&gt;부탁&lt;/b&gt; &amp; 확인"]


def test_json_is_whole(call: Call, houses: TwoHouses) -> None:
    document = json.loads(_get(call, houses.ours.agent, "json"))
    assert CallSummary.model_validate(document["summary"]) == SUMMARY
    assert [line["text"] for line in document["segments"]] == [segment.text for segment in SEGMENTS]
    tomorrow = timezone.localdate(call.happened_at) + timedelta(days=1)
    assert document["dues"][0] == {"due_on": tomorrow.isoformat(), "due_time": "15:00:00"}
    assert len(document["dues"]) == len(SUMMARY.actions)


def test_action_items_as_todos(call: Call, houses: TwoHouses) -> None:
    calendar = _get(call, houses.ours.agent, "ics")
    assert all(len(line.encode()) <= 75 for line in calendar.split("\r\n"))
    lines = calendar.replace("\r\n ", "").split("\r\n")
    assert (lines.count("BEGIN:VTODO"), lines[0], lines[-2]) == (1, "BEGIN:VCALENDAR", "END:VCALENDAR")
    assert "SUMMARY:상담원: 환불 처리\\; 문자\\, 전화" in lines
    assert any(line.startswith("DESCRIPTION:내일 오후 3시까지\\n") for line in lines)


def test_todos_know_the_day_and_whether_they_are_done(houses: TwoHouses) -> None:
    call = finished_call(houses.ours)
    action = Action.objects.get(call=call)
    Action.objects.filter(pk=action.pk).update(due_on=date(2026, 12, 3), due_time=time(15), done_at=timezone.now())
    lines = _get(call, houses.ours.agent, "ics").split("\r\n")
    assert {"DUE:20261203T060000Z", "STATUS:COMPLETED", f"UID:{action.pk}@yoyak"} <= set(lines)
    Action.objects.filter(pk=action.pk).update(due_time=None, done_at=None)
    lines = _get(call, houses.ours.agent, "ics").split("\r\n")
    assert {"DUE;VALUE=DATE:20261203", "STATUS:NEEDS-ACTION"} <= set(lines)


def test_the_table_is_safe_to_open(call: Call, houses: TwoHouses) -> None:
    answer = _client(houses.ours.admin).get("/calls/export.csv", {"q": "환불"})
    content = b"".join(answer.streaming_content).decode("utf-8-sig")  # type: ignore[attr-defined]
    (row,) = csv.DictReader(io.StringIO(content))
    assert tuple(row) == COLUMNS
    assert row["title"] == f"'{call.title}", "no cell is a formula"
    assert (row["id"], row["duration_s"], row["decisions"]) == (str(call.pk), "3606.0", "환불한다")
    assert "지어낸 일" not in row["actions"]
    nothing = _client(houses.theirs.admin).get("/calls/export.csv")
    assert len(b"".join(nothing.streaming_content).decode().splitlines()) == 1  # type: ignore[attr-defined]


def test_a_batch_as_zip(call: Call, houses: TwoHouses) -> None:
    untimed = Call.objects.create(organization=houses.ours.organization, title="../../x", source=Call.Source.TRANSCRIPT)
    calls = [call, untimed]
    batch = start_batch(name="b", calls=calls, actor=houses.ours.reviewer, organization_id=call.organization_id)
    answer = _client(houses.ours.reviewer).get(f"/calls/export/{batch.pk}.zip")
    archive = zipfile.ZipFile(io.BytesIO(b"".join(answer.streaming_content)))  # type: ignore[attr-defined]
    assert archive.testzip() is None
    assert sorted(archive.namelist()) == [
        "0001 =합 계 통화.json",
        "0001 =합 계 통화.srt",
        "0001 =합 계 통화.txt",
        "0002 x.json",
        "0002 x.txt",
        "calls.csv",
    ]
    for stranger in (houses.theirs.admin, houses.ours.colleague):
        assert _client(stranger).get(f"/calls/export/{batch.pk}.zip").status_code == 404


@pytest.mark.parametrize("name", FORMATS)
def test_only_whom_it_concerns_and_logged(call: Call, houses: TwoHouses, name: str) -> None:
    for stranger in (houses.theirs.agent, houses.theirs.admin, houses.ours.colleague):
        assert _client(stranger).get(f"/calls/{call.pk}/export.{name}").status_code == 404
    assert Client().get(f"/calls/{call.pk}/export.{name}").status_code == 302
    assert not AccessLog.objects.filter(action="export_call").exists()
    _get(call, houses.ours.reviewer, name)
    assert AccessLog.objects.get(action="export_call").object_id == call.pk


def test_what_cannot_be_exported(call: Call, houses: TwoHouses) -> None:
    client = _client(houses.ours.agent)
    assert client.get(f"/calls/{call.pk}/export.exe").status_code == 404
    assert client.get(f"/calls/{uuid.uuid4()}/export.txt").status_code == 404
    replace_segments(call_id=call.pk, organization_id=call.organization_id, segments=[])
    assert client.get(f"/calls/{call.pk}/export.srt").status_code == 303, "a transcript without times has no subtitles"


@given(st.text(max_size=200))
def test_folding_loses_nothing(text: str) -> None:
    folded = _folded(f"SUMMARY:{_text(text)}")
    assert all(len(line.encode()) <= 75 for line in folded.split("\r\n"))
    assert folded.replace("\r\n ", "") == f"SUMMARY:{_text(text)}"


@given(st.text(max_size=200))
def test_a_file_name_is_plain(title: str) -> None:
    name = safe_name(title)
    assert name and not re.search(r'[\\/:*?"<>|\x00-\x1f]', name) and name.strip(". ") and name != ".."


@given(st.floats(0, 360_000))
def test_a_clock_reads_back(seconds: float) -> None:
    hours, minutes, rest = clock(seconds, ".").split(":")
    assert float(rest) < 60 and int(minutes) < 60
    assert abs(int(hours) * 3600 + int(minutes) * 60 + float(rest) - seconds) <= 0.00051
