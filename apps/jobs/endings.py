"""Tell the outbox that a job has ended, and its batch with it. Called inside the transaction that ends the job."""

import uuid

from apps.jobs.models import Batch, Job
from apps.webhooks.events import record_event
from apps.webhooks.models import Kind

_KINDS = {Job.State.DONE: Kind.CALL_DONE, Job.State.FAILED: Kind.CALL_FAILED}


def note_ended(job_id: uuid.UUID) -> None:
    """Record what the end of the job means: a call done or failed, a batch whose last call it was."""
    job = Job.objects.get(pk=job_id)
    kind = _KINDS.get(Job.State(job.state))
    if kind is not None:
        data = {"call": job.call_id, "job": job.pk, "batch": job.batch_id, "reason_code": job.reason}
        record_event(organization_id=job.organization_id, kind=kind, data=data)
    if job.batch_id is not None:
        note_batch(job.batch_id)


def note_batch(batch_id: uuid.UUID) -> None:
    """Record that a batch is finished, when none of its calls is unfinished any more and no more are to come."""
    # Of two jobs that end at the same time each would still see the other: the lock lets one come after the other.
    batch = Batch.objects.select_for_update(no_key=True).get(pk=batch_id)
    if not batch.filling and not batch.jobs.filter(state__in=Job.ACTIVE).exists():
        record_event(organization_id=batch.organization_id, kind=Kind.BATCH_FINISHED, data={"batch": batch.pk})
