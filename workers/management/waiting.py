"""Wait for jobs from the command line: the running workers do them when there are any, else this process does."""

import time
from collections.abc import Callable, Sequence
from uuid import UUID

from apps.jobs.models import Job
from apps.jobs.selectors import live_queues
from apps.jobs.services import sweep
from workers.contracts.stages import STAGE_QUEUES
from workers.pipeline import run_job

_POLL_S = 0.25


def wait_for(job_ids: Sequence[UUID], on_progress: Callable[[int, int], None] | None = None) -> list[Job]:
    """Return the jobs once all of them are final. Calls `on_progress(done, total)` as they end.

    Stages whose queue has no live worker are run here, one job at a time; the claim keeps both sides apart.
    """
    done = -1
    while True:
        jobs = list(Job.objects.filter(pk__in=job_ids).select_related("call"))
        finished = sum(job.is_final for job in jobs)
        if on_progress and finished != done:
            on_progress(finished, len(jobs))
        done = finished
        if finished == len(jobs):
            return jobs
        idle = set(STAGE_QUEUES.values()) - live_queues()
        here = [job for job in jobs if job.state == Job.State.QUEUED and STAGE_QUEUES[job.stage] in idle]
        if here:
            run_job(here[0].pk, idle)
        else:
            sweep()
            time.sleep(_POLL_S)
