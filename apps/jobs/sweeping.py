"""Look after the jobs: take back leases that ran out, ring again for what waits, note which workers live."""

from collections.abc import Sequence
from datetime import timedelta

from django.conf import settings
from django.db.models import Q
from django.utils import timezone

from apps.core.dispatch import ring
from apps.jobs.leases import claimable, end_jobs
from apps.jobs.models import Job, WorkerPulse
from workers.contracts.stages import STAGE_QUEUES, WORK_TASK, stages_of

_BELLS_A_SWEEP = 4


def sweep() -> int:
    """Take back leases that ran out and ring for work that waits. Return how many leases were taken back."""
    now = timezone.now()
    lost = Job.objects.filter(state=Job.State.RUNNING, lease_expires_at__lt=now)
    end_jobs(lost.filter(cancel_requested=True), Job.State.CANCELLED, "cancelled")
    limit = settings.ENV.max_attempts
    end_jobs(lost.filter(attempts__gte=limit), Job.State.FAILED, "worker_lost", attempts=limit)
    taken: int = lost.update(state=Job.State.QUEUED, lease_owner="", lease_expires_at=None)
    _ring_for_waiting()
    return taken


def _ring_for_waiting() -> None:
    overdue = timezone.now() - timedelta(seconds=settings.ENV.sweep_s)
    for queue in sorted(set(STAGE_QUEUES.values())):
        waiting = claimable(stages_of(queue)).filter(Q(rung_at=None) | Q(rung_at__lt=overdue))
        for _bell in range(min(_BELLS_A_SWEEP, waiting.count())):
            ring(WORK_TASK, queue, queue=queue, expires_s=settings.ENV.sweep_s * 2)


def pulse(name: str, queues: Sequence[str]) -> None:
    """Record that the worker `name` is alive and which queues it serves."""
    WorkerPulse.objects.update_or_create(name=name, defaults={"queues": ",".join(queues), "seen_at": timezone.now()})
    WorkerPulse.objects.filter(seen_at__lt=timezone.now() - timedelta(hours=1)).delete()
