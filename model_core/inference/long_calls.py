"""Calls longer than the model reads at once: cut between turns, summarized part by part, merged into one summary.

The parts overlap by a few turns, so that a question and its answer meet in one of them. It knows lines and summaries;
who writes a part's summary is the caller's choice.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeVar

from model_core.data.call import Action, Item, Line, Summary, Topic, plain

OVERLAP_LINES: Final = 3
# A headline names at most this many parts of a call.
MAX_HEADLINES: Final = 2
_LETTERS: Final = re.compile(r"[\w%]+")
Claim = TypeVar("Claim", Item, Action)


@dataclass(frozen=True)
class Part:
    """Some successive lines of a call; `offset` lines stand before them."""

    lines: tuple[Line, ...]
    offset: int


def split(
    lines: Sequence[Line], count_tokens: Callable[[Sequence[Line]], int], max_tokens: int, max_lines: int
) -> list[Part]:
    """Return the call in parts of about equal size, each within both limits, overlapping by a few lines.

    A line that alone passes `max_tokens` makes a part that does too.
    """
    costs = [count_tokens([line]) for line in lines]
    parts_needed = max(-(-sum(costs) // max_tokens), -(-len(lines) // max_lines))
    while True:
        parts = _equal_parts(costs, parts_needed)
        fits = all(sum(costs[a:b]) <= max_tokens and b - a <= max_lines for a, b in parts)
        if fits or parts_needed >= len(lines):
            return [Part(tuple(lines[a:b]), a) for a, b in parts]
        parts_needed += 1


def _equal_parts(costs: Sequence[int], count: int) -> list[tuple[int, int]]:
    """Return the bounds of `count` parts of about the same cost, each begun a few lines early."""
    total, running, bounds = sum(costs), 0, [0]
    for position, cost in enumerate(costs):
        if len(bounds) < count and running >= total * len(bounds) / count:
            bounds.append(position)
        running += cost
    ends = [*bounds[1:], len(costs)]
    return [(max(0, start - OVERLAP_LINES) if start else 0, end) for start, end in zip(bounds, ends, strict=True)]


def merge(parts: Sequence[Part], summaries: Sequence[Summary]) -> Summary:
    """Return one summary of the parts' summaries: evidence renumbered, what two parts both say kept once.

    The category is the commonest, the outcome that of the last part with an action or a decision, the sentiment the
    commonest that is not neutral.
    """
    moved = [_moved(summary, part.offset) for part, summary in zip(parts, summaries, strict=True)]
    if len(moved) == 1:
        return moved[0]
    headlines = _headlines(moved)
    return Summary(
        title=", ".join(dict.fromkeys(summary.title for summary in headlines)),
        one_line=_joined([summary.one_line for summary in headlines]),
        topics=_topics(topic for summary in moved for topic in summary.topics),
        actions=_once(action for summary in moved for action in summary.actions),
        decisions=_once(decision for summary in moved for decision in summary.decisions),
        category=_commonest(summary.category for summary in moved),
        outcome=next((s.outcome for s in reversed(moved) if s.actions or s.decisions), moved[-1].outcome),
        sentiment=_commonest([s.sentiment for s in moved if s.sentiment != "neutral"] or ["neutral"]),
    )


def _moved(summary: Summary, offset: int) -> Summary:
    def move(claim: Claim) -> Claim:
        return replace(claim, evidence=tuple(number + offset for number in claim.evidence))

    return replace(
        summary,
        one_line=move(summary.one_line),
        topics=tuple(Topic(topic.title, tuple(map(move, topic.points))) for topic in summary.topics),
        actions=tuple(map(move, summary.actions)),
        decisions=tuple(map(move, summary.decisions)),
    )


def _headlines(summaries: list[Summary]) -> list[Summary]:
    """Return, in order, the summaries that say most: those with the most points, actions and decisions."""

    def weight(summary: Summary) -> int:
        return sum(len(topic.points) for topic in summary.topics) + len(summary.actions) + len(summary.decisions)

    best = sorted(range(len(summaries)), key=lambda number: (-weight(summaries[number]), number))[:MAX_HEADLINES]
    return [summaries[number] for number in sorted(best)]


def _joined(items: list[Item]) -> Item:
    kept = _once(items)
    numbers = sorted({number for item in kept for number in item.evidence})
    return Item(", ".join(item.text for item in kept), tuple(numbers))


def _topics(topics: Iterable[Topic]) -> tuple[Topic, ...]:
    """Return the topics, those of one title joined, each point said once."""
    titles: dict[str, str] = {}
    owned: dict[str, list[Item]] = {}
    seen: set[str] = set()
    for topic in topics:
        title = titles.setdefault(_key(topic.title), topic.title)
        fresh = [point for point in topic.points if _key(point.text) not in seen]
        seen |= {_key(point.text) for point in fresh}
        owned.setdefault(title, []).extend(fresh)
    return tuple(Topic(title, tuple(points)) for title, points in owned.items() if points)


def _once(claims: Iterable[Claim]) -> tuple[Claim, ...]:
    kept: dict[str, Claim] = {}
    for claim in claims:
        key = _key(claim.text) if isinstance(claim, Item) else f"{claim.who} {_key(claim.what)} {claim.when}"
        kept.setdefault(key, claim)
    return tuple(kept.values())


def _key(text: str) -> str:
    return "".join(_LETTERS.findall(plain(text)))


def _commonest(codes: Iterable[str]) -> str:
    return Counter(codes).most_common(1)[0][0]
