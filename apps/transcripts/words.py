"""When each word of a line is heard. Knows texts and times, no database.

The recognizer stores a time for each word it heard. A word that a person wrote, or a transcript that came without word
times, has none: such words share the time between their neighbours by their length, which is a guess, good enough to
seek to.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

# Below this confidence of the recognizer a line or a word is marked as hard to hear.
LOW_CONFIDENCE = 0.6


@dataclass(frozen=True)
class TimedWord:
    """A word as it is shown; `unsure` tells that the recognizer doubted it."""

    text: str
    start_s: float
    unsure: bool = False


def timed_words(
    text: str, words: Sequence[Mapping[str, object]], start_s: float, end_s: float
) -> tuple[TimedWord, ...]:
    """Return the words of `text` with their times: the stored ones where the words are still the same, else a guess."""
    shown, heard = text.split(), [str(word["text"]).strip() for word in words]
    timed: list[TimedWord] = []
    for tag, i1, i2, j1, j2 in SequenceMatcher(None, heard, shown, autojunk=False).get_opcodes():
        if tag == "equal":
            timed += [_heard(shown[j1 + step], words[i1 + step]) for step in range(j2 - j1)]
        else:
            begin = _seconds(words[i1 - 1], "end_s") if i1 else start_s
            timed += _shared(shown[j1:j2], begin, _seconds(words[i2], "start_s") if i2 < len(words) else end_s)
    return tuple(timed)


def _seconds(word: Mapping[str, object], key: str) -> float:
    return float(str(word[key]))


def _heard(text: str, word: Mapping[str, object]) -> TimedWord:
    return TimedWord(text, _seconds(word, "start_s"), _seconds(word, "confidence") < LOW_CONFIDENCE)


def _shared(texts: Sequence[str], start_s: float, end_s: float) -> list[TimedWord]:
    length_s, total = max(0.0, end_s - start_s), sum(map(len, texts))
    done = 0
    timed = []
    for text in texts:
        timed.append(TimedWord(text, start_s + length_s * done / total))
        done += len(text)
    return timed
