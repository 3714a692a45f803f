"""What the operations on batches give."""

import uuid
from datetime import datetime

from pydantic import BaseModel

from apps.api.shapes import JobOut
from apps.jobs.estimates import Estimate
from apps.jobs.models import Batch


class BatchOut(BaseModel):
    """`counts` has the number of calls in each state and `total`; pauses do not count in pace and time left, which a
    list does not tell."""

    id: uuid.UUID
    name: str
    created_at: datetime
    model: str
    counts: dict[str, int]
    share: float
    paused: bool
    calls_per_min: float | None = None
    left_s: float | None = None
    took_s: float | None = None

    @classmethod
    def of(cls, batch: Batch, counts: dict[str, int]) -> "BatchOut":
        """Return a batch as lists show it."""
        ended = counts["done"] + counts["failed"] + counts["cancelled"]
        return cls(
            id=batch.pk,
            name=batch.name,
            created_at=batch.created_at,
            model=batch.model,
            counts=counts,
            share=ended / counts["total"] if counts["total"] else 1.0,
            paused=batch.paused_at is not None,
        )


class BatchesOut(BaseModel):
    items: list[BatchOut]
    next_cursor: str


class JobsOut(BaseModel):
    """The newest job of each call, those that were made last first."""

    items: list[JobOut]
    next_cursor: str


class EstimateOut(BaseModel):
    """From what `based_on` summaries of the last thirty days took; with none of them the figures are 0. `by_model`
    tells that these summaries are the model's that was asked for, not of any.

    `from_start` calls have no transcript yet; `takes_s` is on the clock with the `workers` there are now; won.
    """

    calls: int
    from_start: int
    based_on: int
    by_model: bool
    workers: int
    takes_s: float
    own_krw: float
    foreign_krw: float
    input_tokens: int
    output_tokens: int

    @classmethod
    def of(cls, estimate: Estimate) -> "EstimateOut":
        """Return an estimate as the API shows it."""
        work, names = estimate.work, ("calls", "from_start", "based_on", "by_model", "workers", "takes_s")
        return cls(
            **{name: getattr(estimate, name) for name in names},
            own_krw=work.own_krw,
            foreign_krw=work.foreign_krw,
            input_tokens=work.input_tokens,
            output_tokens=work.output_tokens,
        )


class ModelOut(BaseModel):
    """`key` is what a batch names; `version` is empty for the model that ships."""

    key: str
    version: str
    in_use: bool


class ModelsOut(BaseModel):
    items: list[ModelOut]
