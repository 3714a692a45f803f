"""Ask for work on a call: queue it, go on with it, cancel it.

The queue is only a doorbell: a lost message loses no work.
"""

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from apps.accounts.models import User
from apps.accounts.services import log_access
from apps.calls.models import Call
from apps.core.dispatch import ring_on_commit
from apps.jobs.endings import note_ended
from apps.jobs.models import Batch, Job, StageResult
from workers.contracts.stages import FIRST_STAGE, FIRST_TRANSCRIPT_STAGE, STAGE_QUEUES, WORK_TASK


@transaction.atomic
def request_processing(*, call: Call, actor: User | None, batch: Batch | None = None, stage: str | None = None) -> Job:
    """Queue `call` from `stage` on (its first by default). An unfinished job of the call is returned as it is."""
    Call.objects.select_for_update().get(pk=call.pk)
    running = Job.objects.filter(call=call, state__in=Job.ACTIVE).order_by("-created_at").first()
    if running is not None:
        return running
    return _queue(call, actor, batch, stage or first_stage(call, spoken=False))


def _queue(call: Call, actor: User | None, batch: Batch | None, stage: str) -> Job:
    job = new_job(call, batch, stage)
    job.save()
    log_access(
        actor=actor, organization_id=call.organization_id, action="request_processing", kind="call", object_id=call.pk
    )
    ring_for(job)
    return job


def new_job(call: Call, batch: Batch | None, stage: str) -> Job:
    return Job(call=call, organization_id=call.organization_id, batch=batch, stage=stage, rung_at=timezone.now())


def first_stage(call: Call, spoken: bool) -> str:
    """Return where the work on `call` begins; `spoken` tells that its transcript is there and is to be kept."""
    return FIRST_TRANSCRIPT_STAGE if spoken or call.source == Call.Source.TRANSCRIPT else FIRST_STAGE


def ring_for(job: Job) -> None:
    ring_on_commit(WORK_TASK, STAGE_QUEUES[job.stage], queue=STAGE_QUEUES[job.stage])


@transaction.atomic
def request_summary(*, call: Call, actor: User | None) -> Job:
    """Summarize `call` again from its transcript; without one, from the start.

    A job that has not come to its summary yet will make it as is wished by now; one that is past it is followed by
    another.
    """
    Call.objects.select_for_update().get(pk=call.pk)
    waiting = unsummarized().filter(call=call).order_by("-created_at").first()
    if waiting is not None:
        return waiting
    spoken = StageResult.objects.filter(call=call, stage="diarize").exists()
    return _queue(call, actor, None, first_stage(call, spoken))


def unsummarized() -> QuerySet[Job]:
    """Return the unfinished jobs that read template and model only when their summary's turn comes."""
    stages = list(STAGE_QUEUES)
    before = stages[: stages.index(FIRST_TRANSCRIPT_STAGE)]
    waits = Q(stage=FIRST_TRANSCRIPT_STAGE, state=Job.State.QUEUED)
    return Job.objects.filter(waits | Q(stage__in=before, state__in=Job.ACTIVE), cancel_requested=False)


def run_again(*, call: Call, job: Job | None, actor: User | None) -> Job:
    """Start `call`, whose newest job is `job`, or go on where that failed or was cancelled; else it stays as it is."""
    if job is None:
        return request_processing(call=call, actor=actor)
    return retry_job(job=job, actor=actor) if job.state in (Job.State.FAILED, Job.State.CANCELLED) else job


@transaction.atomic
def retry_job(*, job: Job, actor: User | None) -> Job:
    """Run a failed or cancelled job's call again, from the stage where it stopped."""
    return request_processing(call=job.call, actor=actor, batch=job.batch, stage=job.stage)


@transaction.atomic
def cancel_job(*, job: Job, actor: User | None) -> None:
    """Cancel a job that is not finished: a waiting one at once, a running one at its next heartbeat."""
    if cancel_one(job, actor):
        note_ended(job.pk)


def cancel_one(job: Job, actor: User | None) -> bool:
    """Cancel a job and tell whether that has ended it already."""
    log_access(actor=actor, organization_id=job.organization_id, action="cancel_job", kind="job", object_id=job.pk)
    ended = {"state": Job.State.CANCELLED, "reason": "cancelled", "finished_at": timezone.now()}
    if Job.objects.filter(pk=job.pk, state=Job.State.QUEUED).update(**ended):
        return True
    Job.objects.filter(pk=job.pk, state=Job.State.RUNNING).update(cancel_requested=True)
    return False
