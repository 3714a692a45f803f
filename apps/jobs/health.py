"""How the queues of the installation do, in numbers: for operators, who see nothing of the calls themselves."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Min, Q
from django.utils import timezone

from apps.jobs.models import Job
from apps.jobs.reasons import REASONS
from apps.jobs.selectors import live_queues
from workers.contracts.stages import STAGE_QUEUES, stages_of

_RECENT = timedelta(days=1)


@dataclass(frozen=True)
class QueueState:
    """One queue: whether a worker serves it, how many jobs wait and run, and since when the oldest waits."""

    name: str
    served: bool
    waiting: int
    running: int
    oldest: datetime | None


def queue_states() -> list[QueueState]:
    """Return the state of every queue, by name."""
    live = live_queues()
    return [_state(name, name in live) for name in sorted(set(STAGE_QUEUES.values()))]


def _state(name: str, served: bool) -> QueueState:
    waits = Q(state=Job.State.QUEUED)
    counted = Job.objects.filter(stage__in=stages_of(name)).aggregate(
        waiting=Count("pk", filter=waits),
        running=Count("pk", filter=Q(state=Job.State.RUNNING)),
        oldest=Min("created_at", filter=waits),
    )
    return QueueState(name, served, **counted)


def recent_failures() -> list[tuple[str, int]]:
    """Return why jobs failed within a day, with how many, the most frequent first. Details of a call are left out."""
    failed = Job.objects.filter(state=Job.State.FAILED, finished_at__gte=timezone.now() - _RECENT)
    counted = failed.values("reason").annotate(n=Count("pk")).order_by("-n", "reason")
    return [(_plain(row["reason"]), row["n"]) for row in counted]


def _plain(code: str) -> str:
    sentence = str(REASONS.get(code, code))
    return sentence.split(":")[0] if "%(" in sentence else sentence
