"""Read jobs and batches through the acting person."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db.models import Count, Exists, Max, OuterRef, QuerySet
from django.http import Http404
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
    """Return the batches of `actor`, newest first, that still hold a call they may see; Http404 without any calls.

    Who began a batch may have another role or team by now: what counts is what they may see today.
    """
    jobs = Job.objects.filter(batch=OuterRef("pk"))
    seen = Exists(jobs.filter(call__in=access_calls(actor).order_by())) | ~Exists(jobs)
    mine = Batch.objects.filter(within_reach(actor)).filter(seen)
    return mine.select_related("created_by").order_by("-created_at", "pk")


def access_batch(actor: User, batch_id: UUID) -> Batch:
    """Return one batch or raise Http404."""
    return get_object_or_404(access_batches(actor), pk=batch_id)


def access_whole_batch(actor: User, batch_id: UUID) -> Batch:
    """Return a batch all of whose calls `actor` may see, or raise Http404: what is done to it concerns them all."""
    batch = access_batch(actor, batch_id)
    if batch.jobs.exclude(call__in=access_calls(actor).order_by()).exists():
        raise Http404("not all of its calls are there")
    return batch


def access_batch_jobs(actor: User, batches: Iterable[Batch]) -> QuerySet[Job]:
    """Return the newest job of each call of `batches` that `actor` may see: a call that was retried counts once."""
    later = Job.objects.filter(batch=OuterRef("batch"), call=OuterRef("call"), created_at__gt=OuterRef("created_at"))
    newest = access_jobs(actor).filter(~Exists(later), batch__in=[batch.pk for batch in batches])
    return newest.select_related("call").order_by("call__happened_at", "call_id")


@dataclass(frozen=True)
class BatchReport:
    """How far a batch is. `calls_per_min` and `left_s` are known once the first call has ended; pauses do not count."""

    counts: dict[str, int]
    ended: int
    share: float
    calls_per_min: float | None
    left_s: float | None
    took_s: float | None
    paused: bool = False
    is_final: bool = False


def batch_report(actor: User, batch: Batch) -> BatchReport:
    """Return the account of what `actor` may see of `batch`: the counts, the pace and the time left."""
    counts = batch_shares(actor, [batch])[batch.pk]
    total, ended = counts["total"], sum(counts[state] for state in Job.FINAL)
    over = ended == total and not batch.filling
    last = access_batch_jobs(actor, [batch]).aggregate(last=Max("finished_at"))["last"] if over else None
    elapsed_s = max(((last or batch.paused_at or timezone.now()) - batch.created_at).total_seconds(), 0.001)
    elapsed_s = max(elapsed_s - batch.paused_s, 0.001)
    worked = counts[Job.State.DONE] + counts[Job.State.FAILED]
    return BatchReport(
        counts=counts,
        ended=ended,
        share=ended / total if total else 1.0,
        calls_per_min=worked / elapsed_s * 60 if worked else None,
        left_s=(total - ended) * elapsed_s / worked if worked and ended < total else None,
        took_s=elapsed_s if over else None,
        paused=batch.paused_at is not None and not over,
        is_final=over,
    )


def batch_shares(actor: User, batches: Iterable[Batch]) -> dict[UUID, dict[str, int]]:
    """Return how many calls of each batch `actor` sees in each state, and `total`, by batch."""
    held = list(batches)
    shares = {batch.pk: dict.fromkeys([*Job.State.values, "total"], 0) for batch in held}
    counted = access_batch_jobs(actor, held).order_by().values_list("batch_id", "state").annotate(n=Count("pk"))
    for batch_id, state, n in counted:
        shares[batch_id][state] = n
        shares[batch_id]["total"] += n
    return shares


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
