"""Who may do what through the API: every operation with a stranger's token, each role, bad tokens, missing scopes."""

import json
import re
import uuid
from datetime import timedelta
from io import BytesIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from apps.accounts.models import AccessLog, ApiToken, Membership, Scope, User
from apps.actions.models import Action
from apps.api import throttle
from apps.api.operations import Operation
from apps.api.urls import OPERATIONS, urlpatterns
from apps.calls.models import Call
from apps.calls.selectors import access_call
from apps.jobs.models import Job
from apps.jobs.services import start_batch
from apps.summaries.services import add_model_summary
from apps.uploads.models import Upload
from apps.uploads.services import add_part, begin_upload
from apps.webhooks.models import Kind
from apps.webhooks.services import add_endpoint, send_test
from tests.apps.api.asking import BASE, Program
from tests.people import TwoHouses
from workers.contracts.summary import ActionItem, CallSummary, Statement

WITH_ID = [item for item in OPERATIONS if "{" in item.path]
BODIES = {
    "put_summary": {"title": "t", "one_line": {"text": "x"}},
    "change_action": {"done": True},
    "create_call": {"title": "t", "turns": [{"text": "x"}]},
    "change_webhook": {"url": "https://crm.example.com/", "kinds": ["call.done"], "enabled": True},
    "put_part": b"x",
}
QUERIES = {"put_part": "?offset=0"}


def _objects(houses: TwoHouses) -> dict[str, str]:
    """Make a call of our agent with job, batch and summary, and return the ids by name."""
    call = Call.objects.get(pk=Program(houses.ours.agent).add_call())
    todo = ActionItem(who="", what="환불하기")
    content = CallSummary(title="환불", one_line=Statement(text="환불을 물었다."), actions=(todo,))
    add_model_summary(
        call_id=call.pk, organization_id=call.organization_id, content=content, model_version="m", usage={}
    )
    batch = start_batch(name="b", calls=[call], actor=houses.ours.agent, organization_id=call.organization_id)
    endpoint = add_endpoint(
        organization=houses.ours.organization,
        actor=houses.ours.admin,
        url="https://crm.example.com/",
        description="",
        kinds=[Kind.CALL_DONE],
    )
    upload = begin_upload(
        organization=houses.ours.organization, actor=houses.ours.reviewer, file_name="a.wav", size_bytes=1
    )
    return {
        "call_id": str(call.pk),
        "job_id": str(Job.objects.get(call=call).pk),
        "action_id": str(Action.objects.get(call=call).pk),
        "batch_id": str(batch.pk),
        "webhook_id": str(endpoint.pk),
        "delivery_id": str(send_test(endpoint=endpoint, actor=houses.ours.admin).pk),
        "upload_id": str(upload.pk),
    }


def _path(item: Operation, ids: dict[str, str]) -> str:
    path = "/" + re.sub(r"{(\w+)}", lambda match: ids[match[1]], item.path)
    return path + QUERIES.get(item.work.__name__, "")


def _ask(person: User, item: Operation, ids: dict[str, str]) -> Any:
    body = BODIES.get(item.work.__name__, {} if item.body else None)
    kind = "application/octet-stream" if item.raw else "application/json"
    return Program(person).ask(item.method, _path(item, ids), body, kind)


@pytest.mark.parametrize("item", WITH_ID, ids=lambda item: item.work.__name__)
def test_only_whom_it_concerns(houses: TwoHouses, item: Operation) -> None:
    ids = _objects(houses)
    if item.path == "uploads/{upload_id}/finish":
        add_part(upload=Upload.objects.get(), offset=0, part=BytesIO(b"x"))
    logged = AccessLog.objects.count()
    strangers = (houses.theirs.agent, houses.theirs.reviewer, houses.theirs.admin, houses.theirs.auditor)
    for stranger in (*strangers, houses.ours.colleague, houses.ours.auditor):
        answer = _ask(stranger, item, ids)
        assert answer.status_code == 404, stranger
        assert answer["Content-Type"] == "application/problem+json"
    assert AccessLog.objects.count() == logged
    assert Call.objects.filter(pk=ids["call_id"]).exists()
    nowhere = dict.fromkeys(ids, str(uuid.uuid4()))
    assert _ask(houses.ours.admin, item, nowhere).status_code == 404
    assert _ask(houses.ours.admin, item, dict.fromkeys(ids, "1")).status_code == 404
    allowed = houses.ours.admin if item.work.__module__ == "apps.api.webhooks" else houses.ours.reviewer
    answer = _ask(allowed, item, ids)
    assert answer.status_code == item.status
    answer.close()


@pytest.mark.parametrize("item", OPERATIONS, ids=lambda item: item.work.__name__)
def test_every_operation_asks_for_a_token_and_its_scope(houses: TwoHouses, item: Operation) -> None:
    ids = {name: str(uuid.uuid4()) for name in re.findall(r"{(\w+)}", item.path)}
    anonymous = Client().generic(item.method, BASE + _path(item, ids))
    assert anonymous.status_code == 401
    assert anonymous["WWW-Authenticate"].startswith("Bearer")
    other = Scope.WRITE if item.scope == Scope.READ else Scope.READ
    refused = Program(houses.ours.admin, other).ask(item.method, _path(item, ids))
    assert (refused.status_code, json.loads(refused.content)["code"]) == (403, "scope_missing")


def test_lists_show_only_what_one_may_see(houses: TwoHouses) -> None:
    ids = _objects(houses)
    for path in ("/calls", "/calls?q=환불", "/batches", "/actions"):
        for role, sees in {"agent": 1, "colleague": 0, "reviewer": 1, "admin": 1}.items():
            assert len(Program(getattr(houses.ours, role)).read(path)["items"]) == sees, (path, role)
            assert Program(getattr(houses.theirs, role)).read(path)["items"] == []
        assert Program(houses.ours.auditor).ask("GET", path).status_code == 404
        assert Program(houses.ours.operator).ask("GET", path).status_code == 401
    answer = Program(houses.theirs.admin).ask("POST", "/batches", {"name": "b", "calls": [ids["call_id"]]})
    assert answer.status_code == 404


def test_every_address_of_the_api_is_an_operation() -> None:
    plain = {pattern.name for pattern in urlpatterns if pattern.name}
    assert plain == {"openapi", "docs"}
    assert len(urlpatterns) == len(plain) + len({item.path for item in OPERATIONS}) + 1


def test_a_session_is_no_token(houses: TwoHouses) -> None:
    client = Client()
    client.force_login(houses.ours.admin)
    assert client.get(f"{BASE}/calls").status_code == 401


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", "Bearer yoyak_x", "Basic eDp5", "Bearer 환불", "x" * 5000])
def test_what_is_no_token_is_refused(db: None, header: str) -> None:
    assert Client().get(f"{BASE}/calls", headers={"authorization": header}).status_code == 401


def test_a_token_ends(houses: TwoHouses) -> None:
    program, row = Program(houses.ours.agent), ApiToken.objects.filter(user=houses.ours.agent)
    assert program.ask("GET", "/calls").status_code == 200
    used = row.get().last_used_at
    assert used is not None and program.token not in str(row.values())
    row.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert program.ask("GET", "/calls").status_code == 401
    row.update(expires_at=timezone.now() + timedelta(days=1))
    Membership.objects.filter(user=houses.ours.agent).delete()
    assert program.ask("GET", "/calls").status_code == 401
    disabled = Program(houses.ours.reviewer)
    type(houses.ours.reviewer).objects.filter(pk=houses.ours.reviewer.pk).update(is_active=False)
    assert disabled.ask("GET", "/calls").status_code == 401


def test_requests_are_counted(houses: TwoHouses, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(throttle, "LIMIT_A_MINUTE", 2)
    monkeypatch.setattr(throttle.time, "time", lambda: 1_000_000.0)
    program = Program(houses.ours.agent)
    left = [program.ask("GET", "/calls")["RateLimit-Remaining"] for _ in range(2)]
    assert left == ["1", "0"]
    refused = program.ask("GET", "/calls")
    assert (refused.status_code, refused["RateLimit-Remaining"]) == (429, "0")
    assert 0 < int(refused["Retry-After"]) <= 60
    assert Program(houses.ours.agent).ask("GET", "/calls").status_code == 200, "another token is not slowed down"


def test_reading_and_searching_are_logged(houses: TwoHouses) -> None:
    ids, program = _objects(houses), Program(houses.ours.reviewer)
    AccessLog.objects.all().delete()
    for path in ("", "/transcript", "/summary"):
        program.read(f"/calls/{ids['call_id']}{path}")
    program.read("/calls?q=환불")
    assert [row.action for row in AccessLog.objects.order_by("pk")] == ["read_call"] * 3 + ["search_calls"]
    assert access_call(houses.ours.reviewer, uuid.UUID(ids["call_id"]))


def test_a_token_from_the_command_line(houses: TwoHouses, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("create_token", houses.ours.agent.username, "--days", "1")
    token = capsys.readouterr().out.strip()
    assert Client().get(f"{BASE}/calls", headers={"authorization": f"Bearer {token}"}).status_code == 200
    assert Client().post(f"{BASE}/calls", headers={"authorization": f"Bearer {token}"}).status_code == 403
    for arguments in (["nobody"], [houses.ours.agent.username, "--days", "0"]):
        with pytest.raises(CommandError):
            call_command("create_token", *arguments)
