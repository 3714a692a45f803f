"""The Python client against a live server: an upload that breaks off, the wait for a summary, refusals, the example."""

import http.client
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.utils import timezone

from apps.accounts.models import Scope
from apps.accounts.services import create_token
from apps.api import events
from apps.calls.models import Call as CallRow
from apps.calls.models import Recording
from apps.jobs.models import Job as JobRow
from tests.calls import end_job, finished_call, summarize, summary
from tests.people import TwoHouses

FOLDER = settings.BASE_DIR / "clients" / "python"
sys.path.insert(0, str(FOLDER))

from yoyak_client import ApiError, Client  # noqa: E402

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def token(houses: TwoHouses) -> str:
    return create_token(user=houses.ours.agent, name="client", scopes=tuple(Scope), days=1)


@pytest.fixture
def client(live_server: Any, token: str, monkeypatch: pytest.MonkeyPatch) -> Client:
    monkeypatch.setattr(events, "LOOK_EVERY_S", 0.05)
    return Client(live_server.url, token, "en")


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    path = tmp_path / "통화.wav"
    path.write_bytes(bytes(range(256)) * 2000)
    return path


@contextmanager
def worker(state: JobRow.State = JobRow.State.DONE, **changes: Any) -> Iterator[None]:
    """Let a worker in a thread end the job of the first call that comes in."""

    def work() -> None:
        try:
            while not JobRow.objects.exists():
                time.sleep(0.05)
            call = CallRow.objects.get()
            JobRow.objects.update(state=JobRow.State.RUNNING, stage="transcribe", progress=0.5)
            time.sleep(0.3)
            if state == JobRow.State.DONE:
                summarize(call, summary("요금 문의"))
            end_job(call, state, **changes)
        finally:
            connection.close()

    thread = threading.Thread(target=work)
    thread.start()
    yield
    thread.join()


def test_upload_wait_read(client: Client, recording: Path) -> None:
    with worker():
        call = client.upload(recording, title="첫 통화")
        assert call.title == "첫 통화" and call.job is not None
        assert client.wait(call.id, timeout_s=30).state == "done"
    made = client.summary(call.id)
    assert (made.title, made.one_line) == ("요금 문의", "고객이 오만 사천 원 청구를 문의함")
    stored = Recording.objects.get(call=call.id)
    assert (settings.MEDIA_ROOT / stored.path).read_bytes() == recording.read_bytes()
    assert [one.id for one in client.calls(state="done")] == [call.id]


def test_reading_approving_and_a_batch(client: Client, houses: TwoHouses, tmp_path: Path) -> None:
    call = finished_call(houses.ours)
    key = str(call.pk)
    today = timezone.localdate(call.happened_at).isoformat()
    assert client.summary(key).dues == [{"due_on": today, "due_time": "15:00:00"}]
    assert [(line.number, line.party) for line in client.transcript(key)][:2] == [(1, "A"), (2, "B")]
    assert client.approve(key).state == "approved"
    assert client.tag("급함", [key]) == 1
    client.export(key, tmp_path / "call.txt")
    assert "요금 과다 청구 문의" in (tmp_path / "call.txt").read_text()
    assert client.regenerate(key, template="default").state == "queued"
    end_job(call, JobRow.State.CANCELLED)
    batch = client.start_batch("다시", tag="급함")
    assert (batch.counts["total"], batch.ended) == (1, False)
    end_job(call)
    assert client.wait_for_batch(batch.id, every_s=0.01).counts["done"] == 1
    assert [job.state for job in client.batch_jobs(batch.id)] == ["done"]
    with pytest.raises(ApiError) as refused:
        client.start_batch("nichts", q="없는 말")
    assert refused.value.code == "nothing_chosen"


def test_a_connection_that_breaks_is_taken_up(client: Client, recording: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real, broken = client.ask, iter([True, False, True])
    monkeypatch.setattr(time, "sleep", lambda _: None)

    def ask(method: str, path: str, body: object = None) -> Any:
        if method == "PUT" and next(broken, False):
            assert isinstance(body, bytes)
            real(method, path, body[:1000])
            raise ApiError(0, "no_answer", "broken")
        return real(method, path, body)

    monkeypatch.setattr(client, "ask", ask)
    call = client.upload(recording)
    assert Recording.objects.get(call=call.id).size_bytes == recording.stat().st_size


def test_refusals_have_a_code_and_a_sentence(client: Client, recording: Path, live_server: Any) -> None:
    client.upload(recording)
    with pytest.raises(ApiError) as refused:
        client.upload(recording)
    assert (refused.value.status, refused.value.code) == (409, "duplicate")
    assert "already" in refused.value.detail
    assert refused.value.values == {"call_id": str(CallRow.objects.get().pk)}
    with pytest.raises(ApiError) as refused:
        Client(live_server.url, "yoyak_wrong").call("1")
    assert refused.value.status == 401
    with pytest.raises(ApiError) as refused:
        Client("http://127.0.0.1:9", "x").call("1")
    assert refused.value.status == 0


class _Torn:
    """An answer that breaks after its first lines."""

    def __init__(self, *lines: bytes) -> None:
        self.lines = lines

    def __enter__(self) -> "_Torn":
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing to close."""

    def __iter__(self) -> Iterator[bytes]:
        yield from self.lines
        raise ConnectionResetError("reset by peer")

    def read(self) -> bytes:
        """Break in the middle."""
        raise http.client.IncompleteRead(b"".join(self.lines), 10)


def test_a_server_that_starts_again_is_waited_for(
    client: Client, recording: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with worker():
        call = client.upload(recording)
    real, away = client._open, ApiError(0, "no_answer", "connection refused")
    troubles = iter([_Torn(b": still here\n"), away, away, away, ApiError(502, "unknown", "Bad Gateway")])

    def _open(*request: Any) -> Any:
        trouble = next(troubles, None)
        if isinstance(trouble, ApiError):
            raise trouble
        return trouble or real(*request)

    monkeypatch.setattr(client, "_open", _open)
    monkeypatch.setattr(time, "sleep", lambda _: None)
    assert client.wait(call.id, timeout_s=30).state == "done"
    monkeypatch.setattr(client, "_open", lambda *_: _Torn(b"{"))
    with pytest.raises(ApiError) as broken:
        client.call(call.id)
    assert broken.value.status == 0


def test_an_answer_lost_at_the_end_of_an_upload(
    client: Client, recording: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, lost = client.ask, iter([True])
    monkeypatch.setattr(time, "sleep", lambda _: None)

    def ask(method: str, path: str, body: object = None) -> Any:
        answer = real(method, path, body)
        if path.endswith("/finish") and next(lost, False):
            raise ApiError(0, "no_answer", "broken")
        return answer

    monkeypatch.setattr(client, "ask", ask)
    assert client.upload(recording).id == str(CallRow.objects.get().pk)


def test_without_a_free_stream_it_polls(client: Client, recording: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "_free", threading.BoundedSemaphore(1))
    assert events._free.acquire(blocking=False)
    with worker(JobRow.State.FAILED, reason="not_audio"):
        call = client.upload(recording)
        job = client.wait(call.id, timeout_s=30)
    assert (job.state, job.reason_code) == ("failed", "not_audio")


def test_the_example(live_server: Any, token: str, recording: Path) -> None:
    with worker():
        answer = subprocess.run(
            [sys.executable, "summarize.py", live_server.url, str(recording)],
            cwd=FOLDER,
            env={"YOYAK_TOKEN": token},
            capture_output=True,
            text=True,
            timeout=60,
        )
    assert answer.returncode == 0, answer.stderr
    assert answer.stdout.splitlines()[0] == "요금 문의"
