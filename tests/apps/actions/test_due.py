"""When something is due, out of the words of a call."""

from datetime import date, time, timedelta

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from apps.actions.due import Due, read_due
from model_core.data.korean.notes import as_note
from model_core.data.korean.times import time_told

CALLED = date(2026, 11, 25)  # a Wednesday
SAID = {
    "오늘 오후 세 시": (date(2026, 11, 25), time(15)),
    "내일까지": (date(2026, 11, 26), None),
    "내일 모레 오전 열 시 반": (date(2026, 11, 27), time(10, 30)),
    "금요일까지": (date(2026, 11, 27), None),
    "이번 주 월요일": (date(2026, 11, 23), None),
    "다음 주 화요일 두 시": (date(2026, 12, 1), time(14)),
    "십이월 삼 일": (date(2026, 12, 3), None),
    "유월 이십오일": (date(2027, 6, 25), None),
    "11월 3일": (date(2026, 11, 3), None),
    "삼십 일까지": (date(2026, 11, 30), None),
    "31일 오후 6시": (date(2026, 12, 31), time(18)),
    "이번 달 31일": (None, None),
    "5일 오전 9시 10분": (date(2026, 12, 5), time(9, 10)),
    "다음 달 3일": (date(2026, 12, 3), None),
    "사흘 안에": (date(2026, 11, 28), None),
    "삼 일 이내": (date(2026, 11, 28), None),
    "일주일 뒤": (date(2026, 12, 2), None),
    "이 주 후": (date(2026, 12, 9), None),
    "이달 말": (date(2026, 11, 30), None),
    "십이월 말까지": (date(2026, 12, 31), None),
    "2월 말": (date(2027, 2, 28), None),
    "십삼월 말": (None, None),
    "한 시간 안에": (date(2026, 11, 25), None),
    "밤 열두 시": (date(2026, 11, 25), time(0)),
    "14:30": (date(2026, 11, 25), time(14, 30)),
    "2026-12-24": (date(2026, 12, 24), None),
    "3일 안내": (date(2026, 12, 3), None),
    # What names no one day stays words.
    "다음 주 중": (None, None),
    "확인되는 대로": (None, None),
    "사흘 동안": (None, None),
    "편한 시각": (None, None),
    "매일": (None, None),
    "삼십일월 구십구일": (None, None),
    "2월 30일": (None, None),
    "": (None, None),
}


@pytest.mark.parametrize("words", SAID)
def test_what_is_said_is_read(words: str) -> None:
    assert read_due(words, CALLED) == Due(*SAID[words])


@given(st.integers(0, 400), st.dates(date(2001, 1, 1), date(2090, 1, 1)))
@example(273, date(2027, 6, 1))  # the 29th of February, which the year of the call has not
def test_a_day_of_the_near_future_is_found_again(days: int, called: date) -> None:
    day = called + timedelta(days=min(days, 330))
    assert read_due(f"{day.month}월 {day.day}일까지", called).on == day


@given(st.integers(1, 99), st.dates(date(2001, 1, 1), date(2090, 1, 1)))
def test_numbers_in_words_and_in_digits_are_one(days: int, called: date) -> None:
    tens, ones = divmod(days, 10)
    words = ("" if tens == 0 else "십" if tens == 1 else "일이삼사오육칠팔구"[tens - 1] + "십") + (
        "일이삼사오육칠팔구"[ones - 1] if ones else ""
    )
    assert read_due(f"{words} 일 뒤", called).on == called + timedelta(days=days)


@given(st.text("일이삼사오육칠팔구십월시분반요주다음뒤안내말오전후 0123456789:-세한열", max_size=30), st.dates())
def test_nothing_breaks_it(text: str, called: date) -> None:
    assert isinstance(read_due(text, called), Due)


DAYS = (
    *("오늘", "내일", "내일 모레", "글피", "금요일", "다음 주 화요일"),
    *("이번 달 이십오 일", "십이월 삼 일", "12월 3일", "이십 일"),
)
HOURS = ("오전 열 시 반", "오후 두 시", "세 시 십오 분", "14:30", "정오")
SPANS = ("사흘 안에", "삼 일 이내", "일주일 뒤에", "보름 후에", "이 주 안에")
MOMENTS = st.sampled_from((*SPANS, *DAYS, *HOURS)) | st.builds("{} {}".format, *map(st.sampled_from, (DAYS, HOURS)))


@settings(deadline=None)
@given(MOMENTS, st.sampled_from(("", "까지", "에")), st.dates(date(2001, 1, 1), date(2090, 1, 1)))
def test_what_the_summarizer_finds_in_a_promise_is_read_as_it_was_said(said: str, limit: str, called: date) -> None:
    words = said if said in SPANS else said + limit
    told = time_told(f"제가 {words} 다시 연락드리겠습니다")
    assert told is not None and read_due(told, called) == read_due(said, called)
    # The inbox reads the note, in which figures are written.
    assert read_due(as_note(told), called) == read_due(said, called)
