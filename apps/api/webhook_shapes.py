"""What the operations on webhooks take and give."""

import uuid
from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from apps.api.operations import Incoming, example
from apps.webhooks.models import Delivery, Endpoint
from apps.webhooks.signing import secret_of
from workers.contracts.lines import ONE_LINE, STRIPPED

Event = Literal["call.done", "call.failed", "batch.finished", "summary.approved"]


class WebhookIn(Incoming):
    model_config = example(
        url="https://crm.example.com/hooks/yoyak",
        kinds=["call.done", "call.failed"],
        description="CRM",
    )

    url: Annotated[str, Field(min_length=1, max_length=500, pattern=ONE_LINE), STRIPPED]
    kinds: Annotated[list[Event], Field(min_length=1, max_length=10)]
    description: Annotated[str, Field(max_length=200), STRIPPED] = ""


class WebhookChange(WebhookIn):
    model_config = example(url="https://crm.example.com/hooks/yoyak", kinds=["batch.finished"], enabled=False)

    enabled: bool


class WebhookOut(BaseModel):
    """`stopped` is empty, or why nothing is sent: person, failures or gone. `failures` counts failed tries in a row."""

    id: uuid.UUID
    url: str
    description: str
    kinds: list[str]
    enabled: bool
    stopped: str
    failures: int
    created_at: datetime

    @classmethod
    def of(cls, endpoint: Endpoint) -> "WebhookOut":
        """Return an endpoint as the API shows it."""
        return cls.model_validate({**vars(endpoint), "enabled": not endpoint.stopped})


class WebhookSecretOut(WebhookOut):
    """An endpoint with its secret, `whsec_…`, as the libraries of standardwebhooks.com take it."""

    secret: str

    @classmethod
    def of(cls, endpoint: Endpoint) -> "WebhookSecretOut":
        """Return an endpoint with its secret."""
        return cls(**WebhookOut.of(endpoint).model_dump(), secret=secret_of(endpoint))


class WebhooksOut(BaseModel):
    items: list[WebhookOut]
    next_cursor: str


class TryOut(BaseModel):
    """`status` is what the receiver answered; `error` is empty on success."""

    number: int
    at: datetime
    status: int | None
    error: str
    elapsed_s: float


class DeliveryOut(BaseModel):
    """One event for one endpoint; a waiting one is tried (again) at `due_at`."""

    id: uuid.UUID
    event_id: uuid.UUID
    kind: str
    state: str
    created_at: datetime
    due_at: datetime
    finished_at: datetime | None
    tries: list[TryOut]

    @classmethod
    def of(cls, delivery: Delivery) -> "DeliveryOut":
        """Return a delivery as the API shows it."""
        tries = [TryOut.model_validate(row, from_attributes=True) for row in delivery.tries.all()]
        return cls.model_validate({**vars(delivery), "tries": tries})


class DeliveriesOut(BaseModel):
    items: list[DeliveryOut]
    next_cursor: str
