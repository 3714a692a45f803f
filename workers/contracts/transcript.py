"""A transcript as it crosses stage borders: segments with times, parties, words and confidence.

Times are seconds from the start of the call. Knows no engine and no database.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Word:
    text: str
    start_s: float
    end_s: float
    confidence: float


@dataclass(frozen=True)
class Segment:
    """One turn. `number` is 1-based in time order; `party` is "A", "B" or, when unknown, "?"."""

    number: int
    party: str
    start_s: float
    end_s: float
    text: str
    confidence: float
    words: tuple[Word, ...] = ()


@dataclass(frozen=True)
class Transcript:
    segments: tuple[Segment, ...]
    language: str
    duration_s: float
