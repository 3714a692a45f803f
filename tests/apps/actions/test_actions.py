"""The inbox of action items over HTTP: what is there, who sees it, what people do, and what a new summary leaves."""

from datetime import timedelta

import pytest
from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from apps.accounts.models import AccessLog
from apps.actions.models import Action, ActionEvent
from apps.actions.services import assign_action, set_due
from apps.calls.models import Call
from apps.search.models import SearchDocument
from apps.summaries.models import Summary
from apps.summaries.services import correct_summary
from tests.calls import finished_call, summarize, summary
from tests.people import TwoHouses
from workers.contracts.summary import ActionItem

WHAT = "확인 후 다시 전화"


@pytest.fixture
def action(houses: TwoHouses) -> Action:
    finished_call(houses.ours)
    finished_call(houses.theirs, title="남의 통화")
    return Action.objects.get(organization=houses.ours.organization)


@pytest.fixture
def agent(houses: TwoHouses, client: Client) -> Client:
    client.force_login(houses.ours.agent)
    return client


def _again(call: Call, *items: ActionItem) -> None:
    summarize(call, summary().model_copy(update={"actions": items}))


def _shown(client: Client, query: str = "") -> str:
    return client.get(f"/actions/{query}").content.decode()


def test_a_published_summary_fills_the_inbox(agent: Client, action: Action) -> None:
    today = timezone.localdate()
    assert (action.who, action.what, action.due_on) == ("상담원", WHAT, today)
    assert str(action.due_time) == "15:00:00" and action.evidence == [3]
    text = _shown(agent)
    assert WHAT in text and f"/calls/{action.call_id}/#s3" in text and "15:00" in text


def test_what_verification_did_not_confirm_is_no_action(houses: TwoHouses, action: Action) -> None:
    _again(action.call, ActionItem(who="상담원", what="38만 원 환불", supported=False))
    assert not Action.objects.filter(call=action.call).exists()


def test_done_and_undone_with_history(agent: Client, houses: TwoHouses, action: Action) -> None:
    for _ in range(2):
        assert agent.post(f"/actions/{action.pk}/done/").status_code == 303
    assert WHAT not in _shown(agent) and WHAT in _shown(agent, "?state=done")
    assert SearchDocument.objects.get(call=action.call).open_actions == 0
    agent.post(f"/actions/{action.pk}/reopen/")
    assert SearchDocument.objects.get(call=action.call).open_actions == 1
    assert [event.kind for event in action.events.order_by("pk")] == ["done", "reopened"]
    page = agent.get(f"/actions/{action.pk}/").content.decode()
    assert "님이 끝냄" in page and "님이 다시 할 일로 돌림" in page
    assert set(AccessLog.objects.filter(object_type="action").values_list("action", "object_id")) == {
        ("action_done", action.pk),
        ("action_reopened", action.pk),
    }


def test_given_to_a_colleague_it_is_theirs(houses: TwoHouses, client: Client, action: Action) -> None:
    colleague = houses.ours.colleague
    client.force_login(colleague)
    assert WHAT not in _shown(client, "?whose=all")
    assert client.get(f"/actions/{action.pk}/").status_code == 404
    client.force_login(houses.ours.agent)
    assert client.post(f"/actions/{action.pk}/assign/", {"assignee": str(colleague.pk)}).status_code == 303
    assert WHAT not in _shown(client) and WHAT in _shown(client, "?whose=all")
    client.force_login(colleague)
    text = _shown(client)
    assert WHAT in text and f"/calls/{action.call_id}/" not in text, "the call itself stays closed"
    assert action.call.title not in text
    assert client.post(f"/actions/{action.pk}/done/").status_code == 303


@pytest.mark.parametrize("who", ["theirs", "nobody", "text"])
def test_it_can_be_given_to_members_only(agent: Client, houses: TwoHouses, action: Action, who: str) -> None:
    value = {"theirs": str(houses.theirs.agent.pk), "nobody": str(action.pk), "text": "김"}[who]
    assert agent.post(f"/actions/{action.pk}/assign/", {"assignee": value}).status_code == 404
    assert not action.events.exists()


def test_a_member_who_left_sees_it_no_more(houses: TwoHouses, client: Client, action: Action) -> None:
    assign_action(action=action, assignee=houses.ours.colleague, actor=houses.ours.agent)
    houses.ours.colleague.memberships.all().delete()
    client.force_login(houses.ours.colleague)
    assert WHAT not in _shown(client, "?whose=all&state=all")


def test_filters_by_due_day(agent: Client, houses: TwoHouses, action: Action) -> None:
    today = timezone.localdate()
    for days, finds in {-1: {"late"}, 0: {"today", "week"}, 6: {"week"}, 7: set(), None: {"none"}}.items():
        due = None if days is None else today + timedelta(days=days)
        agent.post(f"/actions/{action.pk}/due/", {"due_on": due or ""})
        shown = {name for name in ("late", "today", "week", "none") if WHAT in _shown(agent, f"?due={name}")}
        assert shown == finds, days
    agent.post(f"/actions/{action.pk}/assign/", {"assignee": str(houses.ours.reviewer.pk)})
    assert WHAT not in _shown(agent, "?whose=nobody")
    assert WHAT in _shown(agent, "?whose=all&state=nonsense&due=nonsense&page=99")


def test_a_day_that_is_none_is_said(agent: Client, action: Action) -> None:
    answer = agent.post(f"/actions/{action.pk}/due/", {"due_on": "2026-02-31"}, follow=True)
    assert "날짜를 읽을 수 없습니다: 2026-02-31" in answer.content.decode()
    assert not action.events.exists()


def test_a_correction_keeps_what_people_did(houses: TwoHouses, action: Action) -> None:
    tomorrow = timezone.localdate() + timedelta(days=1)
    assign_action(action=action, assignee=houses.ours.colleague, actor=houses.ours.agent)
    set_due(action=action, due_on=tomorrow, actor=houses.ours.agent)
    base = Summary.objects.filter(call=action.call).latest("version")
    content = summary().model_dump(mode="json")
    content["actions"] = [
        {"who": "상담원", "what": "요금표 보내기", "evidence": [1]},
        {"who": "상담원", "what": "요금을 확인하고 다시 전화", "when": "다음 주 월요일", "evidence": [3]},
    ]
    correct_summary(base=base, content=content, actor=houses.ours.agent)
    action.refresh_from_db()
    assert (action.what, action.number, action.when) == ("요금을 확인하고 다시 전화", 2, "다음 주 월요일")
    assert (action.assignee, action.due_on) == (houses.ours.colleague, tomorrow)
    assert Action.objects.filter(call=action.call).count() == 2


def test_what_the_summary_names_no_more(agent: Client, action: Action) -> None:
    _again(action.call, ActionItem(who="", what="요금표 보내기", evidence=(1,)))
    untouched = Action.objects.get(call=action.call)
    assert untouched.what == "요금표 보내기", "an untouched item goes with its words"
    agent.post(f"/actions/{untouched.pk}/due/", {"due_on": "2030-01-01"})
    _again(action.call)
    assert "요약에서 빠짐" in _shown(agent, "?whose=all"), "a touched one stays"
    _again(action.call, ActionItem(who="", what="요금표 보내기", evidence=(2,)))
    back = Action.objects.get(call=action.call)
    assert (back.pk, back.dropped_at, str(back.due_on)) == (untouched.pk, None, "2030-01-01")


def test_two_of_the_same_words_stay_two(houses: TwoHouses, action: Action) -> None:
    twice = (ActionItem(who="", what="전화", evidence=(1,)), ActionItem(who="", what="전화", evidence=(3,)))
    _again(action.call, *twice)
    first, second = Action.objects.filter(call=action.call).order_by("number")
    ActionEvent.objects.create(action=second, kind=ActionEvent.Kind.DONE)
    _again(action.call, *reversed(twice))
    assert [row.pk for row in Action.objects.filter(call=action.call).order_by("number")] == [second.pk, first.pk]


def test_rows_can_be_made_from_the_summaries_there_are(action: Action, capsys: pytest.CaptureFixture[str]) -> None:
    Action.objects.all().delete()
    call_command("rebuild_actions")
    assert Action.objects.count() == 2 and "2 calls" in capsys.readouterr().out


def test_the_inbox_asks_few_questions(
    agent: Client, houses: TwoHouses, action: Action, django_assert_max_num_queries: object
) -> None:
    for number in range(30):
        finished_call(houses.ours, title=f"통화 {number}")
    with django_assert_max_num_queries(18):  # type: ignore[operator]
        assert agent.get("/actions/").status_code == 200
    with django_assert_max_num_queries(14):  # type: ignore[operator]
        assert agent.get(f"/actions/{action.pk}/").status_code == 200
