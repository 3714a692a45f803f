"""The Celery application: queues, acknowledgement, the static schedule, and the broker that needs no server.

The broker only rings; the rows of `apps.jobs` are the truth. So a lost or doubled message costs nothing.
"""

import os
import warnings
from typing import Any

from celery import Celery
from celery.exceptions import SecurityWarning
from celery.signals import celeryd_init
from kombu import Queue

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

from django.conf import settings

QUEUES = ("io", "asr", "llm")
_ENV = settings.ENV


def _transport() -> dict[str, Any]:
    """Return the options of the broker in use."""
    if not _ENV.broker_url:
        folder = settings.DATA_DIR / "broker"
        for name in ("messages", "processed", "control"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        return {
            "data_folder_in": str(folder / "messages"),
            "data_folder_out": str(folder / "messages"),
            "processed_folder": str(folder / "processed"),
            "control_folder": str(folder / "control"),
            "store_processed": True,
        }
    if _ENV.broker_url.startswith("redis"):
        return {"visibility_timeout": 3600}
    return {"confirm_publish": True}


def _queues() -> list[Queue]:
    quorum = {"x-queue-type": "quorum"} if _ENV.broker_url.startswith(("amqp", "pyamqp")) else None
    return [Queue(name, routing_key=name, queue_arguments=quorum) for name in QUEUES]


def _watching() -> dict[str, Any]:
    options = {"expires": _ENV.watch_s, "queue": "io"}
    entry = {"task": "intake.watch", "schedule": _ENV.watch_s, "options": options}
    return {"watch-folder": entry} if _ENV.watch_folder else {}


app = Celery("yoyak")
app.conf.update(
    broker_url=_ENV.broker_url or "filesystem://",
    broker_transport_options=_transport(),
    broker_connection_retry_on_startup=True,
    task_queues=_queues(),
    task_default_queue="io",
    task_ignore_result=True,
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    worker_prefetch_multiplier=1,
    worker_detect_quorum_queues=True,
    worker_soft_shutdown_timeout=10.0,
    worker_cancel_long_running_tasks_on_connection_loss=False,
    worker_hijack_root_logger=False,
    worker_enable_remote_control=False,
    worker_send_task_events=False,
    task_serializer="json",
    accept_content=["json"],
    timezone="UTC",
    imports=tuple(
        f"workers.tasks.{name}" for name in ("calls", "upkeep", "training", "intake", "templates", "webhooks")
    ),
    beat_schedule_filename=str(settings.DATA_DIR / "beat-schedule"),
    beat_schedule={
        "sweep": {"task": "jobs.sweep", "schedule": _ENV.sweep_s, "options": {"expires": 30, "queue": "io"}},
        "watch-training": {
            "task": "training.watch",
            "schedule": _ENV.sweep_s,
            "options": {"expires": 30, "queue": "io"},
        },
        **_watching(),
        "deliver": {"task": "webhooks.deliver", "schedule": _ENV.sweep_s, "options": {"expires": 30, "queue": "io"}},
        "prune": {"task": "upkeep.prune", "schedule": 600.0, "options": {"expires": 600, "queue": "io"}},
    },
)


@celeryd_init.connect
def _allow_root(**_: Any) -> None:
    """Silence Celery's warning about superusers as a worker starts.

    It is about messages that run code when they are read, as pickles do; ours are JSON and nothing else is accepted.
    Source: https://docs.celeryq.dev/en/stable/userguide/daemonizing.html#running-the-worker-with-superuser-privileges-root
    """
    warnings.filterwarnings("ignore", message="You're running the worker with superuser", category=SecurityWarning)
