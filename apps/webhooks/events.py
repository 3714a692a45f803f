"""The outbox: write down what happened, for every endpoint that wants to know, in the transaction in which it happens.

An event names objects and says nothing of a call's content: the receiver reads that with a token of its own.
"""

import json
import uuid
from collections.abc import Iterable, Mapping

from django.utils import timezone

from apps.core.dispatch import ring_on_commit
from apps.webhooks.models import Delivery, Endpoint, Kind
from workers.contracts.stages import DELIVER_TASK


def record_event(*, organization_id: uuid.UUID, kind: Kind, data: Mapping[str, object]) -> None:
    """Queue the event for the organization's endpoints that want `kind`. Call it inside the event's transaction."""
    living = Endpoint.objects.filter(organization_id=organization_id, stopped="")
    queue_event([endpoint for endpoint in living if kind in endpoint.kinds], kind=kind, data=data)


def queue_event(endpoints: Iterable[Endpoint], *, kind: str, data: Mapping[str, object]) -> list[Delivery]:
    """Queue one event for exactly these endpoints."""
    event_id, body = uuid.uuid4(), {"type": kind, "timestamp": timezone.now().isoformat(), "data": data}
    text = json.dumps(body, ensure_ascii=False, default=str)
    deliveries = Delivery.objects.bulk_create(
        Delivery(endpoint=endpoint, event_id=event_id, kind=kind, body=text) for endpoint in endpoints
    )
    if deliveries:
        ring_on_commit(DELIVER_TASK, queue="io")
    return deliveries
