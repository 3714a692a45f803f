"""Values found in running Korean, their canonical forms, and ordinary words that must not be taken for values."""

import random
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model_core.data.korean import numbers
from model_core.data.korean.values import FoundValue, canonical_text, find_values, normalized_display, same_value
from model_core.data.simulator.expand import CallSimulator
from model_core.data.simulator.slots import SlotType, draw

SPELLINGS = [
    ("money", "54000원", [
        "오만 사천 원", "오만사천원", "54,000원", "54000원", "5만4천원", "5만 4천 원", "오만 사천원",
    ]),
    ("time", "15:30", [
        "오후 세 시 반", "오후 3시 30분", "오후세시반", "오후 세 시 삼십 분", "오후 3:30", "낮 세 시 반",
        "15시 30분",
    ]),
    ("phone", "01023456789", [
        "공일공 이삼사오 육칠팔구", "010-2345-6789", "01023456789", "공일공이삼사오육칠팔구", "010 2345 6789",
        "공일공에 이삼사오에 육칠팔구", "공 일 공 이 삼 사 오 육 칠 팔 구",
    ]),
    ("phone", "15881234", [
        "일오팔팔 일이삼사", "1588-1234",
    ]),
    ("date", "12-03", [
        "십이월 삼 일", "12월 3일", "십이월삼일", "12월3일",
    ]),
    ("date", "2026-12-03", [
        "이천이십육 년 십이월 삼 일", "2026년 12월 3일", "2026-12-03", "2026.12.3",
    ]),
    ("date", "다음주화요일", [
        "다음 주 화요일", "다음주 화요일", "다음주화요일",
    ]),
    ("duration", "40분", [
        "사십 분", "40분", "사십분",
    ]),
    ("duration", "150분", [
        "두 시간 반", "2시간 30분", "두 시간 삼십 분", "두시간반",
    ]),
    ("duration", "3일", [
        "사흘", "3일 동안", "삼 일 동안",
    ]),
    ("duration", "14일", [
        "이 주 뒤", "2주", "이주일",
    ]),
    ("duration", "3개월", [
        "삼 개월", "3개월", "석 달", "세 달",
    ]),
    ("count", "3개", [
        "세 개", "3개", "세개",
    ]),
    ("count", "20명", [
        "스무 명", "이십 명", "20명", "스무 사람",
    ]),
    ("percent", "15%", [
        "십오 퍼센트", "15%", "십오 프로", "15프로",
    ]),
    ("measure", "38℃", [
        "삼십팔 도", "38도", "38℃",
    ]),
    ("measure", "3.5m", [
        "삼 점 오 미터", "3.5미터", "3.5m",
    ]),
    ("unit", "103동1204호", [
        "백삼 동 천이백사 호", "103동 1204호", "백삼동 천이백사호",
    ]),
    ("digits", "2063", [
        "이 공 육 삼", "이공육삼", "이 영 육 삼",
    ]),
    ("carno", "12가3456", [
        "십이 가 삼사오육", "12가 3456", "12가3456", "십이가 삼사오육",
    ]),
    ("address", "월드컵로12길34", [
        "월드컵로 십이 길 삼십사", "월드컵로 12길 34", "월드컵로12길 34",
    ]),
    ("count", "2~3일", ["이삼 일", "2~3일", "이삼일"]),
    ("count", "3~4명", ["서너 명", "3~4명"]),
    ("duration", "2박3일", ["2박 3일", "이박 삼일", "이박삼일"]),
    ("measure", "-15℃", ["영하 십오 도", "영하 15도"]),
    ("percent", "0.5%", ["영점 오 퍼센트", "0.5%"]),
    ("duration", "365일", ["삼백육십오 일", "365일"]),
    ("date", "2025-03", ["이천이십오 년 삼월", "2025년 3월"]),
    ("number", "120", [
        "백이십", "120",
    ]),
]  # fmt: skip
ENDINGS = ["", "입니다", ".", " 맞으시죠?", "까지요", "에 했어요", ", 네"]


@pytest.mark.parametrize(
    ("kind", "canonical", "text"), [(kind, canonical, text) for kind, canonical, texts in SPELLINGS for text in texts]
)
def test_spellings_share_a_canonical_form(kind: str, canonical: str, text: str) -> None:
    for ending in ENDINGS:
        found = find_values(f"네 그게 {text}{ending}")
        assert [value.canonical for value in found] == [canonical], ending
        assert found[0].kind in (kind, "digits", "date")
        assert found[0].text.startswith(text[:2])


@pytest.mark.parametrize(
    "text",
    [
        "일단 이번에는 제가 이사를 가는데요", "천사 같은 사람이 구매하고 만나요", "이 일이 그 일이에요",
        "이 분이 그 분이에요", "다시 한번 확인해 주세요", "한 번 더 말씀해 주세요", "만일 안 되면 이만 끊을게요",
        "천만에요, 오만 가지 생각이 들어요", "네 번호가 어떻게 되세요", "사이에 오이를 넣어요",
        "이사 일정이 바뀌었어요", "그냥 두시면 됩니다", "켜 두시고요", "하나도 안 들려요", "오기가 나서요",
        "만기가 지났어요", "일일이 다 확인했어요", "만 주고 나머지는요", "일치시키세요", "수십만 원",
        "이 사이에 오이가", "세대주가 누구예요", "열정이 대단하세요", "구이 요리", "사과 드려요",
        "오전에 오후에", "조만간 백화점에 가요", "천장에서 물이 새요", "구청 사회과", "오일 교체하려고요",
        "다음에 다시 올게요", "그걸로 이 정도면", "팔이 아파요", "몇 만 원 정도요", "칠이 벗겨졌어요",
    ],
)  # fmt: skip
def test_ordinary_words_are_no_values(text: str) -> None:
    assert find_values(text) == []


TYPES = [
    SlotType("money", ("1000", "9900000", "100")),
    SlotType("phone"),
    SlotType("time", ("any",)),
    SlotType("percent", ("2", "99")),
    SlotType("duration", ("minutes", "3", "59")),
    SlotType("duration", ("months", "3", "36")),
    SlotType("count", ("명", "11", "300", "sino")),
    SlotType("count", ("개", "2", "40", "native")),
    SlotType("unit"),
    SlotType("digits", ("6",)),
]


@given(st.sampled_from(TYPES), st.integers(), st.sampled_from(ENDINGS))
@settings(deadline=None)
def test_spoken_and_written_values_of_slots_are_the_same(slot: SlotType, seed: int, ending: str) -> None:
    value = draw(slot, random.Random(seed))
    for spelling in (value.spoken, value.spoken.replace(" ", ""), value.written):
        (said,), (typed,) = find_values(f"그게 {spelling}{ending}"), find_values(value.written)
        assert same_value(said, typed), (said, typed)


@given(
    st.text(
        "일이삼사오육칠팔구공영십백천만억원시분월년개명번주층도동호한두세네열스무 "
        ".,오전후내다음화요까지입니에0123456789%-:",
        max_size=40,
    )
)
@settings(deadline=None, max_examples=400)
def test_found_values_are_ordered_runs_of_any_text(text: str) -> None:
    end = 0
    for value in find_values(text):
        assert end <= value.start < value.end <= len(text)
        assert value.text == text[value.start : value.end] == value.text.strip()
        assert value.canonical
        end = value.end


def test_three_oclock_after_a_day_is_nobodys_age() -> None:
    assert [value.kind for value in find_values("이십 일 세 시 십오 분에 갈게요")] == ["date", "time"]
    assert [value.kind for value in find_values("이십일 세부터")] == ["count"]


def _only(text: str) -> FoundValue:
    (value,) = find_values(text)
    return value


@pytest.mark.parametrize(
    ("one", "two", "same"),
    [
        ("세 시 반", "오후 3시 30분", True),
        ("세 시 반", "오전 세 시 반", True),
        ("오전 세 시", "오후 세 시", False),
        ("12월 3일", "2026년 12월 3일", True),
        ("백이십", "120,000원", False),
        ("오만 사천", "54,000원", True),
        ("세 개", "세 명", False),
        ("사흘", "3일", True),
        ("두 시간", "120분", True),
        ("공일공 이삼사오 육칠팔구", "010-2345-6780", False),
    ],
)
def test_same_values(one: str, two: str, same: bool) -> None:
    assert same_value(_only(one), _only(two)) is same
    assert same_value(_only(two), _only(one)) is same


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("오만 사천 원", "54,000원"),
        ("오후 세 시 반", "오후 3:30"),
        ("세 시", "3:00"),
        ("밤 열두 시", "오전 12:00"),
        ("공일공 이삼사오 육칠팔구", "010-2345-6789"),
        ("공이 삼사오 육칠팔구", "02-345-6789"),
        ("한 시간 반", "1시간 30분"),
        ("유월 육 일", "6월 6일"),
        ("내일 모레", "내일 모레"),
        ("백삼 동 천이백사 호", "103동 1204호"),
    ],
)
def test_values_are_shown_as_a_careful_writer_would(text: str, shown: str) -> None:
    assert normalized_display(_only(text)) == shown


def test_canonical_texts_agree_across_spellings() -> None:
    assert canonical_text("요금 오만 사천 원을, 세 시까지") == canonical_text("요금 54000원을 3시까지")


@given(st.integers(10, 10**9))
def test_any_amount_is_found(amount: int) -> None:
    assert [value.canonical for value in find_values(f"{numbers.sino(amount)} 원입니다")] == [f"{amount}원"]


def test_a_lane_without_a_house_number_is_no_address() -> None:
    assert [value.kind for value in find_values("세종로 3길 만나는 곳이에요")] == ["number"]


def test_a_long_call_takes_little_time() -> None:
    simulator = CallSimulator("train", 0, written_p=0.5)
    lines = [line.text for index in range(30) for line in simulator.call(index).lines][:400]
    start_s = time.process_time()
    for line in lines:
        find_values(line)
    assert (time.process_time() - start_s) * 200 / len(lines) < 0.05
