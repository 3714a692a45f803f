"""Batches over HTTP: chosen in the list, one bar, an account of every call, cancel and retry."""

import pytest
from django.test import Client

from apps.jobs.models import Batch, Job
from tests.calls import finished_call
from tests.people import TwoHouses


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
