"""Korean numerals: the sino-Korean and the native counting system, digit by digit reading, days.

Knows how a number is said and read back, and nothing of what it counts beyond the units' counting system.
"""

from typing import Final

DIGITS: Final = "영일이삼사오육칠팔구"
DIGIT_VALUES: Final = {"영": 0, "공": 0, **{char: value for value, char in enumerate(DIGITS)}, "륙": 6, "륜": 6}
_SMALL: Final = (("천", 1000), ("백", 100), ("십", 10))
_LARGE: Final = (("조", 10**12), ("억", 10**8), ("만", 10**4))
_NATIVE_ONES: Final = ("", "하나", "둘", "셋", "넷", "다섯", "여섯", "일곱", "여덟", "아홉")
_NATIVE_TENS: Final = ("", "열", "스물", "서른", "마흔", "쉰", "예순", "일흔", "여든", "아흔")
_BEFORE_COUNTER: Final = {"하나": "한", "둘": "두", "셋": "세", "넷": "네", "스물": "스무"}
DAYS: Final = ("", "하루", "이틀", "사흘", "나흘", "닷새", "엿새", "이레", "여드레", "아흐레", "열흘")
MAX_NATIVE: Final = 99


def _below_10000(number: int) -> str:
    parts = []
    for unit, size in _SMALL:
        digit, number = divmod(number, size)
        if digit:
            parts.append(("" if digit == 1 else DIGITS[digit]) + unit)
    if number:
        parts.append(DIGITS[number])
    return "".join(parts)


def sino(number: int) -> str:
    """Return a number in sino-Korean, spaced by powers of ten thousand ("오만 사천").

    Raises:
        ValueError: when the number is negative or 10^16 or more.
    """
    if not 0 <= number < 10**16:
        raise ValueError(f"{number} is outside 0 to 10^16 - 1, the range of sino-Korean numerals here")
    if number == 0:
        return DIGITS[0]
    groups: list[str] = []
    for unit, size in _LARGE:
        group, number = divmod(number, size)
        if group:
            # 만 alone stands for ten thousand; a hundred million is always 일억.
            groups.append(("" if group == 1 and unit == "만" and not groups else _below_10000(group)) + unit)
    if number:
        groups.append(_below_10000(number))
    return " ".join(groups)


def native(number: int, *, before_counter: bool = True) -> str:
    """Return a number in native Korean, as it stands before a counter ("스물한") or alone ("스물하나").

    Raises:
        ValueError: when the number is not 1 to 99.
    """
    if not 1 <= number <= MAX_NATIVE:
        raise ValueError(f"{number} is outside 1 to {MAX_NATIVE}, the range of native Korean numerals")
    tens, ones = _NATIVE_TENS[number // 10], _NATIVE_ONES[number % 10]
    if not before_counter:
        return tens + ones
    if not ones:
        return _BEFORE_COUNTER.get(tens, tens)
    return tens + _BEFORE_COUNTER.get(ones, ones)


def read_digits(digits: str, *, zero: str = "공") -> str:
    """Return digits read one by one without spaces ("010" is "공일공"); other characters stay."""
    return "".join((zero if char == "0" else DIGITS[int(char)]) if char.isdigit() else char for char in digits)


def month(number: int) -> str:
    """Return a month's name; June and October drop their final consonant (유월, 시월)."""
    return {6: "유월", 10: "시월"}.get(number, sino(number) + "월")
