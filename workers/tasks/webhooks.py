"""The doorbell of webhooks: send one delivery that is due, and ring again while more are.

One a task, so that slow receivers share the queue with the stages of calls instead of keeping it to themselves.
"""

from django.conf import settings
from django.utils import timezone

from apps.core.dispatch import ring
from apps.webhooks.deliveries import claim_due, due_deliveries, record_attempt
from config.celery import app
from workers.contracts.stages import DELIVER_TASK
from workers.engines.outgoing import post


@app.task(name=DELIVER_TASK)
def deliver() -> None:
    """Send the delivery that is due longest, if there is one."""
    if deliver_one() and due_deliveries(timezone.now()).exists():
        ring(DELIVER_TASK, queue="io", expires_s=60)


def deliver_one() -> bool:
    """Send what is due longest and write down how it went. False when nothing was due."""
    sending = claim_due()
    if sending is None:
        return False
    allowed = settings.ENV.webhooks_allow_private
    record_attempt(sending, post(sending.url, sending.headers, sending.body.encode(), allow_private=allowed))
    return True
