"""The regular chores: take back lost leases, ring for waiting work, prune the broker's processed messages, pulse."""

import logging
import os
import socket
import threading
import time
from pathlib import Path
from typing import Any

from celery.signals import worker_ready, worker_shutting_down
from django.conf import settings
from django.db import connection

from apps.api.idempotency import prune_answers
from apps.intake.imports import ring_for_imports, sweep_imports
from apps.jobs import batches, sweeping
from apps.summary_templates.services import prune_previews
from apps.uploads.services import sweep_uploads
from apps.webhooks.deliveries import prune_deliveries
from config.celery import app
from workers.contracts.stages import PRUNE_TASK, SWEEP_TASK

logger = logging.getLogger(__name__)
_stopping = threading.Event()
_PULSE_S = 5.0


@app.task(name=SWEEP_TASK)
def sweep() -> None:
    """Take back leases that ran out and ring for what waits."""
    sweeping.sweep()
    ring_for_imports()


@app.task(name=PRUNE_TASK)
def prune() -> None:
    """Remove what nobody needs: old webhooks, previews and kept answers, what nobody finished, delivered messages."""
    prune_deliveries()
    sweep_uploads()
    sweep_imports()
    batches.close_left_batches()
    prune_previews()
    prune_answers()
    _prune_messages()


def _prune_messages() -> None:
    """Remove messages that the embedded broker has delivered more than an hour ago."""
    folder = Path(settings.DATA_DIR) / "broker" / "processed"
    if not folder.is_dir():
        return
    for message in folder.iterdir():
        if message.stat().st_mtime < time.time() - 3600:
            message.unlink(missing_ok=True)


@worker_ready.connect
def start_pulse(sender: Any, **_: object) -> None:
    """Let the database know, every few seconds, that this worker lives and which queues it serves."""
    queues = [queue.name for queue in sender.task_consumer.queues]
    threading.Thread(target=_pulse, args=(queues,), name="pulse", daemon=True).start()


def _pulse(queues: list[str]) -> None:
    name = f"{socket.gethostname()}:{os.getpid()}"
    while not _stopping.is_set():
        try:
            sweeping.pulse(name, queues)
        except Exception:
            logger.warning("the pulse did not reach the database", exc_info=True)
        _stopping.wait(_PULSE_S)
    connection.close()


@worker_shutting_down.connect
def stop_pulse(**_: object) -> None:
    """End the pulse with the worker."""
    _stopping.set()
