"""What says nothing is left out of a summary; everything else stays as it was said."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model_core.data.call import Action, Item, Summary, Topic
from model_core.inference.wording import telling, without_idle_words


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("수고하심, 등록금 <v>750만 원</v>을 부쳐야 함", "등록금 <v>750만 원</v>을 부쳐야 함"),
        ("물려 달라고 함, 물려 달라고 함, 31일까지 전화함", "물려 달라고 함, 31일까지 전화함"),
        ("등록됨, 더 궁금하신 점 있는지 문의", "등록됨"),
        ("말씀하라고 함, 먹태랑 생맥주 배달 왔음", "먹태랑 생맥주 배달 왔음"),
        ("얼마인지 문의, 네, 감사합니다", "얼마인지 문의"),
        ("왜 저희가 내요? <v>전시품</v>으로 바꿈", "왜 저희가 내요? <v>전시품</v>으로 바꿈"),
        ("안녕하세요라는 간판을 답니다", "안녕하세요라는 간판을 답니다"),
        ("네, 여보세요", ""),
    ],
)
def test_clauses_that_tell_something_stay(said: str, told: str) -> None:
    assert telling(said) == told


CLAUSES = st.lists(st.from_regex("[가나다]{1,3}( [가나다]{1,3})?", fullmatch=True), unique=True, min_size=1, max_size=5)


@given(CLAUSES)
def test_what_is_no_courtesy_and_said_once_is_not_touched(clauses: list[str]) -> None:
    assert telling(", ".join(clauses)) == ", ".join(clauses)


def test_points_and_topics_of_courtesies_alone_go() -> None:
    idle, told = Item("더 궁금하신 점 있는지 문의", (9,)), Item("등록됨", (4,))
    summary = Summary(
        title="문의",
        one_line=Item("감사함", (9,)),
        topics=(Topic("신청", (told, idle)), Topic("인사", (idle,))),
        actions=(Action("상담원", "감사함", None, (9,)),),
        decisions=(idle, told),
        category="finance",
        outcome="informed",
        sentiment="neutral",
    )
    made = without_idle_words(summary)
    assert (made.topics, made.decisions) == ((Topic("신청", (told,)),), (told,))
    assert (made.one_line, made.actions) == (summary.one_line, summary.actions)
