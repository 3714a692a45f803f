"""Uploads over HTTP: what is taken in, what is refused at the door, and what the file reader refuses afterwards.

Bad files are decoded for real, by the first stage of the pipeline; no model is needed for that.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from apps.calls.models import Call, Recording
from apps.jobs.models import Job
from tests.people import TwoHouses
from tests.workers import recordings as made
from workers.pipeline import run_job


@pytest.fixture
def agent(houses: TwoHouses, client: Client) -> Client:
    client.force_login(houses.ours.agent)
    return client


def _file(content: bytes, name: str = "통화.wav") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content)


def _upload(client: Client, *files: SimpleUploadedFile, **fields: Any) -> tuple[int, list[dict[str, str]]]:
    answer = client.post("/calls/upload/", {"files": list(files), **fields}, headers={"accept": "application/json"})
    return answer.status_code, json.loads(answer.content)["results"]


def _read(result: dict[str, str]) -> Job:
    """Run the stage that reads the uploaded file and return the job as it then is."""
    job = Job.objects.get(call_id=result["url"].strip("/").split("/")[-1])
    run_job(job.pk, {"io"})
    job.refresh_from_db()
    return job


def test_a_recording_becomes_a_call_that_waits(agent: Client, houses: TwoHouses) -> None:
    status, (result,) = _upload(agent, _file(b"RIFF1234"))
    assert (status, result["status"]) == (201, "added")
    call = Call.objects.get()
    assert (call.organization, call.created_by) == (houses.ours.organization, houses.ours.agent)
    assert Path(settings.MEDIA_ROOT, Recording.objects.get().path).read_bytes() == b"RIFF1234"
    assert Job.objects.get().state == "queued"
    assert list(Path(settings.FILE_UPLOAD_TEMP_DIR).glob("*.part")) == []


def test_many_at_once_and_each_gets_its_answer(agent: Client) -> None:
    status, results = _upload(agent, _file(b"one", "1.wav"), _file(b"", "2.wav"), _file(b"one", "3.wav"))
    assert status == 201
    assert [(r["file"], r["status"]) for r in results] == [
        ("1.wav", "added"),
        ("2.wav", "refused"),
        ("3.wav", "duplicate"),
    ]
    assert "비어" in results[1]["reason"]


def test_the_same_file_is_found_and_offered_not_doubled(agent: Client, houses: TwoHouses) -> None:
    _, (first,) = _upload(agent, _file(b"same"))
    status, (second,) = _upload(agent, _file(b"same", "다른 이름.wav"))
    assert (status, second["status"], second["url"]) == (422, "duplicate", first["url"])
    assert second["reason"] == "같은 파일이 이미 있습니다."
    colleague = Client()
    colleague.force_login(houses.ours.colleague)
    assert _upload(colleague, _file(b"same"))[1][0]["url"] == "", "a call one may not see is not linked"
    stranger = Client()
    stranger.force_login(houses.theirs.agent)
    assert _upload(stranger, _file(b"same"))[1][0]["status"] == "added", "organizations know nothing of each other"
    assert Call.objects.count() == 2


def test_too_large_is_refused(agent: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "ENV", settings.ENV.model_copy(update={"max_upload_mb": 1}))
    for size_mb in (1.5, 4):
        status, (result,) = _upload(agent, _file(bytes(int(size_mb * 2**20))))
        assert (status, result["status"]) == (422, "refused")
        assert "한도는 1 MB" in result["reason"]
    assert not Call.objects.exists()
    assert not list(Path(settings.MEDIA_ROOT).rglob("original"))


@pytest.mark.parametrize("fields", [{"rate_hz": "12"}, {"rate_hz": "viel"}, {"codec": "mp7"}])
def test_a_wrong_declaration_is_refused(agent: Client, fields: dict[str, str]) -> None:
    status, (result,) = _upload(agent, _file(b"x"), **fields)
    assert (status, result["status"]) == (422, "refused") and result["reason"]


def test_an_upload_without_a_file_is_refused(agent: Client) -> None:
    assert _upload(agent)[0] == 422


def test_without_script_the_answer_is_the_list_with_a_message(agent: Client) -> None:
    answer = agent.post("/calls/upload/", {"files": [_file(b"a"), _file(b"")]}, follow=True)
    text = answer.content.decode()
    assert "통화 1건을 올렸습니다" in text and "비어 있습니다" in text


def test_an_upload_needs_the_csrf_token(houses: TwoHouses) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(houses.ours.agent)
    assert strict.post("/calls/upload/", {"files": [_file(b"a")]}).status_code == 403
    assert not Call.objects.exists()


BAD: dict[str, tuple[Callable[[Path], Path], str, str]] = {
    "page.wav": (lambda p: _write(p, b"<html>404</html>" * 50), "소리 파일이 아닙니다", "not an audio file"),
    "list.mp3": (lambda p: _write(p, b"ffconcat version 1.0\nfile x.wav\n"), "소리 파일이 아닙니다", "not an audio"),
    "film.mp4": (made.silent_video, "소리 트랙이 없습니다", "no audio track"),
    "nan.wav": (made.float_wav_with_nan, "NaN", "not valid numbers"),
    "raw.ulaw": (lambda p: _write(p, bytes([0xFF, 0x7F, 0x20, 0xA0] * 4000)), "헤더가 없는", "no header"),
}


def _write(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("name", BAD)
def test_a_file_that_cannot_be_read_says_why_in_both_languages(agent: Client, tmp_path: Path, name: str) -> None:
    make, korean, english = BAD[name]
    status, (result,) = _upload(agent, _file(make(tmp_path / name).read_bytes(), name))
    assert status == 201
    assert _read(result).state == "failed"
    for path in (result["url"], "/calls/"):
        agent.cookies["django_language"] = "ko"
        assert korean in agent.get(path).content.decode()
        agent.cookies["django_language"] = "en"
        assert english in agent.get(path).content.decode()
    assert Path(settings.MEDIA_ROOT, Recording.objects.get().path).exists(), "nothing is lost"


def test_a_recording_without_header_is_told_its_format_afterwards(agent: Client, tmp_path: Path) -> None:
    raw = _file(bytes([0xFF, 0x7F, 0x20, 0xA0] * 4000), "raw.ulaw")
    result = _upload(agent, raw)[1][0]
    assert _read(result).reason == "headerless"
    assert 'name="codec"' in agent.get(result["url"]).content.decode()
    agent.post(f"{result['url']}retry/", {"codec": "mulaw", "rate_hz": "8000"})
    job = Job.objects.latest("created_at")
    run_job(job.pk, {"io"})
    job.refresh_from_db()
    assert (job.state, job.stage) == ("queued", "transcribe")
    assert Recording.objects.get().sample_rate_hz == 8000
