"""The reference summary of a simulated call, written from its scripts' wordings and its final lines.

Every value stands as a cited line shows it, wrapped in value marks; evidence is 1-based line numbers.
"""

import random
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from model_core.data.call import VALUE_CLOSE, VALUE_OPEN, Action, Fact, Item, Summary, Topic
from model_core.data.korean.values import find_values
from model_core.data.simulator.script import ActionSpec, FactSpec, Reference, Script
from model_core.data.simulator.slots import SlotValue
from model_core.data.simulator.template import Template
from model_core.data.simulator.utterances import Utterance, say

# Of two topics, the outcome that leaves more to do names the call.
_OUTCOMES = ("escalated", "callback", "pending", "scheduled", "refused", "resolved", "informed")
_MARKED = re.compile(f"{VALUE_OPEN}.*?{VALUE_CLOSE}")
_SENTIMENTS = ("negative", "positive", "neutral")


@dataclass(frozen=True)
class Story:
    """A script with the values drawn for it; `prefix` makes its slot keys and labels unique in a call."""

    script: Script
    values: Mapping[str, SlotValue]
    prefix: str


class SummaryWriter:
    """Writes the summary of a call from the stories told in it and its utterances, one a line."""

    def __init__(self, stories: Sequence[Story], turns: Sequence[Utterance], rng: random.Random) -> None:
        self._stories, self._turns, self._rng = stories, turns, rng

    def summary(self) -> Summary:
        """Return the call's summary, wordings drawn at random."""
        items = [self._item(story, story.script.one) for story in self._stories if story.script.one]
        scripts = [story.script for story in self._stories]
        return Summary(
            title=", ".join(self._text(story, story.script.titles, ()) for story in self._stories),
            one_line=Item(
                ", ".join(item.text for item in items),
                tuple(sorted({line for item in items for line in item.evidence})),
            ),
            topics=tuple(topic for story in self._stories for topic in self._topics(story)),
            actions=tuple(self._action(story, spec) for story in self._stories for spec in story.script.actions),
            decisions=tuple(self._item(story, spec) for story in self._stories for spec in story.script.decisions),
            category=scripts[0].kind,
            outcome=min((script.outcome for script in scripts), key=_OUTCOMES.index),
            sentiment=min((script.sentiment for script in scripts), key=_SENTIMENTS.index),
        )

    def facts(self) -> tuple[Fact, ...]:
        """Return what a good summary of the call holds."""
        return tuple(self._fact(story, spec) for story in self._stories for spec in story.script.facts)

    def _fact(self, story: Story, spec: FactSpec) -> Fact:
        if spec.is_word:
            return Fact(story.prefix + spec.name, "word", (spec.name,), spec.required)
        value = story.values[spec.name]
        shown = (piece.shown for turn in self._turns for piece in turn.pieces if piece.slot == story.prefix + spec.name)
        forms = tuple(dict.fromkeys((*shown, *value.forms)))
        return Fact(story.prefix + spec.name, value.kind, forms, spec.required)

    def _topics(self, story: Story) -> list[Topic]:
        return [
            Topic(
                self._text(story, spec.titles, ()),
                tuple(self._item(story, point) for point in spec.points),
            )
            for spec in story.script.topics
        ]

    def _item(self, story: Story, reference: Reference) -> Item:
        evidence = self._evidence(story, reference.cites)
        return Item(self._text(story, reference.wordings, evidence), evidence)

    def _action(self, story: Story, spec: ActionSpec) -> Action:
        item = self._item(story, spec.what)
        slot = re.fullmatch(r"\{(\w+)\}", spec.who)
        who = self._mention(story, slot[1], item.evidence) if slot else spec.who
        when = self._mention(story, spec.when, item.evidence) if spec.when else None
        return Action(who, item.text, when, item.evidence)

    def _evidence(self, story: Story, cites: Iterable[str]) -> tuple[int, ...]:
        wanted = {story.prefix + label for label in cites}
        return tuple(number for number, turn in enumerate(self._turns, start=1) if wanted & set(turn.labels))

    def _text(self, story: Story, wordings: Sequence[Template], evidence: tuple[int, ...]) -> str:
        """Return a wording; one that names a value that its lines do not say (어제 for 어젯밤) only when all do."""
        texts = [self._wording(story, wording, evidence) for wording in self._rng.sample(wordings, len(wordings))]
        return next((text for text in texts if not find_values(_MARKED.sub(" ", text))), texts[0])

    def _wording(self, story: Story, wording: Template, evidence: tuple[int, ...]) -> str:
        pieces = say(wording, story.values, self._rng, lambda value: value.spoken)
        return "".join(
            self._marked(story, piece.slot, evidence) if piece.slot else self._plain(piece.shown, evidence)
            for piece in pieces
        )

    def _plain(self, text: str, evidence: tuple[int, ...]) -> str:
        """Mark what is a value without being a slot (오늘, 하루), where the lines say it in the same words."""
        turns = [self._turns[number - 1] for number in evidence] or self._turns
        parts, position = [], 0
        for value in find_values(text):
            if any(value.text in turn.shown for turn in turns):
                parts += [text[position : value.start], VALUE_OPEN, value.text, VALUE_CLOSE]
                position = value.end
        return "".join([*parts, text[position:]])

    def _marked(self, story: Story, slot: str, evidence: tuple[int, ...]) -> str:
        return f"{VALUE_OPEN}{self._mention(story, slot, evidence)}{VALUE_CLOSE}"

    def _mention(self, story: Story, slot: str, evidence: tuple[int, ...]) -> str:
        """Return how the first cited line that says the slot shows it, or else the first line of the call that does."""
        cited = [self._turns[number - 1] for number in evidence]
        for turn in (*cited, *self._turns):
            for piece in turn.pieces:
                if piece.slot == story.prefix + slot:
                    return piece.shown
        raise AssertionError(f"{story.script.id}: slot {slot} is said nowhere, which the checker excludes")
