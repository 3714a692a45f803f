"""Summaries in the call's own words: words of the cited lines, and nothing lost that matters."""

from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model_core.data.call import Action, Item, Line, SimulatedCall, Summary, Topic, plain
from model_core.data.quoting import quoted
from model_core.data.simulator.expand import CallSimulator
from model_core.evaluation import metrics

LINES = (
    Line("B", "네, 전통 시장에서 충전하는데요, 돈은 이만 사천 원이 나갔는데 충전이 멈췄어요."),
    Line("A", "그럼 오후 다섯 시 아니 아니 오후 여섯 시까지 기사님을 보내 드릴게요. 괜찮으세요?"),
)


def _summary(text: str, evidence: tuple[int, ...], title: str = "환불") -> Summary:
    item = Item(text, evidence)
    action = Action("상담원", text, None, evidence)
    return Summary(title, item, (Topic(title, (item,)),), (action,), (item,), "car", "pending", "neutral")


@cache
def _calls() -> tuple[SimulatedCall, ...]:
    simulator = CallSimulator("train", 5)
    return tuple(simulator.call(index) for index in range(40))


def _point(text: str, *evidence: int) -> str:
    return quoted(_summary(text, evidence), LINES).topics[0].points[0].text


def test_a_statement_becomes_the_clause_that_says_it() -> None:
    assert _point("<v>이만 사천 원</v>이 결제됨", 1) == "돈은 <v>이만 사천 원</v>이 나갔는데 충전이 멈췄어요"


def test_what_the_speaker_took_back_is_left_out() -> None:
    assert _point("기사가 <v>오후 여섯 시</v>에 옴", 2) == "<v>오후 여섯 시</v>까지 기사님을 보내 드릴게요"


def test_a_question_stays_a_question() -> None:
    lines = (Line("B", "혹시 테스트비도 있어요?"),)
    assert quoted(_summary("테스트비를 물음", (1,)), lines).decisions[0].text == "테스트비도 있어요?"


@pytest.mark.parametrize(
    "title,kept", [("충전 실패 환불 요청", "충전 환불 요청"), ("비행기 환불", "환불"), ("우주 여행", "우주 여행")]
)
def test_a_title_keeps_what_the_call_says_and_what_titles_say(title: str, kept: str) -> None:
    assert quoted(_summary("충전", (1,), title), LINES).title == kept


@given(st.integers(0, 39))
@settings(max_examples=40, deadline=None)
def test_statements_are_words_of_the_lines_they_cite(index: int) -> None:
    call = _calls()[index]
    summary = quoted(call.summary, call.lines)
    for item in (summary.one_line, *(point for topic in summary.topics for point in topic.points), *summary.decisions):
        cited = "".join(call.lines[number - 1].text for number in item.evidence).replace(" ", "")
        for word in plain(item.text).replace(",", " ").split():
            assert word.rstrip(".?!") in cited


def test_the_required_facts_are_still_there() -> None:
    kept, all_facts = 0, 0
    for call in _calls():
        found, of = metrics.fact_recall(call.facts, metrics.whole_text(quoted(call.summary, call.lines)))
        kept, all_facts = kept + found, all_facts + of
    assert kept >= 0.95 * all_facts
