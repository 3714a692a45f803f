"""The two automata that write texts: words (known, or copied from the call), and values (runs of cited lines).

They read bytes and answer with the tokens that may come next. They know where a word or a value may end, and nothing
of the summary around it.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final, Protocol

from model_core.data.call import Line
from model_core.inference.lexicon import TAILS, Lexicon
from model_core.inference.source import FindSpans, SourceLine
from model_core.inference.trie import NONE, ROOT, ByteTrie, Moves, moves, readings
from model_core.inference.vocabulary import Ids, Vocabulary, as_ids

# A state is (kind, node) inside a word and (line, start, offset, limit, phase) inside a value.
State = tuple[int, ...]
States = frozenset[State]
Written = frozenset[tuple[int, int, int]]
_GAP, _START, _KNOWN, _COPIED, _ENDING, _TAIL, _AFTER_VALUE, _ROLE = range(8)
_IS_WORD, _TAKES_ENDING = 1, 2
_BLANK: Final = ord(" ")
_TAIL_BYTES: Final = frozenset(tail.encode()[0] for tail in TAILS)
_BEFORE_BLANK, _AFTER_BLANK, _READING = range(3)

BEFORE_WORD: Final[State] = (_GAP, ROOT)
AFTER_VALUE: Final[States] = frozenset({(_AFTER_VALUE, ROOT)})
BEFORE_ROLE: Final[State] = (_ROLE, NONE)


class Table:
    """The tokens that may come next, and the states after each."""

    def __init__(self, after: Moves[State]) -> None:
        self.after = after
        self.ids: Ids = as_ids(after)


def merge(tables: Sequence[Table]) -> Table:
    """Return the tokens that any of the tables takes, with all the states they lead to."""
    if len(tables) == 1:
        return tables[0]
    merged: Moves[State] = {}
    for table in tables:
        for token, states in table.after.items():
            merged[token] = merged[token] | states if token in merged else states
    return Table(merged)


class Automaton(Protocol):
    """Something that writes: the tokens that may come next in a state, and whether it may stop there."""

    def table(self, state: State) -> Table:
        """Return the tokens that may come next in a state."""

    def may_end(self, state: State) -> bool:
        """Whether what is written may end in a state."""


class Cursor:
    """The states an automaton may be in; none before the first token, which `begin` gives."""

    def __init__(self, automaton: Automaton, begin: Table | None = None) -> None:
        self._automaton = automaton
        self._tables = [] if begin is None else [begin]
        self._states: States = frozenset()

    @property
    def ids(self) -> list[Ids]:
        """The tokens that may come next, as index arrays; a token may be in several."""
        return [table.ids for table in self._tables]

    @property
    def may_end(self) -> bool:
        """Whether what is written may end here."""
        return bool(self.states)

    @property
    def states(self) -> States:
        """The states in which what is written may end here."""
        return frozenset(state for state in self._states if self._automaton.may_end(state))

    def advance(self, token: int) -> None:
        """Take a token; one that does not fit leaves no state."""
        self.enter(frozenset(state for table in self._tables for state in table.after.get(token, ())))

    def enter(self, states: States) -> None:
        """Go to the given states."""
        self._states = states
        self._tables = [self._automaton.table(state) for state in states]


class KnownWords:
    """The lexicon as an automaton; shared by all calls."""

    def __init__(self, vocabulary: Vocabulary, lexicon: Lexicon) -> None:
        self.vocabulary = vocabulary
        self.words = ByteTrie((word.encode(), _IS_WORD) for word in lexicon.words)
        for stem in lexicon.stems:
            node = self.words.path(stem.encode())[-1]
            self.words.values[node] = max(self.words.values[node], 0) | _TAKES_ENDING
        self.endings = ByteTrie((ending.encode(), _IS_WORD) for ending in lexicon.added)
        self.roles = ByteTrie((role.encode(), _IS_WORD) for role in lexicon.roles)
        self._tables: dict[State, Table] = {}

    def table(self, state: State) -> Table:
        """Return the tokens that may come next in a state that no call has a say in."""
        if state not in self._tables:
            self._tables[state] = Table(moves(self.vocabulary.text, [state], self.step))
        return self._tables[state]

    def step(self, state: State, byte: int) -> Iterator[State]:
        """Yield the states after a byte."""
        kind, node = state
        if kind == _GAP:
            if byte == _BLANK:
                yield (_START, ROOT)
        elif kind in (_START, _KNOWN):
            yield from self.enter(self.words, _KNOWN, node, byte)
        elif kind == _ROLE:
            if node != NONE or byte != _BLANK:
                yield from self.enter(self.roles, _ROLE, node, byte)
            else:
                yield (_ROLE, ROOT)
        elif kind in (_ENDING, _AFTER_VALUE):
            yield from self.enter(self.endings, _ENDING, node, byte)
        if byte in _TAIL_BYTES and kind not in (_GAP, _START, _ROLE, _TAIL) and self.may_end(state):
            yield (_TAIL, ROOT)

    def enter(self, trie: ByteTrie, kind: int, node: int, byte: int) -> Iterator[State]:
        """Yield the states that follow a byte inside a trie, or at the beginning of an ending."""
        if node == NONE:
            return
        child = trie.child(node, byte)
        if child != NONE:
            yield (kind, child)
        if trie.values[node] != NONE and trie.values[node] & _TAKES_ENDING:
            yield from self.enter(self.endings, _ENDING, ROOT, byte)

    def may_end(self, state: State) -> bool:
        """Whether the word may end here."""
        kind, node = state
        if kind in (_TAIL, _AFTER_VALUE):
            return True
        trie = {_KNOWN: self.words, _ENDING: self.endings, _ROLE: self.roles}.get(kind)
        return trie is not None and node != NONE and trie.values[node] != NONE and bool(trie.values[node] & _IS_WORD)


class Words:
    """Free text of one call: known words, and words and stems of the call with known endings."""

    def __init__(self, known: KnownWords, lines: Sequence[SourceLine]) -> None:
        self._known = known
        stems = {stem for line in lines for stem in line.stems()}
        self._copied = ByteTrie((stem.encode(), _IS_WORD | _TAKES_ENDING) for stem in stems)
        self._tables: dict[State, Table] = {}

    def table(self, state: State) -> Table:
        """Return the tokens that may come next in a state."""
        kind = state[0]
        if kind not in (_GAP, _START, _COPIED):
            return self._known.table(state)
        if state not in self._tables:
            own = Table(moves(self._known.vocabulary.text, [state], self._step))
            self._tables[state] = own if kind == _COPIED else merge([self._known.table(state), own])
        return self._tables[state]

    def may_end(self, state: State) -> bool:
        """Whether the word may end here."""
        kind, node = state
        return self._copied.values[node] != NONE if kind == _COPIED else self._known.may_end(state)

    def ends_known(self, states: States) -> bool:
        """Whether a known word may end in one of the states."""
        return any(kind == _KNOWN and self._known.may_end((kind, node)) for kind, node in states)

    def _step(self, state: State, byte: int) -> Iterator[State]:
        kind, node = state
        if kind == _GAP:
            if byte == _BLANK:
                yield (_START, ROOT)
        elif kind in (_START, _COPIED):
            yield from self._known.enter(self._copied, _COPIED, node, byte)
            if kind == _COPIED and byte in _TAIL_BYTES and self.may_end(state):
                yield (_TAIL, ROOT)
        else:
            yield from self._known.step(state, byte)


class Values:
    """The runs of one call's lines that a value may be."""

    def __init__(self, vocabulary: Vocabulary, lines: Sequence[SourceLine]) -> None:
        self._vocabulary, self._lines = vocabulary, lines
        self._tables: dict[State, Table] = {}
        self._begin: dict[tuple[int, tuple[tuple[int, int], ...]], Table] = {}

    def begin(self, numbers: Iterable[int], written: Written = frozenset()) -> Table:
        """Return the tokens with which a value of the lines (1-based) may begin, past what is written already."""
        return merge([self._begin_of(number - 1, written) for number in numbers])

    @staticmethod
    def written(cursor: Cursor) -> Written:
        """Return the places of the call, as (line, start, end), that a cursor at the end of a value has read."""
        return frozenset((line, start, offset) for line, start, offset, _, _ in cursor.states)

    def table(self, state: State) -> Table:
        """Return the tokens that continue a run."""
        if state not in self._tables:
            self._tables[state] = Table(readings(self._vocabulary.text, [state], self._edges))
        return self._tables[state]

    def may_end(self, state: State) -> bool:
        """Whether the value may end here."""
        line, _, offset, _, phase = state
        return phase == _READING and offset in self._lines[line].ends

    def _begin_of(self, line: int, written: Written) -> Table:
        here = tuple(sorted((start, end) for number, start, end in written if number == line))
        if (line, here) not in self._begin:
            starts = [
                (line, run.start, run.start, run.limit, _BEFORE_BLANK if run.blank else _READING)
                for run in self._lines[line].runs()
                if not any(start <= run.start < end for start, end in here)
            ]
            self._begin[line, here] = Table(readings(self._vocabulary.text, starts, self._edges))
        return self._begin[line, here]

    def _edges(self, state: State) -> Iterator[tuple[int, State]]:
        line, start, offset, limit, phase = state
        if phase == _BEFORE_BLANK:
            yield _BLANK, (line, start, offset, limit, _AFTER_BLANK)
        elif offset < limit:
            yield self._lines[line].raw[offset], (line, start, offset + 1, limit, _READING)


def source_lines(
    lines: Sequence[Line], find_spans: FindSpans, lexicon: Lexicon, max_value_chars: int
) -> list[SourceLine]:
    """Return the lines of a call as text to copy from."""
    dropped = frozenset(lexicon.dropped)
    return [SourceLine(line, find_spans, dropped, max_value_chars) for line in lines]
