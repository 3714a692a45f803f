"""Calls of the simulator that went through the pipeline: what its models would have made is put in their place, while
verification and publishing are the real ones. Sound is noise; moments are put back in time.
"""

import random
import uuid
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils import timezone

from apps.accounts.models import User
from apps.calls.models import Call
from apps.calls.services import add_recording, describe_recording
from apps.jobs import leases
from apps.jobs.models import Job
from apps.jobs.requests import request_processing
from model_core.data.call import SimulatedCall
from tests.browser.showroom.company import House
from tests.browser.showroom.sound import peaks_of, write_listening_copy
from workers.contracts.payloads import segments_payload
from workers.contracts.summary import Statement
from workers.contracts.transcript import Segment, Word
from workers.contracts.work import Payload, Spent
from workers.engines.conversion import lines_of, to_contract
from workers.pipeline import run_job

MODEL = "summarizer-mini@0.6.1+3f9c2a7d41be"


def segments_of(call: SimulatedCall, rng: random.Random) -> list[Segment]:
    """Return the call's lines with times as people talk; some lines are hard to hear."""
    now, segments = 0.6, []
    for number, line in enumerate(call.lines, 1):
        sure = rng.uniform(0.2, 0.4) if rng.random() < 0.05 else rng.uniform(0.8, 0.99)
        words, at = [], now
        for text in line.text.split():
            long_s = 0.12 + 0.13 * len(text)
            words.append(Word(text, round(at, 2), round(at + long_s, 2), round(sure - 0.6 * (rng.random() < 0.03), 3)))
            at += long_s + 0.05
        segments.append(
            Segment(number, line.party, round(now, 2), round(at, 2), line.text, round(sure, 3), tuple(words))
        )
        now = at + rng.choice((-0.3, 0.2, 0.4, 0.7, 2.5))
    return segments


def finished_call(house: House, simulated: SimulatedCall, rng: random.Random, days_ago: float) -> Call:
    """Return a call that went through the whole pipeline; verification and publishing are the real ones."""
    owner = rng.choice([user for name, user in house.people.items() if name != "정민재"])
    call = incoming(
        house, owner, f"{rng.randrange(10**8, 10**9)}_{simulated.category}.wav", _working_hour(days_ago, rng)
    )
    through_models(call, simulated, rng)
    job = Job.objects.get(call=call)
    run_job(job.pk, {"io"})
    end = call.created_at + timedelta(seconds=rng.uniform(30, 90))
    Job.objects.filter(pk=job.pk).update(finished_at=end)
    call.stage_results.update(created_at=end, used_at=end)
    call.summaries.update(created_at=end)
    return call


def _working_hour(days_ago: float, rng: random.Random) -> datetime:
    day = timezone.localtime() - timedelta(days=days_ago)
    return day.replace(hour=rng.randrange(9, 18), minute=rng.randrange(60)) if days_ago > 1 else day


def incoming(house: House, owner: User, name: str, at: datetime) -> Call:
    """Return an uploaded call that waits since `at`."""
    call = add_recording(
        organization=house.organization,
        actor=owner,
        file_name=name,
        chunks=[uuid.uuid4().bytes * 4],
        source=Call.Source.UPLOAD,
    )
    Call.objects.filter(pk=call.pk).update(created_at=at, happened_at=at)
    job = request_processing(call=call, actor=owner)
    type(job).objects.filter(pk=job.pk).update(created_at=at)
    call.refresh_from_db()
    return call


def through_models(call: Call, simulated: SimulatedCall, rng: random.Random) -> None:
    """Put what the recognizer and the summarizer would have made in the place of running them."""
    segments = segments_of(simulated, rng)
    length_s = segments[-1].end_s + 0.8
    summary = to_contract(simulated.summary, lines_of(segments).numbers)
    if rng.random() < 0.3:  # the reader is to see what a statement nobody made looks like
        summary = summary.model_copy(update={"decisions": (*summary.decisions, _invented(summary.decisions))})
    payload = {"segments": segments_payload(segments)}
    stages: list[tuple[str, Payload, float]] = [
        ("probe", _described(call, segments, length_s, rng), 0.4),
        ("transcribe", payload | {"language": "ko"}, length_s * 0.16),
        ("diarize", payload, 0.1),
        ("summarize", payload | _usage(summary.model_dump(mode="json"), segments, rng), 1.7),
    ]
    job = Job.objects.filter(call=call).latest("created_at")
    start = [stage for stage, _, _ in stages].index(job.stage)
    for stage, kept, took_s in stages[start:]:
        advance(job.pk, stage, kept, took_s * rng.uniform(0.8, 1.3))


def advance(job_id: uuid.UUID, stage: str, payload: Payload, took_s: float) -> None:
    """Claim the job and end its stage with `payload`, as a worker would."""
    lease = leases.claim(job_id)
    assert lease is not None and lease.stage == stage
    version = MODEL if stage == "summarize" else f"{stage}-showroom"
    spent = Spent(round(took_s, 3), round(took_s * 1.6, 3), 0.0)
    leases.advance(lease, input_hash=uuid.uuid4().hex * 2, engine_version=version, payload=payload, spent=spent)


def _invented(decisions: Any) -> Any:

    evidence = decisions[0].evidence if decisions else (2,)
    return Statement(text="7월 32만 원을 환급하기로 함", evidence=evidence)


def _usage(summary: Payload, segments: list[Segment], rng: random.Random) -> Payload:
    tokens = sum(len(segment.text) for segment in segments)
    usage = {"duration_s": rng.uniform(0.9, 2.6), "prompt_tokens": tokens, "completion_tokens": rng.randrange(120, 320)}
    return {"summary": summary, "model_version": MODEL, "usage": usage}


def _described(call: Call, segments: list[Segment], length_s: float, rng: random.Random) -> Payload:
    """Give the call's recording its peaks and a copy to listen to, and return what the probe keeps."""

    path = Path(str(call.organization_id)) / str(call.pk) / "listen.ogg"
    peaks = peaks_of(segments, length_s, rng)
    write_listening_copy(Path(settings.MEDIA_ROOT) / path, peaks)
    known = {"channels": 2, "sample_rate_hz": 8000, "codec": "pcm_mulaw"}
    describe_recording(call_id=call.pk, facts=known | {"listen_path": str(path), "peaks": peaks})
    return known | {"duration_s": round(length_s, 2), "tracks": ["ch0.wav", "ch1.wav"], "notices": []}
