"""Every address of the project, asked by people who may not: strangers of another organization, colleagues, nobody.

The addresses are read from the URL resolver, so a new route without a place in these tests fails them.
"""

import json
import re
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from django.apps import apps
from django.contrib import admin
from django.core import serializers
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from apps.accounts.models import AccessLog, User
from apps.actions.models import Action
from apps.calls.models import Call
from apps.jobs.models import Batch
from apps.jobs.services import start_batch
from apps.sorting.services import add_tag, save_search
from apps.summaries.models import Summary
from apps.summaries.services import approve_summary
from apps.summary_templates.services import add_template, request_preview
from apps.training.models import RetrainRequest
from apps.uploads.services import begin_upload
from apps.webhooks.models import Kind
from apps.webhooks.services import add_endpoint, send_test
from tests.calls import finished_call
from tests.people import TwoHouses
from workers.contracts.template import TemplateSpec

PUBLIC = {"login", "core:healthz", "core:readyz", "core:set_language"}
# Addresses that name no object: a stranger may ask and sees only what is their own.
OWN = {"core:home", "logout", "jobs:batches", "jobs:prepare", "jobs:start", "actions:list", "uploads:begin"} | {
    f"calls:{page}" for page in ("list", "live", "upload", "export_table")
}
OWN |= {"sorting:tag_many", "sorting:searches", "sorting:save", "summary_templates:list", "summary_templates:batch"}
OWN |= {"insights:ledger", "insights:ledger_csv"}
ADMINISTRATORS = {"training:overview", "training:start", "training:use_shipped", "webhooks:list"}
ADMINISTRATORS |= {"summary_templates:new", "summary_templates:preview"}
# The admin is asked below, the API by the tests beside it.
ELSEWHERE = {"admin", "api"}
OBJECTS = {"action_id", "call_id", "batch_id", "summary_id", "request_id", "template_id", "preview_id", "search_id"}
OBJECTS |= {"endpoint_id", "delivery_id", "upload_id"}
# What addresses name besides objects: the form of a file, a line of a transcript.
FORMS: dict[str, Any] = {"name": "txt", "number": 1}
TITLE = "남이 보면 안 되는 통화"


def _routes(resolver: URLResolver, prefix: str = "") -> Iterator[tuple[str, set[str]]]:
    for pattern in resolver.url_patterns:
        if isinstance(pattern, URLPattern):
            yield prefix + str(pattern.name), set(pattern.pattern.converters)
        elif pattern.namespace not in ELSEWHERE:
            yield from _routes(pattern, f"{pattern.namespace}:" if pattern.namespace else prefix)


ROUTES = dict(_routes(get_resolver()))
OBJECT_ROUTES = sorted(name for name, names in ROUTES.items() if names)


def _admin_addresses() -> list[str]:
    addresses = [reverse("admin:index"), reverse("admin:password_change"), "/admin/accounts/", "/admin/none/of/these/"]
    for model in admin.site._registry:
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        addresses += [reverse(f"{name}_{page}") for page in ("changelist", "add")]
        addresses += [reverse(f"{name}_{page}", args=["1"]) for page in ("change", "delete", "history")]
    return addresses


@pytest.fixture
def ours(houses: TwoHouses) -> dict[str, uuid.UUID]:
    """Something of everything in one organization, by the name that addresses give it."""
    call = finished_call(houses.ours, title=TITLE)
    made = Summary.objects.get(call=call)
    approve_summary(summary=made, actor=houses.ours.reviewer)
    batch = start_batch(name=TITLE, calls=[call], actor=houses.ours.agent, organization_id=houses.ours.organization.pk)
    run = RetrainRequest.objects.create(
        organization=houses.ours.organization, run_id=uuid.uuid4(), recipe="demo", approved_pairs=1
    )
    house, spec = houses.ours, TemplateSpec()
    template = add_template(organization=house.organization, name=TITLE, spec=spec, actor=house.admin)
    preview = request_preview(call=call, name=TITLE, spec=spec, actor=house.admin)
    add_tag(calls=[call], name=TITLE, actor=house.agent)
    search = save_search(organization=house.organization, name=TITLE, query="q=x", shared=True, actor=house.agent)
    action = Action.objects.get(call=call)
    ids = {"action_id": action.pk, "template_id": template.pk, "preview_id": preview.pk, "search_id": search.pk}
    endpoint = add_endpoint(
        organization=houses.ours.organization,
        actor=houses.ours.admin,
        url="https://crm.example.com/",
        description=TITLE,
        kinds=[Kind.CALL_DONE],
    )
    upload = begin_upload(organization=houses.ours.organization, actor=houses.ours.agent, file_name=TITLE, size_bytes=1)
    ids |= {"endpoint_id": endpoint.pk, "upload_id": upload.pk}
    ids |= {"delivery_id": send_test(endpoint=endpoint, actor=houses.ours.admin).pk}
    return ids | {"call_id": call.pk, "batch_id": batch.pk, "summary_id": made.pk, "request_id": run.pk}


def _everything() -> list[Any]:
    """Return every row but those of the access log and the sessions."""
    skipped = {"AccessLog", "Session"}
    rows = [model.objects.order_by("pk") for model in apps.get_models() if model.__name__ not in skipped]
    return [row for query in rows for row in json.loads(serializers.serialize("json", query))]


def _ask(client: Client, name: str, ours: dict[str, uuid.UUID]) -> list[int]:
    address = reverse(name, kwargs={key: (ours | FORMS)[key] for key in ROUTES[name]})
    return [client.get(address).status_code, client.post(address, {"title": "x", "approve": "1"}).status_code]


def test_every_route_is_accounted_for() -> None:
    assert {name for name, names in ROUTES.items() if not names} == PUBLIC | OWN | ADMINISTRATORS
    assert set().union(*ROUTES.values()) == OBJECTS | FORMS.keys()
    assert len(OBJECT_ROUTES) > 12


@pytest.mark.parametrize("name", OBJECT_ROUTES)
@pytest.mark.parametrize("role", ["agent", "reviewer", "admin"])
def test_a_stranger_finds_nothing(
    houses: TwoHouses, ours: dict[str, uuid.UUID], client: Client, name: str, role: str
) -> None:
    client.force_login(getattr(houses.theirs, role))
    before = _everything()
    statuses = _ask(client, name, ours)
    assert 404 in statuses and set(statuses) <= {404, 405}
    assert _everything() == before, "a refused request changes nothing"


@pytest.mark.parametrize("name", OBJECT_ROUTES)
def test_an_agent_finds_nothing_of_a_colleague(
    houses: TwoHouses, ours: dict[str, uuid.UUID], client: Client, name: str
) -> None:
    client.force_login(houses.ours.colleague)
    statuses = _ask(client, name, ours)
    assert 404 in statuses and set(statuses) <= {404, 405}


@pytest.mark.parametrize("name", sorted(set(ROUTES) - PUBLIC))
def test_nobody_is_sent_to_the_login(ours: dict[str, uuid.UUID], client: Client, name: str) -> None:
    before = _everything()
    address = reverse(name, kwargs={key: (ours | FORMS)[key] for key in ROUTES[name]})
    answers = [client.get(address), client.post(address)]
    for answer in answers:
        assert answer.status_code == 405 or (answer.status_code == 302 and answer["Location"].startswith("/login/"))
    assert any(answer.status_code == 302 for answer in answers)
    assert _everything() == before


@pytest.mark.parametrize("name", sorted(OWN - {"logout"}))
def test_lists_hold_nothing_of_another_organization(
    houses: TwoHouses, ours: dict[str, uuid.UUID], client: Client, name: str
) -> None:
    client.force_login(houses.theirs.admin)
    question = {"id": str(ours["call_id"]), "calls": str(ours["call_id"]), "q": TITLE}
    before = _everything()
    for answer in (client.get(reverse(name), question), client.post(reverse(name), question)):
        shown = re.sub(r'name="(next|q)" value="[^"]*"', "", b"".join(answer).decode())
        assert TITLE not in shown
        assert str(ours["call_id"]) not in shown
    assert _everything() == before


_TEMPLATE_ROUTES = {name for name, names in ROUTES.items() if "template_id" in names}
_HOUSE_ROUTES = {name for name in OBJECT_ROUTES if name.startswith(("training:", "webhooks:"))}


@pytest.mark.parametrize("name", sorted(ADMINISTRATORS | _HOUSE_ROUTES | _TEMPLATE_ROUTES))
@pytest.mark.parametrize("role", ["agent", "reviewer"])
def test_training_templates_and_webhooks_are_for_administrators(
    houses: TwoHouses, ours: dict[str, uuid.UUID], client: Client, name: str, role: str
) -> None:
    client.force_login(getattr(houses.ours, role))
    assert 404 in _ask(client, name, ours)
    shown = client.get("/calls/").content.decode()
    assert "/training/" not in shown and "/webhooks/" not in shown


@pytest.mark.parametrize("address", _admin_addresses())
def test_the_admin_is_for_staff(houses: TwoHouses, client: Client, address: str) -> None:
    for person in (None, houses.ours.admin):
        if person is not None:
            client.force_login(person)
        answer = client.get(address)
        assert answer.status_code == 302 and "login" in answer["Location"]


def test_a_person_without_organization_sees_nothing(ours: dict[str, uuid.UUID], client: Client) -> None:
    client.force_login(User.objects.create_user("손님", password="correct horse battery"))
    assert TITLE not in client.get("/calls/").content.decode()
    assert client.get(f"/calls/{ours['call_id']}/").status_code == 404


def test_a_person_who_left_is_out(houses: TwoHouses, ours: dict[str, uuid.UUID], client: Client) -> None:
    client.force_login(houses.ours.agent)
    User.objects.filter(pk=houses.ours.agent.pk).update(is_active=False)
    assert client.get(f"/calls/{ours['call_id']}/").status_code == 302


@pytest.mark.parametrize("role", ["agent", "reviewer", "admin"])
def test_the_people_of_the_house_see_it(
    houses: TwoHouses, ours: dict[str, uuid.UUID], client: Client, role: str
) -> None:
    client.force_login(getattr(houses.ours, role))
    assert TITLE in client.get("/calls/").content.decode()
    assert client.get(f"/calls/{ours['call_id']}/").status_code == 200
    assert client.get(f"/batches/{ours['batch_id']}/").status_code == 200
    assert client.get(f"/summaries/{ours['summary_id']}/correct/").status_code == 200


def test_what_is_read_is_written_down(houses: TwoHouses, ours: dict[str, uuid.UUID], client: Client) -> None:
    client.force_login(houses.ours.reviewer)
    client.get(f"/calls/{ours['call_id']}/")
    client.get(f"/calls/{ours['call_id']}/audio/")
    client.get("/calls/", {"q": "요금"})
    rows = AccessLog.objects.filter(actor=houses.ours.reviewer).values_list("action", "object_id")
    assert {("read_call", ours["call_id"]), ("play_recording", ours["call_id"])} <= set(rows)
    assert ("search_calls", houses.ours.organization.pk) in set(rows)
    assert Call.objects.count() == 1 and Batch.objects.count() == 1
