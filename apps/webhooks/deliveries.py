"""Deliveries as the workers see them: claim what is due, write down how the try went, try again later, give up.

A claim is one conditional UPDATE; its outcome counts only while the delivery is still at that attempt. Sending is not
done here.
"""

import random
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from apps.accounts.services import log_access
from apps.webhooks.models import Delivery, Endpoint
from apps.webhooks.signing import signed_headers
from workers.contracts.webhooks import Answer

MAX_ATTEMPTS = 10
_FIRST_PAUSE_S, _GROWTH, _LONGEST_PAUSE_S = 10.0, 4.0, 12 * 3600.0
# Longer than a try can take: whoever claimed a delivery so long ago has died.
_LEASE = timedelta(seconds=90)
# An endpoint is stopped after so many failures in a row over at least so long, whatever the number of events.
STOP_AFTER, STOP_AFTER_TIME = 20, timedelta(hours=24)
_KEPT = timedelta(days=30)
_GONE = 410


@dataclass(frozen=True)
class Sending:
    """One try of a delivery: where to, what, and which attempt it is."""

    delivery_id: uuid.UUID
    endpoint_id: uuid.UUID
    attempt: int
    url: str
    headers: dict[str, str]
    body: str


def pause_s(attempt: int) -> float:
    """Return how long to wait after the failed `attempt` (from 1): 10 s, 40 s, … 12 h, each give or take a fifth."""
    return min(_FIRST_PAUSE_S * _GROWTH ** (attempt - 1), _LONGEST_PAUSE_S) * random.uniform(0.8, 1.2)


def due_deliveries(now: datetime) -> QuerySet[Delivery]:
    """Return what could be sent now, the longest due first: for each endpoint one at a time."""
    waiting = Delivery.objects.filter(state=Delivery.State.WAITING)
    busy = waiting.filter(lease_until__gt=now).values("endpoint_id")
    return waiting.filter(due_at__lte=now, endpoint__stopped="").exclude(endpoint__in=busy).order_by("due_at", "pk")


def claim_due() -> Sending | None:
    """Claim the delivery that is due longest, or return None."""
    now = timezone.now()
    for delivery in due_deliveries(now).select_related("endpoint")[:10]:
        free = Q(lease_until=None) | Q(lease_until__lte=now)
        as_seen = Delivery.objects.filter(free, pk=delivery.pk, state=delivery.state, attempts=delivery.attempts)
        if as_seen.update(attempts=F("attempts") + 1, lease_until=now + _LEASE):
            return _sending(delivery, now)
    return None


def _sending(delivery: Delivery, now: datetime) -> Sending:
    endpoint = delivery.endpoint
    headers = signed_headers(endpoint, delivery.event_id, delivery.body, now)
    headers |= {"Content-Type": "application/json", "User-Agent": "Yoyak-Webhooks/1"}
    return Sending(delivery.pk, endpoint.pk, delivery.attempts + 1, endpoint.url, headers, delivery.body)


@transaction.atomic
def record_attempt(sending: Sending, answer: Answer) -> None:
    """Write down how a try went. Nothing happens when the delivery is gone or somebody else's by now."""
    held = Delivery.objects.filter(pk=sending.delivery_id, attempts=sending.attempt, state=Delivery.State.WAITING)
    if not held.update(lease_until=None, **_next(sending.attempt, answer)):
        return
    Delivery(pk=sending.delivery_id).tries.create(
        number=sending.attempt, status=answer.status, error=answer.error, elapsed_s=answer.elapsed_s
    )
    endpoint = Endpoint.objects.filter(pk=sending.endpoint_id)
    if not answer.error:
        endpoint.update(failures=0, failing_since=None)
    else:
        _count_failure(endpoint, gone=answer.status == _GONE)


def _next(attempt: int, answer: Answer) -> dict[str, object]:
    now = timezone.now()
    if not answer.error:
        return {"state": Delivery.State.DONE, "finished_at": now}
    if attempt >= MAX_ATTEMPTS or answer.status == _GONE:
        return {"state": Delivery.State.FAILED, "finished_at": now}
    return {"due_at": now + timedelta(seconds=pause_s(attempt))}


def _count_failure(endpoint: QuerySet[Endpoint], *, gone: bool) -> None:
    now = timezone.now()
    endpoint.filter(failing_since=None).update(failing_since=now)
    endpoint.update(failures=F("failures") + 1)
    enough = endpoint.filter(failures__gte=STOP_AFTER, failing_since__lte=now - STOP_AFTER_TIME)
    reason = Endpoint.Stop.GONE if gone else Endpoint.Stop.FAILURES
    if (endpoint if gone else enough).filter(stopped="").update(stopped=reason, stopped_at=now):
        row = endpoint.get()
        log_access(
            actor=None, organization_id=row.organization_id, action="stop_webhook", kind="webhook", object_id=row.pk
        )


def prune_deliveries() -> None:
    """Remove the deliveries of a month ago; the longest series of tries takes two days."""
    Delivery.objects.filter(created_at__lt=timezone.now() - _KEPT).delete()
