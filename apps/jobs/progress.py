"""How far a job is, as people see it: the stage in words, the share of the whole, the state.

The weights say what share of a call's time a stage usually takes; they only move a progress bar.
"""

from dataclasses import dataclass

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from apps.jobs.models import Job
from apps.jobs.reasons import describe

STATES = {
    Job.State.QUEUED: pgettext_lazy("job", "대기 중"),
    Job.State.RUNNING: pgettext_lazy("job", "처리 중"),
    Job.State.DONE: pgettext_lazy("job", "완료"),
    Job.State.FAILED: pgettext_lazy("job", "실패"),
    Job.State.CANCELLED: pgettext_lazy("job", "취소됨"),
}
STAGES = {
    "probe": _("파일 읽기"),
    "transcribe": _("받아쓰기"),
    "diarize": _("화자 구분"),
    "summarize": _("요약"),
    "verify": _("근거 확인"),
    "publish": _("마무리"),
}
# A queue is named after what its workers do.
QUEUES = {"io": _("파일·확인"), "asr": _("받아쓰기"), "llm": _("요약")}
_WEIGHTS = {"probe": 0.05, "transcribe": 0.5, "diarize": 0.05, "summarize": 0.34, "verify": 0.04, "publish": 0.02}


@dataclass(frozen=True)
class Step:
    """One stage in the list of stages: `position` is past, now or next."""

    label: str
    position: str


@dataclass(frozen=True)
class Progress:
    """What a page shows of a job."""

    job: Job
    state: str
    stage: str
    share: float
    reason: str

    @property
    def steps(self) -> list[Step]:
        """Return the stages in order, each told whether it is over."""
        names = list(STAGES)
        at = names.index(self.job.stage) if self.job.stage in names else 0
        positions = ["past"] * at + ["now"] + ["next"] * (len(names) - at - 1)
        return [Step(str(STAGES[name]), position) for name, position in zip(names, positions, strict=True)]


def progress_of(job: Job) -> Progress:
    """Return how far `job` is, in the active language."""
    ended_badly = job.state in (Job.State.FAILED, Job.State.CANCELLED)
    return Progress(
        job=job,
        state=str(STATES[Job.State(job.state)]),
        stage=str(STAGES.get(job.stage, job.stage)),
        share=_share(job),
        reason=describe(job.reason, job.reason_values) if ended_badly and job.reason else "",
    )


def _share(job: Job) -> float:
    if job.state == Job.State.DONE:
        return 1.0
    before = 0.0
    for name, weight in _WEIGHTS.items():
        if name == job.stage:
            return before + weight * min(1.0, max(0.0, job.progress))
        before += weight
    return 0.0
