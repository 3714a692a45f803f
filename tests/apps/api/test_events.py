"""The stream of a call's progress: what it says, that it ends, and that streams never take all threads."""

import json
from threading import BoundedSemaphore
from typing import Any

import pytest
from django.utils import timezone

from apps.accounts.members import change_member, disable_member
from apps.accounts.models import ApiToken, Membership, Role, User
from apps.accounts.services import revoke_token
from apps.api import events
from apps.jobs.models import Job
from tests.apps.api.asking import Program
from tests.calls import end_job, finished_call, waiting_call
from tests.people import TwoHouses


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look often, and give each test its own places."""
    monkeypatch.setattr(events, "LOOK_EVERY_S", 0.01)
    monkeypatch.setattr(events, "_free", BoundedSemaphore(events.MAX_STREAMS))


def _read(chunk: bytes) -> tuple[str, dict[str, Any]]:
    head, data = chunk.decode().strip().split("\n")
    return head.removeprefix("event: "), json.loads(data.removeprefix("data: "))


def test_changes_are_told_until_the_end(houses: TwoHouses) -> None:
    call = waiting_call(houses.ours)
    answer = Program(houses.ours.agent).ask("GET", f"/calls/{call.pk}/events")
    assert answer["Content-Type"].startswith("text/event-stream")
    assert (answer["X-Accel-Buffering"], answer["Cache-Control"]) == ("no", "no-store")
    chunks = iter(answer)
    assert next(chunks).startswith(b"retry: ")
    kind, job = _read(next(chunks))
    assert (kind, job["state"]) == ("progress", "queued")
    Job.objects.update(state=Job.State.RUNNING, progress=0.5)
    assert _read(next(chunks))[1]["state"] == "running"
    end_job(call, Job.State.FAILED, reason="not_audio")
    kind, job = _read(next(chunks))
    assert (kind, job["reason_code"]) == ("end", "not_audio")
    assert list(chunks) == []


def test_what_is_over_ends_at_once(houses: TwoHouses) -> None:
    answer = Program(houses.ours.agent).ask("GET", f"/calls/{finished_call(houses.ours).pk}/events")
    assert [_read(chunk)[0] for chunk in list(answer)[1:]] == ["end"]


def test_a_deleted_call_ends_the_stream(houses: TwoHouses) -> None:
    call = waiting_call(houses.ours)
    chunks = iter(Program(houses.ours.agent).ask("GET", f"/calls/{call.pk}/events"))
    assert len([next(chunks), next(chunks)]) == 2
    call.delete()
    assert list(chunks) == []


@pytest.mark.parametrize("ending", ["disabled", "revoked", "expired", "another role", "inactive"])
def test_a_stream_ends_with_the_right_to_it(houses: TwoHouses, ending: str) -> None:
    call, agent = waiting_call(houses.ours), houses.ours.agent
    chunks = iter(Program(agent).ask("GET", f"/calls/{call.pk}/events"))
    assert len([next(chunks), next(chunks)]) == 2
    membership, token = Membership.objects.get(user=agent), ApiToken.objects.get(user=agent)
    match ending:
        case "disabled":
            disable_member(membership=membership, actor=houses.ours.admin)
        case "revoked":
            revoke_token(token=token, actor=agent)
        case "expired":
            ApiToken.objects.update(expires_at=timezone.now())
        case "another role":
            change_member(membership=membership, role=Role.AUDITOR, team=None, actor=houses.ours.admin)
        case "inactive":
            User.objects.filter(pk=agent.pk).update(is_active=False)
    Job.objects.update(state=Job.State.RUNNING, progress=0.5)
    assert list(chunks) == []


def test_silence_is_broken_and_a_stream_is_short(houses: TwoHouses, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "HEARTBEAT_S", 0.05)
    monkeypatch.setattr(events, "STREAM_S", 0.3)
    call = waiting_call(houses.ours)
    chunks = list(Program(houses.ours.agent).ask("GET", f"/calls/{call.pk}/events"))
    assert 2 <= sum(chunk.startswith(b": ") for chunk in chunks) <= 6
    assert sum(chunk.startswith(b"event: ") for chunk in chunks) == 1


def test_there_are_few_at_a_time(houses: TwoHouses) -> None:
    call, program = waiting_call(houses.ours), Program(houses.ours.agent)
    open_ones = [events.Stream(call.pk, "ko", lambda: True) for _ in range(events.MAX_STREAMS)]
    refused = program.ask("GET", f"/calls/{call.pk}/events")
    assert (refused.status_code, json.loads(refused.content)["code"]) == (503, "too_many_streams")
    assert (refused["Retry-After"], refused["Content-Type"]) == ("5", "application/problem+json")
    next(iter(open_ones[0]))
    for stream in open_ones[:2]:
        stream.close()  # one that was read from and one that never was
        stream.close()
    assert [events.Stream(call.pk, "ko", lambda: True) for _ in range(2)]
    assert program.ask("GET", f"/calls/{call.pk}/events").status_code == 503


def test_a_stream_that_was_read_gives_its_place_back(houses: TwoHouses) -> None:
    call, program = finished_call(houses.ours), Program(houses.ours.agent)
    for _ in range(events.MAX_STREAMS + 1):
        answer = program.ask("GET", f"/calls/{call.pk}/events")
        assert answer.status_code == 200 and list(answer)
