"""What the summary card makes of values: readings that say something new, chips with the day they mean."""

from datetime import date, time
from typing import Any

import pytest

from apps.actions.due import Due
from apps.summaries.chips import chips_of
from apps.summaries.reading import read_summary
from tests.calls import summary
from workers.contracts.summary import ActionItem, CallSummary, Statement, Value

CALLED_ON = date(2026, 12, 3)  # a Thursday


def _action(what: str, when: str, *values: Value) -> Any:
    item = ActionItem(who="상담원", what=what, when=when, evidence=(3,), values=values)
    content = CallSummary(title="통화", one_line=Statement(text=""), actions=(item,))
    return read_summary(content.model_dump(mode="json"), [], CALLED_ON).actions[0]


@pytest.mark.parametrize(
    ("text", "normalized", "shown"),
    [
        ("두 시 오십 분", "2:50", ("2:50",)),
        ("2시 50분", "2:50", ()),
        ("오후 2시", "오후 2:00", ()),
        ("오만 사천 원", "54,000원", ("54,000원",)),
        ("54000원", "54,000원", ()),
        ("5만 4천 원", "54,000원", ("54,000원",)),
        ("공일공 이삼사오 육칠팔구", "010-2345-6789", ("010-2345-6789",)),
    ],
)
def test_a_reading_is_shown_when_the_words_do_not_have_its_figures(
    text: str, normalized: str, shown: tuple[str, ...]
) -> None:
    claim = _action(f"{text} 확인", "", Value(text=text, kind="value", normalized=normalized))
    assert claim.readings == shown


def test_what_the_words_say_is_said_once() -> None:
    hour = Value(text="세 시", kind="time", normalized="3:00")
    claim = _action("세 시(3:00)에 전화, 세 시에", "세 시", hour, hour)
    assert (claim.when_apart, claim.readings) == ("", ())
    assert _action("다시 전화", "오늘 오후 세 시").when_apart == "오늘 오후 세 시"


@pytest.mark.parametrize(
    ("when", "due"),
    [
        ("내일 오전", Due(date(2026, 12, 4))),
        ("다음 주 화요일 오후 세 시", Due(date(2026, 12, 8), time(15))),
        ("십이월 구 일까지", Due(date(2026, 12, 9))),
        ("12월 9일 오후 3시", None),
        ("오후 두 시 오십 분", None),
        ("지금 바로", None),
        ("나중에", None),
        ("", None),
    ],
)
def test_an_action_names_the_day_that_its_words_meant(when: str, due: Due | None) -> None:
    assert _action("다시 전화", when).due_told == due


def test_chips_are_each_value_once_with_its_first_line() -> None:
    (chip,) = chips_of(summary(), CALLED_ON)
    assert (chip.text, chip.kind, chip.number, chip.day) == ("54,000원", "money", 2, None)


@pytest.mark.parametrize(
    ("said", "normalized", "day"),
    [
        ("글피", "글피", date(2026, 12, 6)),
        ("다음 주 화요일", "", date(2026, 12, 8)),
        ("삼 일", "3일", date(2026, 12, 3)),
        ("십이월 구 일", "12월 9일", None),
        ("다음 주 중", "", None),
    ],
)
def test_a_chip_names_the_day_that_words_mean(said: str, normalized: str, day: date | None) -> None:
    point = Statement(
        text=f"{said} 방문", evidence=(2,), values=(Value(text=said, kind="date", normalized=normalized),)
    )
    (chip,) = chips_of(CallSummary(title="통화", one_line=point), CALLED_ON)
    assert chip.day == day


def test_unsupported_values_make_no_chips() -> None:
    doubtful = Statement(text="내일", evidence=(2,), values=(Value(text="내일", kind="date", supported=False),))
    assert chips_of(CallSummary(title="통화", one_line=doubtful), CALLED_ON) == ()
