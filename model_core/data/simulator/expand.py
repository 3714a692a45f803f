"""From scripts to calls: values drawn, turns said with the habits of speech, the reference summary written.

`CallSimulator` gives random access to an endless row of different calls, the same for the same seed. Knows no
audio and no recognizer; `noise` makes transcripts of calls wrong, `voice` speaks them.
"""

import random
from collections.abc import Iterator, Sequence
from pathlib import Path

from model_core.data.call import Line, SimulatedCall
from model_core.data.simulator import banks, people, slots
from model_core.data.simulator import disfluency as speech
from model_core.data.simulator.banks import Library, load_library
from model_core.data.simulator.carriers import carrier_phrase
from model_core.data.simulator.disfluency import Habits
from model_core.data.simulator.errors import DataError
from model_core.data.simulator.references import Story, SummaryWriter
from model_core.data.simulator.script import Bank, Script
from model_core.data.simulator.slots import SlotType, SlotValue
from model_core.data.simulator.substitute import invented_noun, noun_slots, nouns, substitute_nouns
from model_core.data.simulator.utterances import Utterance, say

_WRITTEN_MENTION_P = 0.93
# In a substituted call: how often a chosen thing comes from another script, and how often that one is made up.
_FOREIGN_P, _INVENTED_P = 0.5, 0.2


def load_scripts(paths: Sequence[Path] | None = None) -> list[Script]:
    """Return the scripts of `*.call` files, the simulator's own when None; files are read once."""
    return list(load_library(paths).scripts)


def expand(
    script: Script | Sequence[Script],
    rng: random.Random,
    *,
    written_p: float,
    habits: Habits | None = None,
    library: Library | None = None,
    substituted: bool = False,
    call_id: str = "",
) -> SimulatedCall:
    """Make one call of a script, or of several of a kind and style that follow one another.

    `written_p` is the probability that the lines show values written (54,000원) and not spoken (오만 사천 원).
    `substituted` replaces part of the call's nouns by nouns of other training scripts, or by made-up ones.
    """
    scripts = [script] if isinstance(script, Script) else list(script)
    library = library or load_library()
    pool = nouns(library) if substituted else ()
    call = _Expansion(scripts, rng, written_p, habits or Habits(), library, pool).call(call_id)
    return substitute_nouns(call, rng, pool) if substituted else call


class _Expansion:
    """One call in the making."""

    def __init__(
        self,
        scripts: Sequence[Script],
        rng: random.Random,
        written_p: float,
        habits: Habits,
        library: Library,
        pool: Sequence[str],
    ) -> None:
        self._rng, self._habits = rng, habits
        self._style = scripts[0].style
        self._bank = library.bank(scripts[0])
        self._bank_values = _bank_values(self._bank, rng)
        self._written = rng.random() < written_p
        self._pool = pool
        self._taken: set[str] = set()
        self._stories = [
            Story(script, self._draw_values(script), f"{number}." if number else "")
            for number, script in enumerate(scripts)
        ]

    def call(self, call_id: str) -> SimulatedCall:
        turns = self._turns()
        writer = SummaryWriter(self._stories, turns, self._rng)
        scripts = tuple(story.script.id for story in self._stories)
        return SimulatedCall(
            id=call_id or "+".join(scripts),
            scripts=scripts,
            category=self._stories[0].script.kind,
            split=self._stories[0].script.split,
            lines=tuple(Line(turn.party, turn.shown) for turn in turns),
            spoken=tuple(Line(turn.party, turn.spoken) for turn in turns),
            summary=writer.summary(),
            facts=writer.facts(),
        )

    def _draw_values(self, script: Script) -> dict[str, SlotValue]:
        foreign = noun_slots(script) if self._pool else set()
        return {
            name: self._foreign() if name in foreign and self._rng.random() < _FOREIGN_P else self._fresh(slot)
            for name, slot in script.slots.items()
        }

    def _foreign(self) -> SlotValue:
        """Draw a thing from another script, or make one up, in place of one of the slot's own."""
        invented = self._rng.random() < _INVENTED_P
        word = invented_noun(self._rng) if invented else self._rng.choice(self._pool)
        return self._fresh(SlotType("choice", (word,)))

    def _fresh(self, slot: SlotType) -> SlotValue:
        """Draw a value that the call does not hold yet, if the slot's range has one."""
        value = slots.draw(slot, self._rng)
        for _ in range(20):
            if self._taken.isdisjoint(value.forms):
                break
            value = slots.draw(slot, self._rng)
        self._taken.update(value.forms)
        return value

    def _show(self, value: SlotValue) -> str:
        return value.written if self._written and self._rng.random() < _WRITTEN_MENTION_P else value.spoken

    def _turns(self) -> list[Utterance]:
        turns: list[Utterance] = []
        for story in self._stories:
            told = self._tell(story)
            turns += (self._exchange(banks.link(self._style, self._rng)) if turns else []) + told
        rng, style, habits = self._rng, self._style, self._habits
        turns = speech.with_corrections(turns, style, habits, rng, self._kinds(), self._wrong_value, self._show)
        turns = speech.with_confirmations(turns, style, habits, rng, self._kinds(facts_only=True))
        turns = speech.with_backchannels(turns, style, habits, rng)
        turns = self._greeting() + turns + self._exchange(banks.closing(self._bank, rng))
        return speech.merged(speech.with_fillers(turns, style, habits, rng), habits, rng)

    def _tell(self, story: Story) -> list[Utterance]:
        return [
            Utterance(
                turn.party,
                say(turn.text, story.values, self._rng, self._show, story.prefix),
                (story.prefix + turn.label,),
            )
            for turn in story.script.turns
            if not turn.optional or self._rng.random() < 0.5
        ]

    def _greeting(self) -> list[Utterance]:
        named = any(slot.kind == "person" for story in self._stories for slot in story.script.slots.values())
        return self._exchange(banks.opening(self._bank, self._rng, without_caller=named))

    def _exchange(self, turns: banks.Exchange) -> list[Utterance]:
        return [Utterance(party, say(text, self._bank_values, self._rng, self._show, "bank.")) for party, text in turns]

    def _kinds(self, *, facts_only: bool = False) -> dict[str, str]:
        return {
            story.prefix + name: slot.kind
            for story in self._stories
            for name, slot in story.script.slots.items()
            if not facts_only or any(fact.name == name and not fact.is_word for fact in story.script.facts)
        }

    def _wrong_value(self, key: str) -> SlotValue | None:
        for story in self._stories:
            name = key.removeprefix(story.prefix)
            if name in story.script.slots:
                value = slots.draw(story.script.slots[name], self._rng)
                return value if self._taken.isdisjoint(value.forms) else None
        return None


def _bank_values(bank: Bank, rng: random.Random) -> dict[str, SlotValue]:
    names = {"agent": people.full_name(rng), "caller": people.full_name(rng), "brand": rng.choice(bank.brands or ("",))}
    return {name: SlotValue("person", text, text, (text,)) for name, text in names.items()}


class CallSimulator:
    """An endless row of simulated calls of a split; the same split, seed and index make the same call.

    Kinds follow one another in turn, and the scripts of a kind likewise, so any long run of calls is balanced.
    """

    def __init__(
        self,
        split: str,
        seed: int,
        *,
        kinds: Sequence[str] | None = None,
        written_p: float = 0.1,
        two_topics_p: float = 0.15,
        substitute_p: float = 0.0,
        habits: Habits | None = None,
        library: Library | None = None,
    ) -> None:
        """Choose the scripts of a split ("train" or "test"), of some kinds of call only when `kinds` is given.

        `substitute_p` is the share of calls whose nouns are exchanged, for training a model that copies.

        Raises:
            DataError: when there is no such script.
        """
        self._library = library or load_library()
        self._split, self._seed, self._habits = split, seed, habits
        self._written_p, self._two_topics_p, self._substitute_p = written_p, two_topics_p, substitute_p
        self._by_kind: dict[str, list[Script]] = {}
        for script in self._library.scripts:
            if script.split == split and (kinds is None or script.kind in kinds):
                self._by_kind.setdefault(script.kind, []).append(script)
        if not self._by_kind:
            raise DataError(f"no script of split {split!r} and kinds {kinds or 'any'}")
        self._kinds = sorted(self._by_kind)

    def call(self, index: int) -> SimulatedCall:
        """Return the call of an index, from 0 up."""
        rng = random.Random(f"{self._split}/{self._seed}/{index}")
        scripts = self._by_kind[self._kinds[index % len(self._kinds)]]
        chosen = [scripts[index // len(self._kinds) % len(scripts)]]
        partners = [script for script in scripts if script.style == chosen[0].style and script is not chosen[0]]
        if partners and rng.random() < self._two_topics_p:
            chosen.append(rng.choice(partners))
        return expand(
            chosen,
            rng,
            written_p=self._written_p,
            habits=self._habits,
            library=self._library,
            substituted=rng.random() < self._substitute_p,
            call_id=f"{self._split}-{self._seed}-{index}",
        )


def speech_texts(seed: int, *, split: str = "train", carrier_p: float = 0.25) -> Iterator[str]:
    """Yield single utterances in spoken form without end, for the recognizer: turns of calls and carrier phrases.

    `carrier_p` is the share of short phrases made to hold numbers, phones, dates, addresses and names.
    """
    rng = random.Random(f"speech/{split}/{seed}")
    simulator = CallSimulator(split, seed, written_p=0.0)
    for index in iter(lambda: rng.randrange(10**9), None):
        for line in simulator.call(index).spoken:
            while rng.random() < carrier_p:
                yield carrier_phrase(rng)
            yield line.text
