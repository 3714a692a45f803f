"""Every route of the pages, asked with every method by every role of two organizations, and by nobody.

The routes are read from the URL resolver; who may open them stands in `access.PAGES`, the whole of it.
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
from django.db import transaction
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from apps.accounts.invitations import invite
from apps.accounts.models import AccessLog, ApiToken, Invitation, Membership, Role, Scope, Team, User
from apps.accounts.services import create_token
from apps.actions.models import Action
from apps.calls.models import Call
from apps.intake.imports import begin_import
from apps.jobs.batches import start_batch
from apps.jobs.models import Batch
from apps.sorting.services import add_tag, save_search
from apps.summaries.models import Summary
from apps.summaries.services import approve_summary
from apps.summary_templates.services import add_template, request_preview
from apps.training.models import RetrainRequest
from apps.uploads.services import begin_upload
from apps.webhooks.models import Kind
from apps.webhooks.services import add_endpoint, send_test
from tests.apps.access import EVERYBODY, MEMBERS, PAGES, PUBLIC
from tests.calls import finished_call
from tests.people import TwoHouses, other_teams_reviewer
from workers.contracts.template import TemplateSpec

# Of these routes there is nothing before the second factor is set up.
AFTER_SETUP = {"mfa_deactivate_totp", "mfa_view_recovery_codes", "mfa_download_recovery_codes"}
# The admin is asked below, the API by the tests beside it.
ELSEWHERE = {"admin", "api"}
OBJECTS = {"call_id", "batch_id", "summary_id", "request_id", "membership_id", "organization_id", "invitation_id"} | {
    *(
        "import_id",
        "token_id",
        "team_id",
        "action_id",
        "template_id",
        "preview_id",
        "search_id",
        "endpoint_id",
        "delivery_id",
        "upload_id",
    ),
}
# What addresses name besides objects: the form of a file, a line, the secret of a link, the company login.
FORMS = {"name": "txt", "number": 1, "token": "nothing", "provider_id": "company"}
# Administrators try every method; the others what the product answers.
METHODS = ("GET", "POST", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS")
USED = METHODS[:2]
TITLE = "남이 보면 안 되는 통화"


def _routes(resolver: URLResolver, prefix: str = "") -> Iterator[tuple[str, set[str]]]:
    for pattern in resolver.url_patterns:
        if isinstance(pattern, URLPattern):
            yield prefix + str(pattern.name), set(pattern.pattern.converters)
        elif pattern.namespace not in ELSEWHERE:
            yield from _routes(pattern, f"{pattern.namespace}:" if pattern.namespace else prefix)


_FOUND = list(_routes(get_resolver()))
ROUTES = dict(_FOUND)
OBJECT_ROUTES = sorted(name for name, names in ROUTES.items() if names & OBJECTS)
# Pages of an organization that name no object: a stranger sees their own there.
LISTS = sorted(name for name in PAGES.keys() - {*OBJECT_ROUTES} if PAGES[name] <= MEMBERS)


def address_of(name: str, ours: dict[str, Any]) -> str:
    return reverse(name, kwargs={key: (FORMS | ours)[key] for key in ROUTES[name]})


def _admin_addresses() -> list[str]:
    addresses = [reverse("admin:index"), reverse("admin:password_change"), "/admin/accounts/", "/admin/none/of/these/"]
    for model in admin.site._registry:
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        addresses += [reverse(f"{name}_{page}") for page in ("changelist", "add")]
        addresses += [reverse(f"{name}_{page}", args=["1"]) for page in ("change", "delete", "history")]
    return addresses


@pytest.fixture
def ours(houses: TwoHouses) -> dict[str, Any]:
    """Something of everything in one organization, by the name that addresses give it."""
    house = houses.ours.organization
    invite(organization=house, note=TITLE, role=Role.AGENT, team=None, actor=houses.ours.admin)
    call = finished_call(houses.ours, title=TITLE)
    made = Summary.objects.get(call=call)
    approve_summary(summary=made, actor=houses.ours.reviewer)
    batch = start_batch(name=TITLE, calls=[call], actor=houses.ours.agent, organization_id=houses.ours.organization.pk)
    run = RetrainRequest.objects.create(
        organization=houses.ours.organization, run_id=uuid.uuid4(), recipe="demo", approved_pairs=1
    )
    spec = TemplateSpec()
    template = add_template(organization=house, name=TITLE, spec=spec, actor=houses.ours.admin)
    preview = request_preview(call=call, name=TITLE, spec=spec, actor=houses.ours.admin)
    add_tag(calls=[call], name=TITLE, actor=houses.ours.agent)
    search = save_search(organization=house, name=TITLE, query="q=x", shared=True, actor=houses.ours.agent)
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
    table = b"file\na.wav\n"
    create_token(user=houses.ours.agent, name=TITLE, scopes=[Scope.READ], days=1)
    ids |= {"token_id": ApiToken.objects.get().pk}
    ids |= {"import_id": begin_import(organization=house, actor=houses.ours.admin, name=TITLE, table=table).pk}
    ids |= {"endpoint_id": endpoint.pk, "upload_id": upload.pk}
    ids |= {"delivery_id": send_test(endpoint=endpoint, actor=houses.ours.admin).pk}
    ids |= {"membership_id": Membership.objects.get(user=houses.ours.colleague).pk, "organization_id": house.pk}
    ids |= {
        "invitation_id": Invitation.objects.get().pk,
        "team_id": Team.objects.create(organization=house, name="빈 팀").pk,
    }
    return ids | {"call_id": call.pk, "batch_id": batch.pk, "summary_id": made.pk, "request_id": run.pk}


def _everything() -> list[Any]:
    """Return every row but those of the access log and the sessions."""
    skipped = {"AccessLog", "Session"}
    rows = [model.objects.order_by("pk") for model in apps.get_models() if model.__name__ not in skipped]
    return [row for query in rows for row in json.loads(serializers.serialize("json", query))]


def _ask(
    client: Client, name: str, ours: dict[str, Any], methods: tuple[str, ...] = USED, *, undo: bool = True
) -> dict[str, int]:
    """Return how each method is answered, 401 by being sent to the login. What a request changes is undone before the
    next if asked for."""
    fields = {"title": "x", "approve": "1", "role": "admin", "note": "x", "call": str(ours["call_id"])}
    fields |= {"organization": str(ours["organization_id"])}
    statuses = {}
    for method in methods:
        data = fields if method == "POST" else None
        with transaction.atomic():
            answer = getattr(client, method.lower())(address_of(name, ours), data)
            statuses[method] = 401 if answer.headers.get("Location", "").startswith("/login/") else answer.status_code
            transaction.set_rollback(undo)
    return statuses


def test_every_route_stands_in_the_table() -> None:
    assert ROUTES.keys() == PAGES.keys()
    assert len(_FOUND) == len(ROUTES), "a second route of one name would hide behind the first"
    assert set().union(*ROUTES.values()) == OBJECTS | FORMS.keys()


@pytest.mark.parametrize("name", sorted(name for name, roles in PAGES.items() if roles != PUBLIC))
def test_the_table_holds(houses: TwoHouses, ours: dict[str, Any], name: str) -> None:
    """Those who may not come first and change nothing; of what the others change nothing is left."""
    asking = [(house, role) for house in ("ours", "theirs") for role in sorted(EVERYBODY)] + [("", "nobody")]
    clients = {who: _client(houses, *who) for who in asking}
    allowed = [who for who in asking if _may(*who, name)]
    before, logged = _everything(), AccessLog.objects.count()
    for house, role in (who for who in asking if who not in allowed):
        methods, refusal = METHODS if role == "admin" else USED, 401 if role == "nobody" else 404
        statuses = set(_ask(clients[house, role], name, ours, methods, undo=False).values())
        assert refusal in statuses and statuses <= {refusal, 405}, (house, role, statuses)
    assert _everything() == before, "a refused request changes nothing"
    assert AccessLog.objects.count() == logged
    for house, role in allowed:
        methods = METHODS if (house, role) == ("ours", "admin") else USED
        statuses = _ask(clients[house, role], name, ours, methods)
        assert not any(status >= 500 for status in statuses.values()), (house, role, statuses)
        if house == "ours":
            opened = any(statuses[method] < 400 or statuses[method] == 422 for method in USED)
            assert opened != (name in AFTER_SETUP), (role, statuses)


def _may(house: str, role: str, name: str) -> bool:
    """Tell whether the table lets somebody in: to objects only those of the organization that has them."""
    return role in PAGES[name] and (house != "theirs" or not ROUTES[name] & OBJECTS)


def _client(houses: TwoHouses, house: str, role: str) -> Client:
    client = Client()
    if house:
        client.force_login(getattr(getattr(houses, house), role))
    return client


@pytest.mark.parametrize("name", OBJECT_ROUTES)
def test_whoever_was_moved_or_reviews_others_finds_nothing(houses: TwoHouses, ours: dict[str, Any], name: str) -> None:
    moved, call = houses.ours.reviewer, Call.objects.get()
    theirs = start_batch(name=TITLE, calls=[call], actor=moved, organization_id=call.organization_id)
    Membership.objects.filter(user=moved).update(role=Role.AGENT)
    asking = {moved: ours | {"batch_id": theirs.pk}, other_teams_reviewer(houses.ours): ours}
    clients = {user: Client() for user in asking}
    for user, client in clients.items():
        client.force_login(user)
    before = _everything()
    for user, known in asking.items():
        statuses = set(_ask(clients[user], name, known, undo=False).values())
        assert 404 in statuses and statuses <= {404, 405}, (user, statuses)
    assert _everything() == before, "a refused request changes nothing"


@pytest.mark.parametrize("name", LISTS)
def test_lists_hold_nothing_of_another_organization(
    houses: TwoHouses, ours: dict[str, Any], client: Client, name: str
) -> None:
    client.force_login(houses.theirs.admin)
    question = {"id": str(ours["call_id"]), "calls": str(ours["call_id"]), "q": TITLE}
    before = _everything()
    for answer in (client.get(reverse(name), question), client.post(reverse(name), question)):
        shown = re.sub(r'name="(next|q)" value="[^"]*"', "", b"".join(answer).decode())
        assert TITLE not in shown
        assert str(ours["call_id"]) not in shown
    assert _everything() == before


@pytest.mark.parametrize("role", sorted(EVERYBODY))
def test_the_menu_shows_what_one_may_open(houses: TwoHouses, client: Client, role: str) -> None:
    client.force_login(getattr(houses.ours, role))
    menu = client.get("/account/").content.decode()
    for name in ("calls:list", "training:overview", "members:list", "members:log", "core:installation"):
        assert (f'href="{reverse(name)}"' in menu) == (role in PAGES[name]), name
    assert client.get("/", follow=True).status_code == 200


@pytest.mark.parametrize("address", _admin_addresses())
def test_the_admin_is_for_staff(houses: TwoHouses, client: Client, address: str) -> None:
    answer = client.get(address)
    assert answer.status_code == 302 and "/login/" in answer["Location"]
    for role in sorted(EVERYBODY):
        client.force_login(getattr(houses.ours, role))
        answer = client.get(address, follow=True)
        assert answer.status_code == 403, role


def test_a_person_without_organization_sees_nothing(ours: dict[str, Any], client: Client) -> None:
    client.force_login(User.objects.create_user("손님", password="correct horse battery"))
    assert TITLE not in client.get("/calls/").content.decode()
    assert client.get(f"/calls/{ours['call_id']}/").status_code == 404


def test_a_person_who_left_is_out(houses: TwoHouses, ours: dict[str, Any], client: Client) -> None:
    client.force_login(houses.ours.agent)
    User.objects.filter(pk=houses.ours.agent.pk).update(is_active=False)
    assert client.get(f"/calls/{ours['call_id']}/").status_code == 302


@pytest.mark.parametrize("role", ["agent", "reviewer", "admin"])
def test_the_people_of_the_house_see_it(houses: TwoHouses, ours: dict[str, Any], client: Client, role: str) -> None:
    client.force_login(getattr(houses.ours, role))
    assert TITLE in client.get("/calls/").content.decode()
    assert client.get(f"/calls/{ours['call_id']}/").status_code == 200
    assert client.get(f"/batches/{ours['batch_id']}/").status_code == 200
    assert client.get(f"/summaries/{ours['summary_id']}/correct/").status_code == 200


def test_what_is_read_is_written_down(houses: TwoHouses, ours: dict[str, Any], client: Client) -> None:
    client.force_login(houses.ours.reviewer)
    client.get(f"/calls/{ours['call_id']}/")
    client.get(f"/calls/{ours['call_id']}/audio/")
    client.get("/calls/", {"q": "요금"})
    rows = AccessLog.objects.filter(actor=houses.ours.reviewer).values_list("action", "object_id")
    assert {("read_call", ours["call_id"]), ("play_recording", ours["call_id"])} <= set(rows)
    assert ("search_calls", houses.ours.organization.pk) in set(rows)
    house, number = houses.ours.organization.pk, AccessLog.objects.count()
    client.get(f"/calls/{ours['call_id']}/audio/", headers={"range": "bytes=10-20"})
    assert AccessLog.objects.count() == number, "one listening is one line, however many pieces a player asks for"
    for address, line in (
        (f"/summaries/{ours['summary_id']}/correct/", ("read_call", ours["call_id"])),
        (f"/transcripts/{ours['call_id']}/1/", ("read_call", ours["call_id"])),
        ("/actions/", ("read_actions", house)),
        (f"/batches/{ours['batch_id']}/report.csv", ("export_report", ours["batch_id"])),
        ("/calls/export.csv?q=없는말", ("search_calls", house)),
    ):
        assert client.get(address).status_code == 200
        assert AccessLog.objects.values_list("action", "object_id").latest("pk") == line
    assert Call.objects.count() == 1 and Batch.objects.count() == 1


def test_a_search_is_written_down_wherever_it_looks(houses: TwoHouses, client: Client) -> None:
    Membership.objects.create(user=houses.ours.agent, organization=houses.theirs.organization, role=Role.AGENT)
    client.force_login(houses.ours.agent)
    client.get("/calls/", {"q": "요금"})
    searched = AccessLog.objects.filter(action="search_calls").values_list("organization", flat=True)
    assert set(searched) == {houses.ours.organization.pk, houses.theirs.organization.pk}
