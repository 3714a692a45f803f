"""Action items through the API: listing, changing, and refusing what is no member or no day."""

import json

import pytest

from apps.actions.models import Action
from tests.apps.api.asking import Program
from tests.calls import finished_call
from tests.people import TwoHouses


@pytest.fixture
def action(houses: TwoHouses) -> Action:
    finished_call(houses.ours)
    return Action.objects.get()


def test_a_program_works_through_the_inbox(houses: TwoHouses, action: Action) -> None:
    program = Program(houses.ours.agent)
    listed = program.read("/actions?whose=mine&state=open&due=today")["items"]
    assert [item["id"] for item in listed] == [str(action.pk)]
    assert (listed[0]["evidence"], listed[0]["due_time"]) == ([3], "15:00:00")
    changes = {"done": True, "assignee": str(houses.ours.colleague.pk), "due_on": "2030-01-02"}
    changed = json.loads(program.ask("PATCH", f"/actions/{action.pk}", changes).content)
    assert changed["done_at"] and changed["due_on"] == "2030-01-02"
    assert changed["assignee"] == str(houses.ours.colleague.pk)
    assert program.read("/actions?whose=mine")["items"] == []
    back = json.loads(program.ask("PATCH", f"/actions/{action.pk}", {"done": False, "assignee": None}).content)
    assert (back["done_at"], back["assignee"], back["due_on"]) == (None, None, "2030-01-02")
    assert action.events.count() == 5


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"due_on": "2026-02-31"}, 422),
        ({"done": "yes"}, 422),
        ({"title": "x"}, 422),
        ({"assignee": "김"}, 422),
        ([], 422),
    ],
)
def test_what_makes_no_sense_is_refused(houses: TwoHouses, action: Action, body: object, status: int) -> None:
    assert Program(houses.ours.agent).ask("PATCH", f"/actions/{action.pk}", body).status_code == status
    assert not action.events.exists()


def test_strangers_are_no_members(houses: TwoHouses, action: Action) -> None:
    body = {"assignee": str(houses.theirs.agent.pk)}
    assert Program(houses.ours.agent).ask("PATCH", f"/actions/{action.pk}", body).status_code == 404
    assert Program(houses.ours.agent).ask("GET", "/actions?due=soon").status_code == 422
