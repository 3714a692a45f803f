"""The rules of jobs: claim once, fence the stale worker, advance, give up, cancel, sweep."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.utils import timezone

from apps.calls.models import Call
from apps.jobs import batches, leases, requests, sweeping
from apps.jobs.leases import Lease, LeaseLost
from apps.jobs.models import Job, StageResult
from tests.people import TwoHouses
from workers.contracts.stages import STAGE_QUEUES, next_stage
from workers.contracts.work import Spent


@pytest.fixture
def job(houses: TwoHouses) -> Job:
    call = Call.objects.create(organization=houses.ours.organization, title="통화", source=Call.Source.UPLOAD)
    return requests.request_processing(call=call, actor=houses.ours.agent)


def _claim(job: Job) -> Lease:
    lease = leases.claim(job.pk)
    assert lease is not None
    return lease


def _advance(lease: Lease, **changes: Any) -> None:
    values = {"input_hash": "h", "engine_version": "1", "payload": {"x": 1}, "spent": Spent(0.1, 0.2, 0.0)}
    leases.advance(lease, **(values | changes))


def test_a_job_is_claimed_by_one(job: Job) -> None:
    assert leases.claim(job.pk) is not None
    assert leases.claim(job.pk) is None


@pytest.mark.django_db(transaction=True)
def test_of_many_claimers_at_once_one_wins(houses: TwoHouses) -> None:
    call = Call.objects.create(organization=houses.ours.organization, title="통화", source=Call.Source.UPLOAD)
    job = requests.request_processing(call=call, actor=None)

    def claim(_: int) -> Lease | None:
        try:
            return leases.claim(job.pk)
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        won = [lease for lease in pool.map(claim, range(16)) if lease]
    assert len(won) == 1


def test_the_same_call_is_not_queued_twice(job: Job) -> None:
    assert requests.request_processing(call=job.call, actor=None).pk == job.pk
    assert Job.objects.count() == 1


def test_advance_keeps_the_result_and_moves_on(job: Job) -> None:
    _advance(_claim(job))
    job.refresh_from_db()
    assert (job.state, job.stage, job.attempts) == (Job.State.QUEUED, "transcribe", 0)
    kept = leases.kept_result(job.call_id, "probe", "h", "1")
    assert kept is not None and kept.payload == {"x": 1}
    assert leases.kept_result(job.call_id, "probe", "h", "2") is None


def test_a_worker_thought_dead_changes_nothing(job: Job) -> None:
    stale = _claim(job)
    Job.objects.filter(pk=job.pk).update(lease_expires_at=timezone.now() - timedelta(seconds=1))
    assert sweeping.sweep() == 1
    fresh = _claim(job)
    assert fresh.token == stale.token + 1
    for write in (
        lambda: _advance(stale, payload={"x": "stale"}),
        lambda: leases.fail(stale, "internal", {}),
        lambda: leases.finish(stale, lambda: pytest.fail("a stale worker published")),
        lambda: leases.give_back(stale, "internal", {}),
    ):
        with pytest.raises(LeaseLost):
            write()
    assert not leases.heartbeat(stale)
    assert leases.heartbeat(fresh)
    assert not StageResult.objects.exists()
    _advance(fresh)
    assert StageResult.objects.get().payload == {"x": 1}


def test_finish_is_all_or_nothing(job: Job) -> None:
    lease = _claim(job)

    def write() -> None:
        raise RuntimeError("the disk is full")

    with pytest.raises(RuntimeError):
        leases.finish(lease, write)
    job.refresh_from_db()
    assert job.state == Job.State.RUNNING


def test_attempts_are_capped(job: Job) -> None:
    for _ in range(settings.ENV.max_attempts):
        leases.give_back(_claim(job), "internal", {"detail": "x"})
    job.refresh_from_db()
    assert (job.state, job.reason) == (Job.State.FAILED, "internal")
    assert leases.claim(job.pk) is None


def test_a_worker_that_always_dies_ends_the_job(job: Job) -> None:
    for _ in range(settings.ENV.max_attempts):
        _claim(job)
        Job.objects.filter(pk=job.pk).update(lease_expires_at=timezone.now() - timedelta(seconds=1))
        sweeping.sweep()
    job.refresh_from_db()
    assert (job.state, job.reason) == (Job.State.FAILED, "worker_lost")


def test_a_waiting_job_is_cancelled_at_once(job: Job, houses: TwoHouses) -> None:
    requests.cancel_job(job=job, actor=houses.ours.agent)
    job.refresh_from_db()
    assert job.state == Job.State.CANCELLED
    assert leases.claim(job.pk) is None


def test_a_running_job_is_cancelled_at_its_heartbeat(job: Job, houses: TwoHouses) -> None:
    lease = _claim(job)
    requests.cancel_job(job=job, actor=houses.ours.agent)
    assert not leases.heartbeat(lease)
    leases.confirm_cancel(lease)
    job.refresh_from_db()
    assert job.state == Job.State.CANCELLED


def test_retry_goes_on_where_it_stopped(job: Job, houses: TwoHouses) -> None:
    _advance(_claim(job))
    leases.fail(_claim(job), "unknown_language", {})
    job.refresh_from_db()
    again = requests.retry_job(job=job, actor=houses.ours.agent)
    assert (again.stage, again.state) == ("transcribe", Job.State.QUEUED)


def test_single_calls_go_before_batches(houses: TwoHouses) -> None:
    organization = houses.ours.organization
    calls = [Call.objects.create(organization=organization, title=str(n), source=Call.Source.UPLOAD) for n in range(3)]
    batches.start_batch(name="b", calls=calls[:2], actor=None, organization_id=organization.pk)
    single = requests.request_processing(call=calls[2], actor=None)
    lease = leases.claim_next("io")
    assert lease is not None and lease.job_id == single.pk


def test_older_batches_go_before_newer(houses: TwoHouses) -> None:
    organization = houses.ours.organization
    calls = [Call.objects.create(organization=organization, title=str(n), source=Call.Source.UPLOAD) for n in range(8)]
    for call in calls:
        batches.start_batch(name="b", calls=[call], actor=None, organization_id=organization.pk)
    claimed = [leases.claim_next("io") for _ in calls]
    assert [lease.call_id for lease in claimed if lease] == [call.pk for call in calls]


def test_a_second_batch_takes_nothing_from_the_first(houses: TwoHouses) -> None:
    organization = houses.ours.organization
    call = Call.objects.create(organization=organization, title="x", source=Call.Source.UPLOAD)
    first = batches.start_batch(name="1", calls=[call], actor=None, organization_id=organization.pk)
    second = batches.start_batch(name="2", calls=[call], actor=None, organization_id=organization.pk, model="shipped")
    assert (first.jobs.count(), second.jobs.count()) == (1, 1)
    lease = leases.claim_next("io")
    assert lease is not None and lease.job_id == first.jobs.get().pk
    assert leases.claim_next("io") is None, "the later job of a call waits for the earlier"
    leases.fail(lease, "not_audio", {})
    following = leases.claim_next("io")
    assert following is not None and following.job_id == second.jobs.get().pk


def test_a_batch_takes_up_a_single_job_before_its_summary(job: Job, houses: TwoHouses) -> None:
    batch = batches.start_batch(name="b", calls=[job.call], actor=None, organization_id=job.organization_id)
    assert batch.jobs.get() == job and Job.objects.count() == 1


def test_a_summary_under_way_is_followed_by_another(job: Job, houses: TwoHouses) -> None:
    Job.objects.filter(pk=job.pk).update(stage="summarize")
    assert requests.request_summary(call=job.call, actor=None) == job, "it has not begun"
    for stage, state in (
        ("summarize", Job.State.RUNNING),
        ("verify", Job.State.QUEUED),
        ("publish", Job.State.RUNNING),
    ):
        Job.objects.filter(pk=job.pk).update(stage=stage, state=state)
        again = requests.request_summary(call=job.call, actor=None)
        assert again != job and again.state == Job.State.QUEUED
        again.delete()


def test_every_stage_has_a_queue_and_a_next_one() -> None:
    names = list(STAGE_QUEUES)
    assert [next_stage(name) for name in names] == [*names[1:], None]
