"""The home page and the cost ledger over HTTP: the numbers, whose calls they count, and how few queries they take."""

import csv
import io
from datetime import timedelta
from pathlib import Path

import pytest
from django.test import Client
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from apps.accounts.models import AccessLog
from apps.calls.models import Call
from apps.insights.charts import columns, parts
from apps.insights.ledger import access_ledger
from apps.insights.models import TalkTime
from apps.insights.selectors import Period, overview
from apps.insights.services import measure_talk
from apps.insights.talk import Talk, measure
from apps.jobs.models import StageResult
from apps.summaries.models import Summary
from apps.summaries.services import approve_summary, correct_summary
from tests.calls import finished_call, summarize, summary, waiting_call
from tests.people import TwoHouses
from workers.contracts.payloads import segments_payload
from workers.contracts.transcript import Segment
from workers.contracts.work import StageContext
from workers.stages import publish

MONTH = Period(30)


def _work(call: Call, stage: str = "summarize", **changes: object) -> StageResult:
    values = {"elapsed_s": 60.0, "cpu_s": 72.0, "gpu_s": 0.0, "input_tokens": 1000, "output_tokens": 100} | changes
    return StageResult.objects.create(
        call=call,
        organization_id=call.organization_id,
        stage=stage,
        input_hash=stage,
        engine_version="m@1",
        payload={},
        **values,
    )


def _age(call: Call, days: int) -> None:
    Call.objects.filter(pk=call.pk).update(happened_at=timezone.now() - timedelta(days=days))


@pytest.fixture
def reviewer(houses: TwoHouses, client: Client) -> Client:
    client.force_login(houses.ours.reviewer)
    return client


def _page(client: Client, address: str = "/", **query: object) -> str:
    answer = client.get(address, query)
    assert answer.status_code == 200
    return answer.content.decode()


def test_the_period_counts_whole_days(houses: TwoHouses) -> None:
    for days in (0, 0, 6, 7, 29, 30, 100):
        _age(finished_call(houses.ours, title=f"통화 {days} {Call.objects.count()}"), days)
    counts = {days: overview(houses.ours.reviewer, Period(days)).calls for days in (7, 30, 90)}
    assert counts == {7: 3, 30: 5, 90: 6}
    week = overview(houses.ours.reviewer, Period(7)).days
    assert (len(week), week[0][1], week[-1][1]) == (7, 1, 2)
    assert week[-1][0] == timezone.localdate()


@pytest.mark.parametrize("days", ["", "8", "-7", "x", "7"])
def test_a_period_that_is_none_is_the_month(reviewer: Client, houses: TwoHouses, days: str) -> None:
    finished_call(houses.ours)
    text = _page(reviewer, days=days)
    chosen = "7" if days == "7" else "30"
    assert f'href="?days={chosen}" aria-current="page"' in text


def test_everybody_counts_what_they_may_see(houses: TwoHouses, client: Client) -> None:
    ours = [finished_call(houses.ours), finished_call(houses.ours, houses.ours.colleague, "동료의 통화")]
    theirs = [finished_call(houses.theirs, title=f"남의 통화 {number}") for number in range(3)]
    for call in (*ours, *theirs):
        _work(call)
        measure_talk(call_id=call.pk)
    waiting_call(houses.theirs, title="남의 대기")
    sees = {houses.ours.agent: 1, houses.ours.colleague: 1, houses.ours.admin: 2, houses.theirs.agent: 4}
    for person, n in sees.items():
        found = overview(person, MONTH)
        worked = n - (person == houses.theirs.agent)
        assert found.calls == n, person
        assert found.facets["category"] == {"telecom": worked}
        assert found.work.runs == access_ledger(person, MONTH).total.runs == worked
        assert found.talk.a_s == pytest.approx(5.6 * worked)
        assert sum(row.made for row in found.quality) == worked
        assert sum(queue.waiting for queue in found.queues) == n - worked
    client.force_login(houses.theirs.agent)
    rows = list(csv.reader(io.StringIO(client.get("/ledger/calls.csv").content.decode())))
    assert {row[0] for row in rows[1:]} == {str(call.pk) for call in theirs}
    assert AccessLog.objects.filter(actor=houses.theirs.agent, action="export_ledger").count() == 1


def test_the_home_page_tells_what_matters(reviewer: Client, houses: TwoHouses) -> None:
    call = finished_call(houses.ours)
    measure_talk(call_id=call.pk)
    waiting_call(houses.ours, title="대기 중인 통화")
    text = _page(reviewer)
    for words in (
        "날마다 들어온 통화",
        "통신",
        "다시 전화",
        "불만",
        "침묵",
        "summarizer-test@1",
        "표로 보기",
        "비용 장부",
    ):
        assert words in text, words
    assert text.count("<details><summary>표로 보기") == 5, "a table behind every chart"
    assert f"/calls/?category=telecom&amp;since={MONTH.first}" in text


def test_a_house_without_calls_is_invited(reviewer: Client) -> None:
    assert "이 기간에는 통화가 없습니다" in _page(reviewer)
    assert "이 기간에 요약한 통화가 없습니다" in _page(reviewer, "/ledger/")


def test_quality_counts_calls_once_and_by_model(houses: TwoHouses) -> None:
    agent = houses.ours.agent
    for number, fate in enumerate(("approved", "corrected", "both", "untouched")):
        call = finished_call(houses.ours, title=f"통화 {number}")
        made = Summary.objects.get(call=call)
        if fate in ("approved", "both"):
            approve_summary(summary=made, actor=agent)
        if fate in ("corrected", "both"):
            correct_summary(base=made, content=summary("고침").model_dump(mode="json"), actor=agent)
    sure = summary().model_copy(update={"unsupported": 0})
    summarize(finished_call(houses.ours, title="다른 모델"), sure, model_version="other@2")
    first, other = sorted(overview(agent, MONTH).quality, key=lambda row: row.model_version, reverse=True)
    assert (first.made, first.reviewed, first.corrected, first.doubted_share) == (5, 3, 2, 1.0)
    assert first.as_is_share == pytest.approx(1 / 3) and first.mean_s == pytest.approx(1.5)
    assert (other.model_version, other.made, other.doubted_share, other.as_is_share) == ("other@2", 1, 0.0, None)


def test_the_ledger_multiplies_out(reviewer: Client, houses: TwoHouses) -> None:
    for number in range(2):
        call = finished_call(houses.ours, title=f"통화 {number}")
        _work(call)
        _work(call, "transcribe", cpu_s=None, elapsed_s=72.0, gpu_s=9.0, input_tokens=0, output_tokens=0)
    costs = access_ledger(houses.ours.reviewer, MONTH)
    # 72 s of a core at 50 won an hour are 1 won, 9 s of a GPU at 4,000 won 10; 1,000 and 100 tokens elsewhere 4.9.
    assert costs.total.own_krw == pytest.approx(2 * (1 + 1 + 10))
    assert costs.per_call(costs.summaries.own_krw) == pytest.approx(1.0)
    assert costs.per_call(costs.summaries.foreign_krw) == pytest.approx(4.9)
    text = _page(reviewer, "/ledger/")
    for words in ("1만 2,000원", "1,000원", "4,900원", "YOYAK_PRICE_GPU_HOUR_KRW", "4,000원", "2,000 → 200"):
        assert words in text, words
    header, *rows = csv.reader(io.StringIO(reviewer.get("/ledger/calls.csv?days=7").content.decode()))
    assert header[0] == "call" and len(rows) == 2
    assert rows[0][2:] == ["132.000", "144.000", "9.000", "1000", "100", "12.0000", "4.9000"]


def test_pages_ask_few_questions(houses: TwoHouses, reviewer: Client, django_assert_max_num_queries: object) -> None:
    counts = []
    for number in range(2):
        call = finished_call(houses.ours, title=f"통화 {number}")
        _work(call)
        with django_assert_max_num_queries(19) as asked:  # type: ignore[operator]
            _page(reviewer)
        with django_assert_max_num_queries(13):  # type: ignore[operator]
            _page(reviewer, "/ledger/")
        counts.append(len(asked))
    assert counts[0] == counts[1], "more calls ask no more"


def test_talk_is_measured_from_the_lines(houses: TwoHouses) -> None:
    call = finished_call(houses.ours)
    measure_talk(call_id=call.pk)
    talk = TalkTime.objects.get(call=call)
    assert (talk.a_s, talk.others_s, talk.overlap_s) == (pytest.approx(5.6), pytest.approx(5.6), pytest.approx(0))
    assert talk.silence_s == pytest.approx(12 - 11.2)


def test_publishing_measures_the_talk(houses: TwoHouses, tmp_path: Path) -> None:
    call = waiting_call(houses.ours)
    segments = [Segment(1, "A", 0.0, 4.0, "네", 0.9), Segment(2, "B", 3.0, 6.0, "아니요", 0.9)]
    made = summary().model_dump(mode="json")
    results = {
        "probe": {"duration_s": 10.0},
        "diarize": {"segments": segments_payload(segments)},
        "summarize": {"usage": {}},
        "verify": {"summary": made, "model_version": "m@1"},
    }
    publish.run(StageContext(call.pk, call.organization_id, tmp_path, results, lambda _: True))
    talk = TalkTime.objects.get(call=call)
    assert (talk.a_s, talk.others_s, talk.overlap_s, talk.silence_s) == (4, 3, 1, 4)
    assert call.actions.count() == 1


def test_two_at_once_overlap() -> None:
    talk = measure([("A", 0, 4), ("B", 3, 6), ("A", 3.5, 5), ("B", 8, 8)], 10)
    assert talk == Talk(a_s=5, others_s=3, overlap_s=2, silence_s=4)
    assert measure([("A", 0, 0)], 10) is None


SPANS = st.lists(st.tuples(st.sampled_from("AB?"), st.integers(0, 99), st.integers(0, 99)), max_size=30)


@given(SPANS)
def test_talk_and_silence_make_up_the_call(turns: list[tuple[str, float, float]]) -> None:
    talk = measure(turns, 99)
    if talk is None:
        assert all(end <= start for _, start, end in turns)
    else:
        assert talk.a_s + talk.others_s - talk.overlap_s + talk.silence_s == pytest.approx(99)
        assert 0 <= talk.overlap_s <= min(talk.a_s, talk.others_s)


@given(st.lists(st.integers(0, 10**7), min_size=1, max_size=90))
def test_columns_stay_inside_their_chart(values: list[int]) -> None:
    chart = columns([(str(index), value) for index, value in enumerate(values)])
    assert all(12 <= float(column.y) <= chart.bottom for column in chart.columns)
    assert len(chart.y_ticks) <= 5 and len({tick.label for tick in chart.y_ticks}) == len(chart.y_ticks)


@given(st.lists(st.floats(0, 1e9), max_size=6))
def test_parts_fill_the_bar_or_nothing(values: list[float]) -> None:
    shares = sum(part.share for part in parts([("a", "a", value) for value in values]))
    assert shares == pytest.approx(1) or not sum(values)
