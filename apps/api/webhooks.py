"""The operations on webhooks, for administrators. A secret is in the answers to creating and rotating, nowhere else."""

from apps.api.operations import Ask, operation
from apps.api.shapes import PageQuery
from apps.api.webhook_shapes import (
    DeliveriesOut,
    DeliveryOut,
    WebhookChange,
    WebhookIn,
    WebhookOut,
    WebhookSecretOut,
    WebhooksOut,
)
from apps.core.cursor import page_after
from apps.webhooks import services
from apps.webhooks.models import Endpoint
from apps.webhooks.selectors import (
    access_administered,
    access_delivery,
    access_endpoint,
    access_endpoints,
    deliveries_of,
)


@operation("GET", "webhooks", query=PageQuery, answer=WebhooksOut)
def list_webhooks(ask: Ask) -> WebhooksOut:
    """List the endpoints of the organization, newest first."""
    access_administered(ask.actor)
    endpoints, following = page_after(access_endpoints(ask.actor), ask.query.cursor, ask.query.limit)
    return WebhooksOut(items=[WebhookOut.of(endpoint) for endpoint in endpoints], next_cursor=following)


@operation("POST", "webhooks", body=WebhookIn, answer=WebhookSecretOut, status=201, repeatable=False)
def create_webhook(ask: Ask) -> WebhookSecretOut:
    """Add an endpoint and return its secret, which is not shown again."""
    house = access_administered(ask.actor)
    endpoint = services.add_endpoint(organization=house, actor=ask.actor, **ask.body.model_dump())
    return WebhookSecretOut.of(endpoint)


@operation("GET", "webhooks/{webhook_id}", answer=WebhookOut)
def read_webhook(ask: Ask) -> WebhookOut:
    """Read an endpoint."""
    return WebhookOut.of(_endpoint(ask))


@operation("PUT", "webhooks/{webhook_id}", body=WebhookChange, answer=WebhookOut)
def change_webhook(ask: Ask) -> WebhookOut:
    """Change an endpoint, stop it or let it go on."""
    endpoint = _endpoint(ask)
    services.change_endpoint(endpoint=endpoint, actor=ask.actor, **ask.body.model_dump())
    return WebhookOut.of(endpoint)


@operation("DELETE", "webhooks/{webhook_id}", status=204)
def remove_webhook(ask: Ask) -> None:
    """Remove an endpoint with its log."""
    services.delete_endpoint(endpoint=_endpoint(ask), actor=ask.actor)


@operation("POST", "webhooks/{webhook_id}/rotate", answer=WebhookSecretOut, repeatable=False)
def rotate_webhook_secret(ask: Ask) -> WebhookSecretOut:
    """Renew the secret and return it; for 24 hours deliveries are signed with the one before as well."""
    endpoint = _endpoint(ask)
    services.rotate_secret(endpoint=endpoint, actor=ask.actor)
    return WebhookSecretOut.of(endpoint)


@operation("POST", "webhooks/{webhook_id}/test", answer=DeliveryOut, status=202)
def test_webhook(ask: Ask) -> DeliveryOut:
    """Send an event of the type `test` to the endpoint."""
    return DeliveryOut.of(services.send_test(endpoint=_endpoint(ask), actor=ask.actor))


@operation("GET", "webhooks/{webhook_id}/deliveries", query=PageQuery, answer=DeliveriesOut)
def list_deliveries(ask: Ask) -> DeliveriesOut:
    """List the deliveries of the last thirty days with every try, newest first."""
    rows, following = page_after(deliveries_of(_endpoint(ask)), ask.query.cursor, ask.query.limit)
    return DeliveriesOut(items=[DeliveryOut.of(row) for row in rows], next_cursor=following)


@operation("POST", "deliveries/{delivery_id}/replay", answer=DeliveryOut, status=202)
def replay_delivery(ask: Ask) -> DeliveryOut:
    """Send the event of a delivery again, under the same `webhook-id`."""
    delivery = access_delivery(ask.actor, ask.ids["delivery_id"])
    return DeliveryOut.of(services.replay(delivery=delivery, actor=ask.actor))


def _endpoint(ask: Ask) -> Endpoint:
    return access_endpoint(ask.actor, ask.ids["webhook_id"])
