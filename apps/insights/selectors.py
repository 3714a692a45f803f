"""What the home page tells, read through the acting person: only the calls they may see are counted.

A handful of grouped queries, none of which grows with the number of calls shown.
"""

from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import Avg, Count, Min, Q, QuerySet, Sum
from django.db.models.functions import TruncDate
from django.utils import timezone

from apps.accounts.models import User
from apps.calls.models import Call
from apps.calls.selectors import access_calls
from apps.insights.models import TalkTime
from apps.insights.talk import Talk
from apps.jobs.costs import Work, work_by
from apps.jobs.models import Job, StageResult
from apps.jobs.selectors import workers_of_queues
from apps.summaries.models import Summary
from workers.contracts.stages import STAGE_QUEUES

PERIODS = (7, 30, 90)
_FACETS = ("category", "outcome", "sentiment")


@dataclass(frozen=True)
class Period:
    """Whole days up to today, in the time zone of the installation."""

    days: int

    @property
    def first(self) -> date:
        return timezone.localdate() - timedelta(days=self.days - 1)

    @property
    def since(self) -> datetime:
        """Return the midnight with which the period begins."""
        return timezone.make_aware(datetime.combine(self.first, datetime.min.time()))


def period_of(days: str) -> Period:
    """Return the period that ``?days=`` names; thirty days for anything that is none of the choices."""
    return Period(next((choice for choice in PERIODS if str(choice) == days), 30))


@dataclass(frozen=True)
class Queue:
    """How one queue is: jobs waiting and running, since when the oldest waits, workers alive."""

    name: str
    waiting: int
    running: int
    oldest: datetime | None
    workers: int


@dataclass(frozen=True)
class Quality:
    """How good the summaries of one model version were. `reviewed` and `corrected` count calls, the rest summaries."""

    model_version: str
    made: int
    doubted: int
    fallbacks: int
    reviewed: int
    corrected: int
    mean_s: float | None

    @property
    def as_is_share(self) -> float | None:
        """Return the share of reviewed calls whose summary needed no correction."""
        return (self.reviewed - self.corrected) / self.reviewed if self.reviewed else None

    @property
    def doubted_share(self) -> float | None:
        """Return the share of summaries with a statement that verification could not confirm."""
        return self.doubted / self.made if self.made else None


@dataclass(frozen=True)
class Overview:
    """What there is to tell of a period. `facets` counts categories, outcomes and sentiments by their names."""

    calls: int
    length_s: float
    measured: int
    days: tuple[tuple[date, int], ...]
    facets: dict[str, Counter[str]]
    talk: Talk
    queues: tuple[Queue, ...]
    ended: dict[str, int]
    quality: tuple[Quality, ...]
    work: Work


def overview(actor: User, period: Period) -> Overview:
    """Return the overview of the calls that `actor` may see."""
    visible = access_calls(actor).order_by()
    calls = visible.filter(happened_at__gte=period.since)
    by_day = {row["day"]: row for row in _by_day(calls)}
    ended = Job.objects.filter(call__in=visible, finished_at__gte=period.since).values_list("state").order_by("state")
    return Overview(
        calls=sum(row["n"] for row in by_day.values()),
        length_s=sum(row["length_s"] or 0.0 for row in by_day.values()),
        measured=sum(row["measured"] for row in by_day.values()),
        days=tuple((day, by_day.get(day, {}).get("n", 0)) for day in _days(period)),
        facets=_facets(calls),
        talk=_talk(calls),
        queues=_queues(visible),
        ended=dict(ended.annotate(n=Count("pk"))),
        quality=_quality(calls),
        work=_work(visible, period),
    )


def _days(period: Period) -> list[date]:
    return [period.first + timedelta(days=number) for number in range(period.days)]


def _by_day(calls: QuerySet[Call]) -> list[dict[str, Any]]:
    counts = {"n": Count("pk"), "measured": Count("duration_s"), "length_s": Sum("duration_s")}
    days = calls.annotate(day=TruncDate("happened_at")).values("day").annotate(**counts).order_by("day")
    return [dict(row) for row in days]


def _facets(calls: QuerySet[Call]) -> dict[str, Counter[str]]:
    columns = [f"document__{facet}" for facet in _FACETS]
    counted: dict[str, Counter[str]] = {facet: Counter() for facet in _FACETS}
    for *names, n in calls.values_list(*columns).annotate(n=Count("pk")).order_by(*columns):
        for facet, name in zip(_FACETS, names, strict=True):
            if name:
                counted[facet][name] += n
    return counted


def _talk(calls: QuerySet[Call]) -> Talk:
    names = ("a_s", "others_s", "overlap_s", "silence_s")
    return Talk(**TalkTime.objects.filter(call__in=calls).aggregate(**{name: Sum(name, default=0.0) for name in names}))


def _queues(visible: QuerySet[Call]) -> tuple[Queue, ...]:
    active = Job.objects.filter(call__in=visible, state__in=Job.ACTIVE)
    waits = Min("created_at", filter=Q(state=Job.State.QUEUED))
    rows = active.values("stage").annotate(
        waiting=Count("pk", filter=Q(state=Job.State.QUEUED)),
        running=Count("pk", filter=Q(state=Job.State.RUNNING)),
        oldest=waits,
    )
    found, workers = list(rows.order_by("stage")), workers_of_queues()
    return tuple(
        Queue(
            name=queue,
            waiting=sum(row["waiting"] for row in found if STAGE_QUEUES[row["stage"]] == queue),
            running=sum(row["running"] for row in found if STAGE_QUEUES[row["stage"]] == queue),
            oldest=min(
                (row["oldest"] for row in found if row["oldest"] and STAGE_QUEUES[row["stage"]] == queue), default=None
            ),
            workers=workers.get(queue, 0),
        )
        for queue in dict.fromkeys(STAGE_QUEUES.values())
    )


def _quality(calls: QuerySet[Call]) -> tuple[Quality, ...]:
    by_model = Q(author=None, method="model")
    corrected = Q(author__isnull=False)
    rows = (
        Summary.objects.filter(call__in=calls)
        .order_by()
        .values("model_version")
        .annotate(
            made=Count("pk", filter=by_model),
            doubted=Count("pk", filter=by_model & Q(content__unsupported__gt=0)),
            fallbacks=Count("pk", filter=Q(author=None, method="extractive")),
            reviewed=Count("call", distinct=True, filter=corrected | Q(state=Summary.State.APPROVED)),
            corrected=Count("call", distinct=True, filter=corrected),
            mean_s=Avg("elapsed_s", filter=by_model),
        )
        .order_by("-made", "model_version")
    )
    return tuple(Quality(**row) for row in rows)


def _work(visible: QuerySet[Call], period: Period) -> Work:
    results = StageResult.objects.filter(call__in=visible, created_at__gte=period.since)
    return sum(work_by(results, "stage").values(), Work())
