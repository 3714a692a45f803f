"""What found values are worth: from a pattern's match to the canonical form, or None where it is no value after all.

The names are those of the pattern table. Knows nothing of where in a text a match stands, save what judging needs.
"""

import re
from decimal import Decimal
from typing import Final

from model_core.data.korean.reading import read_digits, read_native, read_sino
from model_core.data.korean.shortness import (
    doubtful_digits,
    doubtful_hour,
    doubtful_native,
    doubtful_number,
    doubtful_unit,
)

_UNITS: Final = {
    "사람": "명", "분": "명", "센티": "cm", "센티미터": "cm", "센치미터": "cm", "센치": "cm", "밀리미터": "mm",
    "미터": "m", "킬로그램": "kg", "킬로미터": "km", "그램": "g", "리터": "L", "l": "L", "ℓ": "L", "㎏": "kg",
    "㎞": "km", "㎝": "cm", "㎜": "mm", "도": "℃", "°C": "℃", "볼트": "V", "와트": "W", "암페어": "A",
    "킬로와트": "kW", "밀리리터": "ml", "밀리그램": "mg", "기가바이트": "GB", "기가": "GB", "메가바이트": "MB",
    "메가": "MB", "파렛트": "팔레트", "데시벨": "dB", "씨씨": "cc", "바": "bar", "헤르츠": "Hz",
    "제곱미터": "㎡", "헤베": "㎡",
}  # fmt: skip
_ANNOUNCED: Final = re.compile("(?:코드|번호|자리)(?:는|가|이|은|요)?,? $")
# 이십 일 세 시 is three o'clock on the 20th, and nobody's age.
_OCLOCK: Final = re.compile(" ?시(?!간)")
_NATIVE_ABOUT: Final = {
    "한두": "12", "두세": "23", "서너": "34", "너댓": "45", "네댓": "45", "대여섯": "56", "예닐곱": "67",
}  # fmt: skip
_ABOUT: Final = _NATIVE_ABOUT | {
    "일이": "12", "이삼": "23", "삼사": "34", "사오": "45", "오육": "56", "오륙": "56",
    "육칠": "67", "칠팔": "78", "팔구": "89",
}  # fmt: skip


def plain_number(number: Decimal) -> str:
    """Return a number in digits, without trailing zeros."""
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _number(match: re.Match[str], unit: str) -> str | None:
    said = match["n"]
    if doubtful_unit(said, match, unit):
        return None
    return plain_number(read_sino(said))


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
    year = f"{plain_number(read_sino(match['y']))}-" if match["y"] else ""
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


def _year(match: re.Match[str]) -> str | None:
    year = plain_number(read_sino(match["y"]))
    return f"{year}-{_month(match['m']):02d}" if match["m"] else f"{year}년"


def _long_days(match: re.Match[str]) -> str | None:
    number = read_sino(match["n"]) if len(match["n"]) > 1 else Decimal(0)
    return f"{plain_number(number)}일" if number > 31 else None


def _nights(match: re.Match[str]) -> str | None:
    if not match["d"]:
        return None
    return f"{plain_number(read_sino(match['n']))}박{plain_number(read_sino(match['d']))}일"


def _range(match: re.Match[str]) -> str | None:
    digits = "~".join(_ABOUT.get(match["n"]) or re.split(" ?[~-] ?", match["n"]))
    unit = match["u"].replace(" ", "")
    return f"{digits}{'명' if unit == '분' and match['n'] in _NATIVE_ABOUT else _UNITS.get(unit, unit)}"


def _below(match: re.Match[str]) -> str | None:
    return f"-{plain_number(read_sino(match['n']))}℃"


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
    return f"{plain_number(read_sino(match['h']) * 60 + _minute_part(match))}분"


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
    return f"{plain_number(read_sino(match['n']))}동{plain_number(read_sino(match['r']))}호"


def _carno(match: re.Match[str]) -> str | None:
    front = match["n"].replace(" ", "")
    number = read_digits(front) if re.fullmatch("[일이삼사오육륙칠팔구]{3}", front) else plain_number(read_sino(front))
    back = read_digits(match["d"])
    if len(number) not in (2, 3) or len(back) != 4:
        return None
    return f"{number}{match['l']}{back}"


def _count(match: re.Match[str]) -> str | None:
    unit = match["u"]
    if unit == "세" and _OCLOCK.match(match.string, match.end()):
        return None
    number = _number(match, unit)
    return f"{number}{_UNITS.get(unit, unit) if unit != '분' else '분'}" if number else None


def _native_count(match: re.Match[str]) -> str | None:
    unit = match["u"]
    if doubtful_native(match["h"], match, unit):
        return None
    return f"{read_native(match['h'])}{_UNITS.get(unit, unit)}"


def _digits(match: re.Match[str]) -> str | None:
    announced = _ANNOUNCED.search(match.string, max(0, match.start() - 8), match.start()) is not None
    return None if doubtful_digits(match["g"], announced=announced) else read_digits(match["g"])


def _bare_number(match: re.Match[str]) -> str | None:
    return None if doubtful_number(match["n"]) else plain_number(read_sino(match["n"]))


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


READERS: Final = {
    "money": _money, "percent": _percent, "iso_date": _iso_date, "date": _date, "month": _month_only, "day": _day,
    "days": _days, "weeks": _weeks, "months": _months, "years": _years, "minutes": _minutes, "hours": _hours,
    "native_hours": _native_hours, "native_months": _native_months, "time": _time, "native_time": _native_time,
    "clock": _clock, "noon": _noon, "unit": _unit, "carno": _carno, "count": _count, "measure": _count,
    "native_count": _native_count, "digits": _digits, "number": _bare_number, "written": _written,
    "year": _year, "long_days": _long_days, "nights": _nights, "range": _range, "below": _below,
    "relative": _relative, "relative_day": _relative_day, "day_word": _day_word,
}  # fmt: skip
