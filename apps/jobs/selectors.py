"""Read jobs and batches through the acting person."""

from collections.abc import Iterable
from datetime import timedelta
from uuid import UUID

from django.db.models import Count, QuerySet
from django.shortcuts import get_object_or_404
from django.utils import timezone

from apps.accounts.models import User
from apps.accounts.selectors import organization_ids
from apps.jobs.models import Batch, Job, WorkerPulse


def access_jobs(actor: User) -> QuerySet[Job]:
    """Return the jobs `actor` may see."""
    return Job.objects.filter(organization_id__in=organization_ids(actor))


def access_job(actor: User, job_id: UUID) -> Job:
    """Return one job or raise Http404."""
    return get_object_or_404(access_jobs(actor), pk=job_id)


def access_batches(actor: User) -> QuerySet[Batch]:
    """Return the batches `actor` may see, newest first."""
    return Batch.objects.filter(organization_id__in=organization_ids(actor)).order_by("-created_at")


def access_batch(actor: User, batch_id: UUID) -> Batch:
    """Return one batch or raise Http404."""
    return get_object_or_404(access_batches(actor), pk=batch_id)


def batch_counts(batch: Batch) -> dict[str, int]:
    """Return how many jobs of `batch` are in each state, and `total`."""
    counts: dict[str, int] = dict.fromkeys(Job.State.values, 0)
    for row in batch.jobs.values("state").annotate(n=Count("pk")):
        counts[row["state"]] = row["n"]
    return counts | {"total": sum(counts.values())}


def live_queues(within_s: float = 20.0) -> set[str]:
    """Return the queues that a worker seen in the last `within_s` seconds serves."""
    seen = WorkerPulse.objects.filter(seen_at__gte=timezone.now() - timedelta(seconds=within_s))
    return {queue for queues in seen.values_list("queues", flat=True) for queue in queues.split(",")}


def latest_job_by_call(call_ids: Iterable[UUID]) -> dict[UUID, Job]:
    """Return the newest job of each call."""
    jobs: dict[UUID, Job] = {}
    for job in Job.objects.filter(call_id__in=list(call_ids)).order_by("created_at"):
        jobs[job.call_id] = job
    return jobs
