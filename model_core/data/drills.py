"""Copying drills: calls whose summary is nothing but pieces of the lines that it cites.

In a real summary a minority of tokens is copied; in a drill nearly all are, so a small model finds out early that an
item repeats the lines whose numbers it begins with. A drill shows a part of a call only, so that more of its tokens are
copied ones. Drills come first in training and then stop. They know no tokens.
"""

import random

from model_core.data.call import VALUE_CLOSE, VALUE_OPEN, Action, Item, Line, Summary, Topic
from model_core.data.examples import ExampleSource, SummaryExample

_MOST_WORDS = 7
_FEWEST_LINES, _MOST_LINES = 4, 16
_VALUE_P = 0.5


class DrilledExamples:
    """Examples of another source; of the first `until`, the share `share` are made drills."""

    def __init__(self, source: ExampleSource, share: float, until: int, seed: int) -> None:
        self._source = source
        self._share = share
        self._until = until
        self._seed = seed

    def example(self, index: int) -> SummaryExample:
        """Return the example of an index."""
        example = self._source.example(index)
        rng = random.Random(f"drill/{self._seed}/{index}")
        if index >= self._until or rng.random() >= self._share:
            return example
        size = rng.randint(_FEWEST_LINES, _MOST_LINES)
        start = rng.randrange(max(1, len(example.lines) - size))
        lines = example.lines[start : start + size]
        return SummaryExample(lines, drill(lines, example.summary, rng))


def drill(lines: tuple[Line, ...], summary: Summary, rng: random.Random) -> Summary:
    """Return a summary in the shape of `summary` whose texts are pieces of lines, each citing its own."""

    # Long lines more often: from "네." there is little to learn.
    lengths = [len(line.text) for line in lines]

    def choose() -> int:
        return rng.choices(range(len(lines)), lengths)[0]

    def item() -> Item:
        number = choose()
        return Item(_piece(lines[number].text, rng, values=True), (number + 1,))

    def action() -> Action:
        number = choose()
        text = lines[number].text
        when = _piece(text, rng, values=False) if rng.random() < 0.5 else None
        return Action(rng.choice(("고객", "상담원")), _piece(text, rng, values=True), when, (number + 1,))

    return Summary(
        title=item().text,
        one_line=item(),
        topics=tuple(Topic(item().text, tuple(item() for _ in topic.points)) for topic in summary.topics),
        actions=tuple(action() for _ in summary.actions),
        decisions=tuple(item() for _ in summary.decisions),
        category=summary.category,
        outcome=summary.outcome,
        sentiment=summary.sentiment,
    )


def _piece(text: str, rng: random.Random, *, values: bool) -> str:
    """Return a run of words of a line, with or without a part of it marked as a value."""
    words = text.split()
    start = rng.randrange(len(words))
    words = words[start : start + rng.randint(1, _MOST_WORDS)]
    if values and rng.random() < _VALUE_P:
        first = rng.randrange(len(words))
        last = rng.randrange(first, len(words))
        words[first] = VALUE_OPEN + words[first]
        words[last] += VALUE_CLOSE
    return " ".join(words)
