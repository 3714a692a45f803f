"""Calls with some of their idle lines left out. It knows which lines a summary cites, and nothing of what they say."""

import random
from collections.abc import Sequence
from dataclasses import replace

from model_core.data.call import Item, Line, Summary, Topic


def thinned(
    lines: Sequence[Line], summary: Summary, rng: random.Random, share: float
) -> tuple[tuple[Line, ...], Summary]:
    """Return the call without about `share` of the lines that no statement cites, and its summary renumbered."""
    items = (summary.one_line, *summary.decisions, *(point for topic in summary.topics for point in topic.points))
    evidence = [*(item.evidence for item in items), *(action.evidence for action in summary.actions)]
    cited = {number for numbers in evidence for number in numbers}
    kept = [number for number in range(1, len(lines) + 1) if number in cited or rng.random() >= share]
    places = {old: new for new, old in enumerate(kept, start=1)}

    def moved(item: Item) -> Item:
        return replace(item, evidence=_moved(item.evidence, places))

    return tuple(lines[number - 1] for number in kept), replace(
        summary,
        one_line=moved(summary.one_line),
        topics=tuple(Topic(topic.title, tuple(map(moved, topic.points))) for topic in summary.topics),
        actions=tuple(replace(action, evidence=_moved(action.evidence, places)) for action in summary.actions),
        decisions=tuple(map(moved, summary.decisions)),
    )


def _moved(evidence: Sequence[int], places: dict[int, int]) -> tuple[int, ...]:
    return tuple(places[number] for number in evidence)
