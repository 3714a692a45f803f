"""The words of a clause that say when, and an action that gets those of its own promise."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model_core.data.call import Action, Line
from model_core.data.korean.times import time_told
from model_core.data.korean.values import find_values, same_value
from model_core.inference.actions import settled

TOLD = {
    "내일 오후 두 시까지 연락드리겠습니다": "내일 오후 두 시까지",
    "오늘 저녁에 얘기해 볼게요": "오늘 저녁",
    "다음 주 중으로 연락드릴게요": "다음 주 중으로",
    "이번 달 말까지 보내 드릴게요": "이번 달 말까지",
    "오월 말에 드릴게요": "오월 말",
    "삼십 분 안에 갈게요": "삼십 분 안에",
    "사흘 뒤에 드릴게요": "사흘 뒤에",
    "낮 열두 시 전에는 갈게요": "낮 열두 시 전에",
    "손대규 씨 오늘 휴무라 내일 물어볼게요": "내일",
    "내일 오전 열 시에서 열한 시 사이에 갈게요": "내일 오전 열 시에서 열한 시",
    "월요일 아 죄송합니다 모레까지 전화드리라고 하겠습니다": "모레까지",
    "내일부터 다음 주 금요일까지 맡길게요": "다음 주 금요일까지",
    "오늘 일곱 시까지 가도록 할게요": "오늘 일곱 시까지",
    # What puts nothing on a day.
    "지난주 토요일에 받은 걸 보낼게요": None,
    "매주 월요일에 드릴게요": None,
    "삼 개월 동안 쓸게요": None,
    "이십일 일 지나면 지울게요": None,
    "이틀 전에 알려 주세요": None,
    "토요일을 비워 둘게요": None,
    "오늘도 안전하게 갈게요": None,
    "다시 전화드릴게요": None,
    "": None,
}


@pytest.mark.parametrize("clause", TOLD)
def test_the_words_that_say_when(clause: str) -> None:
    assert time_told(clause) == TOLD[clause]


@settings(deadline=None)
@given(
    st.text("일이삼사오육칠팔구십월시분반요주다음뒤안내말오전후매지난까부터에서아니 0123456789:-세한열,.?", max_size=60)
)
def test_what_is_told_is_a_time_that_was_said(text: str) -> None:
    told = time_told(text)
    assert told is None or told == told.strip()
    said = find_values(text)
    assert all(any(same_value(value, one) for one in said) for value in find_values(told or ""))


LINES = (
    Line("A", "토요일은 쉽니다. 이틀 안에 검사팀에서, 이 번호로 전화드리겠습니다."),
    Line("B", "사진은 제가 보낼게요. 금요일까지 됩니다."),
    Line("A", "금요일에 뵙겠습니다."),
)


@pytest.mark.parametrize(
    ("action", "who", "when"),
    [
        (Action("고객", "이 번호로 전화드리겠습니다", "토요일", (1,)), "상담원", "이틀 안에"),
        (Action("수신자", "사진은 제가 보낼게요", "금요일", (2, 3)), "발신자", None),
        (Action("기사", "<v>금요일</v>에 뵙겠습니다", None, (3,)), "기사", "금요일"),
        (Action("고객", "금요일에 뵙겠습니다", None, (9,)), "고객", "금요일"),
    ],
)
def test_an_action_has_the_doer_and_the_time_of_its_promise(action: Action, who: str, when: str | None) -> None:
    made = settled(action, LINES)
    assert made is not None and (made.who, made.when) == (who, when)


def test_half_a_clause_is_no_action() -> None:
    assert settled(Action("상담원", "<v>여쭤보고</v>", None, (1,)), LINES) is None
