"""The call and its summary as the model sees them: numbered lines in, a structured summary out.

Plain frozen dataclasses, with no idea of audio, databases or tokens. Text that names a value of the call
(a figure, date, time, amount, phone number, name, product, address) marks it with ``<v>`` and ``</v>``;
`plain` removes the marks.
"""

import re
from dataclasses import dataclass

CATEGORIES = (
    "telecom",
    "delivery",
    "finance",
    "insurance",
    "hospital",
    "restaurant",
    "appliance",
    "factory",
    "realestate",
    "education",
    "travel",
    "public",
    "car",
    "family",
    "work",
    "shopping",
)
OUTCOMES = ("resolved", "scheduled", "pending", "escalated", "callback", "refused", "informed")
SENTIMENTS = ("positive", "neutral", "negative")

VALUE_OPEN, VALUE_CLOSE = "<v>", "</v>"
_MARKS = re.compile(r"</?v>")


def plain(text: str) -> str:
    """Return `text` without value marks."""
    return _MARKS.sub("", text)


@dataclass(frozen=True)
class Line:
    """One turn of a transcript. `party` is "A" (the one who answers) or "B" (the one who calls)."""

    party: str
    text: str


@dataclass(frozen=True)
class Item:
    """A statement with the 1-based numbers of the transcript lines it rests on."""

    text: str
    evidence: tuple[int, ...]


@dataclass(frozen=True)
class Topic:
    """A subject of the call and what was said about it."""

    title: str
    points: tuple[Item, ...]


@dataclass(frozen=True)
class Action:
    """Something a person is to do. `who` is a role or a name, `when` a run of the transcript or None."""

    who: str
    what: str
    when: str | None
    evidence: tuple[int, ...]


@dataclass(frozen=True)
class Summary:
    """A structured call summary; texts may hold value marks."""

    title: str
    one_line: Item
    topics: tuple[Topic, ...]
    actions: tuple[Action, ...]
    decisions: tuple[Item, ...]
    category: str
    outcome: str
    sentiment: str


@dataclass(frozen=True)
class Fact:
    """Something of the call that a good summary holds.

    `forms` are the surface forms that count as saying it, as they stand in the transcript or spelled otherwise;
    `kind` is a slot type ("money", "date", …) or "word".
    """

    name: str
    kind: str
    forms: tuple[str, ...]
    required: bool


@dataclass(frozen=True)
class SimulatedCall:
    """A call made by the simulator, with what a reader should learn from it.

    `lines` are what a transcript shows; `spoken` are the same turns as they are spoken, for the synthesizer.
    """

    id: str
    scripts: tuple[str, ...]
    category: str
    split: str
    lines: tuple[Line, ...]
    spoken: tuple[Line, ...]
    summary: Summary
    facts: tuple[Fact, ...]
