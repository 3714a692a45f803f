"""The recognizer's error channel: transcripts made wrong the way a speech recognizer gets them wrong.

Errors come in bursts by word; syllables turn into similar ones, get lost or are added, blanks move, punctuation
disappears. `Confusions` measured on a real recognizer's output replace the guesses from phonetics. Knows nothing
of audio. A corrupted call stays consistent: the values of its summary are those that its corrupted lines show.
"""

import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from model_core.data.call import VALUE_CLOSE, VALUE_OPEN, Action, Fact, Item, Line, SimulatedCall, Summary, Topic
from model_core.data.korean import jamo
from model_core.data.korean.josa import is_syllable
from model_core.data.simulator.check import ROLES
from model_core.data.simulator.confusions import Confusions

_VALUE = re.compile(rf"{VALUE_OPEN}(.*?){VALUE_CLOSE}")
# In a burst a syllable is wrong this often; how many words are bursts follows from the level.
_BURST = 0.35
_SUBSTITUTED, _DELETED = 0.72, 0.88
_PRONOUNCED = 0.25
_INSERTED = "어으아이음네그에은는가고"


@dataclass(frozen=True)
class Corrupted:
    """A corrupted line; source character i became `text[begins[i]:ends[i]]`."""

    text: str
    begins: tuple[int, ...]
    ends: tuple[int, ...]

    def run(self, start: int, end: int) -> str:
        """Return what the source characters from start to end became."""
        return self.text[self.begins[start] : self.ends[end - 1]].strip(" .,?")


def corrupt(line: str, rng: random.Random, level: float, confusions: Confusions | None = None) -> str:
    """Return a line with about `level` of its syllables wrong; its punctuation goes with probability 3 `level`."""
    return corrupt_tracked(line, rng, level, confusions).text


def corrupt_tracked(
    line: str,
    rng: random.Random,
    level: float,
    confusions: Confusions | None = None,
    *,
    punctuation: bool | None = None,
) -> Corrupted:
    """Corrupt a line and remember what became of each character; `punctuation` None leaves it to chance."""
    if punctuation is None:
        punctuation = rng.random() >= 3 * level
    return _Channel(line, rng, level, confusions, punctuation).corrupted()


class _Channel:
    def __init__(
        self, line: str, rng: random.Random, level: float, confusions: Confusions | None, punctuation: bool
    ) -> None:
        self._line, self._rng, self._confusions, self._punctuation = line, rng, confusions, punctuation
        self._level = level
        self._spaces = confusions.space_rates(level) if confusions else (level, level / 4)
        self._out: list[str] = list(line)

    def corrupted(self) -> Corrupted:
        for match in re.finditer(r"\S+", self._line):
            if self._rng.random() < self._level / _BURST:
                self._corrupt_word(match.start(), match.end())
        for index, char in enumerate(self._line):
            if (char == " " and self._rng.random() < self._spaces[0]) or (
                char in ".,?" and not self._punctuation and not self._in_number(index)
            ):
                self._out[index] = ""
            elif self._line[index : index + 2].isalpha() and self._rng.random() < self._spaces[1]:
                self._out[index] += " "
        return self._tracked()

    def _in_number(self, index: int) -> bool:
        return self._line[index - 1 : index].isdigit() and self._line[index + 1 : index + 2].isdigit()

    def _corrupt_word(self, start: int, end: int) -> None:
        if end - start > 1 and self._rng.random() < _PRONOUNCED:
            self._pronounce(self._rng.randrange(start, end - 1))
        for index in range(start, end):
            char = self._line[index]
            weight = self._confusions.weight(char) if self._confusions else 1.0
            if is_syllable(char) and self._rng.random() < _BURST * weight:
                self._out[index] = self._replacement(char)
            elif char.isdigit() and self._rng.random() < _BURST / 6:
                self._out[index] = self._rng.choice("0123456789")

    def _pronounce(self, index: int) -> None:
        first, second = self._line[index], self._line[index + 1]
        if is_syllable(first) and is_syllable(second):
            self._out[index], self._out[index + 1] = jamo.as_pronounced(first, second)

    def _replacement(self, char: str) -> str:
        if self._confusions:
            measured = self._confusions.draw(char, self._rng)
            if measured is not None:
                return measured
        roll = self._rng.random()
        if roll < _SUBSTITUTED:
            return jamo.similar(char, self._rng)
        if roll < _DELETED:
            return ""
        return char + (char if self._rng.random() < 0.3 else self._rng.choice(_INSERTED))

    def _tracked(self) -> Corrupted:
        text, begins, ends = "", [], []
        for piece in self._out:
            if piece.startswith(" ") and (not text or text.endswith(" ")):
                piece = piece.lstrip()
            begins.append(len(text))
            text += piece
            ends.append(len(text.rstrip()) if piece != " " else len(text))
        return Corrupted(text.rstrip(), tuple(begins), tuple(ends))


def corrupt_call(
    call: SimulatedCall, rng: random.Random, level: float, confusions: Confusions | None = None
) -> SimulatedCall:
    """Return a call with corrupted lines; its summary and facts say its values as the corrupted lines show them.

    `level` is the share of wrong syllables, 0 to 0.3; the spoken turns stay as they are. A line that lost a value
    the summary needs is left whole.
    """
    return _CallChannel(call, rng, level, confusions).call()


class _CallChannel:
    def __init__(self, call: SimulatedCall, rng: random.Random, level: float, confusions: Confusions | None) -> None:
        self._call = call
        punctuation = rng.random() >= 3 * level
        self._lines = [
            corrupt_tracked(line.text, rng, level, confusions, punctuation=punctuation) for line in call.lines
        ]
        self._keep_values()

    def call(self) -> SimulatedCall:
        summary = self._call.summary
        return replace(
            self._call,
            lines=tuple(Line(line.party, new.text) for line, new in zip(self._call.lines, self._lines, strict=True)),
            summary=Summary(
                title=self._text(summary.title, ()),
                one_line=self._item(summary.one_line),
                topics=tuple(
                    Topic(self._text(topic.title, ()), tuple(self._item(point) for point in topic.points))
                    for topic in summary.topics
                ),
                actions=tuple(self._action(action) for action in summary.actions),
                decisions=tuple(self._item(decision) for decision in summary.decisions),
                category=summary.category,
                outcome=summary.outcome,
                sentiment=summary.sentiment,
            ),
            facts=tuple(self._fact(fact) for fact in self._call.facts),
        )

    def _keep_values(self) -> None:
        for index, line in enumerate(self._call.lines):
            if not self._lines[index].text:
                self._restore(index, line.text)
        for value, evidence in self._needed():
            places = list(self._places(value, evidence))
            if places and not any(self._lines[index].run(start, end) for index, start, end in places):
                self._restore(places[0][0], self._call.lines[places[0][0]].text)

    def _restore(self, index: int, text: str) -> None:
        self._lines[index] = Corrupted(text, tuple(range(len(text))), tuple(range(1, len(text) + 1)))

    def _needed(self) -> Iterator[tuple[str, tuple[int, ...]]]:
        summary = self._call.summary
        items = [summary.one_line, *(point for topic in summary.topics for point in topic.points), *summary.decisions]
        texts: list[tuple[str, tuple[int, ...]]] = [
            (summary.title, ()),
            *((topic.title, ()) for topic in summary.topics),
        ]
        texts += [(item.text, item.evidence) for item in (*items, *(Item(a.what, a.evidence) for a in summary.actions))]
        for text, evidence in texts:
            for match in _VALUE.finditer(text):
                yield match[1], evidence
        for action in summary.actions:
            if action.when:
                yield action.when, action.evidence
            if action.who not in ROLES:
                yield action.who, action.evidence

    def _places(self, value: str, evidence: Sequence[int]) -> Iterator[tuple[int, int, int]]:
        """Yield (line index, start, end) where a value stands, in the cited lines or, when in none, anywhere."""
        cited = [number - 1 for number in evidence]
        for indexes in (cited, range(len(self._call.lines))):
            found = False
            for index in indexes:
                for match in self._occurrences(value, self._call.lines[index].text):
                    found = True
                    yield index, match.start(), match.end()
            if found:
                return

    def _occurrences(self, value: str, text: str) -> list[re.Match[str]]:
        """Return where a value stands in a text, at the beginning of a word if it does so anywhere."""
        if value not in text:
            return []
        anywhere = list(re.finditer(re.escape(value), text))
        return [match for match in anywhere if not text[match.start() - 1 : match.start()].isalnum()] or anywhere

    def _value(self, value: str, evidence: tuple[int, ...]) -> str:
        runs = [self._lines[index].run(start, end) for index, start, end in self._places(value, evidence)]
        return value if value in runs else next((run for run in runs if run), value)

    def _text(self, text: str, evidence: tuple[int, ...]) -> str:
        return _VALUE.sub(lambda match: f"{VALUE_OPEN}{self._value(match[1], evidence)}{VALUE_CLOSE}", text)

    def _item(self, item: Item) -> Item:
        return Item(self._text(item.text, item.evidence), item.evidence)

    def _action(self, action: Action) -> Action:
        return Action(
            who=action.who if action.who in ROLES else self._value(action.who, action.evidence),
            what=self._text(action.what, action.evidence),
            when=self._value(action.when, action.evidence) if action.when else None,
            evidence=action.evidence,
        )

    def _fact(self, fact: Fact) -> Fact:
        """Let what the lines made of a fact's forms count as saying it, too."""
        if fact.kind == "word":
            return fact
        runs = (
            self._lines[index].run(start, end) for form in fact.forms for index, start, end in self._places(form, ())
        )
        return replace(fact, forms=tuple(dict.fromkeys((*fact.forms, *(run for run in runs if run)))))
