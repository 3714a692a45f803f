"""Hangul syllables as initial, vowel and final, and which of them sound alike to an ear on a telephone."""

import random
from typing import Final

_FIRST: Final = 0xAC00
INITIALS: Final = "ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎ"
VOWELS: Final = "ㅏㅐㅑㅒㅓㅔㅕㅖㅗㅘㅙㅚㅛㅜㅝㅞㅟㅠㅡㅢㅣ"
FINALS: Final = " ㄱㄲㄳㄴㄵㄶㄷㄹㄺㄻㄼㄽㄾㄿㅀㅁㅂㅄㅅㅆㅇㅈㅊㅋㅌㅍㅎ"


def _table(*rows: str) -> dict[str, str]:
    """Return each row's rest by its first character."""
    return {row[0]: row[1:] for row in rows}


# Sounds that differ in one feature (tension, aspiration, place, rounding), by jamo.
_LIKE_INITIAL: Final = _table(
    "ㄱㄲㅋㄷ", "ㄲㄱㅋ", "ㄴㄹㅁㄷ", "ㄷㄸㅌㄱ", "ㄸㄷㅌ", "ㄹㄴㄷ", "ㅁㄴㅂ", "ㅂㅃㅍㅁ", "ㅃㅂㅍ",
    "ㅅㅆㅎㅈ", "ㅆㅅ", "ㅇㅎㄴ", "ㅈㅉㅊㄷ", "ㅉㅈㅊ", "ㅊㅈㅉㅌ", "ㅋㄱㄲㅌ", "ㅌㄷㅊㅋ", "ㅍㅂㅎ", "ㅎㅇㅍ",
)  # fmt: skip
_LIKE_VOWEL: Final = _table(
    "ㅏㅓㅑ", "ㅐㅔㅔㅏ", "ㅑㅏㅕ", "ㅒㅖㅔ", "ㅓㅗㅏㅡ", "ㅔㅐㅐㅣ", "ㅕㅓㅛ", "ㅖㅔㅐ", "ㅗㅜㅓ", "ㅘㅏㅗ",
    "ㅙㅚㅞㅐ", "ㅚㅙㅞㅔ", "ㅛㅕㅗ", "ㅜㅗㅡ", "ㅝㅓㅗ", "ㅞㅙㅚㅔ", "ㅟㅣㅢ", "ㅠㅜㅕ", "ㅡㅜㅓ", "ㅢㅣㅡ",
    "ㅣㅢㅔ",
)  # fmt: skip
_LIKE_FINAL: Final = _table(
    " ㄴㅇㄹ", "ㄱ ㅂㄷ", "ㄴㅇㅁ ", "ㄷ ㄱ", "ㄹㄴ ", "ㅁㄴㅇ", "ㅂㄱ ㅁ", "ㅅ ㄷ", "ㅆ ㅅ", "ㅇㄴㅁ ",
)  # fmt: skip
# A final that moves over to a following vowel (liaison), by final: what stays and what begins the next syllable.
_LIAISON: Final = _table(
    "ㄱ ㄱ", "ㄴ ㄴ", "ㄷ ㄷ", "ㄹ ㄹ", "ㅁ ㅁ", "ㅂ ㅂ", "ㅅ ㅅ", "ㅆ ㅆ", "ㅈ ㅈ", "ㅊ ㅊ", "ㅋ ㅋ", "ㅌ ㅌ",
    "ㅍ ㅍ", "ㅎ ㅇ", "ㄶ ㄴ", "ㅀ ㄹ", "ㅄㅂㅆ", "ㄺㄹㄱ", "ㄻㄹㅁ", "ㄼㄹㅂ", "ㄵㄴㅈ",
)  # fmt: skip
_NASAL: Final = {
    "ㄱ": "ㅇ",
    "ㄷ": "ㄴ",
    "ㅂ": "ㅁ",
    "ㅅ": "ㄴ",
    "ㅆ": "ㄴ",
    "ㅈ": "ㄴ",
    "ㅊ": "ㄴ",
    "ㅌ": "ㄴ",
    "ㅍ": "ㅁ",
}


def split(syllable: str) -> tuple[str, str, str]:
    """Return initial, vowel and final (a blank for none) of a Hangul syllable."""
    code = ord(syllable) - _FIRST
    return INITIALS[code // 588], VOWELS[code % 588 // 28], FINALS[code % 28]


def compose(initial: str, vowel: str, final: str = " ") -> str:
    """Return the syllable of three jamo."""
    return chr(_FIRST + INITIALS.index(initial) * 588 + VOWELS.index(vowel) * 28 + FINALS.index(final))


def similar(syllable: str, rng: random.Random) -> str:
    """Return a syllable that sounds like another one: a single jamo replaced by a similar one."""
    initial, vowel, final = split(syllable)
    roll = rng.random()
    if roll < 0.35:
        return compose(rng.choice(_LIKE_INITIAL[initial]), vowel, final)
    if roll < 0.7 or final not in _LIKE_FINAL:
        return compose(initial, rng.choice(_LIKE_VOWEL[vowel]), final)
    return compose(initial, vowel, rng.choice(_LIKE_FINAL[final]))


def as_pronounced(first: str, second: str) -> tuple[str, str]:
    """Return two neighbouring syllables spelled as they are pronounced: liaison and nasal assimilation."""
    initial, vowel, final = split(first)
    next_initial, next_vowel, next_final = split(second)
    if next_initial == "ㅇ" and final in _LIAISON:
        moved = _LIAISON[final]
        return compose(initial, vowel, moved[0]), compose(moved[1], next_vowel, next_final)
    if next_initial in "ㄴㅁ" and final in _NASAL:
        return compose(initial, vowel, _NASAL[final]), second
    return first, second
