"""Ring a worker's doorbell once the transaction is committed. The rows are the truth; a lost ring is rung again.

Apps know the workers by task name only.
"""

import logging
from functools import partial

from django.db import transaction

from config.celery import app

logger = logging.getLogger(__name__)


def ring_on_commit(task: str, *args: object, queue: str) -> None:
    """Send `task` to `queue` after commit. A broker that does not answer is logged, never raised."""
    transaction.on_commit(partial(ring, task, *args, queue=queue))


def ring(task: str, *args: object, queue: str, expires_s: float | None = None) -> None:
    """Send `task` to `queue` now; the sweeper rings again for what could not be sent."""
    try:
        app.send_task(task, args=args, queue=queue, retry=False, expires=expires_s)
    except Exception:
        logger.warning("the queue does not answer; %s waits for the sweeper", task, exc_info=True)
