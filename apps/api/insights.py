"""The operations that count: the overview of the home page, the cost ledger, and for operators the installation."""

import uuid
from datetime import date, datetime
from typing import Literal

from django.http import Http404, HttpResponse
from pydantic import BaseModel, Field

from apps.accounts.models import User
from apps.accounts.selectors import access_organization, operates
from apps.actions.selectors import count_actions
from apps.api.operations import Ask, Incoming, operation
from apps.api.training import CheckpointOut
from apps.insights.ledger import Ledger, access_ledger, ledger_lines
from apps.insights.selectors import Period, overview
from apps.insights.services import record_ledger_export
from apps.jobs.costs import Work
from apps.jobs.health import queue_states, recent_failures
from apps.training.selectors import checkpoints, production_checkpoint
from apps.training.services import use_checkpoint, use_shipped_model


class PeriodQuery(Incoming):
    """The last 7, 30 or 90 days up to today."""

    days: Literal["7", "30", "90"] = "30"

    def period(self) -> Period:
        """Return the period."""
        return Period(int(self.days))


class DayOut(BaseModel):
    day: date
    calls: int


class TalkOut(BaseModel):
    """Seconds; `a_s` and `others_s` both hold what is said at once."""

    a_s: float
    others_s: float
    overlap_s: float
    silence_s: float


class QueueOut(BaseModel):
    name: str
    waiting: int
    running: int
    oldest: datetime | None
    workers: int


class QualityOut(BaseModel):
    """By model version; `reviewed` and `corrected` count calls, the rest summaries."""

    model_version: str
    made: int
    doubted: int
    fallbacks: int
    reviewed: int
    corrected: int
    mean_s: float | None


class WorkOut(BaseModel):
    """Seconds on the clock, of processors and of GPUs, tokens, and what both cost in won."""

    runs: int
    elapsed_s: float
    cpu_s: float
    gpu_s: float
    input_tokens: int
    output_tokens: int
    own_krw: float
    foreign_krw: float

    @classmethod
    def of(cls, work: Work) -> "WorkOut":
        """Return work as the API shows it."""
        return cls.model_validate(work, from_attributes=True)


class ActionCountsOut(BaseModel):
    """Open action items: all that one may see, one's own, and of these the late ones and those due today."""

    open: int
    mine: int
    late: int
    today: int


class OverviewOut(BaseModel):
    """What the home page shows; `facets` counts by category, outcome and sentiment, `ended` jobs by state."""

    calls: int
    length_s: float
    days: list[DayOut]
    facets: dict[str, dict[str, int]]
    talk: TalkOut
    queues: list[QueueOut]
    ended: dict[str, int]
    quality: list[QualityOut]
    work: WorkOut
    actions: ActionCountsOut


class LedgerOut(BaseModel):
    """`calls` were worked on, `summarized` of them by the model; a foreign API is compared with the summaries alone."""

    calls: int
    summarized: int
    total: WorkOut
    summaries: WorkOut
    stages: dict[str, WorkOut]
    models: dict[str, WorkOut]
    own_krw_a_call: float
    foreign_krw_a_call: float

    @classmethod
    def of(cls, ledger: Ledger) -> "LedgerOut":
        """Return the ledger as the API shows it."""
        return cls(
            calls=ledger.calls,
            summarized=ledger.summarized,
            total=WorkOut.of(ledger.total),
            summaries=WorkOut.of(ledger.summaries),
            stages={name: WorkOut.of(work) for name, work in ledger.stages.items()},
            models={name: WorkOut.of(work) for name, work in ledger.models.items()},
            own_krw_a_call=ledger.per_call(ledger.total.own_krw),
            foreign_krw_a_call=ledger.per_call(ledger.summaries.foreign_krw),
        )


class QueueStateOut(BaseModel):
    name: str
    served: bool
    waiting: int
    running: int
    oldest: datetime | None


class FailuresOut(BaseModel):
    reason: str
    jobs: int


class InstallationOut(BaseModel):
    """`failures` are those of a day; `production` is null while the shipped model works. `checkpoints` can take its
    place."""

    queues: list[QueueStateOut]
    failures: list[FailuresOut]
    production: CheckpointOut | None
    checkpoints: list[CheckpointOut]


class ModelIn(Incoming):
    """The checkpoint that is to summarize, null for the model that ships."""

    checkpoint: uuid.UUID | None = Field(strict=False)


@operation("GET", "overview", query=PeriodQuery, answer=OverviewOut)
def read_overview(ask: Ask) -> OverviewOut:
    """Read what the home page tells of the calls that one may see."""
    found = overview(ask.actor, ask.query.period())
    return OverviewOut(
        calls=found.calls,
        length_s=found.length_s,
        days=[DayOut(day=day, calls=n) for day, n in found.days],
        facets={name: dict(counted) for name, counted in found.facets.items()},
        talk=TalkOut.model_validate(found.talk, from_attributes=True),
        queues=[QueueOut.model_validate(queue, from_attributes=True) for queue in found.queues],
        ended=found.ended,
        quality=[QualityOut.model_validate(row, from_attributes=True) for row in found.quality],
        work=WorkOut.of(found.work),
        actions=ActionCountsOut.model_validate(count_actions(ask.actor), from_attributes=True),
    )


@operation("GET", "ledger", query=PeriodQuery, answer=LedgerOut)
def read_ledger(ask: Ask) -> LedgerOut:
    """Read what the calls that one may see cost, beside what a foreign API would have asked."""
    return LedgerOut.of(access_ledger(ask.actor, ask.query.period()))


@operation("GET", "ledger/export", query=PeriodQuery, media_type="text/csv")
def export_ledger(ask: Ask) -> HttpResponse:
    """Take out the ledger call by call as CSV."""
    lines = ledger_lines(ask.actor, ask.query.period())
    record_ledger_export(actor=ask.actor, organization_id=access_organization(ask.actor).pk)
    headers = {"Content-Disposition": 'attachment; filename="ledger.csv"'}
    return HttpResponse("".join(lines), content_type="text/csv; charset=utf-8", headers=headers)


@operation("GET", "installation", answer=InstallationOut)
def read_installation(ask: Ask) -> InstallationOut:
    """Read how the queues do and why jobs failed, for operators; nothing of any call."""
    _operator(ask)
    return _installation()


@operation("PUT", "installation/model", body=ModelIn, answer=InstallationOut)
def use_model(ask: Ask) -> InstallationOut:
    """Let a checkpoint, or the model that ships, summarize from the next call on, for operators."""
    actor = _operator(ask)
    if ask.body.checkpoint is None:
        use_shipped_model(actor=actor)
    else:
        use_checkpoint(actor=actor, checkpoint_id=ask.body.checkpoint)
    return _installation()


def _operator(ask: Ask) -> User:
    if not operates(ask.actor):
        raise Http404("no operator")
    return ask.actor


def _installation() -> InstallationOut:
    used = production_checkpoint()
    return InstallationOut(
        queues=[QueueStateOut.model_validate(queue, from_attributes=True) for queue in queue_states()],
        failures=[FailuresOut(reason=reason, jobs=n) for reason, n in recent_failures()],
        production=CheckpointOut.model_validate(used, from_attributes=True) if used else None,
        checkpoints=[CheckpointOut.model_validate(one, from_attributes=True) for one in checkpoints()],
    )
