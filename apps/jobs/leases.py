"""Work on a job: claim it, keep the lease alive, advance, finish, fail, give back.

A claim is one conditional UPDATE. Whatever a worker writes afterwards is conditional on its fencing token, so a worker
that was thought dead and comes back can change nothing.
"""

import os
import socket
import uuid
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.utils import timezone

from apps.core.dispatch import ring_on_commit
from apps.jobs.endings import note_ended
from apps.jobs.models import Batch, Job, StageResult
from workers.contracts.stages import STAGE_QUEUES, WORK_TASK, next_stage, stages_of
from workers.contracts.work import Payload, Spent


class LeaseLost(Exception):
    """The job was cancelled or belongs to another worker by now; the result must be thrown away."""

    permanent = True


@dataclass(frozen=True)
class Lease:
    """The right to work on one stage of a job until the lease runs out."""

    job_id: uuid.UUID
    call_id: uuid.UUID
    organization_id: uuid.UUID
    stage: str
    token: int


def claim_next(queue: str) -> Lease | None:
    """Claim the next waiting job of `queue`: single calls before batches, older batches and calls before newer."""
    waiting = claimable(stages_of(queue)).order_by(F("batch__created_at").asc(nulls_first=True), "created_at")
    for job_id in waiting.values_list("pk", flat=True)[:20]:
        lease = claim(job_id)
        if lease is not None:
            return lease
    return None


def claim(job_id: uuid.UUID) -> Lease | None:
    """Claim one job, or return None when it is not to be had. One conditional UPDATE decides the race."""
    owner = f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:12]}"
    changed = (
        claimable(list(STAGE_QUEUES))
        .filter(pk=job_id)
        .update(
            state=Job.State.RUNNING,
            token=F("token") + 1,
            attempts=F("attempts") + 1,
            lease_owner=owner,
            lease_expires_at=_lease_end(),
        )
    )
    if not changed:
        return None
    job = Job.objects.filter(pk=job_id, lease_owner=owner).first()
    return None if job is None else Lease(job.pk, job.call_id, job.organization_id, job.stage, job.token)


def claimable(stages: list[str]) -> Any:
    # A subquery, not a join: the UPDATE of a claim must judge the job's row alone.
    paused = Q(batch__in=Batch.objects.filter(paused_at__isnull=False).values("pk"))
    # Two jobs of one call would mix their results: the later one waits, but not for a batch that is paused.
    earlier = Job.objects.filter(call=OuterRef("call"), created_at__lt=OuterRef("created_at"), state__in=Job.ACTIVE)
    return Job.objects.filter(
        Q(batch=None) | ~paused,
        ~Exists(earlier.filter(Q(batch=None) | ~paused)),
        state=Job.State.QUEUED,
        stage__in=stages,
        cancel_requested=False,
        attempts__lt=settings.ENV.max_attempts,
    )


def _lease_end() -> Any:
    return timezone.now() + timedelta(seconds=settings.ENV.lease_s)


def heartbeat(lease: Lease, progress: float | None = None) -> bool:
    """Prolong the lease and report progress (0 to 1 of the stage). False: stop, the job is not yours any more."""
    changes: dict[str, Any] = {"lease_expires_at": _lease_end()}
    if progress is not None:
        changes["progress"] = progress
    return bool(_held(lease).filter(cancel_requested=False).update(**changes))


def _held(lease: Lease) -> Any:
    return Job.objects.filter(pk=lease.job_id, token=lease.token, state=Job.State.RUNNING)


def _write_held(lease: Lease, **changes: object) -> None:
    if not _held(lease).filter(cancel_requested=False).update(lease_owner="", lease_expires_at=None, **changes):
        raise LeaseLost(f"job {lease.job_id}: cancelled, or token {lease.token} is not the current one")


def kept_result(call_id: uuid.UUID, stage: str, input_hash: str, engine_version: str) -> StageResult | None:
    """Return what `stage` made of exactly this input with exactly this engine, if it ran before."""
    return StageResult.objects.filter(
        call_id=call_id, stage=stage, input_hash=input_hash, engine_version=engine_version
    ).first()


@transaction.atomic
def advance(lease: Lease, *, input_hash: str, engine_version: str, payload: Payload, spent: Spent) -> None:
    """Keep the stage's result and move the job to its next stage, in one transaction.

    Raises:
        LeaseLost: the job was cancelled or taken over; nothing is written.
    """
    following = next_stage(lease.stage)
    if following is None:
        raise ValueError(f"{lease.stage} is the last stage; finish the job instead")
    now = timezone.now()
    fresh = {"attempts": 0, "progress": 0.0, "reason": "", "reason_values": {}}
    _write_held(lease, stage=following, state=Job.State.QUEUED, rung_at=now, **fresh)
    usage = payload.get("usage", {})
    kept, made = StageResult.objects.get_or_create(
        call_id=lease.call_id,
        stage=lease.stage,
        input_hash=input_hash,
        engine_version=engine_version,
        defaults={
            "payload": payload,
            "organization_id": lease.organization_id,
            "input_tokens": usage.get("prompt_tokens", 0),
            "output_tokens": usage.get("completion_tokens", 0),
            **asdict(spent),
        },
    )
    if not made:
        StageResult.objects.filter(pk=kept.pk).update(used_at=now)
    ring_on_commit(WORK_TASK, STAGE_QUEUES[following], queue=STAGE_QUEUES[following])


@transaction.atomic
def finish(lease: Lease, write: Callable[[], None]) -> None:
    """End the job as done and let `write` put its result into the other tables, all or nothing.

    Raises:
        LeaseLost: the job was cancelled or taken over; nothing is written.
    """
    _write_held(lease, state=Job.State.DONE, progress=1.0, finished_at=timezone.now(), reason="", reason_values={})
    write()
    note_ended(lease.job_id)


@transaction.atomic
def fail(lease: Lease, code: str, values: dict[str, Any]) -> None:
    """End the job as failed for a reason that trying again would not mend."""
    _write_held(lease, state=Job.State.FAILED, reason=code, reason_values=values, finished_at=timezone.now())
    note_ended(lease.job_id)


def give_back(lease: Lease, code: str, values: dict[str, Any]) -> None:
    """Put the job back after a passing trouble; with its attempts used up it fails instead."""
    if _held(lease).filter(attempts__gte=settings.ENV.max_attempts).exists():
        fail(lease, code, values)
    else:
        _write_held(lease, state=Job.State.QUEUED, reason=code, reason_values=values, rung_at=timezone.now())


def confirm_cancel(lease: Lease) -> None:
    """End a job whose worker has noticed the cancellation."""
    end_jobs(_held(lease).filter(cancel_requested=True), Job.State.CANCELLED, "cancelled")


def end_jobs(jobs: QuerySet[Job], state: Job.State, reason: str, **values: object) -> None:
    """End those of `jobs` that are still as the query says, each in a transaction."""
    for job_id in jobs.values_list("pk", flat=True):
        with transaction.atomic():
            changes = {"state": state, "reason": reason, "reason_values": values, "finished_at": timezone.now()}
            if jobs.filter(pk=job_id).update(lease_owner="", lease_expires_at=None, **changes):
                note_ended(job_id)
