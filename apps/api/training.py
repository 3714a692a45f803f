"""The operations on training, for administrators: what is approved, runs with their loss, the model in use."""

import uuid
from datetime import datetime
from typing import Any

from pydantic import BaseModel

from apps.accounts.models import Organization
from apps.api.operations import Ask, operation
from apps.api.shapes import PageQuery
from apps.core.cursor import page_after
from apps.training.selectors import (
    RunView,
    access_requests,
    access_run,
    access_training,
    count_approved,
    production_checkpoint,
    run_view,
    run_views,
)
from apps.training.services import request_retraining


class CheckpointOut(BaseModel):
    id: uuid.UUID
    version: str
    sha256: str
    step: int
    created_at: datetime


class TrainingOut(BaseModel):
    """`approved` counts the approved summaries to learn from; `production` is null while the shipped model works."""

    approved: int
    production: CheckpointOut | None


class RunOut(BaseModel):
    """`state` is queued, running, done, stopped or failed; `share` is how much of the run is done, 0 to 1."""

    id: uuid.UUID
    recipe: str
    approved_pairs: int
    requested_by: uuid.UUID | None
    created_at: datetime
    state: str
    share: float
    took_s: float | None
    last_loss: float | None
    error: str
    checkpoint: CheckpointOut | None
    in_production: bool

    @classmethod
    def of(cls, view: RunView) -> "RunOut":
        """Return a run as the API shows it."""
        return cls(**_fields(view))


class RunPageOut(RunOut):
    """A run with its loss by step."""

    losses: list[tuple[int, float]]


class RunsOut(BaseModel):
    items: list[RunOut]
    next_cursor: str


@operation("GET", "training", answer=TrainingOut)
def read_training(ask: Ask) -> TrainingOut:
    """Read how much there is to learn from, and which model summarizes."""
    return _now(ask)


@operation("GET", "training/runs", query=PageQuery, answer=RunsOut)
def list_runs(ask: Ask) -> RunsOut:
    """List training runs, newest first."""
    requests, following = page_after(access_requests(ask.actor), ask.query.cursor, ask.query.limit)
    views = run_views(requests, production_checkpoint())
    return RunsOut(items=[RunOut.of(view) for view in views], next_cursor=following)


@operation("POST", "training/runs", answer=RunOut, status=201)
def create_run(ask: Ask) -> RunOut:
    """Start a training run on what is approved."""
    return RunOut.of(run_view(request_retraining(actor=ask.actor, organization=_house(ask))))


@operation("GET", "training/runs/{request_id}", answer=RunPageOut)
def read_run(ask: Ask) -> RunPageOut:
    """Read a training run with its loss so far."""
    view = access_run(ask.actor, ask.ids["request_id"])
    return RunPageOut(**_fields(view), losses=view.losses)


def _now(ask: Ask) -> TrainingOut:
    approved, used = count_approved(ask.actor), production_checkpoint()
    return TrainingOut(approved=approved, production=_checkpoint(used))


def _house(ask: Ask) -> Organization:
    return access_training(ask.actor)[0]


def _checkpoint(found: Any) -> CheckpointOut | None:
    return CheckpointOut.model_validate(found, from_attributes=True) if found else None


def _fields(view: RunView) -> dict[str, Any]:
    request = view.request
    return {
        "id": request.pk,
        "recipe": request.recipe,
        "approved_pairs": request.approved_pairs,
        "requested_by": request.requested_by_id,
        "created_at": request.created_at,
        "state": view.state,
        "share": view.share,
        "took_s": view.took_s,
        "last_loss": view.losses[-1][1] if view.losses else None,
        "error": view.run.error if view.run else "",
        "checkpoint": _checkpoint(view.checkpoint),
        "in_production": view.in_production,
    }
