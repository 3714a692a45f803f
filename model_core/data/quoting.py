"""Summaries in the call's own words: every statement of a reference is exchanged for the clauses of its lines.

References written by hand use words of their own choice, and with a few hundred scripts a small model learns those by
heart instead of reading. Which line matters, and which clause of it, is learned from the references; what is said about
it is then the call's own. It knows lines and summaries, no tokens and no scripts.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from model_core.data.call import VALUE_CLOSE, VALUE_OPEN, Action, Item, Line, Summary, Topic, plain
from model_core.data.clauses import TAILS, clauses, less_last_mark
from model_core.data.korean.promises import is_promise
from model_core.data.korean.repairs import Span, taken_back
from model_core.data.korean.values import find_values, same_value
from model_core.data.korean.word_lists import word_list

MAX_WORDS: Final = 20
# Of a point: at most so many clauses, and one of each cited line that has one of so many words.
MAX_QUOTES: Final = 4
MIN_WORDS: Final = 3
_MARKED: Final = re.compile(f"{VALUE_OPEN}(.*?){VALUE_CLOSE}")
_WORD: Final = re.compile(r"[가-힣A-Za-z0-9]{2,}")
# Words that say what kind of call it was; the rest of a title has to come from the call.
TITLE_WORDS: Final = word_list("title_words")


def _bare(word: str) -> str:
    """Return a word without what may follow a noun."""
    word = word.rstrip(".,?!")
    return next((word[:-size] for size in (3, 2, 1) if len(word) > size + 1 and word[-size:] in TAILS), word)


def _title_words(title: str) -> Iterator[str]:
    """Yield the words of a title, a marked value with what is joined to it as one."""
    yield from (match.group() for match in re.finditer(rf"(?:{VALUE_OPEN}.*?{VALUE_CLOSE}|\S)+", title))


@dataclass(frozen=True)
class _Clause:
    """A clause, its place in the call, the wanted values that it holds and the words it shares with a statement."""

    place: tuple[int, int]
    text: str
    values: frozenset[str]
    shared: int

    @property
    def size(self) -> int:
        """The number of its words."""
        return len(self.text.split())

    @property
    def rank(self) -> tuple[int, int]:
        """What says most first; of equals, the longer."""
        return -(3 * len(self.values) + self.shared), -self.size

    @property
    def rank_as_action(self) -> tuple[bool, int, int]:
        """Promises and requests first."""
        return not is_promise(self.text), *self.rank


def quoted(summary: Summary, lines: Sequence[Line]) -> Summary:
    """Return `summary` with points, actions, decisions and headline in words of the lines they cite.

    Titles keep the words that the call holds or that any title may have.
    """
    quoter = _Quoter(lines)
    return replace(
        summary,
        title=quoter.title(summary.title),
        one_line=quoter.item(summary.one_line, clauses=3),
        topics=tuple(
            Topic(quoter.title(topic.title), tuple(quoter.point(point) for point in topic.points))
            for topic in summary.topics
        ),
        actions=tuple(quoter.action(action) for action in summary.actions),
        decisions=tuple(quoter.item(decision, clauses=2) for decision in summary.decisions),
    )


class _Quoter:
    def __init__(self, lines: Sequence[Line]) -> None:
        self._lines = lines
        self._clauses = [clauses(line.text) for line in lines]
        self._said = {_bare(word) for line in lines for word in line.text.split()}

    def title(self, title: str) -> str:
        kept = [word for word in _title_words(title) if self._may_stand(word)]
        return " ".join(kept).rstrip(", ") or title

    def _may_stand(self, word: str) -> bool:
        bare = _bare(word)
        return VALUE_OPEN in word or bare in TITLE_WORDS or bare in self._said

    def item(self, item: Item, clauses: int) -> Item:
        return Item(self._quote(item.text, item.evidence, clauses) or item.text, item.evidence)

    def action(self, action: Action) -> Action:
        return replace(action, what=self._quote(action.what, action.evidence, 1, promise=True) or action.what)

    def point(self, item: Item) -> Item:
        return Item(self._quote(item.text, item.evidence, MAX_QUOTES, each_line=True) or item.text, item.evidence)

    def _quote(
        self, text: str, evidence: Sequence[int], most: int, *, each_line: bool = False, promise: bool = False
    ) -> str:
        """Return the clauses of the lines that say most of `text`, in the call's order; the longest when none does.

        With `each_line`, every line that has one of `MIN_WORDS` gives a clause; with `promise`, promises come first.
        """
        wanted = list(dict.fromkeys(_MARKED.findall(text))) or list(self._spelled(text, evidence))
        found = self._found(evidence, wanted, text)
        ranked = sorted(found, key=lambda clause: clause.rank_as_action if promise else (False, *clause.rank))
        chosen: list[_Clause] = []
        said: set[str] = set()
        for clause in ranked:
            room = len(chosen) < most and sum(one.size for one in chosen) + clause.size <= MAX_WORDS
            if not chosen or (clause.values - said and room):
                chosen.append(clause)
                said |= clause.values
        for clause in ranked if each_line else ():
            silent = clause.place[0] not in {one.place[0] for one in chosen}
            if silent and clause.size >= MIN_WORDS and len(chosen) < most:
                chosen.append(clause)
        chosen.sort(key=lambda clause: clause.place)
        parts = filter(None, (_with_marks(clause.text, _spans(clause.text, wanted)) for clause in chosen))
        return ", ".join(parts).replace("?,", "?")

    def _spelled(self, text: str, evidence: Sequence[int]) -> Iterator[str]:
        """Yield the figures of a text that has no marks, as the cited lines spell them."""
        wanted = find_values(text)
        for number in evidence if wanted else ():
            for said in find_values(self._lines[number - 1].text):
                if any(same_value(said, value) for value in wanted):
                    yield said.text

    def _found(self, evidence: Sequence[int], wanted: Sequence[str], text: str) -> Iterator[_Clause]:
        stems = {word[: max(2, len(word) - 1)] for word in _WORD.findall(plain(text))}
        for number in evidence:
            for position, clause in enumerate(self._clauses[number - 1]):
                values = frozenset(value for value in wanted if value in clause)
                yield _Clause((number, position), clause, values, sum(stem in clause for stem in stems))


def _spans(text: str, wanted: Sequence[str]) -> list[Span]:
    """Return the values of a text, those that are wanted and all figures, none inside another."""
    figures = [(value.start, value.end) for value in find_values(text)]
    named = [(start, start + len(value)) for value in wanted if (start := text.find(value)) >= 0]
    taken: list[Span] = []
    for start, end in sorted({*figures, *named}, key=lambda span: span[0] - span[1]):
        if all(end <= other[0] or start >= other[1] for other in taken):
            taken.append((start, end))
    return sorted(taken)


def _with_marks(text: str, values: Sequence[Span]) -> str:
    """Return the text with its values marked, less what was taken back, the values' longer tails and the last mark."""
    back = dict(taken_back(text, values))
    parts: list[str] = []
    at = 0
    for start, end in values:
        parts.append(text[at:start])
        at = end
        if start in back:
            at = back[start]
            continue
        parts.append(f" {VALUE_OPEN}{text[start:end]}{VALUE_CLOSE}")
        tail = text[at:].split(" ", 1)[0]
        bare = tail.rstrip(".,?!")
        parts.append(tail if not bare or bare in TAILS else tail[len(bare) :])
        at += len(tail)
    parts.append(text[at:])
    return less_last_mark(" ".join("".join(parts).split()))
