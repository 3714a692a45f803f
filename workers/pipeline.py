"""Run jobs through the ordered stages: claim, reuse or run, keep, advance; the last stage publishes.

Knows the order and the bookkeeping, nothing of audio or models. Each stage module is imported when it first runs, so
that a worker of the `io` queue never loads torch.
"""

import logging
import os
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from pathlib import Path
from uuid import UUID

from django.conf import settings
from django.db import close_old_connections, connection

from apps.jobs import leases
from apps.jobs.leases import Lease, LeaseLost
from apps.jobs.models import Batch, Job, StageResult
from apps.summary_templates.choice import template_for
from workers.contracts.errors import StageCancelled, StageError
from workers.contracts.stages import STAGE_QUEUES
from workers.contracts.work import Payload, Spent, Stage, StageContext, input_hash

logger = logging.getLogger(__name__)

PUBLISH = "publish"


@cache
def load_stage(name: str) -> Stage:
    """Return the stage called `name` from its module."""
    stage: Stage = import_module(f"workers.stages.{name}").STAGE
    return stage


def work_on(queue: str) -> bool:
    """Claim one job of `queue` and run its stages as long as they belong to it. False when nothing waited."""
    lease = leases.claim_next(queue)
    if lease is None:
        return False
    job_id = lease.job_id
    while lease is not None:
        run_stage(lease)
        lease = leases.claim(job_id) if _next_runs_on(job_id, {queue}) else None
    return True


def run_job(job_id: UUID, queues: set[str] | None = None) -> None:
    """Run a job in this process as far as it is to be had, for a command line without workers."""
    while _next_runs_on(job_id, queues or set(STAGE_QUEUES.values())) and (lease := leases.claim(job_id)):
        run_stage(lease)


def _next_runs_on(job_id: UUID, queues: set[str]) -> bool:
    stage = Job.objects.filter(pk=job_id, state=Job.State.QUEUED).values_list("stage", flat=True).first()
    return stage is not None and STAGE_QUEUES[stage] in queues


def run_stage(lease: Lease) -> None:
    """Run the stage that `lease` gives the right to, and write down how it ended. Raises nothing of the stage's."""
    try:
        _try_stage(lease)
    except (StageCancelled, LeaseLost) as lost:
        logger.info("job %s stage %s stops: %s", lease.job_id, lease.stage, lost)
        leases.confirm_cancel(lease)


def _try_stage(lease: Lease) -> None:
    try:
        with _heartbeats(lease) as report:
            _run(lease, load_stage(lease.stage), _context(lease, report))
    except (StageCancelled, LeaseLost):
        raise
    except StageError as error:
        logger.info("job %s stage %s: %s", lease.job_id, lease.stage, error.code)
        (leases.fail if error.permanent else leases.give_back)(lease, error.code, error.values)
    except Exception as error:
        # Where it broke, but not the message: that of a library may quote what was said in the call.
        where = "".join(traceback.format_tb(error.__traceback__))
        logger.error("job %s stage %s broke: %s\n%s", lease.job_id, lease.stage, type(error).__name__, where)
        leases.give_back(lease, "internal", {"detail": type(error).__name__})


def _run(lease: Lease, stage: Stage, context: StageContext) -> None:
    if stage.name == PUBLISH:
        leases.finish(lease, lambda: _discard(stage.run(context)))
        return
    digest, version = input_hash(stage.inputs(context)), stage.engine_version(context)
    kept = leases.kept_result(lease.call_id, stage.name, digest, version)
    clock, processors = time.monotonic(), _processor_s()
    payload = kept.payload if kept else stage.run(context)
    elapsed_s, cpu_s = round(time.monotonic() - clock, 3), round(_processor_s() - processors, 3)
    spent = Spent(elapsed_s, cpu_s, elapsed_s if stage.on_gpu() else 0.0)
    leases.advance(lease, input_hash=digest, engine_version=version, payload=payload, spent=spent)


def _processor_s() -> float:
    """Return the processor time of this process and of the children that have ended, in seconds."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def _discard(_payload: Payload) -> None:
    """Drop the payload of the last stage: it has written its result itself."""


def _context(lease: Lease, report: Callable[[float | None], bool]) -> StageContext:
    results: dict[str, Payload] = {}
    for result in StageResult.objects.filter(call_id=lease.call_id).order_by("used_at"):
        results[result.stage] = result.payload
    folder = Path(settings.MEDIA_ROOT) / str(lease.organization_id) / str(lease.call_id)
    folder.mkdir(parents=True, exist_ok=True)
    template = template_for(lease.call_id, lease.organization_id)
    model = Batch.objects.filter(jobs=lease.job_id).values_list("model", flat=True).first() or ""
    return StageContext(lease.call_id, lease.organization_id, folder, results, report, template, model)


@contextmanager
def _heartbeats(lease: Lease) -> Iterator[Callable[[float | None], bool]]:
    """Keep the lease alive from a thread; yield a function that reports progress and tells whether to go on."""
    stop, lost = threading.Event(), threading.Event()

    def beat() -> None:
        while not stop.wait(settings.ENV.lease_s / 4):
            try:
                if not leases.heartbeat(lease):
                    lost.set()
            except Exception:
                logger.warning("a heartbeat of job %s did not reach the database", lease.job_id, exc_info=True)
            finally:
                close_old_connections()
        connection.close()

    def report(progress: float | None) -> bool:
        return not lost.is_set() and (progress is None or leases.heartbeat(lease, progress))

    thread = threading.Thread(target=beat, name=f"heartbeat-{lease.job_id}", daemon=True)
    thread.start()
    try:
        yield report
    finally:
        stop.set()
        thread.join(timeout=5)
