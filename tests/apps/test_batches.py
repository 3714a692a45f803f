"""Batches over HTTP: chosen in the list, one bar, an account of every call, cancel and retry."""

import csv
import io
import uuid
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from apps.calls.models import Call
from apps.jobs import forms
from apps.jobs.estimates import estimate_batch
from apps.jobs.leases import advance, claim_next
from apps.jobs.models import Batch, Job, StageResult, WorkerPulse
from apps.jobs.selectors import batch_report
from apps.sorting.models import CallTag
from tests.calls import finished_call, waiting_call
from tests.models import checkpoint_of
from tests.people import TwoHouses
from workers import pipeline
from workers.contracts.work import Spent
from workers.model_choice import chosen_model


@pytest.fixture
def reviewer(houses: TwoHouses, client: Client) -> Client:
    client.force_login(houses.ours.reviewer)
    return client


def _start(client: Client, houses: TwoHouses, count: int = 3) -> Batch:
    calls = [finished_call(houses.ours, title=f"통화 {number}") for number in range(count)]
    answer = client.post("/batches/start/", {"calls": [str(call.pk) for call in calls]})
    batch = Batch.objects.get()
    assert (answer.status_code, answer["Location"]) == (303, f"/batches/{batch.pk}/")
    return batch


def test_every_chosen_call_is_accounted_for(reviewer: Client, houses: TwoHouses) -> None:
    batch = _start(reviewer, houses)
    states = (Job.State.DONE, Job.State.FAILED, Job.State.RUNNING)
    for job, state in zip(batch.jobs.order_by("call__title"), states, strict=True):
        Job.objects.filter(pk=job.pk).update(state=state, reason="worker_lost" if state == "failed" else "")
    answer = reviewer.get(f"/batches/{batch.pk}/progress/")
    text = answer.content.decode()
    assert answer.status_code == 200
    for words in ("통화 0", "통화 1", "통화 2", "3건 중 1건 완료", "실패 1", "66%", "다시 시도해 주세요"):
        assert words in text
    assert "3건 중 1건 완료" in reviewer.get("/batches/").content.decode()


def test_the_page_stops_asking_when_every_call_has_ended(reviewer: Client, houses: TwoHouses) -> None:
    batch = _start(reviewer, houses)
    batch.jobs.update(state=Job.State.DONE)
    answer = reviewer.get(f"/batches/{batch.pk}/progress/")
    assert answer.status_code == 286 and "hx-get" not in answer.content.decode()


def test_failed_calls_run_again_and_count_once(reviewer: Client, houses: TwoHouses) -> None:
    batch = _start(reviewer, houses)
    batch.jobs.update(state=Job.State.FAILED, reason="internal")
    assert "3건을 다시 시작했습니다" in reviewer.post(f"/batches/{batch.pk}/retry/", follow=True).content.decode()
    assert batch.jobs.filter(state="queued").count() == 3
    assert "3건 중 0건 완료" in reviewer.get(f"/batches/{batch.pk}/").content.decode()


def test_what_is_not_finished_can_be_cancelled(reviewer: Client, houses: TwoHouses) -> None:
    batch = _start(reviewer, houses)
    Job.objects.filter(pk=batch.jobs.earliest("created_at").pk).update(state=Job.State.DONE)
    assert "2건을 취소했습니다" in reviewer.post(f"/batches/{batch.pk}/cancel/", follow=True).content.decode()
    assert batch.jobs.filter(state="cancelled").count() == 2


def test_nothing_chosen_is_said(reviewer: Client) -> None:
    assert "고른 통화가 없습니다" in reviewer.post("/batches/start/", {}, follow=True).content.decode()


@pytest.mark.parametrize("role", ["agent", "admin"])
def test_a_call_of_others_among_the_chosen_starts_nothing(houses: TwoHouses, client: Client, role: str) -> None:
    ours, foreign = finished_call(houses.ours), finished_call(houses.theirs)
    client.force_login(getattr(houses.ours, role))
    answer = client.post("/batches/start/", {"calls": [str(ours.pk), str(foreign.pk)]})
    assert answer.status_code == 404
    assert not Batch.objects.exists()


def _experience(houses: TwoHouses, runs: int = 4) -> None:
    """Keep results of the past: a summary takes 10 seconds on the clock, 20 of processors and 900 tokens."""
    for number in range(runs):
        call = finished_call(houses.ours, title=f"지난 통화 {number}")
        StageResult.objects.create(
            call=call,
            organization=houses.ours.organization,
            stage="summarize",
            input_hash="h",
            engine_version="m@1",
            payload={},
            elapsed_s=10.0,
            cpu_s=20.0,
            gpu_s=0.0,
            input_tokens=800,
            output_tokens=100,
        )


def _ask_first(client: Client, calls: list[Call]) -> str:
    answer = client.get("/batches/prepare/", {"calls": [str(call.pk) for call in calls]})
    assert answer.status_code == 200
    return answer.content.decode()


def test_what_a_batch_takes_is_told_before_it_starts(reviewer: Client, houses: TwoHouses) -> None:
    _experience(houses)
    calls = [finished_call(houses.ours, title=f"통화 {number}") for number in range(3)]
    estimate = estimate_batch(calls)
    assert (estimate.calls, estimate.based_on, estimate.from_start) == (3, 4, 3)
    assert estimate.takes_s == pytest.approx(30) and estimate.work.cpu_s == pytest.approx(60)
    assert (estimate.work.input_tokens, estimate.work.output_tokens) == (2400, 300)
    text = _ask_first(reviewer, calls)
    for words in ("통화 3건의 요약을 다시 만듭니다", "약 30초", "2,400 → 300", "작업자가 없습니다"):
        assert words in text
    assert not Batch.objects.exists()
    WorkerPulse.objects.create(name="a", queues="llm,io", seen_at=timezone.now())
    WorkerPulse.objects.create(name="b", queues="llm", seen_at=timezone.now())
    assert estimate_batch(calls).takes_s == pytest.approx(15), "two work at once"


def test_another_model_takes_what_it_took_before(reviewer: Client, houses: TwoHouses) -> None:
    _experience(houses)
    made, calls = checkpoint_of(houses.ours), [finished_call(houses.ours)]
    assert not estimate_batch(calls, str(made.id)).by_model, "nobody has seen it at work"
    StageResult.objects.filter(pk=StageResult.objects.filter(stage="summarize")[0].pk).update(
        engine_version=made.version, elapsed_s=3.0, output_tokens=7
    )
    estimate = estimate_batch(calls, str(made.id))
    assert (estimate.by_model, estimate.based_on, estimate.work.output_tokens) == (True, 1, 7)
    asked = {"calls": [str(calls[0].pk)], "model": "shipped"}
    assert "다른 모델의 요약에서" in reviewer.post("/batches/prepare/", asked).content.decode()


def test_a_longer_call_takes_longer(houses: TwoHouses) -> None:
    _experience(houses)
    call = finished_call(houses.ours)
    call.duration_s = 120.0
    assert estimate_batch([call]).takes_s == pytest.approx(100), "ten times the twelve seconds of those before"


def test_without_experience_nothing_is_promised(reviewer: Client, houses: TwoHouses) -> None:
    _experience(houses)
    StageResult.objects.update(created_at=timezone.now() - timedelta(days=31))
    assert "아직 어림할 수 없습니다" in _ask_first(reviewer, [finished_call(houses.ours)])


def test_preparing_refuses_as_starting_does(reviewer: Client, houses: TwoHouses) -> None:
    foreign = finished_call(houses.theirs)
    assert reviewer.get("/batches/prepare/", {"calls": str(foreign.pk)}).status_code == 404
    assert "고른 통화가 없습니다" in reviewer.get("/batches/prepare/", follow=True).content.decode()


def test_a_paused_batch_begins_no_stage(reviewer: Client, houses: TwoHouses) -> None:
    batch = _start(reviewer, houses)
    lease = claim_next("io")
    assert lease is not None
    assert reviewer.post(f"/batches/{batch.pk}/pause/").status_code == 303
    page = reviewer.get(f"/batches/{batch.pk}/").content.decode()
    assert "멈춰 있음" in page and "이어서 하기" in page and "남은 시간" not in page
    assert claim_next("io") is None, "nothing else begins"
    advance(lease, input_hash="h", engine_version="1", payload={}, spent=Spent(1.0, 1.0, 0.0))
    assert claim_next("asr") is None, "what ran goes to the end of its stage and waits there"
    single = waiting_call(houses.ours, title="한 통")
    assert claim_next("io") is not None and Job.objects.get(call=single).state == "running"
    reviewer.post(f"/batches/{batch.pk}/resume/")
    assert claim_next("asr") is not None and claim_next("io") is not None


def test_pauses_do_not_count_as_work(houses: TwoHouses, reviewer: Client) -> None:
    batch = _start(reviewer, houses)
    job = batch.jobs.earliest("created_at")
    Job.objects.filter(pk=job.pk).update(state=Job.State.DONE, finished_at=timezone.now())
    now = timezone.now()
    Batch.objects.filter(pk=batch.pk).update(
        created_at=now - timedelta(minutes=10), paused_at=now - timedelta(minutes=8)
    )
    reviewer.post(f"/batches/{batch.pk}/resume/")
    batch.refresh_from_db()
    assert batch.paused_s == pytest.approx(480, abs=20)
    pace = batch_report(houses.ours.reviewer, batch).calls_per_min
    assert pace == pytest.approx(0.5, rel=0.2), "one call in two minutes of work"
    reviewer.post(f"/batches/{batch.pk}/resume/")
    batch.refresh_from_db()
    assert batch.paused_s == pytest.approx(480, abs=20), "resuming twice changes nothing"


def test_a_batch_of_all_that_a_filter_finds(reviewer: Client, houses: TwoHouses) -> None:
    calls = [waiting_call(houses.ours, title=f"환불 {number}") for number in range(21)]
    finished_call(houses.ours, title="다른 통화")
    page = reviewer.get("/calls/", {"q": "환불"})
    assert 'name="every"' in page.content.decode()
    asked = {"every": "1", "filter": page.context["filter_query"], "as_of": page.context["as_of"]}
    waiting_call(houses.ours, title="환불 뒤에 온 통화")
    prepared = reviewer.post("/batches/prepare/", asked).content.decode()
    assert "통화 21건의 요약을 다시 만듭니다" in prepared and 'name="calls"' not in prepared
    assert reviewer.post("/batches/start/", asked).status_code == 303
    assert set(Batch.objects.get().jobs.values_list("call", flat=True)) == {call.pk for call in calls}
    reviewer.post("/sorting/tags/", asked | {"tag": "환불"})
    assert CallTag.objects.count() == 21
    stranger = Client()
    stranger.force_login(houses.theirs.admin)
    assert "고른 통화가 없습니다" in stranger.post("/batches/start/", asked, follow=True).content.decode()


def test_too_many_calls_are_refused(reviewer: Client, houses: TwoHouses, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forms, "MAX_CALLS", 1)
    for number in range(2):
        finished_call(houses.ours, title=f"통화 {number}")
    answer = reviewer.post("/batches/start/", {"every": "1"}, follow=True)
    assert "1건까지입니다" in answer.content.decode() and not Batch.objects.exists()


def test_a_batch_names_its_model(houses: TwoHouses, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    own, other = checkpoint_of(houses.ours), checkpoint_of(houses.theirs)
    call = finished_call(houses.ours)
    client.force_login(houses.ours.agent)
    page = client.get("/batches/prepare/", {"calls": str(call.pk)}).content.decode()
    assert own.version in page and "기본 모델" in page and other.version not in page
    assert client.post("/batches/start/", {"calls": str(call.pk), "model": str(other.id)}).status_code == 404
    client.post("/batches/start/", {"calls": str(call.pk), "model": str(own.id)})
    batch = Batch.objects.get()
    assert own.version in client.get(f"/batches/{batch.pk}/").content.decode()
    seen: list[str] = []
    monkeypatch.setattr(pipeline, "_run", lambda lease, stage, context: seen.append(context.model))
    Job.objects.filter(batch=batch).update(stage="summarize")
    pipeline.run_stage(claim_next("llm"))  # type: ignore[arg-type]
    assert seen == [str(own.id)]
    assert chosen_model(str(own.id)).version == own.version
    assert chosen_model("shipped").version == chosen_model(str(uuid.uuid4())).version != own.version


def test_the_report_accounts_for_every_call(reviewer: Client, houses: TwoHouses) -> None:
    batch = _start(reviewer, houses)
    states = (Job.State.DONE, Job.State.FAILED, Job.State.CANCELLED)
    for job, state in zip(batch.jobs.order_by("call__title"), states, strict=True):
        reason = {"failed": "worker_lost", "cancelled": "cancelled"}.get(state, "")
        Job.objects.filter(pk=job.pk).update(state=state, reason=reason)
    text = b"".join(reviewer.get(f"/batches/{batch.pk}/report.csv")).decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [(row["title"], row["reason_code"]) for row in rows] == [
        ("통화 0", ""),
        ("통화 1", "worker_lost"),
        ("통화 2", "cancelled"),
    ]
    assert rows[0]["outcome"] == "summary" and "다시 시도해 주세요" in rows[1]["outcome"]
