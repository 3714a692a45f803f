"""Change webhooks: add, change, stop and delete endpoints, renew secrets, try out, send again."""

from collections.abc import Sequence

from django.db import transaction
from django.utils import timezone

from apps.accounts.models import Organization, User
from apps.accounts.services import log_access
from apps.core.dispatch import ring_on_commit
from apps.core.errors import YoyakError
from apps.webhooks.events import queue_event
from apps.webhooks.models import TEST_KIND, Delivery, Endpoint, Kind
from apps.webhooks.targets import check_target
from workers.contracts.stages import DELIVER_TASK

MAX_ENDPOINTS = 20


@transaction.atomic
def add_endpoint(
    *, organization: Organization, actor: User, url: str, description: str, kinds: Sequence[Kind]
) -> Endpoint:
    """Return a new endpoint that is told of `kinds` from now on.

    Raises:
        YoyakError: webhooks may not go to `url`, or the organization has enough endpoints.
    """
    check_target(url)
    Organization.objects.select_for_update(no_key=True).get(pk=organization.pk)
    if Endpoint.objects.filter(organization=organization).count() >= MAX_ENDPOINTS:
        raise YoyakError("too_many_webhooks", limit=MAX_ENDPOINTS)
    endpoint = Endpoint.objects.create(
        organization=organization, created_by=actor, url=url, description=description, kinds=sorted(set(kinds))
    )
    _log(actor, endpoint, "add_webhook")
    return endpoint


@transaction.atomic
def change_endpoint(
    *, endpoint: Endpoint, actor: User, url: str, description: str, kinds: Sequence[Kind], enabled: bool
) -> None:
    """Change where an endpoint is, what it is told and whether. Enabling forgets earlier failures.

    Raises:
        YoyakError: webhooks may not go to `url`.
    """
    check_target(url)
    endpoint.url, endpoint.description, endpoint.kinds = url, description, sorted(set(kinds))
    if enabled and endpoint.stopped:
        endpoint.stopped, endpoint.stopped_at, endpoint.failures, endpoint.failing_since = "", None, 0, None
        ring_on_commit(DELIVER_TASK, queue="io")
    elif not enabled and not endpoint.stopped:
        endpoint.stopped, endpoint.stopped_at = Endpoint.Stop.PERSON, timezone.now()
    changed = ["url", "description", "kinds", "stopped", "stopped_at", "failures", "failing_since"]
    endpoint.save(update_fields=changed)
    _log(actor, endpoint, "change_webhook")


@transaction.atomic
def delete_endpoint(*, endpoint: Endpoint, actor: User) -> None:
    """Remove an endpoint with its log."""
    _log(actor, endpoint, "delete_webhook")
    endpoint.delete()


@transaction.atomic
def rotate_secret(*, endpoint: Endpoint, actor: User) -> None:
    """Give the endpoint a new secret; for a day the one before signs as well."""
    endpoint.secret_number += 1
    endpoint.rotated_at = timezone.now()
    endpoint.save(update_fields=["secret_number", "rotated_at"])
    _log(actor, endpoint, "rotate_webhook_secret")


@transaction.atomic
def send_test(*, endpoint: Endpoint, actor: User) -> Delivery:
    """Queue an event that says nothing, to try the endpoint out.

    Raises:
        YoyakError: the endpoint is stopped.
    """
    _refuse_stopped(endpoint)
    _log(actor, endpoint, "test_webhook")
    return queue_event([endpoint], kind=TEST_KIND, data={"webhook": endpoint.pk})[0]


@transaction.atomic
def replay(*, delivery: Delivery, actor: User) -> Delivery:
    """Queue the event of a delivery once more; it keeps its id, so that a receiver can tell that it knows it.

    Raises:
        YoyakError: the endpoint is stopped.
    """
    _refuse_stopped(delivery.endpoint)
    _log(actor, delivery.endpoint, "replay_webhook")
    ring_on_commit(DELIVER_TASK, queue="io")
    return Delivery.objects.create(
        endpoint=delivery.endpoint, event_id=delivery.event_id, kind=delivery.kind, body=delivery.body
    )


def _refuse_stopped(endpoint: Endpoint) -> None:
    if endpoint.stopped:
        raise YoyakError("webhook_stopped")


def _log(actor: User, endpoint: Endpoint, action: str) -> None:
    log_access(
        actor=actor, organization_id=endpoint.organization_id, action=action, kind="webhook", object_id=endpoint.pk
    )
