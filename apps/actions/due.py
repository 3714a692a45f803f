"""Read the day and the hour out of words: "다음 주 화요일 오후 세 시", "십이월 삼 일까지".

Only what names one day is read; "다음 주 중" and "나중에" stay words. Knows the day of the call, nothing of calls. The
words are found in the call by `model_core.data.korean.times`; a test holds the two together.
"""

import re
from calendar import monthrange
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, time, timedelta

from workers.contracts.summary import CallSummary

_SINO = {digit: value for value, digit in enumerate("일이삼사오육칠팔구", 1)}
_NATIVE = {"열두": 12, "열한": 11, "열": 10, "아홉": 9, "여덟": 8, "일곱": 7, "여섯": 6, "다섯": 5}
_NATIVE |= {"네": 4, "세": 3, "두": 2, "한": 1}
_DAYS = {"하루": 1, "이틀": 2, "사흘": 3, "나흘": 4, "닷새": 5, "엿새": 6, "열흘": 10, "보름": 15}
_NAMED = {"내일 모레": 2, "내일모레": 2, "오늘": 0, "금일": 0, "내일": 1, "명일": 1, "모레": 2, "글피": 3}
_WEEKDAYS = "월화수목금토일"

_NUMBER = r"(\d{1,3}|[일이삼사오육칠팔구십]{1,3})"
_LATER = r"\s*(?:뒤|후|안(?!내)|내|이내)"
_ISO = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})")
_MONTH_DAY = re.compile(rf"(\d{{1,2}}|[일이삼사오육칠팔구십]{{1,3}}|유|시)\s*월\s*{_NUMBER}\s*일")
_SPAN = re.compile(rf"(?:{_NUMBER}\s*(일|주일|주)|({'|'.join(_DAYS)})){_LATER}")
_WEEKDAY = re.compile(rf"(?:(이번|다음|다다음)\s*주\s*)?([{_WEEKDAYS}])요일")
_DAY = re.compile(rf"(?:(이번|다음)\s*달\s*)?(?<![{_WEEKDAYS}\d]){_NUMBER}\s*일(?![가-힣]*간)(?!\s*동안)")
_END_OF_MONTH = re.compile(r"(\d{1,2}|[일이삼사오육칠팔구십]{1,3}|유|시)\s*월\s*말")
_MONTH_END = re.compile(r"(?:(이번|다음)\s*달|이달|월)\s*말")
_SOON = re.compile(rf"(?:분|시간){_LATER}|지금|바로|즉시|곧")
_CLOCK = re.compile(r"(?<!\d)([01]?\d|2[0-3]):([0-5]\d)(?!\d)")
_IN_FIGURES = re.compile(r"\d\s*월\s*\d{1,2}\s*일|\d{4}-\d{1,2}-\d{1,2}")
_HOUR = re.compile(
    rf"(?<![가-힣])(오전|아침|새벽|오후|낮|저녁|밤)?\s*(\d{{1,2}}|{'|'.join(_NATIVE)})\s*시(?!\s*간)\s*(?:(반)|{_NUMBER}\s*분)?"
)


@dataclass(frozen=True)
class Due:
    """The day something is due and, when it was said, the hour. Both are empty when no one day was named.

    `assumed` tells that only an hour, or "right now", was said: the day is that of the call then.
    """

    on: date | None = None
    at: time | None = None
    assumed: bool = field(default=False, compare=False)


def read_due(text: str, called_on: date) -> Due:
    """Return when `text`, said on `called_on`, puts something. An hour without a day is that same day."""
    words = " ".join(text.split())
    at = _time(words)
    try:
        day = _day(words, called_on)
    except (ValueError, OverflowError):
        return Due()
    if day is None and (at or _SOON.search(words)):
        return Due(called_on, at, assumed=True)
    return Due(day, at)


def dues_of(summary: CallSummary, called_on: date) -> list[Due]:
    """Return when each action of a summary is due, in their order, as the inbox reads it."""
    return [read_due(action.when or "", called_on) for action in summary.actions]


def names_its_day(text: str) -> bool:
    """Tell whether `text` has the day in figures, so that a reader needs no other."""
    return _IN_FIGURES.search(text) is not None


def _day(words: str, called_on: date) -> date | None:
    """Return the first reading that fits. Raises ValueError for a day that no calendar has."""
    if match := _ISO.search(words):
        return date(*map(int, match.groups()))
    if match := _MONTH_DAY.search(words):
        return _in_year(_month(match[1]), _number(match[2]), called_on)
    if match := _SPAN.search(words):
        days = _DAYS[match[3]] if match[3] else _number(match[1]) * (1 if match[2] == "일" else 7)
        return called_on + timedelta(days=days)
    for name, days in _NAMED.items():
        if name in words:
            return called_on + timedelta(days=days)
    return _by_week_or_month(words, called_on)


def _by_week_or_month(words: str, called_on: date) -> date | None:
    if match := _WEEKDAY.search(words):
        return _weekday(match[1], _WEEKDAYS.index(match[2]), called_on)
    if match := _END_OF_MONTH.search(words):
        return _end_of_month(called_on.year + (_month(match[1]) < called_on.month), _month(match[1]))
    if match := _MONTH_END.search(words):
        return _end_of_month(*_later_month(called_on, 1 if match[1] == "다음" else 0))
    if match := _DAY.search(words):
        months = {"이번": (0,), "다음": (1,), None: (0, 1, 2)}[match[1]]
        earliest = called_on if match[1] is None else date.min
        return _first_day((_later_month(called_on, count) for count in months), _number(match[2]), earliest)
    return None


def _in_year(month: int, day: int, called_on: date) -> date:
    """Return the day in the year of the call; one that is long past then is meant for the next."""
    years = (called_on.year, called_on.year + 1)
    return _first_day(((year, month) for year in years), day, called_on - timedelta(days=31))


def _first_day(months: Iterable[tuple[int, int]], day: int, earliest: date) -> date:
    """Return that day of the first of the months that has it, not before `earliest`. Raises ValueError without one."""
    for year, month in months:
        if day <= monthrange(year, month)[1] and (found := date(year, month, day)) >= earliest:
            return found
    raise ValueError(day)


def _end_of_month(year: int, month: int) -> date:
    return date(year, month, monthrange(year, month)[1])


def _weekday(week: str | None, weekday: int, called_on: date) -> date:
    if week is None:
        return called_on + timedelta(days=(weekday - called_on.weekday()) % 7)
    monday = called_on - timedelta(days=called_on.weekday())
    return monday + timedelta(weeks=("이번", "다음", "다다음").index(week), days=weekday)


def _later_month(called_on: date, months: int) -> tuple[int, int]:
    index = called_on.year * 12 + called_on.month - 1 + months
    return index // 12, index % 12 + 1


def _month(text: str) -> int:
    return {"유": 6, "시": 10}.get(text) or _number(text)


def _number(text: str) -> int:
    """Return 1 to 99 written in digits or in Sino-Korean words. Raises ValueError for anything else."""
    if text.isdecimal():
        return int(text)
    tens, ten, ones = text.rpartition("십")
    if len(tens) > 1 or len(ones) > 1 or "십" in tens:
        raise ValueError(text)
    return (_SINO[tens] if tens else 1) * 10 * bool(ten) + (_SINO[ones] if ones else 0)


def _time(words: str) -> time | None:
    if "정오" in words:
        return time(12)
    if match := _CLOCK.search(words):
        return time(int(match[1]), int(match[2]))
    match = _HOUR.search(words)
    if match is None:
        return None
    hour = int(match[2]) if match[2].isdecimal() else _NATIVE[match[2]]
    try:
        return time(_of_the_day(hour, match[1]), 30 if match[3] else _number(match[4]) if match[4] else 0)
    except ValueError:
        return None


def _of_the_day(hour: int, part: str | None) -> int:
    """Return the hour of 0 to 23; without a part of the day one to six are in the afternoon, as in business calls."""
    if part in ("오전", "아침", "새벽"):
        return hour % 12 if hour <= 12 else hour
    if part == "밤" and hour == 12:
        return 0
    afternoon = part is not None or 1 <= hour <= 6
    return hour + 12 if afternoon and hour < 12 else hour
