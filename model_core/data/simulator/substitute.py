"""Consistent replacement of a call's nouns by other nouns, so that a model has to copy what a call says.

A summarizer trained on a few hundred scripts can learn which words go with which script; with the nouns of calls
exchanged, only reading helps. Nouns come from the training scripts or are made up. Knows no slots and no banks.
"""

import random
import re
from collections import Counter
from collections.abc import Container, Iterator, Sequence
from dataclasses import replace
from functools import cache
from itertools import pairwise
from typing import Final

from model_core.data.call import VALUE_CLOSE, Action, Item, Line, SimulatedCall, Summary, Topic, plain
from model_core.data.korean import jamo, josa
from model_core.data.korean.values import find_values
from model_core.data.simulator.banks import Library
from model_core.data.simulator.check import ROLES
from model_core.data.simulator.script import Script
from model_core.data.simulator.template import Particle, Slot, Template, text_of
from model_core.data.simulator.wordlists import word_list

_PAIRED: Final = (
    *((f"이라{more}", f"라{more}") for more in ("고", "서", "고요", "서요", "")),
    *((f"이{more}", more) for more in ("고요", "고", "요", "나", "랑", "면", "죠", "네요")),
    *((f"으로{more}", f"로{more}") for more in ("는", "도", "만", "")),
    *(("이에요", "예요"), ("이", "가"), ("은", "는"), ("을", "를"), ("과", "와")),
)
_FIXED: Final = (
    "에서는", "에서도", "에서", "에는", "에도", "에", "의", "도", "만", "부터", "까지", "까지는", "하고", "한테",
    "보다", "마다", "인데요", "인데", "입니다", "인가요", "인지", "뿐", "처럼",
)  # fmt: skip
_OTHER: Final = {form: pair for pair in _PAIRED for form in pair if form}
_SUFFIXES: Final = frozenset({*_OTHER, *_FIXED})
_TOKEN: Final = re.compile(rf"([가-힣]+)(?:({VALUE_CLOSE})([가-힣]*))?")
_MARKERS: Final = {"을": "O", "를": "O", "이": "S", "가": "S", "은": "T", "는": "T"}
_WITH_PARTICLE: Final = re.compile(r"(?<![가-힣])([가-힣]{2,6})([을를이가은는])(?![가-힣])")
_WORD: Final = re.compile(r"[가-힣]{2,}")
_SHARE, _INVENTED = 0.5, 0.2


@cache
def nouns(library: Library) -> tuple[str, ...]:
    """Return the nouns of a library's training scripts: words that take particles of two cases, and things chosen from.

    Words of the protected list (고객, 문의, …), which carry a summary's phrasing, are not among them.
    """
    markers: dict[str, set[str]] = {}
    found: set[str] = set()
    for script in library.scripts:
        if script.split == "train":
            for text in _texts(script):
                for stem, particle in _WITH_PARTICLE.findall(text):
                    if josa.choose(stem, *_pair(particle)) == particle:
                        markers.setdefault(stem, set()).add(_MARKERS[particle])
            found |= {word for word in choices(script) if " " not in word and len(word) > 1}
    found |= {stem for stem, cases in markers.items() if len(cases) > 1}
    protected = set(word_list("protected"))
    return tuple(sorted(word for word in found if word not in protected and not find_values(word)))


def _pair(particle: str) -> tuple[str, str]:
    return _OTHER[particle]


def _texts(script: Script) -> Iterator[str]:
    yield from (text_of(turn.text) for turn in script.turns)
    for topic in script.topics:
        yield from (text_of(wording) for point in topic.points for wording in point.wordings)


def choices(script: Script) -> list[str]:
    """Return the alternatives of a script's choice slots that stand where nouns do: before a particle."""
    return [word for name in sorted(noun_slots(script)) for word in script.slots[name].args]


def noun_slots(script: Script) -> set[str]:
    """Return the names of the choice slots that a particle follows in some turn."""
    followed = {name for turn in script.turns for name in _followed(turn.text)}
    return {name for name in followed if name in script.slots and script.slots[name].kind == "choice"}


def _followed(template: Template) -> Iterator[str]:
    for node, following in pairwise(template):
        if isinstance(node, Slot) and isinstance(following, Particle):
            yield node.name


def invented_noun(rng: random.Random) -> str:
    """Make up a noun of two to four syllables that no dictionary has but a telephone could carry."""
    while True:
        word = "".join(
            jamo.compose(
                rng.choice("ㄱㄴㄷㄹㅁㅂㅅㅇㅈㅊㅋㅌㅍㅎ"),
                rng.choice("ㅏㅏㅓㅗㅜㅡㅣㅣㅐㅔ"),
                rng.choice("      ㄴㄹㅁㅇㄱㅅ"),
            )
            for _ in range(rng.choice((2, 2, 3, 3, 4)))
        )
        if not find_values(word):
            return word


def substitute_nouns(call: SimulatedCall, rng: random.Random, pool: Sequence[str]) -> SimulatedCall:
    """Return a call in which about half of the nouns that its lines and its summary share are other nouns.

    The same noun is replaced by the same word everywhere, particles follow its last sound, so values of the
    summary remain runs of the lines.
    """
    text = "\n".join(_all_texts(call))
    words: dict[str, str] = {}
    for noun in _clean_nouns(_shared_nouns(call, frozenset(pool)), text):
        if rng.random() < _SHARE:
            word = invented_noun(rng) if rng.random() < _INVENTED else rng.choice(pool)
            if word not in text and word not in words.values():
                words[noun] = word
    return _Replacement(words).call(call) if words else call


def _all_texts(call: SimulatedCall) -> Iterator[str]:
    yield from (line.text for line in (*call.lines, *call.spoken))
    yield from _summary_texts(call.summary)
    yield from (form for fact in call.facts for form in fact.forms)


def _summary_texts(summary: Summary) -> Iterator[str]:
    yield from (summary.title, summary.one_line.text)
    for topic in summary.topics:
        yield topic.title
        yield from (point.text for point in topic.points)
    yield from (action.what for action in summary.actions)
    yield from (decision.text for decision in summary.decisions)


def _shared_nouns(call: SimulatedCall, pool: frozenset[str]) -> list[str]:
    said = "\n".join(line.text for line in call.lines)
    found: dict[str, None] = {}
    for text in _summary_texts(call.summary):
        for word in _WORD.findall(plain(text)):
            for noun in (word, *(word[:-size] for size in (1, 2, 3) if word[-size:] in _SUFFIXES)):
                if noun in pool and noun in said:
                    found[noun] = None
    return list(found)


def _clean_nouns(nouns: Sequence[str], text: str) -> list[str]:
    """Return the nouns that stand in a text only as words of their own, with nothing but particles behind them."""
    found = Counter(parts[0] for token in _TOKEN.finditer(text) if (parts := _parted(token, nouns)))
    return [noun for noun in nouns if found[noun] == text.count(noun)]


def _parted(token: re.Match[str], nouns: Container[str]) -> tuple[str, str, str] | None:
    """Return noun, value mark and particle of a word whose noun is one of `nouns`, or None."""
    word, mark, tail = token[1], token[2] or "", token[3] or ""
    if mark:
        return (word, mark, tail) if word in nouns and (not tail or tail in _SUFFIXES) else None
    for end in range(len(word), 1, -1):
        if word[:end] in nouns and (end == len(word) or word[end:] in _SUFFIXES):
            return word[:end], "", word[end:]
    return None


class _Replacement:
    """Replaces words in every text of a call."""

    def __init__(self, words: dict[str, str]) -> None:
        self._words = words

    def text(self, text: str) -> str:
        return _TOKEN.sub(self._other, text)

    def _other(self, token: re.Match[str]) -> str:
        parts = _parted(token, self._words)
        if parts is None:
            return token[0]
        word, suffix = self._words[parts[0]], parts[2]
        if suffix in _OTHER:
            suffix = josa.choose(word, *_OTHER[suffix])
        return word + parts[1] + suffix

    def _item(self, item: Item) -> Item:
        return Item(self.text(item.text), item.evidence)

    def _action(self, action: Action) -> Action:
        who = action.who if action.who in ROLES else self.text(action.who)
        return Action(who, self.text(action.what), self.text(action.when) if action.when else None, action.evidence)

    def call(self, call: SimulatedCall) -> SimulatedCall:
        summary = call.summary
        return replace(
            call,
            lines=tuple(Line(line.party, self.text(line.text)) for line in call.lines),
            spoken=tuple(Line(line.party, self.text(line.text)) for line in call.spoken),
            summary=replace(
                summary,
                title=self.text(summary.title),
                one_line=self._item(summary.one_line),
                topics=tuple(
                    Topic(self.text(topic.title), tuple(self._item(point) for point in topic.points))
                    for topic in summary.topics
                ),
                actions=tuple(self._action(action) for action in summary.actions),
                decisions=tuple(self._item(decision) for decision in summary.decisions),
            ),
            facts=tuple(replace(fact, forms=tuple(self.text(form) for form in fact.forms)) for fact in call.facts),
        )
