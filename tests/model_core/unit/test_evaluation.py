"""The summary measures: facts across spellings, unsupported values found, ratios with intervals, baselines bounded."""

import json
from dataclasses import replace

import pytest

from model_core.data.call import Action, Fact, Item, Line, Summary, Topic
from model_core.evaluation import metrics
from model_core.evaluation.baselines import first_sentences, text_rank
from model_core.evaluation.report import markdown
from model_core.evaluation.statistics import Measure, ratio
from model_core.evaluation.suite import VARIANTS, as_json, calls_of

LINES = (
    Line("A", "네, 가온텔레콤입니다."),
    Line("B", "요금이 오만 사천 원 나왔어요."),
    Line("A", "내일 오후 세 시까지 환불해 드릴게요."),
    Line("B", "네, 요금 환불 부탁드려요."),
)
GOOD = Summary(
    "요금 문의",
    Item("요금 <v>54,000원</v>을 문의함", (2,)),
    (Topic("환불", (Item("<v>내일 오후 세 시</v>까지 환불", (3,)),)),),
    (Action("상담원", "환불", "내일 오후 세 시", (3,)),),
    (),
    "telecom",
    "pending",
    "negative",
)
AMOUNT = Fact("amount", "money", ("오만 사천 원",), required=True)


def test_a_fact_counts_in_any_spelling() -> None:
    assert metrics.fact_recall([AMOUNT], "요금 54,000원 문의") == (1, 1)
    assert metrics.fact_recall([AMOUNT], "요금 오만사천원 문의") == (1, 1)
    assert metrics.fact_recall([AMOUNT], "요금 55,000원 문의") == (0, 1)


def _with(*actions: Action) -> Summary:
    return replace(GOOD, actions=actions)


def test_actions_are_compared_by_the_lines_they_share() -> None:
    other = Action("고객", "결제", None, (2,))
    made = _with(replace(GOOD.actions[0], who="고객", evidence=(3, 4)), Action("고객", "인사", None, (1,)))
    wanted = _with(*GOOD.actions, other)
    assert metrics.actions_found(made, wanted) == (1, 2)
    assert metrics.actions_right(made, wanted) == (1, 2)
    assert metrics.whose_right(made, wanted) == (0, 1)
    assert metrics.whose_right(wanted, wanted) == (2, 2)


@pytest.mark.parametrize(
    ("when", "found", "right"),
    [
        ("내일 오후 3시까지", (1, 1), (1, 1)),
        ("내일", (0, 1), (1, 1)),
        ("다음 주 월요일", (0, 1), (0, 1)),
        (None, (0, 1), (0, 0)),
    ],
)
def test_the_times_of_actions_count_in_any_spelling(
    when: str | None, found: metrics.Count, right: metrics.Count
) -> None:
    made = _with(replace(GOOD.actions[0], when=when))
    assert (metrics.whens_found(made, GOOD), metrics.whens_right(made, GOOD)) == (found, right)


def test_a_time_that_says_more_than_the_reference_or_that_its_words_say_is_right() -> None:
    made = _with(replace(GOOD.actions[0], when="내일 오후 3시까지"))
    short = _with(replace(GOOD.actions[0], when="내일"))
    assert metrics.whens_right(made, short) == (1, 1)
    in_words = _with(replace(GOOD.actions[0], what="내일 오후 3시까지 환불", when=None))
    assert metrics.whens_right(made, in_words) == (1, 1)


def test_only_required_facts_count() -> None:
    assert metrics.fact_recall([replace(AMOUNT, required=False)], "") == (0, 0)
    assert metrics.fact_recall([Fact("환불", "word", ("환불",), True), AMOUNT], "환불함") == (1, 2)


def test_supported_values_are_found_across_spellings() -> None:
    wrong, shown = metrics.unsupported_values(GOOD, LINES)
    assert wrong == 0
    assert shown >= 3


@pytest.mark.parametrize(
    "wrong",
    [
        replace(GOOD, title="<v>55,000원</v> 문의"),
        replace(GOOD, one_line=Item("요금 55,000원 문의", (2,))),
        replace(GOOD, one_line=Item("요금 54,000원 문의", (1,))),
        replace(GOOD, one_line=Item("<v>김민수</v> 문의", (2,))),
        replace(GOOD, actions=(Action("상담원", "환불", "모레", (3,)),)),
        replace(GOOD, decisions=(Item("54,000원", (9,)),)),
    ],
)
def test_a_value_without_support_is_found(wrong: Summary) -> None:
    assert metrics.unsupported_values(wrong, LINES)[0] == 1


def test_rouge_reads_korean_and_spellings() -> None:
    assert metrics.rouge_l("요금 오만 사천 원", "요금 54,000원") == 1.0
    assert 0 < metrics.rouge_l("고객이 환불을 요청함", "고객이 환불 문의") < 1
    assert metrics.rouge_l("환불", "방문") == 0.0


def test_evidence_is_held_against_the_reference() -> None:
    made = replace(GOOD, one_line=Item("요금", (1, 2)))
    assert metrics.evidence_precision(made, GOOD) == (2, 3)


def test_a_ratio_stands_inside_its_interval() -> None:
    measure = ratio([(1, 2), (2, 2), (0, 1), (3, 4)] * 5)
    assert measure is not None
    assert measure.value == pytest.approx(6 / 9)
    assert measure.low < measure.value < measure.high
    assert ratio([(1.0, 1.0)] * 9) == Measure(1.0, 1.0, 1.0, 9.0)
    assert ratio([]) is None
    assert ratio([(0, 0)]) is None


def test_baselines_are_lines_of_the_call_up_to_a_length() -> None:
    texts = [line.text for line in LINES]
    assert first_sentences(LINES, 20) == " ".join(texts[:2])
    ranked = text_rank(LINES, 15)
    assert "요금" in ranked
    assert any(text in ranked for text in texts)
    assert len(text_rank(LINES, 10_000)) == len(" ".join(texts))
    assert text_rank([Line("A", "네")], 5) == "네"


@pytest.mark.parametrize("variant", VARIANTS)
def test_references_of_the_test_split_are_perfect_by_every_measure(variant: object) -> None:
    chosen = next(one for one in VARIANTS if one is variant)
    for call in calls_of(chosen, 8):
        assert call.split == "test"
        recalled, required = metrics.fact_recall(call.facts, metrics.whole_text(call.summary))
        assert recalled == required > 0
        assert metrics.unsupported_values(call.summary, call.lines)[0] == 0
        assert metrics.rouge_l(metrics.body(call.summary), metrics.body(call.summary)) == pytest.approx(1.0)


def test_calls_are_the_same_each_time() -> None:
    assert calls_of(VARIANTS[2], 4) == calls_of(VARIANTS[2], 4)
    assert calls_of(VARIANTS[0], 4) != calls_of(VARIANTS[1], 4)


def test_the_report_shows_every_system() -> None:
    share = Measure(0.5, 0.4, 0.6, 10)
    results = {"written": {"model": {"fact_recall": share, "seconds_per_call": share}, "TextRank": {"rouge_l": share}}}
    text = markdown(results)
    assert "| required facts in the summary | 50.0 % (40.0 to 60.0) | - |" in text
    assert "| ROUGE-L (syllables) | - | 50.0 % (40.0 to 60.0) |" in text
    assert json.loads(json.dumps(as_json(results)))["written"]["model"]["fact_recall"]["high"] == 0.6
