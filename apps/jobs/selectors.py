"""Read jobs and batches through the acting person."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from django.utils import timezone

from apps.accounts.models import User
from apps.accounts.selectors import within_reach
from apps.calls.models import Call
from apps.calls.selectors import access_calls
from apps.jobs.models import Batch, Job, StageResult, WorkerPulse


def access_jobs(actor: User) -> QuerySet[Job]:
    """Return the jobs of the calls that `actor` may see."""
    return Job.objects.filter(call__in=access_calls(actor).order_by())


def access_job(actor: User, job_id: UUID) -> Job:
    """Return one job or raise Http404."""
    return get_object_or_404(access_jobs(actor), pk=job_id)


def access_batches(actor: User) -> QuerySet[Batch]:
    """Return the batches `actor` may see, newest first; Http404 for whoever works on no calls."""
    return Batch.objects.filter(within_reach(actor)).select_related("created_by").order_by("-created_at", "pk")


def access_batch(actor: User, batch_id: UUID) -> Batch:
    """Return one batch or raise Http404."""
    return get_object_or_404(access_batches(actor), pk=batch_id)


def batch_jobs(batch: Batch) -> list[Job]:
    """Return the newest job of each call of `batch`, with its call; a job that was retried is not counted twice."""
    newest: dict[UUID, Job] = {}
    for job in batch.jobs.select_related("call").order_by("created_at", "pk"):
        newest[job.call_id] = job
    return sorted(newest.values(), key=lambda job: (job.call.happened_at, str(job.call_id)))


def batch_counts(batch: Batch) -> dict[str, int]:
    """Return how many calls of `batch` are in each state, and `total`."""
    return _counts(batch_jobs(batch))


def _counts(jobs: Iterable[Job]) -> dict[str, int]:
    counts: dict[str, int] = dict.fromkeys(Job.State.values, 0)
    for job in jobs:
        counts[job.state] += 1
    return counts | {"total": sum(counts.values())}


@dataclass(frozen=True)
class BatchReport:
    """How far a batch is. `calls_per_min` and `left_s` are known once the first call has ended; pauses do not count."""

    jobs: list[Job]
    counts: dict[str, int]
    ended: int
    share: float
    calls_per_min: float | None
    left_s: float | None
    took_s: float | None
    paused: bool = False

    @property
    def is_final(self) -> bool:
        return self.ended == self.counts["total"]


def batch_report(batch: Batch) -> BatchReport:
    """Return the account of `batch`: every call, the counts, the pace and the time left."""
    jobs = batch_jobs(batch)
    counts = _counts(jobs)
    finished = sorted(job.finished_at for job in jobs if job.is_final and job.finished_at)
    ended = sum(job.is_final for job in jobs)
    until = finished[-1] if finished and ended == len(jobs) else batch.paused_at or timezone.now()
    elapsed_s = max((until - batch.created_at).total_seconds() - batch.paused_s, 0.001)
    worked = counts[Job.State.DONE] + counts[Job.State.FAILED]
    return BatchReport(
        jobs=jobs,
        counts=counts,
        ended=ended,
        share=ended / len(jobs) if jobs else 1.0,
        calls_per_min=worked / elapsed_s * 60 if worked else None,
        left_s=(len(jobs) - ended) * elapsed_s / worked if worked and ended < len(jobs) else None,
        took_s=elapsed_s if ended == len(jobs) else None,
        paused=batch.paused_at is not None and ended < len(jobs),
    )


def batch_shares(batches: Iterable[Batch]) -> dict[UUID, dict[str, int]]:
    """Return the counts of several batches, by batch."""
    newest: dict[tuple[UUID, UUID], Job] = {}
    for job in Job.objects.filter(batch__in=list(batches)).order_by("created_at", "pk"):
        if job.batch_id is not None:
            newest[job.batch_id, job.call_id] = job
    grouped: dict[UUID, list[Job]] = {batch.pk: [] for batch in batches}
    for (batch_id, _), job in newest.items():
        grouped[batch_id].append(job)
    return {batch_id: _counts(jobs) for batch_id, jobs in grouped.items()}


def probe_facts(call: Call) -> dict[str, Any]:
    """Return what the probe wrote down about the recording of `call`; empty before it ran."""
    result = StageResult.objects.filter(call=call, stage="probe").order_by("-created_at").first()
    return dict(result.payload) if result else {}


def waiting_before(job: Job) -> int:
    """Return how many jobs wait for the same stage longer than `job`."""
    return Job.objects.filter(state=Job.State.QUEUED, stage=job.stage, created_at__lt=job.created_at).count()


def live_queues(within_s: float = 20.0) -> set[str]:
    """Return the queues that a worker seen in the last `within_s` seconds serves."""
    return set(workers_of_queues(within_s))


def workers_of_queues(within_s: float = 20.0) -> dict[str, int]:
    """Return how many workers seen in the last `within_s` seconds serve each queue; one without any is missing."""
    seen = WorkerPulse.objects.filter(seen_at__gte=timezone.now() - timedelta(seconds=within_s))
    return Counter(queue for queues in seen.values_list("queues", flat=True) for queue in queues.split(","))


def latest_job_by_call(call_ids: Iterable[UUID]) -> dict[UUID, Job]:
    """Return the newest job of each call."""
    jobs: dict[UUID, Job] = {}
    for job in Job.objects.filter(call_id__in=list(call_ids)).order_by("created_at"):
        jobs[job.call_id] = job
    return jobs
