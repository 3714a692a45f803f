"""Calls as tests need them: waiting or finished with transcript and summary, each owned by somebody of a house."""

from typing import Any

from django.utils import timezone

from apps.accounts.models import User
from apps.calls.models import Call, Recording
from apps.calls.services import add_recording
from apps.jobs.models import Job
from apps.jobs.requests import request_processing
from apps.summaries.models import Summary
from apps.summaries.services import add_model_summary
from apps.transcripts.services import replace_segments
from tests.people import House
from workers.contracts.summary import ActionItem, CallSummary, Method, Statement, Topic, Value
from workers.contracts.transcript import Segment

LINES = (
    ("A", "안녕하세요, 가람통신입니다."),
    ("B", "요금이 오만 사천 원이나 나왔어요."),
    ("A", "확인해 보고 오늘 오후 세 시에 다시 전화드릴게요."),
    ("B", "네, 알겠습니다."),
)


def waiting_call(house: House, owner: User | None = None, title: str = "요금 문의 녹음") -> Call:
    """Return an uploaded call whose job waits; its recording is 64 bytes that nobody decodes."""
    call = add_recording(
        organization=house.organization,
        actor=owner or house.agent,
        file_name=f"{title}.wav",
        chunks=[title.encode().ljust(64, b"\0")],
        source=Call.Source.UPLOAD,
        title=title,
    )
    request_processing(call=call, actor=owner or house.agent)
    return call


def end_job(call: Call, state: Job.State = Job.State.DONE, **changes: Any) -> Job:
    """End the newest job of `call` in `state` and return it."""
    job = Job.objects.filter(call=call).latest("created_at")
    for name, value in {"state": state, "finished_at": timezone.now(), **changes}.items():
        setattr(job, name, value)
    job.save()
    return job


def finished_call(
    house: House, owner: User | None = None, title: str = "요금 문의 녹음", content: CallSummary | None = None
) -> Call:
    """Return a call with a transcript, a summary by the model and a copy to listen to."""
    call = waiting_call(house, owner, title)
    add_transcript(call)
    summarize(call, content or summary())
    end_job(call, stage="publish", progress=1.0)
    Call.objects.filter(pk=call.pk).update(duration_s=12.0)
    recording = Recording.objects.get(call=call)
    Recording.objects.filter(call=call).update(
        listen_path=recording.path, peaks=[[0.1, 0.8], [0.4, 0.2]], codec="pcm_mulaw", channels=2, sample_rate_hz=8000
    )
    call.refresh_from_db()
    return call


def add_transcript(call: Call) -> None:
    """Give `call` the lines of LINES, three seconds each; the last is hard to hear."""
    segments = [
        Segment(n, party, 3.0 * (n - 1), 3.0 * n - 0.2, text, 0.3 if n == len(LINES) else 0.9)
        for n, (party, text) in enumerate(LINES, 1)
    ]
    replace_segments(call_id=call.pk, organization_id=call.organization_id, segments=segments)


def summarize(call: Call, content: CallSummary, model_version: str = "summarizer-test@1") -> Summary:
    """Add `content` as the model's newest summary of `call`."""
    return add_model_summary(
        call_id=call.pk,
        organization_id=call.organization_id,
        content=content,
        model_version=model_version,
        usage={"duration_s": 1.5, "prompt_tokens": 120, "completion_tokens": 40},
    )


def summary(title: str = "요금 과다 청구 문의", method: Method = "model") -> CallSummary:
    """Return a summary of LINES that holds one supported amount, one action and one statement nobody said."""
    amount = Value(text="오만 사천 원", kind="money", normalized="54,000원")
    wrong = Value(text="38만 원", kind="money", normalized="380,000원", supported=False)
    return CallSummary(
        title=title,
        one_line=Statement(text="고객이 오만 사천 원 청구를 문의함", evidence=(2,), values=(amount,)),
        topics=(
            Topic(
                title="청구 금액",
                points=(
                    Statement(text="요금이 오만 사천 원 나옴", evidence=(2,), values=(amount,)),
                    Statement(text="38만 원을 돌려받기로 함", evidence=(2,), values=(wrong,), supported=False),
                ),
            ),
        ),
        actions=(ActionItem(who="상담원", what="확인 후 다시 전화", when="오늘 오후 세 시", evidence=(3,)),),
        decisions=(Statement(text="확인 뒤 알려 주기로 함", evidence=(3,)),),
        category="telecom",
        outcome="callback",
        sentiment="negative",
        method=method,
        unsupported=1,
    )
