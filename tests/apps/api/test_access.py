"""Who may do what through the API: every operation with a stranger's token, each role, bad tokens, missing scopes."""

import json
import re
import uuid
from collections.abc import Iterator
from datetime import timedelta
from io import BytesIO
from typing import Any

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from apps.accounts.invitations import invite
from apps.accounts.models import AccessLog, ApiToken, Invitation, Membership, Role, Scope, Team, User
from apps.actions.models import Action
from apps.api import throttle
from apps.api.operations import Operation
from apps.api.urls import OPERATIONS, urlpatterns
from apps.calls.models import Call
from apps.calls.selectors import access_call
from apps.intake.imports import begin_import
from apps.jobs.batches import start_batch
from apps.jobs.models import Batch, Job
from apps.sorting.services import save_search
from apps.summaries.models import Summary
from apps.summary_templates.services import add_template, request_preview
from apps.training.models import RetrainRequest
from apps.uploads.models import Upload
from apps.uploads.services import add_part, begin_upload
from apps.webhooks.models import Kind
from apps.webhooks.services import add_endpoint, send_test
from model_core.registry.store import open_registry
from tests.apps import access
from tests.apps.api.asking import BASE, Program
from tests.calls import LINES, finished_call
from tests.models import checkpoint_of
from tests.people import TwoHouses, other_teams_reviewer
from workers.contracts.template import TemplateSpec

WITH_ID = [item for item in OPERATIONS if "{" in item.path]
WITHOUT_ID = [item for item in OPERATIONS if "{" not in item.path]
SUMMARY = {"title": "t", "one_line": {"text": "x"}, "seen": 1}
BODIES: dict[str, Any] = {
    "put_summary": SUMMARY,
    "correct_version": SUMMARY,
    "change_action": {"done": True},
    "create_call": {"title": "t", "turns": [{"text": "x"}]},
    "create_webhook": {"url": "https://crm.example.com/", "kinds": ["call.done"]},
    "change_webhook": {"url": "https://crm.example.com/", "kinds": ["call.done"], "enabled": True},
    "put_part": b"x",
    "change_line": {"before": LINES[0][1], "text": "안녕하세요."},
    "put_names": {"names": {"A": "김 상담원"}},
    "create_template": {"name": "t", "spec": {}},
    "change_template": {"name": "t", "spec": {}},
    "set_default": {"on": True},
    "create_search": {"name": "t", "filter": {"q": "x"}},
    "create_team": {"name": "t"},
    "create_invitation": {"note": "t", "role": "agent"},
    "change_organization": {"require_totp": True},
    "create_batch": {"name": "b", "filter": {}},
    "batch_estimate": {"filter": {}},
    "tag_calls": {"name": "t", "filter": {}},
    "untag_calls": {"name": "t", "filter": {}},
    "put_import_file": b"x",
    "use_model": {"checkpoint": None},
    "create_upload": {"file_name": "a.wav", "size_bytes": 1},
}
QUERIES = {"put_part": "?offset=0", "put_import_file": "?name=a.wav"}
# What is the organization's and not one call's: a colleague finds it too.
SHARED = {"read_template", "list_template_versions", "run_search"}


@pytest.fixture(autouse=True)
def _shipped_model() -> Iterator[None]:
    """Leave the shipped model in use, whatever a test has chosen."""
    yield
    open_registry(settings.ENV.registry_url).clear_alias("production")


def _allowed(item: Operation) -> frozenset[str]:
    return access.OPERATIONS[item.work.__name__]


def _objects(houses: TwoHouses) -> dict[str, str]:
    """Make one of everything that an address can name, of our agent's, and return the ids by name."""
    house = houses.ours
    call = finished_call(house)
    batch = start_batch(name="b", calls=[call], actor=house.agent, organization_id=call.organization_id)
    endpoint = add_endpoint(
        organization=house.organization,
        actor=house.admin,
        url="https://crm.example.com/",
        description="",
        kinds=[Kind.CALL_DONE],
    )
    upload = begin_upload(organization=house.organization, actor=house.reviewer, file_name="a.wav", size_bytes=1)
    template = add_template(organization=house.organization, name="방문", spec=TemplateSpec(), actor=house.admin)
    preview = request_preview(call=call, name="방문", spec=TemplateSpec(), actor=house.admin)
    search = save_search(organization=house.organization, name="s", query="q=요금", shared=True, actor=house.agent)
    checkpoint_of(house)
    invite(organization=house.organization, note="n", role=Role.AGENT, team=None, actor=house.admin)
    table = b"file\na.wav\n"
    objects = {
        "import_id": begin_import(organization=house.organization, actor=house.admin, name="i", table=table).pk,
        "call_id": call.pk,
        "number": 1,
        "job_id": Job.objects.filter(call=call).latest("created_at").pk,
        "action_id": Action.objects.get(call=call).pk,
        "summary_id": Summary.objects.get(call=call).pk,
        "batch_id": batch.pk,
        "webhook_id": endpoint.pk,
        "delivery_id": send_test(endpoint=endpoint, actor=house.admin).pk,
        "upload_id": upload.pk,
        "template_id": template.pk,
        "preview_id": preview.pk,
        "search_id": search.pk,
        "request_id": RetrainRequest.objects.get().pk,
        "membership_id": Membership.objects.get(user=house.colleague).pk,
        "team_id": Team.objects.create(organization=house.organization, name="빈 팀").pk,
        "invitation_id": Invitation.objects.get().pk,
    }
    return {name: str(key) for name, key in objects.items()}


def _moved(houses: TwoHouses, call_id: str) -> tuple[User, Batch]:
    """Return somebody who reviewed the call and made a batch of it, and is an agent by now."""
    call, moved = Call.objects.get(pk=call_id), User.objects.create_user("옮긴 사람")
    place = Membership.objects.create(user=moved, organization=call.organization, role=Role.REVIEWER)
    batch = start_batch(name="b", calls=[call], actor=moved, organization_id=call.organization_id)
    Membership.objects.filter(pk=place.pk).update(role=Role.AGENT)
    return moved, batch


def _path(item: Operation, ids: dict[str, str]) -> str:
    path = "/" + re.sub(r"{(\w+)}", lambda match: ids[match[1]], item.path)
    return path + QUERIES.get(item.work.__name__, "")


def _ask(person: User, item: Operation, ids: dict[str, str]) -> Any:
    if item.form is not None and item.body is None:
        return Program(person).send(_path(item, ids), file=SimpleUploadedFile("a.csv", b"file\na.wav\n"))
    body = BODIES.get(item.work.__name__, {} if item.body else None)
    if item.work.__name__ == "create_preview":
        body = {"call": ids["call_id"], "spec": {}}
    kind = "application/octet-stream" if item.raw else "application/json"
    return Program(person).ask(item.method, _path(item, ids), body, kind)


def test_every_operation_stands_in_the_table() -> None:
    assert {item.work.__name__ for item in OPERATIONS} == access.OPERATIONS.keys()


@pytest.mark.parametrize("item", WITH_ID, ids=lambda item: item.work.__name__)
def test_only_whom_it_concerns(houses: TwoHouses, item: Operation) -> None:
    ids = _objects(houses)
    if item.path == "uploads/{upload_id}/finish":
        add_part(upload=Upload.objects.get(), offset=0, part=BytesIO(b"x"))
    logged, allowed = AccessLog.objects.count(), _allowed(item)
    strangers = [houses.theirs.agent, houses.theirs.reviewer, houses.theirs.admin, houses.theirs.auditor]
    strangers += [] if item.work.__name__ in SHARED else [houses.ours.colleague]
    for stranger in (*strangers, houses.ours.auditor):
        answer = _ask(stranger, item, ids)
        assert answer.status_code == 404, stranger
        assert answer["Content-Type"] == "application/problem+json"
    assert AccessLog.objects.count() == logged
    if item.work.__name__ not in SHARED:
        moved, batch = _moved(houses, ids["call_id"])
        for outsider in (moved, other_teams_reviewer(houses.ours)):
            assert _ask(outsider, item, ids).status_code == 404, outsider
        assert _ask(moved, item, ids | {"batch_id": str(batch.pk)}).status_code == 404
    assert Call.objects.filter(pk=ids["call_id"]).exists()
    nowhere = dict.fromkeys(ids, str(uuid.uuid4()))
    assert _ask(houses.ours.admin, item, nowhere).status_code == 404
    assert _ask(houses.ours.admin, item, dict.fromkeys(ids, "x")).status_code == 404
    person = "reviewer" if "reviewer" in allowed else min(allowed)
    answer = _ask(getattr(houses.ours, person), item, ids)
    assert answer.status_code == item.status, b"".join(answer)
    answer.close()


@pytest.mark.parametrize("item", WITHOUT_ID, ids=lambda item: item.work.__name__)
def test_each_role_asks_what_is_theirs(houses: TwoHouses, item: Operation) -> None:
    ids = _objects(houses)
    for role in ("auditor", "agent", "reviewer", "admin", "operator"):
        logged = AccessLog.objects.count()
        answer = _ask(getattr(houses.ours, role), item, ids)
        assert answer.status_code < 500
        assert (answer.status_code == 404) != (role in _allowed(item)), (role, b"".join(answer))
        assert role in _allowed(item) or AccessLog.objects.count() == logged
    answer = _ask(houses.theirs.admin, item, ids)
    assert "요금" not in b"".join(answer).decode(), "lists hold nothing of another organization"


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
    for path in ("/calls", "/calls?q=요금", "/batches", "/actions"):
        for role, sees in {"agent": 1, "colleague": 0, "reviewer": 1, "admin": 1}.items():
            assert len(Program(getattr(houses.ours, role)).read(path)["items"]) == sees, (path, role)
            assert Program(getattr(houses.theirs, role)).read(path)["items"] == []
        assert Program(houses.ours.auditor).ask("GET", path).status_code == 404
        assert Program(houses.ours.operator).ask("GET", path).status_code == 404
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
    program.read("/calls?q=요금")
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
