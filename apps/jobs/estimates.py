"""What a batch would take, told before it starts: from what the same stages took in the last thirty days.

Work grows with the length of a call; one of unknown length counts as a mean one. Results that are kept already are
used again, so a batch takes at most about this.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.db.models import QuerySet, Sum
from django.utils import timezone

from apps.calls.models import Call
from apps.jobs.costs import Work, work_by
from apps.jobs.models import StageResult
from apps.jobs.selectors import workers_of_queues
from apps.training.selectors import made_by
from workers.contracts.stages import FIRST_TRANSCRIPT_STAGE, STAGE_QUEUES

_DAYS = 30
_STAGES = list(STAGE_QUEUES)


@dataclass(frozen=True)
class Estimate:
    """`work` is empty without experience; `takes_s` is on the clock, with the workers there are now. `by_model` tells
    whether the summaries it is based on are the chosen model's; else they are those of any."""

    calls: int
    from_start: int
    based_on: int
    by_model: bool
    workers: int
    work: Work
    takes_s: float

    @property
    def a_call_krw(self) -> float:
        """Return the cost of one call."""
        return self.work.own_krw / max(1, self.calls)


def estimate_batch(calls: Sequence[Call], model: str = "") -> Estimate:
    """Return what summarizing `calls`, which are of one organization, by `model` (see `Batch`) would take.

    A template changes what is shown, and with a model server a few lines of the prompt: less than calls differ.
    """
    known = _transcribed(calls)
    past = StageResult.objects.filter(
        organization_id=calls[0].organization_id, created_at__gte=timezone.now() - timedelta(days=_DAYS)
    )
    by_model = past.filter(made_by(model), stage=FIRST_TRANSCRIPT_STAGE)
    its_own = work_by(by_model, "stage")
    took, lengths = work_by(past, "stage") | its_own, _lengths(past) | _lengths(by_model)
    planned: dict[str, Work] = {}
    for stage in _STAGES:
        late = _STAGES.index(stage) >= _STAGES.index(FIRST_TRANSCRIPT_STAGE)
        concerned = [call for call in calls if late or call.pk not in known]
        if stage in took and concerned:
            planned[stage] = _scaled(took[stage], lengths.get(stage, 0.0), concerned)
    summarized = took.get(FIRST_TRANSCRIPT_STAGE, Work()).runs
    workers = workers_of_queues()
    return Estimate(
        calls=len(calls),
        from_start=len(calls) - len(known),
        based_on=summarized,
        by_model=bool(its_own),
        workers=workers.get(STAGE_QUEUES[FIRST_TRANSCRIPT_STAGE], 0),
        work=sum(planned.values(), Work()),
        takes_s=_on_the_clock(planned, workers, len(calls)),
    )


def _transcribed(calls: Sequence[Call]) -> set[UUID]:
    """Return the calls whose transcript is there."""
    kept = StageResult.objects.filter(call__in=calls, stage="diarize").values_list("call_id", flat=True)
    return set(kept) | {call.pk for call in calls if call.source == Call.Source.TRANSCRIPT}


def _lengths(past: QuerySet[StageResult]) -> dict[str, float]:
    rows = past.order_by().values("stage").annotate(length_s=Sum("call__duration_s", default=0.0))
    return {row["stage"]: row["length_s"] for row in rows}


def _scaled(took: Work, length_s: float, calls: Sequence[Call]) -> Work:
    """Return what a stage takes for `calls`, by their length against that of the `took.runs` calls before."""
    mean_s = length_s / took.runs
    lengths = [(call.duration_s or mean_s) / mean_s if mean_s else 1.0 for call in calls]
    return took * (sum(lengths) / took.runs)


def _on_the_clock(planned: dict[str, Work], workers: dict[str, int], calls: int) -> float:
    """Return how long the busiest queue works, but at least as long as one call takes through all of them."""
    busy: dict[str, float] = {}
    for stage, work in planned.items():
        queue = STAGE_QUEUES[stage]
        busy[queue] = busy.get(queue, 0.0) + work.elapsed_s / max(1, workers.get(queue, 0))
    one_call = sum(work.elapsed_s for work in planned.values()) / max(1, calls)
    return max([*busy.values(), one_call])
