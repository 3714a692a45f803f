"""Searching calls: the same answers on both databases, kept up to date, filters, hits, and never a stranger's call."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.accounts.models import User
from apps.calls import searching
from apps.calls.filters import CallFilter
from apps.calls.models import Call
from apps.calls.searching import first_found
from apps.calls.selectors import find_calls
from apps.calls.services import delete_call
from apps.core.paging import CappedPaginator
from apps.intake.services import keep_details
from apps.search.hits import find_hits
from apps.search.models import SearchDocument
from apps.search.tokens import query_words
from apps.summaries.services import add_model_summary, approve_summary, correct_summary
from apps.summaries.shown import current_by_call
from apps.transcripts.services import import_turns, replace_segments
from tests.apps.search.test_tokens import holds
from tests.people import TwoHouses
from workers.contracts.summary import ActionItem, CallSummary, Statement, Topic
from workers.contracts.transcript import Segment

TURNS = [
    {"speaker": "상담원", "text": "안녕하세요 가람통신입니다"},
    {"speaker": "고객", "text": "어제 산 신용 카드 케이스 환불은 언제 되나요"},
    {"speaker": "상담원", "text": "54,000원 결제하신 건 맞으시죠"},
]

_SAID = st.text(alphabet="환불카드 b1", min_size=1, max_size=8)


def _call(houses: TwoHouses, actor: User | None = None, turns: Any = TURNS, title: str = "문의") -> Call:
    return import_turns(organization=houses.ours.organization, actor=actor, title=title, turns=turns)


def _summarize(call: Call, **fields: Any) -> Any:
    content = CallSummary(**({"title": "환급 문의", "one_line": Statement(text="고객이 환급을 물었다.")} | fields))
    return add_model_summary(
        call_id=call.pk, organization_id=call.organization_id, content=content, model_version="m", usage={}
    )


def _found(actor: User, text: str = "", **fields: Any) -> set[str]:
    return {str(call.pk) for call in find_calls(actor, CallFilter(text=text, **fields))}


@pytest.mark.parametrize(
    ("text", "party", "found"),
    [
        ("환불", "", True),
        ("환불", "B", True),
        ("환불", "A", False),
        ("신용카드", "", True),
        ("카드 환불", "", True),
        ("가람통신 환불", "", True),
        ("가람통신 환불", "B", False),
        ("54000", "", True),
        ("금융", "", False),
        ("건", "A", True),
        ("건", "B", False),
        ("반품", "", False),
        ("!!", "", False),
        ("' OR 1=1 --", "", False),
        ('"*" NEAR ()', "", False),
        ("환불 \x00", "", True),
    ],
)
def test_what_a_search_finds(houses: TwoHouses, text: str, party: str, found: bool) -> None:
    call = _call(houses)
    assert (str(call.pk) in _found(houses.ours.admin, text, party=party)) is found


def test_a_long_query_of_anything_is_answered(houses: TwoHouses) -> None:
    _call(houses)
    assert _found(houses.ours.admin, "가나다라마바사" * 14) == set()


def test_nobody_finds_what_they_may_not_see(houses: TwoHouses) -> None:
    call = str(_call(houses, houses.ours.agent).pk)
    sees = {"agent": True, "colleague": False, "reviewer": True, "admin": True}
    for role, allowed in sees.items():
        assert _found(getattr(houses.ours, role), "환불") == ({call} if allowed else set()), role
        assert _found(getattr(houses.theirs, role), "환불") == set()


def test_the_index_follows_every_change(houses: TwoHouses) -> None:
    call, admin = _call(houses), houses.ours.admin
    segments = [Segment(1, "A", 0, 1, "해지하고 싶어요", 1.0)]
    replace_segments(call_id=call.pk, organization_id=call.organization_id, segments=segments)
    assert (_found(admin, "환불"), _found(admin, "해지")) == (set(), {str(call.pk)})
    first = _summarize(call)
    assert _found(admin, "환급")
    content = first.content | {"title": "위약금 문의", "one_line": {"text": "위약금을 물었다."}}
    corrected = correct_summary(base=first, content=content, actor=admin)
    approve_summary(summary=corrected, actor=admin)
    assert (_found(admin, "환급"), _found(admin, "위약금")) == (set(), {str(call.pk)})
    delete_call(call=call, actor=admin)
    assert _found(admin, "위약금") == set()
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM search_fts WHERE search_fts MATCH '해지'")
            assert cursor.fetchone() == (0,), "the triggers forget a deleted call"


def test_what_is_not_supported_is_not_found(houses: TwoHouses) -> None:
    call = _call(houses)
    doubtful = Statement(text="수수료를 면제했다", supported=False)
    _summarize(call, topics=(Topic(title="요금", points=(doubtful, Statement(text="요금을 안내했다"))),))
    assert (_found(houses.ours.admin, "수수료"), _found(houses.ours.admin, "안내")) == (set(), {str(call.pk)})


def test_each_filter_narrows(houses: TwoHouses) -> None:
    admin, now = houses.ours.admin, timezone.now()
    mine, other = _call(houses, houses.ours.agent), _call(houses, houses.ours.colleague)
    action = ActionItem(who="상담원", what="환불 처리")
    _summarize(mine, category="shopping", outcome="pending", sentiment="negative", actions=(action,))
    _summarize(other, category="telecom", outcome="resolved")
    keep_details(call=mine, started_at=now - timedelta(days=3))
    Call.objects.filter(pk=mine.pk).update(duration_s=30.0)
    Call.objects.filter(pk=other.pk).update(duration_s=300.0)
    narrowing: list[dict[str, Any]] = [
        {"category": "shopping"},
        {"outcome": "pending"},
        {"sentiment": "negative"},
        {"open_actions": True},
        {"created_by": houses.ours.agent.pk},
        {"max_duration_s": 60.0},
        {"until": now - timedelta(days=1)},
        {"text": "환불 처리", "since": now - timedelta(days=4), "until": now - timedelta(days=1)},
        {"text": "환불 처리", "since": now - timedelta(days=400)},
    ]
    for fields in narrowing:
        assert _found(admin, **fields) == {str(mine.pk)}, fields
    for fields in ({"open_actions": False}, {"min_duration_s": 60.0}, {"since": now - timedelta(days=1)}):
        assert _found(admin, **fields) == {str(other.pk)}, fields


def test_hits_are_marked_with_their_line_and_time(houses: TwoHouses) -> None:
    call = _call(houses)
    segments = [
        Segment(1, "A", 0.0, 2.0, "무엇을 도와드릴까요", 1.0),
        Segment(2, "B", 2.5, 5.0, "신용 카드 환불이요 카드 말이에요", 1.0),
    ]
    replace_segments(call_id=call.pk, organization_id=call.organization_id, segments=segments)
    _summarize(call, one_line=Statement(text="고객이 신용카드 환불을 물었다."))
    hits = find_hits([call], text="신용카드")[call.pk]
    assert hits.total == 2
    summary, spoken = hits.shown
    assert [f.text for f in summary.fragments if f.marked] == ["신용카드"]
    assert (spoken.kind, spoken.number, spoken.party, spoken.start_s) == ("segment", 2, "B", 2.5)
    assert [(f.text, f.marked) for f in spoken.fragments] == [("신용 카드", True), (" 환불이요 카드 말이에요", False)]
    assert [hit.number for hit in find_hits([call], text="신용카드", party="B")[call.pk].shown] == [2]
    assert find_hits([call], text="신용카드", party="A") == {}


def test_all_hits_are_counted_and_three_shown_whoever_read_the_summaries(houses: TwoHouses) -> None:
    call = _call(houses, turns=[{"speaker": "a", "text": f"환불 {n}"} for n in range(5)])
    _summarize(call, one_line=Statement(text="환불을 물었다."))
    (read,) = current_by_call([call.pk]).values()
    hits = find_hits([call], text="환불")[call.pk]
    assert (hits.total, [hit.number for hit in hits.shown]) == (6, [None, 1, 2])
    assert find_hits([call], text="환불", summaries={call.pk: read})[call.pk] == hits
    assert find_hits([call], text="환불", summaries={})[call.pk].total == 5


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(_SAID, min_size=2, max_size=2), _SAID)
def test_the_database_finds_what_the_terms_say(houses: TwoHouses, said: list[str], query: str) -> None:
    turns = [{"speaker": speaker, "text": f"{text} -"} for speaker, text in zip("ab", said, strict=True)]
    call, words = _call(houses, turns=turns, title="-"), query_words(query)
    try:
        held = [all(any(holds(text, word) for text in said) for word in words)] if words else [False]
        assert [str(call.pk) in _found(houses.ours.admin, query)] == held
    finally:
        call.delete()


def test_a_call_found_without_a_marked_line_says_why(houses: TwoHouses, client: Client) -> None:
    _call(houses, title="이사 문의")
    client.force_login(houses.ours.admin)
    for query, why in (("이사", True), ("환불", False)):
        assert ("떨어져 나옵니다" in client.get("/calls/", {"q": query}).content.decode()) is why, query


def test_the_list_asks_the_database_a_bounded_number_of_times(
    houses: TwoHouses, client: Client, django_assert_max_num_queries: Any
) -> None:
    for _ in range(5):
        _summarize(_call(houses))
    client.force_login(houses.ours.admin)
    for query, most in ((({}), 15), ({"q": "환불"}, 19)):
        with django_assert_max_num_queries(most):
            assert client.get("/calls/", query).context["page"].paginator.count == 5


def test_a_long_line_is_shown_around_its_hit(houses: TwoHouses) -> None:
    call = _call(houses, turns=[{"speaker": "a", "text": "가" * 300 + " 환불 " + "나" * 300}])
    (hit,) = find_hits([call], text="환불")[call.pk].shown
    line = "".join(fragment.text for fragment in hit.fragments)
    assert line.startswith("…가") and line.endswith("나…") and len(line) < 140


def test_rebuilding_finds_everything_again(houses: TwoHouses) -> None:
    call = _call(houses)
    SearchDocument.objects.all().delete()
    assert _found(houses.ours.admin, "환불") == set()
    call_command("rebuild_search", verbosity=0)
    assert _found(houses.ours.admin, "환불") == {str(call.pk)}


def test_the_page_shows_hits_and_ignores_a_filter_without_sense(houses: TwoHouses, client: Client) -> None:
    call = _call(houses, houses.ours.agent)
    client.force_login(houses.ours.agent)
    page = client.get("/calls/", {"q": "환불", "category": "xx", "since": "gestern", "agent": "1", "min_minutes": "-3"})
    assert page.status_code == 200
    assert "<mark>환불</mark>" in page.content.decode()
    assert f"/calls/{call.pk}/#s2" in page.content.decode()
    assert page.context["filter_query"] == "q=%ED%99%98%EB%B6%88"
    for day in ("9999-12-31", "0001-01-01"):
        assert client.get("/calls/", {"q": "환불", "since": day, "until": day}).status_code == 200, day
    assert client.get("/calls/", {"as_of": "0001-01-01T00:00:00+14:00"}).status_code == 200


def test_a_common_word_is_counted_up_to_a_cap(houses: TwoHouses, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(CappedPaginator, "most", 2)
    calls = [_call(houses) for _ in range(3)]
    found = find_calls(houses.ours.admin, CallFilter(text="환불"))
    capped, whole = CappedPaginator(found, 1), CappedPaginator(found.exclude(pk=calls[0].pk), 1)
    assert (capped.count, capped.num_pages, capped.more) == (2, 2, True)
    assert (whole.count, whole.more) == (2, False)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.tuples(st.integers(0, 70), st.sampled_from(["환불", "카드"])), min_size=1, max_size=6),
    st.integers(1, 4),
    st.integers(0, 5),
    st.integers(1, 3),
)
def test_the_first_are_the_same_wherever_they_are_looked_for(
    houses: TwoHouses, calls: list[tuple[int, str]], first: int, newest: int, few: int
) -> None:
    made, actor, wanted = [], houses.ours.admin, CallFilter(text="환불")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(searching, "_NEWEST", newest)
        patched.setattr(searching, "_FEW", few)
        try:
            for days, said in calls:
                made.append(_call(houses, turns=[{"speaker": "a", "text": said}], title="-"))
                keep_details(call=made[-1], started_at=timezone.now() - timedelta(days=days))
            found = list(find_calls(actor, wanted).values_list("pk", flat=True))
            assert first_found(actor=actor, wanted=wanted, most=first) == found[:first]
            assert list(find_calls(actor, wanted, rare=True).values_list("pk", flat=True)) == found
        finally:
            for call in made:
                delete_call(call=call, actor=actor)


def test_calls_that_fill_the_pages_are_looked_for_among_the_newest(
    houses: TwoHouses, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(searching, "_NEWEST", 2)
    calls = [_call(houses) for _ in range(4)]
    for days, call in enumerate(calls):
        keep_details(call=call, started_at=timezone.now() - timedelta(days=days))
    with CaptureQueriesContext(connection) as queries:
        found = [first_found(actor=houses.ours.admin, wanted=CallFilter(text="환불"), most=n) for n in (3, 4, 5)]
    assert [len(keys) for keys in found] == [3, 4, 4]
    looks = [query["sql"] for query in queries if "search_f" in query["sql"]]
    assert [bool(re.search(r"\bd20\d{6}\b", sql)) for sql in looks] == [True, True, True, False, True, True, False], (
        looks
    )


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_documents_of_before_are_found_after_the_migration(houses: TwoHouses) -> None:
    call, since = _call(houses), timezone.now() - timedelta(days=9)
    keep_details(call=call, started_at=since + timedelta(days=1))
    executor = MigrationExecutor(connection)
    latest = executor.loader.graph.leaf_nodes("search")
    try:
        before = executor.migrate([("search", "0003_found")]).apps.get_model("search", "SearchDocument")
        before.objects.filter(call_id=call.pk).update(about="문 문의 의", said_a="", said_b="불 환 환불")
    finally:
        MigrationExecutor(connection).migrate(latest)
    admin, found = houses.ours.admin, {str(call.pk)}
    assert _found(admin, "환불", since=since, until=timezone.now()) == _found(admin, "환불 문의", party="") == found
    assert (_found(admin, "환불", party="B"), _found(admin, "환불", party="A")) == (found, set())
