"""Wait for jobs from the command line: the running workers do them when there are any, else this process does."""

import time
from collections.abc import Callable, Sequence
from uuid import UUID

from apps.calls.models import Call
from apps.jobs.models import Job
from apps.jobs.requests import request_processing
from apps.jobs.selectors import latest_job_by_call, live_queues
from apps.jobs.sweeping import sweep
from workers.contracts.stages import STAGE_QUEUES
from workers.pipeline import run_job

_POLL_S = 0.25


def finished_job(call: Call) -> Job:
    """Return the job that summarized `call`; without one, ask for it and wait until it is final."""
    last = latest_job_by_call([call.pk]).get(call.pk)
    if last is not None and last.state == Job.State.DONE:
        return last
    (job,) = wait_for([request_processing(call=call, actor=None).pk])
    return job


def wait_for(job_ids: Sequence[UUID], on_progress: Callable[[int, int], None] | None = None) -> list[Job]:
    """Return the jobs once all of them are final. Calls `on_progress(done, total)` as they end.

    Stages whose queue has no live worker are run here, one job at a time; the claim keeps both sides apart.
    """
    done = -1
    while True:
        jobs = list(Job.objects.filter(pk__in=job_ids).select_related("call").order_by("created_at", "pk"))
        finished = sum(job.is_final for job in jobs)
        if on_progress and finished != done:
            on_progress(finished, len(jobs))
        done = finished
        if finished == len(jobs):
            return jobs
        idle = set(STAGE_QUEUES.values()) - live_queues()
        unfinished = [job.call_id for job in jobs if not job.is_final]
        # An earlier job of the same call comes first, whoever asked for it.
        queued = Job.objects.filter(call__in=unfinished, state=Job.State.QUEUED).order_by("created_at")
        here = [job for job in queued if STAGE_QUEUES[job.stage] in idle]
        if here:
            run_job(here[0].pk, idle)
        else:
            sweep()
            time.sleep(_POLL_S)
