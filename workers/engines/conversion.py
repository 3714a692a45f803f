"""Between the queue's types and the model's: segments to numbered lines, the model's summary to the typed one.

It knows both vocabularies, and no model.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, cast

from model_core.data.call import VALUE_CLOSE, VALUE_OPEN, Action, Item, Line, Summary, Topic, plain
from model_core.data.korean.values import find_values, normalized_display
from workers.contracts import summary as contract
from workers.contracts.transcript import Segment

# Longer turns are read as several lines, so that evidence stays near what it supports.
MAX_LINE_CHARS: Final = 240
_MARKED: Final = re.compile(f"{VALUE_OPEN}(.*?){VALUE_CLOSE}")


@dataclass(frozen=True)
class NumberedLines:
    """The lines the model reads; `numbers[k]` is the segment that line k + 1 stands in."""

    lines: tuple[Line, ...]
    numbers: tuple[int, ...]


def lines_of(segments: Sequence[Segment]) -> NumberedLines:
    """Return the segments that hold a word as lines; an unknown party is read as the caller."""
    pairs = [
        (Line("A" if segment.party == "A" else "B", piece), segment.number)
        for segment in segments
        for piece in _pieces(" ".join(segment.text.split()))
        if any(char.isalnum() for char in piece)
    ]
    return NumberedLines(tuple(line for line, _ in pairs), tuple(number for _, number in pairs))


def _pieces(text: str) -> list[str]:
    """Cut a text at blanks into pieces of at most MAX_LINE_CHARS characters."""
    pieces = []
    while len(text) > MAX_LINE_CHARS:
        cut = text.rfind(" ", 1, MAX_LINE_CHARS + 1)
        cut = cut if cut > 0 else MAX_LINE_CHARS
        pieces.append(text[:cut])
        text = text[cut:].strip()
    return [*pieces, text]


def to_contract(summary: Summary, numbers: Sequence[int] | None = None) -> contract.CallSummary:
    """Return the model's summary as the typed one; `numbers` turns line numbers into segment numbers."""
    return _Converter(numbers).convert(summary)


class _Converter:
    def __init__(self, numbers: Sequence[int] | None) -> None:
        self._numbers = numbers

    def convert(self, summary: Summary) -> contract.CallSummary:
        return contract.CallSummary(
            title=plain(summary.title),
            one_line=self._statement(summary.one_line),
            topics=tuple(
                contract.Topic(title=plain(topic.title), points=tuple(map(self._statement, topic.points)))
                for topic in summary.topics
            ),
            actions=tuple(map(self._action, summary.actions)),
            decisions=tuple(map(self._statement, summary.decisions)),
            category=cast(contract.Category, summary.category),
            outcome=cast(contract.Outcome, summary.outcome),
            sentiment=cast(contract.Sentiment, summary.sentiment),
        )

    def _statement(self, item: Item) -> contract.Statement:
        evidence = self._evidence(item.evidence)
        return contract.Statement(text=plain(item.text), evidence=evidence, values=values_of(item.text))

    def _action(self, action: Action) -> contract.ActionItem:
        return contract.ActionItem(
            who=plain(action.who),
            what=plain(action.what),
            when=None if action.when is None else plain(action.when),
            evidence=self._evidence(action.evidence),
            values=values_of(action.what),
        )

    def _evidence(self, lines: Sequence[int]) -> tuple[int, ...]:
        if self._numbers is None:
            return tuple(lines)
        return tuple(sorted({self._numbers[line - 1] for line in lines if 1 <= line <= len(self._numbers)}))


def values_of(text: str) -> tuple[contract.Value, ...]:
    """Return the values of a text: figures found by their spelling, and marked names and words that hold none."""
    found = tuple(
        contract.Value(text=value.text, kind=value.kind, normalized=normalized_display(value))
        for value in find_values(plain(text))
    )
    names = (marked for marked in _MARKED.findall(text) if not find_values(marked))
    return (*found, *(contract.Value(text=name, kind="name", normalized=name) for name in names))


def from_contract(summary: contract.CallSummary) -> Summary:
    """Return a typed summary as the model's, without value marks."""
    return Summary(
        title=summary.title,
        one_line=_item(summary.one_line),
        topics=tuple(Topic(topic.title, tuple(map(_item, topic.points))) for topic in summary.topics),
        actions=tuple(Action(action.who, action.what, action.when, action.evidence) for action in summary.actions),
        decisions=tuple(map(_item, summary.decisions)),
        category=summary.category,
        outcome=summary.outcome,
        sentiment=summary.sentiment,
    )


def _item(statement: contract.Statement) -> Item:
    return Item(statement.text, statement.evidence)
