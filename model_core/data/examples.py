"""Where training examples come from: simulated calls, approved pairs, and a mix of both, each by index.

Every source gives the same example for the same index, so a run can go on from any index. It knows no tokens.
"""

import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from model_core.data.call import Action, Item, Line, Summary, Topic
from model_core.data.quoting import quoted
from model_core.data.simulator.expand import CallSimulator
from model_core.data.simulator.noise import corrupt_call
from model_core.data.thinning import thinned
from model_core.errors import DataError


@dataclass(frozen=True)
class SummaryExample:
    """The lines of a call and the summary to learn."""

    lines: tuple[Line, ...]
    summary: Summary


class ExampleSource(Protocol):
    """An endless row of examples with random access."""

    def example(self, index: int) -> SummaryExample:
        """Return the example of an index, from 0 up."""


class SimulatedExamples:
    """Simulated calls of a split, each made wrong by one of the noise levels, as a recognizer would, and summarized in
    words of its own.

    `substitute_share` of them have their nouns exchanged, so that a model must copy what it reads; `thin_share` of the
    lines that nothing cites are left out, so that no two calls of a script have the same course.
    """

    def __init__(
        self,
        split: str,
        seed: int,
        noise_levels: Sequence[float],
        substitute_share: float = 0.0,
        thin_share: float = 0.0,
    ) -> None:
        self._simulator = CallSimulator(split, seed, substitute_p=substitute_share)
        self._seed = seed
        self._noise_levels = tuple(noise_levels)
        self._thin_share = thin_share

    def example(self, index: int) -> SummaryExample:
        """Return the example of an index."""
        rng = random.Random(f"noise/{self._seed}/{index}")
        level = rng.choice(self._noise_levels)
        call = self._simulator.call(index)
        if level > 0:
            call = corrupt_call(call, rng, level)
        lines, summary = thinned(call.lines, call.summary, rng, self._thin_share)
        return SummaryExample(lines, quoted(summary, lines))


class MixedExamples:
    """Approved pairs in `approved_share` of the places, simulated calls in the others."""

    def __init__(
        self, simulated: ExampleSource, approved: Sequence[SummaryExample], approved_share: float, seed: int
    ) -> None:
        if not approved:
            raise DataError("there are no approved pairs; the mix needs at least 1")
        self._simulated = simulated
        self._approved = tuple(approved)
        self._share = approved_share
        self._seed = seed

    def example(self, index: int) -> SummaryExample:
        """Return the example of an index."""
        rng = random.Random(f"mix/{self._seed}/{index}")
        if rng.random() < self._share:
            return rng.choice(self._approved)
        return self._simulated.example(index)


def read_approved(path: Path) -> list[SummaryExample]:
    """Return the pairs of a JSON-lines file of ``{"lines": [{"party", "text"}], "summary": {...}}``, quoted.

    What people wrote teaches which lines, clauses and values matter: the grammar lets a model say nothing else.

    Raises: DataError naming the file and the line that cannot be read.
    """
    examples = []
    try:
        rows = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}") from error
    for number, row in enumerate(rows, start=1):
        try:
            examples.append(_example_from_json(json.loads(row)))
        except (ValueError, LookupError, TypeError) as error:
            raise DataError(f"{path}, line {number}, is no approved pair: {error!r}") from error
    return examples


def _example_from_json(values: Mapping[str, Any]) -> SummaryExample:
    summary = values["summary"]
    topics = [Topic(topic["title"], _items(topic["points"])) for topic in summary["topics"]]
    actions = [
        Action(action["who"], action["what"], action["when"], tuple(action["evidence"]))
        for action in summary["actions"]
    ]
    lines = tuple(Line(line["party"], line["text"]) for line in values["lines"])
    written = Summary(
        title=summary["title"],
        one_line=_items([summary["one_line"]])[0],
        topics=tuple(topics),
        actions=tuple(actions),
        decisions=_items(summary["decisions"]),
        category=summary["category"],
        outcome=summary["outcome"],
        sentiment=summary["sentiment"],
    )
    return SummaryExample(lines, quoted(written, lines))


def _items(values: Sequence[Mapping[str, Any]]) -> tuple[Item, ...]:
    return tuple(Item(value["text"], tuple(value["evidence"])) for value in values)
