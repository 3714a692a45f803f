"""Values in Korean text: money, dates, times, durations, counts, measures, percents, phones, long numbers, addresses.

`find_values` finds them written ("54,000원") and spoken ("오만 사천 원"), spaced by a careful writer or by a speech
recognizer, with a canonical form in which different spellings of a value are equal. It knows no names of people or
products, and prefers to miss a doubtful short numeral over calling 이사 or 만나 a number.
"""

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from model_core.data.korean.patterns import ADDRESS, ADDRESS_HINT, NATIVE_SHAPES, NUMERIC, WORDS, Pattern
from model_core.data.korean.reading import NATIVE_VALUES, read_digits, read_native, read_sino
from model_core.data.korean.shortness import (
    doubtful_digits,
    doubtful_hour,
    doubtful_native,
    doubtful_number,
    doubtful_unit,
)


@dataclass(frozen=True)
class FoundValue:
    """A value at `text[start:end]`; `canonical` is equal for the spellings of one value within a kind."""

    kind: str
    start: int
    end: int
    text: str
    canonical: str


_START: Final = re.compile(
    r"(?<![가-힣\d])[가-힣\d]|(?<=[가-힣])\d|(?<=일)[월화수목금토일](?=요일)|"
    r"(?<=[가-힣])[일이삼사오육칠팔구](?=(?:[일이삼사오육칠팔구십백천만억] ?){3,8}원)"
)
_SINO_START: Final = frozenset("일이삼사오육륙칠팔구공영십백천만억유시0123456789")
_NATIVE_START: Final = frozenset(word[0] for word in NATIVE_VALUES)
_WORD_START: Final = frozenset("오새아점낮저밤정자이다지돌매내모글어그엊작올월화수목금토일하사나닷엿여열보")
_WIDTH = 40
_UNITS: Final = {
    "사람": "명", "분": "명", "센티": "cm", "센티미터": "cm", "센치미터": "cm", "센치": "cm", "밀리미터": "mm",
    "미터": "m", "킬로그램": "kg", "킬로미터": "km", "그램": "g", "리터": "L", "l": "L", "ℓ": "L", "㎏": "kg",
    "㎞": "km", "㎝": "cm", "㎜": "mm", "도": "℃", "°C": "℃", "볼트": "V", "와트": "W", "암페어": "A",
    "킬로와트": "kW", "밀리리터": "ml", "밀리그램": "mg", "기가바이트": "GB", "기가": "GB", "메가바이트": "MB",
    "메가": "MB", "파렛트": "팔레트", "데시벨": "dB", "씨씨": "cc", "바": "bar", "헤르츠": "Hz",
    "제곱미터": "㎡", "헤베": "㎡",
}  # fmt: skip


def find_values(text: str) -> list[FoundValue]:
    """Return the values in a text, from left to right, without overlaps; of several readings the longest."""
    addresses = _addresses(text)
    found: list[FoundValue] = []
    position = 0
    while match := _START.search(text, position):
        start = match.start()
        value = _longest(text, start, addresses.get(start))
        position = value.end if value else start + 1
        if value:
            found.append(value)
    return found


def _longest(text: str, start: int, best: FoundValue | None) -> FoundValue | None:
    first = text[start]
    for letters, patterns in ((_SINO_START, NUMERIC), (_NATIVE_START, NATIVE_SHAPES), (_WORD_START, WORDS)):
        if first not in letters:
            continue
        for pattern in patterns:
            match = pattern.regex.match(text, start, start + _WIDTH)
            if match and (best is None or match.end() > best.end):
                best = _judged(pattern, match, text) or best
    return best


def _judged(pattern: Pattern, match: re.Match[str], text: str) -> FoundValue | None:
    canonical = _READERS[pattern.reader](match)
    if canonical is None:
        return None
    end = match.start() + len(match[0].rstrip(" ,"))
    kind = pattern.kind
    if kind == "digits" and _PHONE.fullmatch(canonical):
        kind = "phone"
    return FoundValue(kind, match.start(), end, text[match.start() : end], canonical)


_PHONE: Final = re.compile(r"0\d{8,10}|1[5-9]\d{6}")


def _addresses(text: str) -> dict[int, FoundValue]:
    """Return the addresses in a text by where they begin: the name of a road or a neighbourhood, then the numbers."""
    found: dict[int, FoundValue] = {}
    for hint in ADDRESS_HINT.finditer(text):
        start = max(text.rfind(" ", 0, hint.start() + 1), text.rfind(",", 0, hint.start() + 1)) + 1
        match = ADDRESS.regex.match(text, start)
        if not match or start in found or not _is_address(match):
            continue
        rest = _longest(text, match.start("b") if match["b"] else match.start("e"), None)
        if rest is None or rest.end <= match.end():
            end = start + len(match[0].rstrip())
            found[start] = FoundValue("address", start, end, text[start:end], _address(match))
    return found


def _is_address(match: re.Match[str]) -> bool:
    """Tell whether the numbers are an address's and not what follows a particle (그걸로 이 정도)."""
    if match["a"] or match["e"]:
        return bool((match["b"] or match["e"]).strip())
    number = match["b"].strip()
    return bool(number) and (number[0].isdigit() or re.search("[십백천]", number) is not None)


def _address(match: re.Match[str]) -> str:
    def said(group: str) -> str:
        return _plain(read_sino(match[group].strip()))

    if match["e"]:
        return (
            match["name"]
            + match[0][match.end("name") - match.start()]
            + said("e")
            + (f"-{said('f')}" if match["f"] else "")
        )
    road = match[0][match.end("name") - match.start() :].partition(" ")[0]
    road = re.match("대로|로|길", road)[0]  # type: ignore[index]
    middle = (said("a") + ("번길" if re.search("번 ?길", match[0]) else "길")) if match["a"] else ""
    return match["name"] + road + middle + said("b") + (f"-{said('c')}" if match["c"] else "")


def _plain(number: Decimal) -> str:
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _number(match: re.Match[str], unit: str) -> str | None:
    said = match["n"]
    if doubtful_unit(said, match, unit):
        return None
    return _plain(read_sino(said))


def _money(match: re.Match[str]) -> str | None:
    number = _number(match, "원")
    return f"{number}원" if number else None


def _percent(match: re.Match[str]) -> str | None:
    number = _number(match, "퍼센트")
    return f"{number}%" if number else None


def _iso_date(match: re.Match[str]) -> str | None:
    month, day = int(match["m"]), int(match["d"])
    return f"{match['y']}-{month:02d}-{day:02d}" if 1 <= month <= 12 and 1 <= day <= 31 else None


def _month(text: str) -> int:
    text = text.replace(" ", "")
    return {"유": 6, "시": 10}.get(text) or int(read_sino(text))


def _date(match: re.Match[str]) -> str | None:
    day = int(read_sino(match["d"]))
    year = f"{_plain(read_sino(match['y']))}-" if match["y"] else ""
    return f"{year}{_month(match['m']):02d}-{day:02d}" if 1 <= day <= 31 else None


def _month_only(match: re.Match[str]) -> str | None:
    if match["m"] == "시":
        return "10월" if match[0] == "시월" else None
    return f"{_month(match['m'])}월"


def _day(match: re.Match[str]) -> str | None:
    if doubtful_unit(match["d"], match, "일"):
        return None
    return f"{int(read_sino(match['d']))}일"


def _days(match: re.Match[str]) -> str | None:
    number = _number(match, "일")
    return f"{number}일" if number else None


def _weeks(match: re.Match[str]) -> str | None:
    number = _number(match, "주일" if match[0].endswith("주일") else "주")
    return f"{int(Decimal(number) * 7)}일" if number else None


def _months(match: re.Match[str]) -> str | None:
    number = _number(match, "개월")
    return f"{number}개월" if number else None


def _years(match: re.Match[str]) -> str | None:
    number = _number(match, "년")
    return f"{number}년" if number else None


def _minutes(match: re.Match[str]) -> str | None:
    number = _number(match, "분")
    return f"{number}분" if number else None


def _minute_part(match: re.Match[str]) -> int:
    if match.groupdict().get("half"):
        return 30
    return int(read_sino(match["min"])) if match["min"] else 0


def _hours(match: re.Match[str]) -> str | None:
    if doubtful_unit(match["h"], match, "시간"):
        return None
    return f"{_plain(read_sino(match['h']) * 60 + _minute_part(match))}분"


def _native_hours(match: re.Match[str]) -> str | None:
    return f"{read_native(match['h']) * 60 + _minute_part(match)}분"


def _native_months(match: re.Match[str]) -> str | None:
    return f"{read_native(match['h'])}개월"


def _time(match: re.Match[str]) -> str | None:
    hour = int(read_sino(match["h"]))
    written = match["h"][0].isdigit()
    if not written and hour < 13 and not match.groupdict().get("part"):
        return None
    return _clock_form(match, hour)


def _native_time(match: re.Match[str]) -> str | None:
    hour = read_native(match["h"])
    return _clock_form(match, hour) if hour <= 12 and not doubtful_hour(match) else None


def _clock(match: re.Match[str]) -> str | None:
    return _clock_form(match, int(match["h"]))


def _clock_form(match: re.Match[str], hour: int) -> str | None:
    """Return "15:30", or "3:30?" when morning and afternoon are both possible."""
    minute, part = _minute_part(match), match.groupdict().get("part")
    if hour > 24 or minute > 59:
        return None
    if not part and 1 <= hour <= 12 and not (":" in match[0] and match["h"].startswith("0")):
        return f"{hour}:{minute:02d}?"
    evening = part in ("오후", "저녁", "낮", "점심") or (part == "밤" and hour >= 6)
    if evening and hour < 12 and not (part in ("낮", "점심") and hour >= 9):
        hour += 12
    elif part in ("오전", "새벽", "밤") and hour == 12:
        hour = 0
    return f"{hour % 24:02d}:{minute:02d}"


def _noon(match: re.Match[str]) -> str | None:
    return "12:00" if match[0] == "정오" else "00:00"


def _unit(match: re.Match[str]) -> str | None:
    return f"{_plain(read_sino(match['n']))}동{_plain(read_sino(match['r']))}호"


def _carno(match: re.Match[str]) -> str | None:
    front = match["n"].replace(" ", "")
    number = read_digits(front) if re.fullmatch("[일이삼사오육륙칠팔구]{3}", front) else _plain(read_sino(front))
    back = read_digits(match["d"])
    if len(number) not in (2, 3) or len(back) != 4:
        return None
    return f"{number}{match['l']}{back}"


def _count(match: re.Match[str]) -> str | None:
    unit = match["u"]
    number = _number(match, unit)
    return f"{number}{_UNITS.get(unit, unit) if unit != '분' else '분'}" if number else None


def _native_count(match: re.Match[str]) -> str | None:
    unit = match["u"]
    if doubtful_native(match["h"], match, unit):
        return None
    return f"{read_native(match['h'])}{_UNITS.get(unit, unit)}"


def _digits(match: re.Match[str]) -> str | None:
    return None if doubtful_digits(match["g"]) else read_digits(match["g"])


def _plain_number(match: re.Match[str]) -> str | None:
    return None if doubtful_number(match["n"]) else _plain(read_sino(match["n"]))


def _written(match: re.Match[str]) -> str | None:
    return match["n"].replace(",", "")


def _relative(match: re.Match[str]) -> str | None:
    return match[0].replace(" ", "")


def _relative_day(match: re.Match[str]) -> str | None:
    return f"{match['rel']}달{int(read_sino(match['d']))}일"


_DAY_WORDS: Final = {
    word: days
    for days, word in enumerate(
        ("하루", "이틀", "사흘", "나흘", "닷새", "엿새", "이레", "여드레", "아흐레", "열흘"), start=1
    )
} | {"보름": 15, "일주일": 7}


def _day_word(match: re.Match[str]) -> str | None:
    return f"{_DAY_WORDS[match[0]]}일"


_READERS: Final = {
    "money": _money, "percent": _percent, "iso_date": _iso_date, "date": _date, "month": _month_only, "day": _day,
    "days": _days, "weeks": _weeks, "months": _months, "years": _years, "minutes": _minutes, "hours": _hours,
    "native_hours": _native_hours, "native_months": _native_months, "time": _time, "native_time": _native_time,
    "clock": _clock, "noon": _noon, "unit": _unit, "carno": _carno, "count": _count, "measure": _count,
    "native_count": _native_count, "digits": _digits, "number": _plain_number, "written": _written,
    "relative": _relative, "relative_day": _relative_day, "day_word": _day_word,
}  # fmt: skip


def same_value(first: FoundValue, second: FoundValue) -> bool:
    """Tell whether two found values can mean the same: equal canonical forms, or one of them leaves something open.

    Left open may be morning or afternoon, the year of a date, and the unit of a bare number.
    """
    one, two = first.canonical, second.canonical
    if one == two:
        return True
    if first.kind == second.kind == "time" and (one.endswith("?") or two.endswith("?")):
        return _on_dial(one) == _on_dial(two)
    if first.kind == second.kind == "date" and (one.endswith(f"-{two}") or two.endswith(f"-{one}")):
        return True
    bare = ("number", "digits")
    if (first.kind in bare) != (second.kind in bare):
        number, other = (one, two) if first.kind in bare else (two, one)
        return re.fullmatch(re.escape(number) + r"[^\d.]*", other) is not None
    return False


def _on_dial(canonical: str) -> tuple[int, int]:
    hour, minute = canonical.rstrip("?").split(":")
    return int(hour) % 12, int(minute)


def normalized_display(value: FoundValue) -> str:
    """Return how a careful writer would show a value: "54,000원", "010-2345-6789", "오후 3:30", "1시간 30분"."""
    canonical = value.canonical
    if value.kind == "phone":
        return _display_phone(canonical)
    if value.kind == "time":
        hour, minute = canonical.rstrip("?").split(":")
        half = "" if canonical.endswith("?") else "오전 " if int(hour) < 12 else "오후 "
        return f"{half}{(int(hour) - 1) % 12 + 1}:{minute}"
    if value.kind == "duration" and canonical.endswith("분") and int(Decimal(canonical[:-1])) >= 60:
        hours, minutes = divmod(int(Decimal(canonical[:-1])), 60)
        return f"{hours}시간 {minutes}분" if minutes else f"{hours}시간"
    date = re.fullmatch(r"(?:(\d{4})-)?(\d\d)-(\d\d)", canonical)
    if date:
        return (f"{date[1]}년 " if date[1] else "") + f"{int(date[2])}월 {int(date[3])}일"
    if value.kind in ("money", "count", "measure", "number"):
        return re.sub(r"^\d+", lambda digits: f"{int(digits[0]):,}", canonical)
    if value.kind == "unit":
        return canonical.replace("동", "동 ")
    open_date = re.fullmatch(r"\d+[월일]", canonical)
    return canonical if value.kind in ("digits", "percent", "carno", "duration") or open_date else value.text


def _display_phone(digits: str) -> str:
    if not digits.startswith("0"):
        return f"{digits[:4]}-{digits[4:]}"
    area = 2 if digits.startswith("02") else 3
    return f"{digits[:area]}-{digits[area:-4]}-{digits[-4:]}"


def canonical_text(text: str) -> str:
    """Return a text without blanks and punctuation, its values in canonical form, to compare across spellings."""
    parts, position = [], 0
    for value in find_values(text):
        parts += [text[position : value.start], f"«{value.canonical.rstrip('?')}»"]
        position = value.end
    return re.sub(r"[\s.,?]", "", "".join([*parts, text[position:]]))
