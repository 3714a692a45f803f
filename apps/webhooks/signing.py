"""Secrets and signatures of webhooks, as the Standard Webhooks specification says. Knows no delivery.

A secret is derived from the installation's key, so neither the database nor a backup of it holds one.
Source: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

import uuid
from base64 import b64encode
from datetime import datetime, timedelta

from django.utils.crypto import salted_hmac
from standardwebhooks import Webhook

from apps.webhooks.models import Endpoint

# For so long after a rotation the secret before is used as well.
OVERLAP = timedelta(hours=24)


def secret_of(endpoint: Endpoint) -> str:
    """Return the secret in use, as the receiver's library takes it."""
    return _secret(endpoint.pk, endpoint.secret_number)


def _secret(endpoint_id: uuid.UUID, number: int) -> str:
    key = salted_hmac("apps.webhooks.secret", f"{endpoint_id}:{number}", algorithm="sha256").digest()
    return "whsec_" + b64encode(key).decode()


def signed_headers(endpoint: Endpoint, event_id: uuid.UUID, body: str, now: datetime) -> dict[str, str]:
    """Return the headers that prove where `body` comes from; soon after a rotation with both signatures."""
    numbers = [endpoint.secret_number]
    if endpoint.rotated_at and now - endpoint.rotated_at < OVERLAP:
        numbers.append(endpoint.secret_number - 1)
    message = f"msg_{event_id.hex}"
    signatures = [Webhook(_secret(endpoint.pk, number)).sign(message, now, body) for number in numbers]
    return {
        "webhook-id": message,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": " ".join(signatures),
    }
