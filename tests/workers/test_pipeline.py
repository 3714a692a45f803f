"""The bookkeeping around the stages, proved with small stages that count their runs and break on demand."""

import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.conf import settings
from django.utils import timezone
from hypothesis import HealthCheck, given
from hypothesis import settings as search
from hypothesis import strategies as st

from apps.accounts.models import Organization
from apps.calls.models import Call
from apps.calls.services import delete_call
from apps.jobs import requests, sweeping
from apps.jobs.models import Job, StageResult
from apps.summaries.models import Summary
from apps.summaries.services import add_model_summary
from workers import pipeline
from workers.contracts.errors import StageCancelled, StageError
from workers.contracts.payloads import segments_payload
from workers.contracts.stages import STAGE_QUEUES
from workers.contracts.summary import CallSummary, Statement
from workers.contracts.transcript import Segment
from workers.contracts.work import Payload, Stage, StageContext
from workers.stages import summarize

pytestmark = pytest.mark.django_db(transaction=True)

KEPT = [name for name in STAGE_QUEUES if name != "publish"]
Act = Callable[[StageContext], None]


class Line:
    """A pipeline of small stages: each counts its runs, hands on what it was given, and does what `acts` tells it."""

    def __init__(self) -> None:
        self.runs: Counter[str] = Counter()
        self.versions = dict.fromkeys(STAGE_QUEUES, "1")
        self.acts: dict[str, list[Act]] = {}
        self.stages = {name: self._stage(name) for name in STAGE_QUEUES}

    def _stage(self, name: str) -> Stage:
        def run(context: StageContext) -> Payload:
            self.runs[name] += 1
            if waiting := self.acts.get(name):
                waiting.pop(0)(context)
            return self._publish(context) if name == "publish" else self._payload(name, context)

        return Stage(name, lambda _: self.versions[name], lambda context: _before(name, context), run)

    def _payload(self, name: str, context: StageContext) -> Payload:
        return {"trail": [*_before(name, context), f"{name}-{self.versions[name]}"]}

    def _publish(self, context: StageContext) -> Payload:
        content = CallSummary(title=" ".join(_before("publish", context)), one_line=Statement(text="끝"))
        add_model_summary(
            call_id=context.call_id,
            organization_id=context.organization_id,
            content=content,
            model_version="1",
            usage={},
        )
        return {}


def _before(name: str, context: StageContext) -> list[str]:
    position = list(STAGE_QUEUES).index(name)
    trail: list[str] = context.results[list(STAGE_QUEUES)[position - 1]]["trail"] if position else []
    return trail


def _raise(error: BaseException) -> Act:
    def act(_: StageContext) -> None:
        raise error

    return act


@pytest.fixture
def line(monkeypatch: pytest.MonkeyPatch) -> Line:
    made = Line()
    monkeypatch.setattr(pipeline, "load_stage", made.stages.__getitem__)
    return made


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Return a function that changes settings of the installation for one test."""
    return lambda **values: monkeypatch.setattr(settings, "ENV", settings.ENV.model_copy(update=values))


def _job() -> Job:
    organization, _ = Organization.objects.get_or_create(name="가람통신")
    call = Call.objects.create(organization=organization, title="통화", source=Call.Source.UPLOAD)
    return requests.request_processing(call=call, actor=None)


def _run(job: Job) -> Job:
    pipeline.run_job(job.pk)
    job.refresh_from_db()
    return job


def _again(job: Job, stage: str | None = None) -> Job:
    return _run(requests.request_processing(call=job.call, actor=None, stage=stage))


def _trail(job: Job) -> str:
    summary = Summary.objects.filter(call=job.call).order_by("-version").first()
    assert summary is not None
    return str(summary.content["title"])


def test_every_stage_runs_once_and_hands_on_its_result(line: Line) -> None:
    job = _run(_job())
    assert (job.state, job.reason, job.progress) == (Job.State.DONE, "", 1.0)
    assert line.runs == dict.fromkeys(STAGE_QUEUES, 1)
    assert _trail(job) == "probe-1 transcribe-1 diarize-1 summarize-1 verify-1"


def test_kept_results_are_used_again_for_the_same_input_and_engine(line: Line) -> None:
    job = _run(_job())
    before = list(StageResult.objects.values_list("pk", flat=True))
    assert _again(job).state == Job.State.DONE
    assert line.runs == dict.fromkeys(KEPT, 1) | {"publish": 2}
    assert list(StageResult.objects.values_list("pk", flat=True)) == before


def test_another_engine_runs_again_with_all_that_rests_on_it(line: Line) -> None:
    job = _run(_job())
    line.versions["summarize"] = "2"
    _again(job)
    assert line.runs == {"probe": 1, "transcribe": 1, "diarize": 1, "summarize": 2, "verify": 2, "publish": 2}
    assert _trail(job).endswith("summarize-2 verify-1")


def test_going_back_to_an_engine_goes_back_to_its_result(line: Line) -> None:
    job = _run(_job())
    line.versions["summarize"] = "2"
    _again(job)
    line.versions["summarize"] = "1"
    _again(job, "summarize")
    assert line.runs["summarize"] == 2, "both results are kept"
    assert _trail(job).endswith("summarize-1 verify-1"), "the summary is the chosen engine's, not the newest one"


def test_trouble_that_will_not_pass_ends_the_job_with_its_reason(line: Line) -> None:
    line.acts["probe"] = [_raise(StageError("too_long", minutes=200, limit_minutes=180))]
    job = _run(_job())
    assert (job.state, job.reason) == (Job.State.FAILED, "too_long")
    assert job.reason_values == {"minutes": 200, "limit_minutes": 180}
    assert line.runs == {"probe": 1}


@pytest.mark.parametrize(
    "error", [StageError("llm_unavailable", permanent=False), RuntimeError("segfault in a driver")]
)
def test_trouble_that_may_pass_is_tried_again(line: Line, error: Exception) -> None:
    line.acts["summarize"] = [_raise(error)] * (settings.ENV.max_attempts - 1)
    assert _run(_job()).state == Job.State.DONE
    assert line.runs == dict.fromkeys(STAGE_QUEUES, 1) | {"summarize": settings.ENV.max_attempts}


@pytest.mark.parametrize(
    ("error", "reason", "values"),
    [
        (StageError("llm_unavailable", permanent=False), "llm_unavailable", {}),
        (ZeroDivisionError("division by zero"), "internal", {"detail": "ZeroDivisionError"}),
    ],
)
def test_trouble_that_does_not_pass_ends_the_job_at_the_cap(
    line: Line, error: Exception, reason: str, values: dict[str, Any]
) -> None:
    line.acts["summarize"] = [_raise(error)] * 99
    job = _run(_job())
    assert (job.state, job.reason, job.reason_values) == (Job.State.FAILED, reason, values)
    assert line.runs["summarize"] == settings.ENV.max_attempts
    assert not Summary.objects.exists()


def test_a_failed_job_goes_on_where_it_stopped(line: Line) -> None:
    line.acts["summarize"] = [_raise(StageError("engine_missing", detail="x"))]
    job = _run(_job())
    again = _run(requests.retry_job(job=job, actor=None))
    assert (again.state, line.runs["transcribe"], line.runs["summarize"]) == (Job.State.DONE, 1, 2)


def _cancel(context: StageContext) -> None:
    requests.cancel_job(job=Job.objects.get(call_id=context.call_id), actor=None)


def _cancel_and_check_in(context: StageContext) -> None:
    context.check_in(0.2)
    _cancel(context)
    context.check_in(0.4)
    raise AssertionError("the stage went on after it was told to stop")


def _cancel_and_break(context: StageContext) -> None:
    _cancel(context)
    raise RuntimeError("broken off")


def _cancel_and_refuse(context: StageContext) -> None:
    _cancel(context)
    raise StageError("bad_samples")


@pytest.mark.parametrize("stage", ["probe", "transcribe", "verify"])
@pytest.mark.parametrize("act", [_cancel, _cancel_and_check_in, _cancel_and_break, _cancel_and_refuse])
def test_a_cancelled_job_ends_cancelled_whatever_its_stage_does(line: Line, stage: str, act: Act) -> None:
    line.acts[stage] = [act]
    job = _run(_job())
    assert (job.state, job.reason) == (Job.State.CANCELLED, "cancelled")
    assert not StageResult.objects.filter(stage=stage).exists()
    assert not Summary.objects.exists()
    assert _again(job).state == Job.State.DONE, "a cancelled call can be asked for again"


def test_a_heartbeat_that_is_refused_stops_the_stage(line: Line, environment: Callable[..., None]) -> None:
    environment(lease_s=0.2)
    stopped = threading.Event()

    def taken_over(context: StageContext) -> None:
        Job.objects.filter(call_id=context.call_id).update(token=99)
        for _ in range(200):
            time.sleep(0.02)
            try:
                context.check_in()
            except StageCancelled:
                stopped.set()
                raise

    line.acts["transcribe"] = [taken_over]
    job = _run(_job())
    assert stopped.is_set()
    assert (job.state, job.token) == (Job.State.RUNNING, 99), "the job is the other worker's now"
    assert not StageResult.objects.filter(stage="transcribe").exists()


def test_heartbeats_keep_the_lease_of_a_long_stage(line: Line, environment: Callable[..., None]) -> None:
    environment(lease_s=0.4)

    def long(_: StageContext) -> None:
        for _ in range(10):
            time.sleep(0.1)
            assert sweeping.sweep() == 0, "the sweeper took the lease of a worker that lives"

    line.acts["transcribe"] = [long]
    assert _run(_job()).state == Job.State.DONE


@pytest.mark.parametrize("end", [lambda: None, lambda: _fail("broken"), lambda: _refuse()])
def test_a_worker_that_comes_back_changes_nothing(line: Line, end: Callable[[], None]) -> None:
    def overtaken(context: StageContext) -> None:
        job = Job.objects.get(call_id=context.call_id)
        Job.objects.filter(pk=job.pk).update(lease_expires_at=timezone.now())
        sweeping.sweep()
        pipeline.run_job(job.pk)
        end()

    line.acts["transcribe"] = [overtaken]
    job = _run(_job())
    assert (job.state, job.reason) == (Job.State.DONE, "")
    assert StageResult.objects.filter(stage="transcribe").count() == 1
    assert Summary.objects.count() == 1


def _fail(text: str) -> None:
    raise RuntimeError(text)


def _refuse() -> None:
    raise StageError("bad_samples")


def test_a_call_deleted_while_in_work_leaves_nothing(line: Line) -> None:
    def deleted(context: StageContext) -> None:
        delete_call(call=Call.objects.get(pk=context.call_id), actor=None)
        raise RuntimeError("its files are gone")

    line.acts["transcribe"] = [deleted]
    job = _job()
    pipeline.run_job(job.pk)
    assert not Job.objects.exists() and not StageResult.objects.exists()


def test_what_was_said_stays_out_of_the_log(line: Line, caplog: pytest.LogCaptureFixture) -> None:
    line.acts["summarize"] = [_raise(ValueError("비밀번호는 이공육삼입니다"))] * 3
    job = _run(_job())
    assert "summarize broke: ValueError" in caplog.text
    assert "이공육삼" not in caplog.text + str(job.reason_values)


def test_publishing_is_all_or_nothing(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    job = _job()
    whole = line.stages["publish"]

    def half(context: StageContext) -> Payload:
        whole.run(context)
        raise RuntimeError("the disk is full")

    line.stages["publish"] = Stage("publish", whole.engine_version, whole.inputs, half)
    assert _run(job).state == Job.State.FAILED
    assert line.runs["publish"] == settings.ENV.max_attempts
    assert not Summary.objects.exists(), "what a broken publish wrote is gone"
    line.stages["publish"] = whole
    assert _again(job, "publish").state == Job.State.DONE
    assert Summary.objects.count() == 1


class Killed(BaseException):
    """A stand-in for the death of a worker: nothing of the pipeline may catch it."""


def _crash(how: str) -> Act:
    return _raise({"killed": Killed(), "broken": RuntimeError("x"), "passing": StageError("x", permanent=False)}[how])


def _work_until_final(job: Job) -> None:
    """Do as the workers and the sweeper do: work, and after a death let the lease run out."""
    for _ in range(200):
        try:
            pipeline.run_job(job.pk)
        except Killed:
            Job.objects.filter(pk=job.pk).update(lease_expires_at=timezone.now())
            sweeping.sweep()
        job.refresh_from_db()
        if job.is_final:
            return
    raise AssertionError(f"{job} never ends")


CRASHES = st.fixed_dictionaries(
    {name: st.lists(st.sampled_from(["killed", "broken", "passing"]), max_size=2) for name in STAGE_QUEUES}
)


@search(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(crashes=CRASHES)
def test_any_crashes_below_the_cap_end_done_with_each_result_once(line: Line, crashes: dict[str, list[str]]) -> None:
    assert settings.ENV.max_attempts == 3
    line.runs.clear()
    line.acts = {name: [_crash(how) for how in hows] for name, hows in crashes.items()}
    job = _job()
    _work_until_final(job)
    assert (job.state, job.reason) == (Job.State.DONE, "")
    kept = Counter(StageResult.objects.filter(call=job.call).values_list("stage", flat=True))
    assert kept == dict.fromkeys(KEPT, 1)
    assert line.runs == {name: 1 + len(hows) for name, hows in crashes.items()}
    assert list(Summary.objects.filter(call=job.call).values_list("version", flat=True)) == [1]


@search(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(stage=st.sampled_from(list(STAGE_QUEUES)), how=st.sampled_from(["killed", "broken", "passing"]))
def test_a_stage_that_always_crashes_ends_failed_and_keeps_what_was_done(line: Line, stage: str, how: str) -> None:
    line.runs.clear()
    line.acts = {stage: [_crash(how)] * 99}
    job = _job()
    _work_until_final(job)
    reason = {"killed": "worker_lost", "broken": "internal", "passing": "x"}[how]
    assert (job.state, job.reason, line.runs[stage]) == (Job.State.FAILED, reason, 3)
    done = KEPT[: list(STAGE_QUEUES).index(stage)]
    assert list(StageResult.objects.filter(call=job.call).order_by("pk").values_list("stage", flat=True)) == done


def test_what_a_stage_took_is_kept(line: Line) -> None:
    def run(context: StageContext) -> Payload:
        until = time.process_time() + 0.06
        while time.process_time() < until:
            pass
        usage = {"prompt_tokens": 7, "completion_tokens": 3}
        return line._payload("summarize", context) | {"usage": usage}

    line.stages["summarize"] = Stage("summarize", lambda _: "1", lambda _: "", run, on_gpu=lambda: True)
    job = _job()
    for _ in range(2):
        _run(job)
        result = StageResult.objects.get(call=job.call, stage="summarize")
        assert (result.input_tokens, result.output_tokens) == (7, 3)
        assert result.cpu_s is not None and result.cpu_s >= 0.03
        assert result.gpu_s == result.elapsed_s > 0
        job = requests.request_processing(call=job.call, actor=None)
    assert StageResult.objects.get(call=job.call, stage="verify").gpu_s == 0


def test_a_kept_summary_is_made_anew_when_the_rules_that_wrote_it_have_changed(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    line.stages["summarize"] = replace(line.stages["summarize"], inputs=lambda _: summarize.STAGE.inputs(_heard()))
    job = _run(_job())
    assert _again(job, "summarize").state == Job.State.DONE and line.runs["summarize"] == 1
    monkeypatch.setattr(summarize, "RULES", summarize.RULES + 1)
    _again(job, "summarize")
    assert line.runs["summarize"] == 2


def _heard() -> StageContext:
    heard = {"diarize": {"segments": segments_payload([Segment(1, "A", 0, 1, "네", 1.0)])}}
    return StageContext(UUID(int=1), UUID(int=1), Path(), heard, lambda _: True)
