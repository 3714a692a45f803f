"""`manage.py import_calls`: all rows or none, duplicates found, interrupted runs finished, every row accounted for."""

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from apps.accounts.models import AccessLog
from apps.calls import services as calls
from apps.calls.models import Call, Recording
from apps.intake import services
from apps.intake.models import CallDetails
from apps.jobs.models import Batch, Job
from tests.people import TwoHouses
from tests.workers import recordings as made

pytestmark = pytest.mark.django_db


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two recordings, one of them in a folder within."""
    (tmp_path / "녹음" / "십일월").mkdir(parents=True)
    made.write_wav(tmp_path / "녹음" / "가.wav", [made.tone(0.3)])
    made.write_wav(tmp_path / "녹음" / "십일월" / "나.wav", [made.tone(0.3, hz=300.0)])
    return tmp_path / "녹음"


def _import(folder: Path, text: str, *more: str, encoding: str = "utf-8") -> tuple[int, dict[str, Any]]:
    table, out, status = folder.parent / "통화.csv", StringIO(), 0
    table.write_bytes(text.encode(encoding))
    arguments = [str(folder), "--csv", str(table), "--organization", "가람통신", "--json", *more]
    try:
        call_command("import_calls", *arguments, stdout=out)
    except SystemExit as end:
        status = int(end.code or 0)
    return status, json.loads(out.getvalue())


def _errors(report: dict[str, Any]) -> list[tuple[int, str, str]]:
    return [(error["row"], error["column"], error["code"]) for error in report["errors"]]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "cp949"])
def test_a_folder_becomes_calls_that_wait(houses: TwoHouses, folder: Path, encoding: str) -> None:
    made.write_wav(folder / "남은.wav", [made.tone(0.2)])
    text = (
        "파일,제목,통화 ID,시작 시각,상담원,고객 전화번호,방향\n"
        f"가.wav,환불 문의,A-1,2026-11-20 오후 2:30,{houses.ours.agent.username},010-1234-5678,수신\n"
        "십일월/나.wav,,,,,,\n"
    )
    status, report = _import(folder, text, encoding=encoding)
    assert (status, report["added"], report["duplicates"], report["errors"]) == (0, 2, 0, [])
    assert report["not_in_csv"] == ["남은.wav"]
    first, second = (Call.objects.get(pk=line["call"]) for line in report["calls"])
    assert (first.title, second.title) == ("환불 문의", "나.wav")
    assert (first.created_by, second.created_by) == (houses.ours.agent, None)
    details = CallDetails.objects.get()
    assert (details.call, details.external_id, details.direction) == (first, "A-1", "inbound")
    assert timezone.localtime(details.started_at).hour == 14
    batch = Batch.objects.get(pk=report["batch"])
    assert set(batch.jobs.values_list("call", "state")) == {(first.pk, "queued"), (second.pk, "queued")}
    assert AccessLog.objects.filter(action="add_call", actor=None).count() == 2


def test_one_bad_row_and_nothing_is_imported(houses: TwoHouses, folder: Path) -> None:
    (folder / "leer.wav").touch()
    (folder / "seite.wav").write_bytes(b"<html>404</html>" * 50)
    text = (
        "file,external_id,agent,customer_phone\n가.wav,A-1,,\n십일월/나.wav,A-1,niemand,010\nfehlt.wav,,,\n../통화.csv,,,\n"
        f"leer.wav,,,\nseite.wav,,,\n가.wav,,{houses.theirs.agent.username},12\n"
    )
    status, report = _import(folder, text)
    assert status == 1 and not Call.objects.exists() and not Batch.objects.exists()
    assert _errors(report) == [
        (3, "external_id", "repeated"),
        (3, "agent", "agent_unknown"),
        (4, "file", "file_missing"),
        (5, "file", "file_missing"),
        (6, "file", "empty_file"),
        (7, "file", "not_audio"),
        (8, "customer_phone", "bad_phone"),
    ]
    assert all(error["ko"] != error["en"] for error in report["errors"])
    assert report["calls"] == []


def test_a_dry_run_tells_what_would_happen(houses: TwoHouses, folder: Path) -> None:
    status, report = _import(folder, "file\n가.wav\n", "--dry-run")
    assert (status, report["new"], report["added"]) == (0, 1, 0)
    assert not Call.objects.exists()
    assert _import(folder, "file\n가.wav\n")[1]["added"] == 1
    assert _import(folder, "file\n가.wav\n", "--dry-run")[1]["duplicates"] == 1


def test_duplicates_are_found_and_reported(houses: TwoHouses, folder: Path) -> None:
    (folder / "again.wav").write_bytes((folder / "가.wav").read_bytes())
    text = "file,external_id\n가.wav,A-1\nagain.wav,\n"
    _, first = _import(folder, text)
    assert [line["status"] for line in first["calls"]] == ["added", "duplicate"]
    assert first["calls"][1]["call"] == "row 2"
    _, second = _import(folder, text)
    assert [line["status"] for line in second["calls"]] == ["duplicate", "duplicate"]
    assert second["calls"][0]["call"] == first["calls"][0]["call"] and second["batch"] is None
    assert Call.objects.count() == Job.objects.count() == 1
    taken = _import(folder, "file,external_id\n십일월/나.wav,A-1\n")
    assert (taken[0], _errors(taken[1])) == (1, [(2, "external_id", "external_id_taken")])


class Killed(BaseException):
    """The process is gone."""


@pytest.mark.parametrize("moment", ["before the details", "in the middle of the details"])
def test_an_interrupted_import_is_finished_by_the_next(
    houses: TwoHouses, folder: Path, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    def die(*_: object, **__: object) -> None:
        raise Killed

    text = "file,external_id\n가.wav,A-1\n십일월/나.wav,A-2\n"
    with monkeypatch.context() as patch:
        patch.setattr(services, "_begin" if moment.startswith("before") else "request_processing", die)
        with pytest.raises(Killed):
            _import(folder, text)
    assert Call.objects.count() == 1 and not Job.objects.exists()
    _, report = _import(folder, text)
    assert report["added"] == 2
    assert Call.objects.count() == Job.objects.count() == CallDetails.objects.count() == 2


def test_a_file_that_fails_at_the_last_moment_is_accounted_for(
    houses: TwoHouses, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def store(*arguments: Any) -> tuple[str, int]:
        if not Call.objects.exists():
            return kept(*arguments)
        raise OSError(28, "No space left on device")

    kept = calls._store
    monkeypatch.setattr(calls, "_store", store)
    status, report = _import(folder, "file\n가.wav\n십일월/나.wav\n")
    assert (status, report["added"], report["failed"]) == (1, 1, 1)
    assert "No space" in report["calls"][1]["detail"]
    monkeypatch.setattr(calls, "_store", kept)
    status, report = _import(folder, "file\n가.wav\n십일월/나.wav\n")
    assert (status, report["added"], report["duplicates"]) == (0, 1, 1)


def test_a_recording_too_large_is_named_before_anything_is_copied(
    houses: TwoHouses, folder: Path, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.ENV = settings.ENV.model_copy(update={"max_upload_mb": 1})
    (folder / "gross.wav").write_bytes(bytes(1 << 21))
    stored: list[object] = []
    monkeypatch.setattr(calls, "_store", lambda *arguments: stored.append(arguments))
    assert _errors(_import(folder, "file\n가.wav\ngross.wav\n")[1]) == [(3, "file", "too_large")]
    assert not stored


def test_links_lead_nowhere(houses: TwoHouses, folder: Path) -> None:
    (folder / "link.wav").symlink_to(folder / "가.wav")
    assert _errors(_import(folder, "file\nlink.wav\n")[1]) == [(2, "file", "file_missing")]


def test_a_headerless_recording_is_told_its_format(houses: TwoHouses, folder: Path) -> None:
    (folder / "a.ulaw").write_bytes(bytes([0xFF, 0x7F, 0x20, 0xA0] * 2000))
    assert _errors(_import(folder, "file\na.ulaw\n")[1]) == [(2, "file", "headerless")]
    assert _import(folder, "file,codec,rate_hz\na.ulaw,mulaw,8000\n")[1]["added"] == 1
    assert (Recording.objects.get().declared_codec, Recording.objects.get().declared_rate_hz) == ("mulaw", 8000)


def test_the_account_is_readable_without_json(houses: TwoHouses, folder: Path) -> None:
    out = StringIO()
    (folder.parent / "a.csv").write_text("file\n가.wav\n")
    call_command("import_calls", str(folder), csv=folder.parent / "a.csv", organization="가람통신", stdout=out)
    assert "added 1, duplicates 0, failed 0, not in CSV 1" in out.getvalue() and "가.wav" in out.getvalue()
    (folder.parent / "a.csv").write_text("file\nx.wav\n")
    with pytest.raises(SystemExit):
        call_command("import_calls", str(folder), csv=folder.parent / "a.csv", organization="가람통신", stdout=out)
    assert "2행/row file: 폴더에 없는 파일입니다: x.wav / The folder has no such file: x.wav" in out.getvalue()


def test_what_does_not_exist_is_named(houses: TwoHouses, folder: Path, tmp_path: Path) -> None:
    for arguments, name in (
        ([str(folder), "--csv", "nicht.csv", "--organization", "가람통신"], "nicht.csv"),
        ([str(folder), "--csv", "nicht.csv", "--organization", "없는 곳"], "없는 곳"),
        ([str(tmp_path / "leer"), "--csv", "nicht.csv", "--organization", "가람통신"], "leer"),
    ):
        with pytest.raises(CommandError, match=name):
            call_command("import_calls", *arguments)
