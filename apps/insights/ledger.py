"""The cost ledger: what the work on the calls somebody may see cost, by stage, by model version and by call.

A result that was kept and used again cost nothing the second time and is not counted twice. The work on calls that were
deleted is gone with them.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from django.db.models import Count, QuerySet

from apps.accounts.models import User
from apps.calls.selectors import access_calls
from apps.core.tables import csv_line
from apps.insights.selectors import Period
from apps.jobs.costs import TOTALS, Work, work_by
from apps.jobs.models import StageResult
from workers.contracts.stages import FIRST_TRANSCRIPT_STAGE, STAGE_QUEUES

MAX_CALLS = 10_000
COLUMNS = (
    "call",
    "happened_at",
    "elapsed_s",
    "cpu_s",
    "gpu_s",
    "input_tokens",
    "output_tokens",
    "own_krw",
    "foreign_krw",
)


@dataclass(frozen=True)
class Ledger:
    """The work of a period; `calls` is how many were worked on, `summarized` how many of them by the model."""

    calls: int
    summarized: int
    stages: dict[str, Work]
    models: dict[str, Work]

    @property
    def total(self) -> Work:
        """Return the work of all stages."""
        return sum(self.stages.values(), Work())

    @property
    def summaries(self) -> Work:
        """Return the work of the language model alone: what a foreign API would take over."""
        return self.stages.get(FIRST_TRANSCRIPT_STAGE, Work())

    def per_call(self, amount_krw: float) -> float:
        """Return a share of `amount_krw` for each call that was summarized; 0 without any."""
        return amount_krw / self.summarized if self.summarized else 0.0


def access_ledger(actor: User, period: Period) -> Ledger:
    """Return the ledger of the calls that `actor` may see."""
    results = _results(actor, period)
    summaries = results.filter(stage=FIRST_TRANSCRIPT_STAGE)
    stages = work_by(results, "stage")
    return Ledger(
        **results.aggregate(calls=Count("call", distinct=True)),
        **summaries.aggregate(summarized=Count("call", distinct=True)),
        stages={stage: stages[stage] for stage in STAGE_QUEUES if stage in stages},
        models=work_by(summaries, "engine_version"),
    )


def ledger_lines(actor: User, period: Period) -> Iterator[str]:
    """Yield the ledger call by call as lines of a CSV under `COLUMNS`, newest first, up to `MAX_CALLS`."""
    by_call = _results(actor, period).order_by().values("call_id", "call__happened_at").annotate(**TOTALS)
    yield csv_line(COLUMNS)
    for row in by_call.order_by("-call__happened_at", "call_id")[:MAX_CALLS]:
        work = Work.of(row)
        seconds = [f"{value:.3f}" for value in (work.elapsed_s, work.cpu_s, work.gpu_s)]
        costs = [f"{value:.4f}" for value in (work.own_krw, work.foreign_krw)]
        tokens = [str(work.input_tokens), str(work.output_tokens)]
        yield csv_line([str(row["call_id"]), row["call__happened_at"].isoformat(), *seconds, *tokens, *costs])


def _results(actor: User, period: Period) -> QuerySet[StageResult]:
    return StageResult.objects.filter(call__in=access_calls(actor).order_by(), created_at__gte=period.since)
