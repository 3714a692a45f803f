"""Start a training run as its own process, and notice when one has died without a word."""

import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

from django.conf import settings
from django.utils import timezone

from apps.training.models import RetrainRequest
from apps.training.services import run_folder
from config.celery import app
from model_core.registry.store import open_registry
from workers.contracts.stages import TRAIN_TASK, WATCH_TASK
from workers.model_choice import chosen_model


@app.task(name=TRAIN_TASK)
def start(request_id: str) -> None:
    """Start the run of a request, once, however often the bell rings."""
    now = timezone.now()
    if not RetrainRequest.objects.filter(pk=request_id, started_at=None).update(started_at=now):
        return
    request = RetrainRequest.objects.get(pk=request_id)
    folder = run_folder(request.run_id)
    command = [sys.executable, "-m", "model_core.training", "--recipe", request.recipe]
    command += ["--init", _starting_point(), "--out", str(folder / "checkpoints")]
    command += ["--run-id", str(request.run_id), "--registry", settings.ENV.registry_url]
    command += ["--approved", str(folder / "approved.jsonl")]
    with (folder / "log.txt").open("ab") as log:
        process = subprocess.Popen(
            command, cwd=settings.BASE_DIR, stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True
        )
    open_registry(settings.ENV.registry_url).start_run(request.run_id, process.pid)


def _starting_point() -> str:
    """Return the folder of the model to go on from: the production one when it is a folder, else what ships."""
    folder = chosen_model().folder
    return folder if Path(folder).is_dir() else str(settings.BASE_DIR / "pretrained" / "summarizer-mini")


@app.task(name=WATCH_TASK)
def watch() -> None:
    """Ring for requests whose bell was lost, and end runs whose process is gone."""
    overdue = timezone.now() - timedelta(seconds=settings.ENV.sweep_s)
    for request_id in RetrainRequest.objects.filter(started_at=None, created_at__lt=overdue).values_list(
        "pk", flat=True
    ):
        start(str(request_id))
    registry = open_registry(settings.ENV.registry_url)
    for run in registry.list_runs():
        if run.state == "running" and run.pid is not None and not _alive(run.pid):
            registry.finish_run(run.id, "failed", "the training process ended without a word; see its log.txt")


def _alive(pid: int) -> bool:
    """Tell whether `pid` runs; a finished child of ours is reaped and counts as gone."""
    try:
        if os.waitpid(pid, os.WNOHANG)[0] == pid:
            return False
    except ChildProcessError:
        pass
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
