"""Change jobs: ask for work, claim it, keep the lease alive, advance, finish, fail, cancel, retry, sweep.

A claim is one conditional UPDATE. Whatever a worker writes afterwards is conditional on its fencing token, so a worker
that was thought dead and comes back can change nothing. The queue is only a doorbell: losing a message loses no work.
"""

import os
import socket
import uuid
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.utils import timezone

from apps.accounts.models import User
from apps.accounts.services import log_access, log_access_to_many
from apps.calls.models import Call
from apps.core.dispatch import ring, ring_on_commit
from apps.jobs.endings import note_batch, note_ended
from apps.jobs.models import Batch, Job, StageResult, WorkerPulse
from workers.contracts.stages import (
    FIRST_STAGE,
    FIRST_TRANSCRIPT_STAGE,
    STAGE_QUEUES,
    WORK_TASK,
    next_stage,
    stages_of,
)
from workers.contracts.work import Payload, Spent

_BELLS_A_SWEEP = 4
_FILLED_WITHIN = timedelta(days=1)
_ACTIVE = (Job.State.QUEUED, Job.State.RUNNING)


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


@transaction.atomic
def request_processing(*, call: Call, actor: User | None, batch: Batch | None = None, stage: str | None = None) -> Job:
    """Queue `call` from `stage` on (its first by default). An unfinished job of the call is returned as it is."""
    Call.objects.select_for_update().get(pk=call.pk)
    running = Job.objects.filter(call=call, state__in=_ACTIVE).order_by("-created_at").first()
    if running is not None:
        return running
    return _queue(call, actor, batch, stage or _first_stage(call, spoken=False))


def _queue(call: Call, actor: User | None, batch: Batch | None, stage: str) -> Job:
    job = _job(call, batch, stage)
    job.save()
    log_access(
        actor=actor, organization_id=call.organization_id, action="request_processing", kind="call", object_id=call.pk
    )
    _ring_for(job)
    return job


def _job(call: Call, batch: Batch | None, stage: str) -> Job:
    return Job(call=call, organization_id=call.organization_id, batch=batch, stage=stage, rung_at=timezone.now())


def _first_stage(call: Call, spoken: bool) -> str:
    """Return where the work on `call` begins; `spoken` tells that its transcript is there and is to be kept."""
    return FIRST_TRANSCRIPT_STAGE if spoken or call.source == Call.Source.TRANSCRIPT else FIRST_STAGE


def _ring_for(job: Job) -> None:
    ring_on_commit(WORK_TASK, STAGE_QUEUES[job.stage], queue=STAGE_QUEUES[job.stage])


@transaction.atomic
def start_batch(
    *,
    name: str,
    calls: Sequence[Call],
    actor: User | None,
    organization_id: uuid.UUID,
    model: str = "",
    filling: bool = False,
) -> Batch:
    """Summarize `calls` again as one batch, by `model` (see `Batch`); each becomes one job that is accounted for.

    A job of its own that a call has and that has not come to its summary joins; any other is followed by one of the
    batch. With `filling` further calls are still to come, until `close_batch`.
    """
    about = {"name": name, "organization_id": organization_id, "created_by": actor}
    batch = Batch.objects.create(**about, model=model, filling=filling)
    keys = [call.pk for call in calls]
    list(Call.objects.select_for_update().filter(pk__in=keys).order_by("pk").values_list("pk"))
    _unsummarized().filter(call__in=keys, batch=None).update(batch=batch)
    joined = set(batch.jobs.values_list("call_id", flat=True))
    spoken = set(StageResult.objects.filter(call__in=keys, stage="diarize").values_list("call_id", flat=True))
    jobs = [_job(call, batch, _first_stage(call, call.pk in spoken)) for call in calls if call.pk not in joined]
    Job.objects.bulk_create(jobs, batch_size=1000)
    asked = [(job.organization_id, job.call_id) for job in jobs]
    log_access_to_many(actor=actor, action="request_processing", kind="call", objects=asked)
    for job in jobs:
        _ring_for(job)
    return batch


@transaction.atomic
def request_summary(*, call: Call, actor: User | None) -> Job:
    """Summarize `call` again from its transcript; without one, from the start.

    A job that has not come to its summary yet will make it as is wished by now; one that is past it is followed by
    another.
    """
    Call.objects.select_for_update().get(pk=call.pk)
    waiting = _unsummarized().filter(call=call).order_by("-created_at").first()
    if waiting is not None:
        return waiting
    spoken = StageResult.objects.filter(call=call, stage="diarize").exists()
    return _queue(call, actor, None, _first_stage(call, spoken))


def _unsummarized() -> QuerySet[Job]:
    """Return the unfinished jobs that read template and model only when their summary's turn comes."""
    stages = list(STAGE_QUEUES)
    before = stages[: stages.index(FIRST_TRANSCRIPT_STAGE)]
    waits = Q(stage=FIRST_TRANSCRIPT_STAGE, state=Job.State.QUEUED)
    return Job.objects.filter(waits | Q(stage__in=before, state__in=_ACTIVE), cancel_requested=False)


@transaction.atomic
def close_batch(*, batch: Batch) -> None:
    """Note that no further calls come into a batch that was filled."""
    Batch.objects.filter(pk=batch.pk).update(filling=False)
    note_batch(batch.pk)


def close_left_batches() -> None:
    """Close the batches that an import began to fill a day ago: it was killed, and ends as another one."""
    for batch in Batch.objects.filter(filling=True, created_at__lt=timezone.now() - _FILLED_WITHIN):
        close_batch(batch=batch)


def claim_next(queue: str) -> Lease | None:
    """Claim the next waiting job of `queue`: single calls before batches, older batches and calls before newer."""
    waiting = _claimable(stages_of(queue)).order_by(F("batch__created_at").asc(nulls_first=True), "created_at")
    for job_id in waiting.values_list("pk", flat=True)[:20]:
        lease = claim(job_id)
        if lease is not None:
            return lease
    return None


def claim(job_id: uuid.UUID) -> Lease | None:
    """Claim one job, or return None when it is not to be had. One conditional UPDATE decides the race."""
    owner = f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:12]}"
    changed = (
        _claimable(list(STAGE_QUEUES))
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


def _claimable(stages: list[str]) -> Any:
    # A subquery, not a join: the UPDATE of a claim must judge the job's row alone.
    paused = Q(batch__in=Batch.objects.filter(paused_at__isnull=False).values("pk"))
    # Two jobs of one call would mix their results: the later one waits, but not for a batch that is paused.
    earlier = Job.objects.filter(call=OuterRef("call"), created_at__lt=OuterRef("created_at"), state__in=_ACTIVE)
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


@transaction.atomic
def cancel_job(*, job: Job, actor: User | None) -> None:
    """Cancel a job that is not finished: a waiting one at once, a running one at its next heartbeat."""
    if _cancel(job, actor):
        note_ended(job.pk)


def _cancel(job: Job, actor: User | None) -> bool:
    """Cancel a job and tell whether that has ended it already."""
    log_access(actor=actor, organization_id=job.organization_id, action="cancel_job", kind="job", object_id=job.pk)
    ended = {"state": Job.State.CANCELLED, "reason": "cancelled", "finished_at": timezone.now()}
    if Job.objects.filter(pk=job.pk, state=Job.State.QUEUED).update(**ended):
        return True
    Job.objects.filter(pk=job.pk, state=Job.State.RUNNING).update(cancel_requested=True)
    return False


def confirm_cancel(lease: Lease) -> None:
    """End a job whose worker has noticed the cancellation."""
    _end(_held(lease).filter(cancel_requested=True), Job.State.CANCELLED, "cancelled")


def _end(jobs: QuerySet[Job], state: Job.State, reason: str, **values: object) -> None:
    """End those of `jobs` that are still as the query says, each in a transaction."""
    for job_id in jobs.values_list("pk", flat=True):
        with transaction.atomic():
            changes = {"state": state, "reason": reason, "reason_values": values, "finished_at": timezone.now()}
            if jobs.filter(pk=job_id).update(lease_owner="", lease_expires_at=None, **changes):
                note_ended(job_id)


@transaction.atomic
def retry_job(*, job: Job, actor: User | None) -> Job:
    """Run a failed or cancelled job's call again, from the stage where it stopped."""
    return request_processing(call=job.call, actor=actor, batch=job.batch, stage=job.stage)


def run_again(*, call: Call, job: Job | None, actor: User | None) -> Job:
    """Start `call`, whose newest job is `job`, or go on where that failed or was cancelled; else it stays as it is."""
    if job is None:
        return request_processing(call=call, actor=actor)
    return retry_job(job=job, actor=actor) if job.state in (Job.State.FAILED, Job.State.CANCELLED) else job


@transaction.atomic
def cancel_batch(*, batch: Batch, jobs: QuerySet[Job], actor: User | None) -> int:
    """Cancel every unfinished one of `jobs`, which are of `batch`, and return how many there were."""
    unfinished = list(jobs.filter(state__in=_ACTIVE))
    ended = [_cancel(job, actor) for job in unfinished]
    # The batch is locked last: a worker that ends a call of it holds the job's row before it asks for that lock.
    if any(ended):
        note_batch(batch.pk)
    return len(unfinished)


@transaction.atomic
def retry_batch(*, jobs: QuerySet[Job], actor: User | None) -> int:
    """Run those of `jobs` again that failed and return how many there were."""
    failed = list(jobs.filter(state=Job.State.FAILED).select_related("call", "batch"))
    for job in failed:
        retry_job(job=job, actor=actor)
    return len(failed)


@transaction.atomic
def pause_batch(*, batch: Batch, actor: User | None) -> None:
    """Let no further stage of the batch begin; those that run go to their end. A paused batch stays as it is."""
    if Batch.objects.filter(pk=batch.pk, paused_at=None).update(paused_at=timezone.now()):
        _log_batch(batch, actor, "pause_batch")


@transaction.atomic
def resume_batch(*, batch: Batch, actor: User | None) -> None:
    """Go on with a paused batch, and ring for what waits."""
    paused = Batch.objects.select_for_update().get(pk=batch.pk)
    if paused.paused_at is None:
        return
    paused.paused_s += (timezone.now() - paused.paused_at).total_seconds()
    paused.paused_at = None
    paused.save(update_fields=["paused_at", "paused_s"])
    _log_batch(batch, actor, "resume_batch")
    waiting = batch.jobs.filter(state=Job.State.QUEUED).order_by().values_list("stage", flat=True).distinct()
    for queue in {STAGE_QUEUES[stage] for stage in waiting}:
        ring_on_commit(WORK_TASK, queue, queue=queue)


def record_report(*, batch: Batch, actor: User) -> None:
    """Note in the access log that `actor` took the account of a batch out of the house."""
    _log_batch(batch, actor, "export_report")


def _log_batch(batch: Batch, actor: User | None, action: str) -> None:
    log_access(actor=actor, organization_id=batch.organization_id, action=action, kind="batch", object_id=batch.pk)


def sweep() -> int:
    """Take back leases that ran out and ring for work that waits. Return how many leases were taken back."""
    now = timezone.now()
    lost = Job.objects.filter(state=Job.State.RUNNING, lease_expires_at__lt=now)
    _end(lost.filter(cancel_requested=True), Job.State.CANCELLED, "cancelled")
    limit = settings.ENV.max_attempts
    _end(lost.filter(attempts__gte=limit), Job.State.FAILED, "worker_lost", attempts=limit)
    taken: int = lost.update(state=Job.State.QUEUED, lease_owner="", lease_expires_at=None)
    _ring_for_waiting()
    return taken


def _ring_for_waiting() -> None:
    overdue = timezone.now() - timedelta(seconds=settings.ENV.sweep_s)
    for queue in sorted(set(STAGE_QUEUES.values())):
        waiting = _claimable(stages_of(queue)).filter(Q(rung_at=None) | Q(rung_at__lt=overdue))
        for _bell in range(min(_BELLS_A_SWEEP, waiting.count())):
            ring(WORK_TASK, queue, queue=queue, expires_s=settings.ENV.sweep_s * 2)


def pulse(name: str, queues: Sequence[str]) -> None:
    """Record that the worker `name` is alive and which queues it serves."""
    WorkerPulse.objects.update_or_create(name=name, defaults={"queues": ",".join(queues), "seen_at": timezone.now()})
    WorkerPulse.objects.filter(seen_at__lt=timezone.now() - timedelta(hours=1)).delete()
