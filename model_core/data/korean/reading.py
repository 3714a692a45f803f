"""Reading Korean numerals back: sino-Korean, native, mixed with digits ("5만 4천"), and digit by digit.

Turns strings into numbers; finding them in running text is the business of `values`.
"""

import re
from decimal import Decimal
from typing import Final

from model_core.data.korean.numbers import DIGIT_VALUES, native

_SMALL: Final = {"십": 10, "백": 100, "천": 1000}
_LARGE: Final = {"만": 10**4, "억": 10**8, "조": 10**12}
_ATOM: Final = re.compile(r"\d[\d,]*(?:\.\d+)?|[^\d\s,]")
NATIVE_VALUES: Final = {
    **{native(number): number for number in range(1, 100)},
    **{native(number, before_counter=False): number for number in range(1, 100)},
    "석": 3,
    "넉": 4,
}


def read_sino(text: str) -> Decimal:
    """Return the number that a sino-Korean numeral, digits or a mixture of both stands for.

    A decimal point may be spoken (삼 점 오) or written.

    Raises:
        ValueError: when the text holds anything else.
    """
    whole, _, fraction = text.partition("점")
    total, group, digit = Decimal(0), Decimal(0), None
    for atom in _ATOM.findall(whole):
        if atom[0].isdigit():
            digit = Decimal(atom.replace(",", ""))
        elif atom in DIGIT_VALUES:
            digit = Decimal(DIGIT_VALUES[atom])
        elif atom in _SMALL:
            group += (1 if digit is None else digit) * _SMALL[atom]
            digit = None
        elif atom in _LARGE:
            group += digit or 0
            total += (group or 1) * _LARGE[atom]
            group, digit = Decimal(0), None
        else:
            raise ValueError(f"{atom!r} in {text!r} is no numeral")
    total += group + (digit or 0)
    return total + Decimal(f"0.{read_digits(fraction)}") if fraction else total


def read_native(text: str) -> int:
    """Return the number of a native Korean numeral, in either of its forms.

    Raises:
        ValueError: when it is none of 1 to 99.
    """
    try:
        return NATIVE_VALUES[text.replace(" ", "")]
    except KeyError:
        raise ValueError(f"{text!r} is no native Korean numeral from 1 to 99") from None


def read_digits(text: str) -> str:
    """Return the digits that are spoken or written one by one in `text`, everything else dropped."""
    return "".join(
        char if char.isdigit() else str(DIGIT_VALUES[char]) for char in text if char.isdigit() or char in DIGIT_VALUES
    )
