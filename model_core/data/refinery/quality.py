"""Whether a text is worth learning from: rules on length, repetition, symbols and words, each with its reason.

The rules of Gopher and C4 as they hold for Korean; see `QualityLimits` for the figures. Knows nothing of the meaning
and of other texts.
"""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Final

from model_core.data.refinery.settings import QualityLimits

_LETTER: Final = re.compile(r"[^\W\d_]")
_JAMO: Final = re.compile("[ㄱ-ㅎㅏ-ㅣ]")
# What a careful writer also uses; anything else that is neither letter, digit nor blank is a symbol.
_SYMBOL: Final = re.compile(r"[^\w\s.,?!~'\"()\[\]:%/-]|_")
_DIGIT: Final = re.compile(r"\d")
_RUN: Final = re.compile(r"(\S)\1*")
_PARTY: Final = re.compile(r"^[A-Z?]: ", re.MULTILINE)
# Endings of words that no Korean text of some length does without: particles and the ends of sentences.
_FUNCTION: Final = re.compile(
    "(?:은|는|이|가|을|를|에|의|도|로|과|와|만|에서|까지|부터|하고|다|요|죠|고|서|면|지|네|게|데|니|까|나|래|자)$"
)


def quality_reason(text: str, limits: QualityLimits) -> str | None:
    """Return why a text is not worth learning from, None when it is.

    `text` is normalized; speaker marks at the beginnings of lines ("A: ") do not count as words.
    """
    body = _PARTY.sub("", text)
    words = body.split()
    for rule in _RULES:
        reason = rule(body, words, limits)
        if reason:
            return reason
    return None


def _length(body: str, words: Sequence[str], limits: QualityLimits) -> str | None:
    if len(_LETTER.findall(body)) < limits.min_letters:
        return "too_short"
    return "too_long" if len(body) > limits.max_characters else None


def _broken(body: str, words: Sequence[str], limits: QualityLimits) -> str | None:
    return "broken_encoding" if body.count("\ufffd") > limits.max_broken_share * len(body) else None


def _shares(body: str, words: Sequence[str], limits: QualityLimits) -> str | None:
    visible = sum(map(len, words))
    for reason, pattern, limit in (
        ("jamo_laughs", _JAMO, limits.max_jamo_share),
        ("digits", _DIGIT, limits.max_digit_share),
        ("symbols", _SYMBOL, limits.max_symbol_share),
    ):
        if len(pattern.findall(body)) > limit * visible:
            return reason
    return None


def _runs(body: str, words: Sequence[str], limits: QualityLimits) -> str | None:
    longest = max(match.end() - match.start() for match in _RUN.finditer(body))
    return "character_run" if longest > limits.max_character_run else None


def _word_length(body: str, words: Sequence[str], limits: QualityLimits) -> str | None:
    mean = sum(map(len, words)) / len(words)
    return None if limits.min_mean_word <= mean <= limits.max_mean_word else "word_length"


def _repeated_lines(body: str, words: Sequence[str], limits: QualityLimits) -> str | None:
    lines = [line for line in body.split("\n") if line]
    repeated = sum(len(line) * (count - 1) for line, count in Counter(lines).items())
    return "repeated_lines" if repeated > limits.max_repeated_line_share * len(body) else None


def _top_ngrams(body: str, words: Sequence[str], limits: QualityLimits) -> str | None:
    if len(words) < limits.min_words_for_shares:
        return None
    visible = sum(map(len, words))
    for size, limit in limits.max_top_ngram_share:
        ngram, count = _ngrams(words, size).most_common(1)[0]
        if count > 1 and count * sum(map(len, ngram)) > limit * visible:
            return "repeated_words"
    return None


def _repeated_ngrams(body: str, words: Sequence[str], limits: QualityLimits) -> str | None:
    size = limits.repeated_ngram
    if len(words) < max(limits.min_words_for_shares, size):
        return None
    seen: set[tuple[str, ...]] = set()
    repeated: set[int] = set()
    for position in range(len(words) - size + 1):
        ngram = tuple(words[position : position + size])
        if ngram in seen:
            repeated.update(range(position, position + size))
        seen.add(ngram)
    characters = sum(len(words[position]) for position in repeated)
    return "repeated_words" if characters > limits.max_repeated_ngram_share * sum(map(len, words)) else None


def _function_words(body: str, words: Sequence[str], limits: QualityLimits) -> str | None:
    if len(words) < limits.min_words_for_shares:
        return None
    found = sum(_FUNCTION.search(word.rstrip(".,?!~")) is not None for word in words)
    return "no_function_words" if found < limits.min_function_words else None


def _ngrams(words: Sequence[str], size: int) -> Counter[tuple[str, ...]]:
    return Counter(zip(*(words[shift:] for shift in range(size)), strict=False))


_Rule = Callable[[str, Sequence[str], QualityLimits], str | None]
_RULES: Final[tuple[_Rule, ...]] = (
    _length,
    _broken,
    _shares,
    _runs,
    _word_length,
    _repeated_lines,
    _top_ngrams,
    _repeated_ngrams,
    _function_words,
)
