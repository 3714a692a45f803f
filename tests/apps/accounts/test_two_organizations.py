"""A person in two organizations: what they add becomes that of the one they work in. Work goes to who works there."""

import json

import pytest
from django.test import Client
from django.utils import timezone

from apps.accounts.models import Membership, Role, Scope
from apps.accounts.selectors import working_members
from apps.accounts.services import create_token
from apps.actions.models import Action
from apps.calls.models import Call
from apps.intake.selectors import members_by_name
from apps.sorting.models import SavedSearch
from tests.apps.api.asking import TURNS, Program
from tests.calls import finished_call
from tests.people import TwoHouses


@pytest.fixture
def both(houses: TwoHouses, client: Client) -> Client:
    """The browser of an agent of both organizations."""
    Membership.objects.create(user=houses.ours.agent, organization=houses.theirs.organization, role=Role.AGENT)
    client.force_login(houses.ours.agent)
    return client


def test_the_head_of_the_page_says_where_one_works(both: Client, houses: TwoHouses) -> None:
    page = both.get("/calls/").content.decode()
    assert f'<option value="{houses.ours.organization.pk}" selected>' in page
    both.post("/sorting/searches/save/", {"name": "전", "query": "q=x"})
    assert both.post("/organization/", {"organization": houses.theirs.organization.pk}).status_code == 303
    assert f'<option value="{houses.theirs.organization.pk}" selected>' in both.get("/calls/").content.decode()
    both.post("/sorting/searches/save/", {"name": "후", "query": "q=x"})
    saved = dict(SavedSearch.objects.values_list("name", "organization"))
    assert saved == {"전": houses.ours.organization.pk, "후": houses.theirs.organization.pk}


def test_nobody_works_where_they_are_no_member(houses: TwoHouses, client: Client) -> None:
    client.force_login(houses.ours.agent)
    for chosen in (houses.theirs.organization.pk, "x", ""):
        assert client.post("/organization/", {"organization": chosen}).status_code == 404
    assert "id_working_in" not in client.get("/calls/").content.decode()


def test_a_token_works_in_its_organization(both: Client, houses: TwoHouses) -> None:
    program, agent = Program(houses.ours.agent), houses.ours.agent
    for house in (houses.ours.organization, houses.theirs.organization):
        program.token = create_token(user=agent, name="t", scopes=tuple(Scope), days=1, organization=house)
        made = json.loads(program.ask("POST", "/calls", {"title": house.name, "turns": TURNS}).content)
        assert Call.objects.get(pk=made["id"]).organization == house


def test_work_goes_to_who_works_there(houses: TwoHouses) -> None:
    action = Action.objects.get(call=finished_call(houses.ours))
    Membership.objects.filter(user=houses.ours.colleague).update(disabled_at=timezone.now())
    working = {houses.ours.agent, houses.ours.reviewer, houses.ours.admin}
    assert set(working_members(houses.ours.organization.pk)) == working
    assert set(members_by_name(houses.ours.organization).values()) == working
    program = Program(houses.ours.agent)
    offered = program.read(f"/actions/{action.pk}/assignees")["items"]
    assert {one["id"] for one in offered} == {str(user.pk) for user in working}
    for user, status in ((houses.ours.reviewer, 200), (houses.ours.auditor, 404), (houses.ours.colleague, 404)):
        assert program.ask("PATCH", f"/actions/{action.pk}", {"assignee": str(user.pk)}).status_code == status
