"""Cut Korean text into syllable bigrams, for the index and for a query, and say where a query's words stand in a text.

Particles stick to Korean words and spaces are written as one likes, so words are no use as terms: 환불 must find
환불은, 신용카드 must find 신용 카드. Every character is a term, alone and together with the one after it; across a
space the pair carries a mark, so that 금융 does not find 방금 융자. A term is kept once a text and without its place:
a text that holds 신용, 용카 and 카드 apart counts as holding 신용카드 (none of 1,800 calls found in the benchmark was
such a one). To tell them apart PostgreSQL would have to unpack each document that its index finds. Knows no database:
`apps.search.matching` writes the queries. A term begins with the letter of the place in which its text stands, and
the day of a call is a term of its own, so that one look into the index answers where, what and when.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from itertools import pairwise
from unicodedata import normalize


class Place(StrEnum):
    """Where in a call a text stands: titles, file name and summary, what party A said, what everybody else said."""

    ABOUT = "s"
    SAID_A = "a"
    SAID_B = "b"


_BOUNDARY = "_"
_WORD = re.compile(r"[^\W_]+")
# 54,000 and 010-1234-5678 are looked for with and without their signs.
_BETWEEN_DIGITS = re.compile(r"(?<=\d)[-,.](?=\d)")
_MAX_WORDS = 8
_MAX_DAYS = 62


def plain(text: str) -> str:
    """Return `text` with composed syllables and plain forms of letters, as it is indexed and shown in hits."""
    return normalize("NFKC", text)


def words_of(text: str) -> list[str]:
    """Return the runs of letters and digits of `text`, case folded."""
    return _WORD.findall(_BETWEEN_DIGITS.sub("", plain(text).casefold()))


def query_words(text: str) -> tuple[str, ...]:
    """Return the words to look for, each once; those after the eighth are left out."""
    return tuple(dict.fromkeys(words_of(text)))[:_MAX_WORDS]


def tokens_of(text: str) -> set[str]:
    """Return the terms of `text`: every character, alone and with its follower."""
    words = words_of(text)
    inside = {word[at : at + 2] for word in words for at in range(len(word) - 1)}
    across = {f"{left[-1]}{_BOUNDARY}{right[0]}" for left, right in pairwise(words)}
    return set().union(*words) | inside | across


def joined_terms(texts: Mapping[Place, Iterable[str]], happened_at: datetime) -> str:
    """Return the terms of a call, separated by spaces: those of its texts with their places, and its day."""
    terms = {f"{place}{token}" for place, said in texts.items() for text in said for token in tokens_of(text)}
    return " ".join(sorted(terms | {day_term(happened_at.astimezone(UTC))}))


def terms_of(word: str) -> list[tuple[str, ...]]:
    """Return what a text must hold to hold `word`: one of each tuple.

    A compound may be written apart, but no single syllable of it stands alone at either end.
    """
    if len(word) == 1:
        return [(word,)]
    terms: list[tuple[str, ...]] = []
    for at in range(len(word) - 1):
        whole = word[at : at + 2]
        terms.append((whole, f"{whole[0]}{_BOUNDARY}{whole[1]}") if 0 < at < len(word) - 2 else (whole,))
    return terms


def day_term(day: date) -> str:
    """Return the term of a day. It is longer than that of any text."""
    return f"d{day:%Y%m%d}"


def day_terms(since: datetime, until: datetime) -> tuple[str, ...]:
    """Return the terms of the days (of UTC) that touch a stretch of time; none when they are too many to ask for."""
    first, last = since.astimezone(UTC).date(), until.astimezone(UTC).date()
    count = (last - first).days + 1
    return tuple(day_term(first + timedelta(days=n)) for n in range(count)) if count <= _MAX_DAYS else ()


def pattern_of(words: tuple[str, ...]) -> re.Pattern[str]:
    """Return a pattern that finds `words` in plain text, longest first."""
    ordered = sorted(words, key=len, reverse=True)
    return re.compile("|".join(_spelling(word) for word in ordered), re.IGNORECASE)


def _spelling(word: str) -> str:
    parts = [word[:1]]
    for at, (left, right) in enumerate(pairwise(word)):
        if 0 < at < len(word) - 2:
            parts.append(r"[\W_]*")
        elif left.isdigit() and right.isdigit():
            parts.append("[-,.]?")
        parts.append(right)
    return "".join(parts)
