"""Tags, saved searches, stable pages and the page of changes, over HTTP with two organizations."""

from datetime import timedelta

import pytest
from django.test import Client
from hypothesis import HealthCheck, given
from hypothesis import settings as search
from hypothesis import strategies as st

from apps.calls.models import Call
from apps.sorting import selectors
from apps.sorting.models import CallTag, SavedSearch
from apps.sorting.selectors import searches_with_counts
from apps.sorting.services import save_search
from apps.summaries.changes import changes
from apps.summaries.models import Summary
from tests.calls import finished_call, summarize, summary, waiting_call
from tests.people import TwoHouses
from workers.contracts.summary import CallSummary, Statement


@pytest.fixture
def agent(houses: TwoHouses, client: Client) -> Client:
    client.force_login(houses.ours.agent)
    return client


def test_tags_come_filter_and_go(agent: Client, houses: TwoHouses) -> None:
    one, two = waiting_call(houses.ours, title="첫째 통화"), waiting_call(houses.ours, title="둘째 통화")
    agent.post("/sorting/tags/", {"calls": [str(one.pk), str(two.pk)], "tag": " 급한  일 "})
    agent.post(f"/sorting/tags/{one.pk}/", {"tag": "환불"})
    found = agent.get("/calls/", {"tag": "환불"}).content.decode()
    assert "첫째 통화" in found and "둘째 통화" not in found
    assert "급한 일" in agent.get(f"/calls/{two.pk}/").content.decode()
    agent.post("/sorting/tags/", {"calls": [str(one.pk), str(two.pk)], "tag": "급한 일", "do": "remove"})
    assert [row.tag.name for row in CallTag.objects.all()] == ["환불"]


@pytest.mark.parametrize("name", ["", "  ", "가" * 41])
def test_a_tag_that_cannot_be_is_refused(agent: Client, houses: TwoHouses, name: str) -> None:
    call = waiting_call(houses.ours)
    answer = agent.post(f"/sorting/tags/{call.pk}/", {"tag": name}, follow=True)
    assert "1자에서 40자까지" in answer.content.decode()
    assert not CallTag.objects.exists()


def test_only_so_many_searches_are_counted(houses: TwoHouses, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(selectors, "_COUNTED", 1)
    house, agent = houses.ours.organization, houses.ours.agent
    save_search(organization=house, name="가", query="q=x", shared=True, actor=houses.ours.reviewer)
    save_search(organization=house, name="나", query="q=x", shared=False, actor=agent)
    assert [(one.search.name, one.count) for one in searches_with_counts(agent)] == [("나", 0), ("가", None)]


def test_a_search_is_saved_shared_and_counted(agent: Client, houses: TwoHouses, client: Client) -> None:
    waiting_call(houses.ours, title="첫째 통화")
    waiting_call(houses.ours, owner=houses.ours.colleague, title="남의 통화")
    agent.post("/sorting/searches/save/", {"name": "기다림", "query": "state=active", "shared": "1"})
    agent.post("/sorting/searches/save/", {"name": "나만", "query": "q=첫째&colour=red"})
    assert SavedSearch.objects.get(name="나만").query == "q=%EC%B2%AB%EC%A7%B8", "only what the list knows is kept"
    assert '기다림 <span class="num">1</span>' in " ".join(agent.get("/sorting/searches/").content.decode().split())
    client.force_login(houses.ours.reviewer)
    text = " ".join(client.get("/sorting/searches/").content.decode().split())
    assert '기다림 <span class="num">2</span>' in text and "나만" not in text
    client.force_login(houses.theirs.admin)
    assert "기다림" not in client.get("/sorting/searches/").content.decode()


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        ({"name": "", "query": "q=가"}, "1자에서 60자까지"),
        ({"name": "가" * 61, "query": "q=가"}, "1자에서 60자까지"),
        ({"name": "빈 것", "query": "colour=red"}, "저장할 조건이 없습니다"),
        ({"name": "있는 것", "query": "q=가"}, "이미 있습니다"),
    ],
)
def test_a_search_that_cannot_be_saved_is_refused(agent: Client, sent: dict[str, str], said: str) -> None:
    agent.post("/sorting/searches/save/", {"name": "있는 것", "query": "q=나"})
    assert said in agent.post("/sorting/searches/save/", sent, follow=True).content.decode()
    assert SavedSearch.objects.count() == 1


def test_a_search_is_forgotten_by_its_owner_only(agent: Client, houses: TwoHouses, client: Client) -> None:
    agent.post("/sorting/searches/save/", {"name": "기다림", "query": "state=active", "shared": "1"})
    address = f"/sorting/searches/{SavedSearch.objects.get().pk}/forget/"
    client.force_login(houses.ours.admin)
    assert client.post(address).status_code == 404
    client.force_login(houses.ours.agent)
    assert client.post(address).status_code == 303
    assert not SavedSearch.objects.exists()


def test_new_calls_do_not_shift_the_pages(agent: Client, houses: TwoHouses) -> None:
    calls = [waiting_call(houses.ours, title=f"통화 {n}") for n in range(21)]
    first = agent.get("/calls/")
    newer = waiting_call(houses.ours, title="늦게 온 통화")
    Call.objects.filter(pk=newer.pk).update(happened_at=newer.happened_at + timedelta(seconds=1))
    second = agent.get(f"/calls/?{first.context['page_query']}&page=2")
    assert [row.call.pk for row in second.context["rows"]] == [calls[0].pk]
    for nonsense in ("x", "2026-13-99", "9999-12-31T23:59:59"):
        assert agent.get("/calls/", {"as_of": nonsense}).status_code == 200


def test_the_list_narrows_to_an_agent(houses: TwoHouses, client: Client) -> None:
    waiting_call(houses.ours, title="첫째 통화")
    waiting_call(houses.ours, owner=houses.ours.colleague, title="둘째 통화")
    client.force_login(houses.ours.reviewer)
    found = client.get("/calls/", {"agent": str(houses.ours.colleague.pk)}).content.decode()
    assert "둘째 통화" in found and "첫째 통화" not in found and houses.ours.colleague.username in found


def test_the_page_of_changes_marks_words(agent: Client, houses: TwoHouses) -> None:
    call = finished_call(houses.ours)
    content = summary().model_copy(update={"title": "요금 과다 청구 재문의"})
    made = summarize(call, content)
    text = agent.get(f"/summaries/{made.pk}/changes/").content.decode()
    assert "<del>문의</del>" in text and "<ins>재문의</ins>" in text
    first = Summary.objects.get(call=call, version=1)
    assert "앞선 버전이 없습니다" in agent.get(f"/summaries/{first.pk}/changes/").content.decode()
    assert "<ins>문의</ins>" in agent.get(f"/summaries/{first.pk}/changes/", {"from": "2"}).content.decode()


WORDS = st.lists(st.sampled_from(["요금", "환불", "내일", "확인", "전화"]), max_size=6).map(" ".join)
SUMMARIES = st.builds(
    lambda title, line, points: CallSummary(
        title=title, one_line=Statement(text=line), decisions=tuple(Statement(text=p) for p in points)
    ),
    WORDS,
    WORDS,
    st.lists(WORDS, max_size=4),
)


@search(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(SUMMARIES, SUMMARIES)
def test_both_versions_can_be_read_from_the_changes(before: CallSummary, after: CallSummary) -> None:
    parts = changes(before, after)
    for sign, version in (("removed", before), ("added", after)):
        kept = [
            " ".join(run.text for run in line.runs if run.sign in ("same", sign)) for p in parts for line in p.lines
        ]
        said = [version.title, version.one_line.text, *(item.text for item in version.decisions)]
        assert sorted(filter(None, said)) == sorted(line for line in kept if line and "·" not in line)
    assert all(not part.changed for part in changes(after, after))
