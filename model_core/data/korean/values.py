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
from model_core.data.korean.reading import NATIVE_VALUES, read_sino
from model_core.data.korean.value_readers import READERS, plain_number


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
_NATIVE_START: Final = frozenset(word[0] for word in NATIVE_VALUES) | frozenset("서너대예")
_WORD_START: Final = frozenset("오새아점낮저밤정자이다지돌매내모글어그엊작올월화수목금토일하사나닷엿여열보")
_WIDTH = 40


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
    canonical = READERS[pattern.reader](match)
    if canonical is None or text[: match.start()].endswith(("몇", "몇 ")):
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
        return bool((match["b"] or match["e"] or "").strip())
    number = match["b"].strip()
    return bool(number) and (number[0].isdigit() or re.search("[십백천]", number) is not None)


def _address(match: re.Match[str]) -> str:
    def said(group: str) -> str:
        return plain_number(read_sino(match[group].strip()))

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
