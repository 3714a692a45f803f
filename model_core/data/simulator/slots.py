"""The slot types of call scripts: what a value is, how it is spoken and how it is written.

Draws values at random and knows nothing of scripts or calls.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from model_core.data.korean import numbers
from model_core.data.simulator import people, places

DURATION_UNITS: Final = ("minutes", "hours", "days", "weeks", "months", "years")
DATE_RANGES: Final = ("future", "past", "near")
TIME_RANGES: Final = ("biz", "evening", "any")


@dataclass(frozen=True)
class SlotType:
    """A kind of value with the arguments its drawing takes."""

    kind: str
    args: tuple[str, ...] = ()


@dataclass(frozen=True)
class SlotValue:
    """A drawn value: as it is spoken, as a careful writer types it, and every spelling that counts as saying it."""

    kind: str
    spoken: str
    written: str
    forms: tuple[str, ...]


Drawer = Callable[[random.Random, tuple[str, ...]], SlotValue]
_WEEKDAYS: Final = ("월요일", "화요일", "수요일", "목요일", "금요일", "토요일", "일요일")


def _value(kind: str, spoken: str, written: str, *others: str) -> SlotValue:
    return SlotValue(kind, spoken, written, tuple(dict.fromkeys((spoken, written, *others))))


def _person(rng: random.Random, args: tuple[str, ...]) -> SlotValue:
    name = people.full_name(rng)
    return _value("person", name, name)


def _phone(rng: random.Random, args: tuple[str, ...]) -> SlotValue:
    last = f"{rng.randint(0, 9999):04d}"
    roll = rng.random()
    if roll < 0.82:
        groups = ["010", f"{rng.randint(2000, 9999)}", last]
    elif roll < 0.94:
        area = rng.choice(
            ("02", "031", "032", "051", "053", "062", "042", "052", "033", "043", "063", "061", "064", "070")
        )
        groups = [area, f"{rng.randint(200, 9999)}", last]
    else:
        groups = [rng.choice(("1588", "1577", "1544", "1600", "1644", "1899")), last]
    joint = "에 " if rng.random() < 0.1 else " "
    spoken = joint.join(numbers.read_digits(group) for group in groups)
    return _value("phone", spoken, "-".join(groups), "".join(groups), " ".join(groups))


def _money(rng: random.Random, args: tuple[str, ...]) -> SlotValue:
    low, high, step = (int(arg) for arg in args)
    amount = rng.randrange(low, high + 1, step)
    return _value("money", numbers.sino(amount) + " 원", f"{amount:,}원", f"{amount}원")


def _absolute_date(rng: random.Random) -> tuple[str, str]:
    month, day = rng.randint(1, 12), rng.randint(1, 28)
    return f"{numbers.month(month)} {numbers.sino(day)} 일", f"{month}월 {day}일"


def _date(rng: random.Random, args: tuple[str, ...]) -> SlotValue:
    day = rng.randint(1, 31)
    weekday = rng.choice(_WEEKDAYS)
    day_forms = (f"{numbers.sino(day)} 일", f"{day}일")
    if args[0] == "near":
        word = rng.choice(
            (
                "오늘",
                "내일",
                "모레",
                "내일 모레",
                f"이번 주 {weekday}",
                f"이번 주 {weekday}",
                f"다음 주 {weekday}",
                weekday,
            )
        )
        return _value("date", word, word)
    past = args[0] == "past"
    this = "지난달" if past else "다음 달"
    words = ("어제", "그저께", "그제", "엊그제") if past else ("내일", "모레", "글피")
    week = ("지난주", "지난주", "지지난주", "이번 주") if past else ("이번 주", "다음 주", "다음 주", "다다음 주")
    roll = rng.random()
    if roll < 0.35:
        spoken, written = _absolute_date(rng)
    elif roll < 0.5:
        spoken, written = day_forms
    elif roll < 0.6:
        prefix = rng.choice((this, this, "이번 달"))
        spoken, written = f"{prefix} {day_forms[0]}", f"{prefix} {day_forms[1]}"
    elif roll < 0.68:
        spoken, written = (f"{form} {weekday}" for form in day_forms)
    elif roll < 0.8:
        spoken = written = rng.choice(words)
    else:
        spoken = written = f"{rng.choice(week)} {weekday}"
    return _value("date", spoken, written)


def _day_part(hour: int, rng: random.Random) -> str:
    if rng.random() < 0.35:
        return ""
    if hour < 6:
        return "새벽 "
    if hour < 12:
        return rng.choice(("오전 ", "오전 ", "아침 " if hour < 10 else "오전 "))
    return rng.choice(
        ("오후 ", "오후 ", "저녁 " if 18 <= hour < 21 else "밤 " if hour >= 21 else "낮 " if hour < 15 else "오후 ")
    )


def _time(rng: random.Random, args: tuple[str, ...]) -> SlotValue:
    hour = rng.randint(*{"biz": (9, 18), "evening": (17, 22), "any": (5, 23)}[args[0]])
    minute = rng.choice((0, 0, 0, 30, 30, 10, 15, 20, 40, 45, 50, 5, 25, 55))
    part = _day_part(hour, rng)
    clock = hour - 12 if hour > 12 else hour
    half = minute == 30 and rng.random() < 0.7
    spoken = f"{part}{numbers.native(clock)} 시"
    written = f"{part}{clock}시"
    if minute:
        spoken += " 반" if half else f" {numbers.sino(minute)} 분"
        written += f" {minute}분"
    digital = f"{hour}:{minute:02d}" if part else f"{clock}:{minute:02d}"
    return _value("time", spoken, written, digital, written.replace("30분", "반"))


def _duration(rng: random.Random, args: tuple[str, ...]) -> SlotValue:
    unit, number = args[0], rng.randint(int(args[1]), int(args[2]))
    if unit == "minutes":
        number = number if int(args[2]) - int(args[1]) < 10 else max(int(args[1]), number // 5 * 5)
        return _value("duration", f"{numbers.sino(number)} 분", f"{number}분")
    if unit == "hours":
        said = numbers.native(number) if number <= numbers.MAX_NATIVE and number < 24 else numbers.sino(number)
        return _value("duration", f"{said} 시간", f"{number}시간")
    if unit == "days":
        return _days(number, rng)
    if unit == "weeks":
        if number == 1:
            return _value("duration", "일주일", "일주일", "1주일", "1주")
        return _value("duration", f"{numbers.sino(number)} 주", f"{number}주", f"{number}주일")
    if unit == "months":
        native = {1: "한", 2: "두", 3: "세", 4: "네"}.get(number)
        if native and rng.random() < 0.4:
            return _value("duration", f"{native} 달", f"{native} 달", f"{number}개월", f"{number}달")
        return _value("duration", f"{numbers.sino(number)} 개월", f"{number}개월", f"{number}달")
    return _value("duration", f"{numbers.sino(number)} 년", f"{number}년")


def _days(number: int, rng: random.Random) -> SlotValue:
    written = f"{number}일"
    if number < len(numbers.DAYS) and rng.random() < (0.85 if number < 5 else 0.3):
        word = numbers.DAYS[number]
        return _value("duration", word, word, written)
    return _value("duration", f"{numbers.sino(number)} 일", written)


def _count(rng: random.Random, args: tuple[str, ...]) -> SlotValue:
    unit, number = args[0], rng.randint(int(args[1]), int(args[2]))
    native = args[3] == "native" and number <= numbers.MAX_NATIVE
    said = numbers.native(number) if native else numbers.sino(number)
    return _value("count", f"{said} {unit}", f"{number}{unit}")


def _number(rng: random.Random, args: tuple[str, ...]) -> SlotValue:
    low, high, unit, step = _number_args(args)
    number = rng.randrange(low, high + 1, step)
    if not unit:
        return _value("number", numbers.sino(number), str(number), f"{number:,}")
    return _value(
        "number", f"{numbers.sino(number)} {unit}", f"{number:,}{unit}", f"{number}{unit}", f"{number} {unit}"
    )


def _number_args(args: tuple[str, ...]) -> tuple[int, int, str, int]:
    rest = list(args[2:])
    step = int(rest.pop()) if rest and rest[-1].isdigit() else 1
    return int(args[0]), int(args[1]), " ".join(rest), step


def _percent(rng: random.Random, args: tuple[str, ...]) -> SlotValue:
    number = rng.randint(int(args[0]), int(args[1]))
    unit = "프로" if rng.random() < 0.35 else "퍼센트"
    return _value("percent", f"{numbers.sino(number)} {unit}", f"{number}%", f"{number}{unit}")


def _address(rng: random.Random, args: tuple[str, ...]) -> SlotValue:
    return _value("address", *places.address(rng))


def _unit(rng: random.Random, args: tuple[str, ...]) -> SlotValue:
    room = rng.randint(1, 25) * 100 + rng.randint(1, 8)
    if rng.random() < 0.2:
        return _value("unit", f"{numbers.sino(room)} 호", f"{room}호")
    building = rng.choice((100, 100, 100, 200, 300, 0)) + rng.randint(1, 19)
    return _value("unit", f"{numbers.sino(building)} 동 {numbers.sino(room)} 호", f"{building}동 {room}호")


def _digits(rng: random.Random, args: tuple[str, ...]) -> SlotValue:
    digits = "".join(str(rng.randint(0, 9)) for _ in range(int(args[0])))
    said = numbers.read_digits(digits)
    grouped = len(digits) >= 4 and rng.random() < 0.5
    spoken = " ".join(said[i : i + 4] for i in range(0, len(said), 4)) if grouped else " ".join(said)
    return _value("digits", spoken, digits)


def _carno(rng: random.Random, args: tuple[str, ...]) -> SlotValue:
    front = rng.randint(10, 99) if rng.random() < 0.6 else rng.randint(100, 399)
    letter = rng.choice("가나다라마거너더러머버서어저고노도로모보소오조구누두루무부수우주하허호")
    back = f"{rng.randint(1000, 9999)}"
    spoken = f"{numbers.sino(front)} {letter} {numbers.read_digits(back)}"
    return _value("carno", spoken, f"{front}{letter} {back}", f"{front}{letter}{back}")


def _choice(rng: random.Random, args: tuple[str, ...]) -> SlotValue:
    word = rng.choice(args)
    return _value("choice", word, word)


def _ints(args: tuple[str, ...], count: int) -> bool:
    return len(args) == count and all(arg.isdigit() for arg in args)


def _is_range(args: tuple[str, ...]) -> bool:
    return _ints(args[:2], 2) and int(args[0]) <= int(args[1])


@dataclass(frozen=True)
class _Kind:
    draw: Drawer
    accepts: Callable[[tuple[str, ...]], bool]
    usage: str


_NO_ARGS: Final = "no arguments"
_KINDS: Final[dict[str, _Kind]] = {
    "person": _Kind(_person, lambda args: not args, _NO_ARGS),
    "phone": _Kind(_phone, lambda args: not args, _NO_ARGS),
    "money": _Kind(_money, lambda args: _ints(args, 3) and _is_range(args) and int(args[2]) > 0, "LO HI STEP"),
    "date": _Kind(_date, lambda args: len(args) == 1 and args[0] in DATE_RANGES, " or ".join(DATE_RANGES)),
    "time": _Kind(_time, lambda args: len(args) == 1 and args[0] in TIME_RANGES, " or ".join(TIME_RANGES)),
    "duration": _Kind(
        _duration,
        lambda args: len(args) == 3 and args[0] in DURATION_UNITS and _is_range(args[1:]),
        f"one of {' '.join(DURATION_UNITS)}, then LO HI",
    ),
    "count": _Kind(
        _count,
        lambda args: len(args) == 4 and _is_range(args[1:3]) and int(args[1]) > 0 and args[3] in ("native", "sino"),
        "UNIT LO HI native or sino, LO at least 1",
    ),
    "number": _Kind(_number, lambda args: len(args) >= 2 and _is_range(args), "LO HI [UNIT] [STEP]"),
    "percent": _Kind(_percent, lambda args: len(args) == 2 and _is_range(args), "LO HI"),
    "address": _Kind(_address, lambda args: not args, _NO_ARGS),
    "unit": _Kind(_unit, lambda args: not args, _NO_ARGS),
    "digits": _Kind(_digits, lambda args: _ints(args, 1) and 2 <= int(args[0]) <= 16, "N from 2 to 16"),
    "carno": _Kind(_carno, lambda args: not args, _NO_ARGS),
    "choice": _Kind(_choice, lambda args: len(args) >= 2 and all(args), "x | y, at least two"),
}


def parse_slot_type(source: str) -> SlotType:
    """Return the type that the right side of a slot line names.

    Raises:
        ValueError: when there is no such type or its arguments do not fit.
    """
    kind, _, rest = source.strip().partition(" ")
    if kind not in _KINDS:
        raise ValueError(f"slot type {kind!r} is none of {' '.join(_KINDS)}")
    words = rest.split("|") if kind == "choice" else rest.split()
    args = tuple(word.strip() for word in words)
    if not _KINDS[kind].accepts(args):
        raise ValueError(f"'{source}': {kind} takes {_KINDS[kind].usage}")
    return SlotType(kind, args)


def draw(slot: SlotType, rng: random.Random) -> SlotValue:
    """Draw a value of a slot type."""
    return _KINDS[slot.kind].draw(rng, slot.args)
