"""Change batches: many calls summarized again as one piece of work, begun, paused, cancelled, run again."""

import uuid
from collections.abc import Sequence
from datetime import timedelta

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from apps.accounts.models import User
from apps.accounts.services import log_access, log_access_to_many
from apps.calls.models import Call
from apps.core.dispatch import ring_on_commit
from apps.jobs.endings import note_batch
from apps.jobs.models import Batch, Job, StageResult
from apps.jobs.requests import cancel_one, first_stage, new_job, retry_job, ring_for, unsummarized
from workers.contracts.stages import STAGE_QUEUES, WORK_TASK

_FILLED_WITHIN = timedelta(days=1)


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
    unsummarized().filter(call__in=keys, batch=None).update(batch=batch)
    joined = set(batch.jobs.values_list("call_id", flat=True))
    spoken = set(StageResult.objects.filter(call__in=keys, stage="diarize").values_list("call_id", flat=True))
    jobs = [new_job(call, batch, first_stage(call, call.pk in spoken)) for call in calls if call.pk not in joined]
    Job.objects.bulk_create(jobs, batch_size=1000)
    asked = [(job.organization_id, job.call_id) for job in jobs]
    log_access_to_many(actor=actor, action="request_processing", kind="call", objects=asked)
    for job in jobs:
        ring_for(job)
    return batch


@transaction.atomic
def close_batch(*, batch: Batch) -> None:
    """Note that no further calls come into a batch that was filled."""
    Batch.objects.filter(pk=batch.pk).update(filling=False)
    note_batch(batch.pk)


def close_left_batches() -> None:
    """Close the batches that an import began to fill a day ago: it was killed, and ends as another one."""
    for batch in Batch.objects.filter(filling=True, created_at__lt=timezone.now() - _FILLED_WITHIN):
        close_batch(batch=batch)


@transaction.atomic
def cancel_batch(*, batch: Batch, jobs: QuerySet[Job], actor: User | None) -> int:
    """Cancel every unfinished one of `jobs`, which are of `batch`, and return how many there were."""
    unfinished = list(jobs.filter(state__in=Job.ACTIVE))
    ended = [cancel_one(job, actor) for job in unfinished]
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
