"""Measure talk, overlap and silence from the times of turns. Plain numbers; knows no calls."""

from collections.abc import Iterable
from dataclasses import dataclass

Span = tuple[float, float]


@dataclass(frozen=True)
class Talk:
    """Seconds; `a_s` and `others_s` both hold what is said at once."""

    a_s: float
    others_s: float
    overlap_s: float
    silence_s: float


def measure(turns: Iterable[tuple[str, float, float]], length_s: float) -> Talk | None:
    """Return the talk in `turns` (party, start and end in seconds) of a call of `length_s`; None without times."""
    timed = [(party, start, end) for party, start, end in turns if end > start]
    if not timed:
        return None
    a_s = _covered((start, end) for party, start, end in timed if party == "A")
    others_s = _covered((start, end) for party, start, end in timed if party != "A")
    spoken_s = _covered((start, end) for _, start, end in timed)
    return Talk(a_s, others_s, max(0.0, a_s + others_s - spoken_s), max(0.0, length_s - spoken_s))


def _covered(spans: Iterable[Span]) -> float:
    """Return how many seconds lie in at least one of `spans`."""
    total_s, reached = 0.0, float("-inf")
    for start, end in sorted(spans):
        total_s += max(0.0, end - max(start, reached))
        reached = max(reached, end)
    return total_s
