"""A statement in the call's own words: whole clauses of the cited lines, in the call's order, their values marked.

It reads bytes and answers with the tokens that may come next. It knows clauses and where values stand in them, and
nothing of the summary around a statement.
"""

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from model_core.data.clauses import TAILS, clauses
from model_core.data.korean.promises import is_promise, makes_wait
from model_core.data.korean.repairs import taken_back
from model_core.data.tokenizer import SummaryTokenizer
from model_core.inference.source import MAX_WORD_CHARS, FindSpans
from model_core.inference.trie import ROOT, Moves, readings
from model_core.inference.vocabulary import Ids, Vocabulary, as_ids

_BLANK: Final = ord(" ")
_COMMA: Final = ord(",")
_MARKS: Final = ".,?!"
_CHAR_BYTES: Final = len("가".encode())


class Passage:
    """One clause of line `line` as something to read: what was taken back is out, offsets count the bytes of `raw`.

    `raw` begins with a blank. `size` counts the words, `is_promise` says that an action can rest on it, `figures` are
    the values in plain text; at the blanks in `marked` a figure stands, which has to be a value. A value may begin at
    the blanks in `begins`, may not pass its `limits`, and may end at the keys of `ends`, which say where reading goes
    on: past a tail that no value takes.
    """

    def __init__(
        self, line: int, clause: str, find_spans: FindSpans, max_value_chars: int, *, may_promise: bool
    ) -> None:
        self.line = line
        text, spans, seams = _standing(clause, find_spans)
        self.size = len(text.split())
        self.is_promise = may_promise and is_promise(clause)
        self.figures = tuple(text[start:end] for start, end in spans)
        self.raw = text.encode()
        at = _byte_offsets(text)
        blanks = [place for place, char in enumerate(text) if char == " "]
        self.marked = frozenset(at[start - 1] for start, _ in spans)
        self.figure_ends = frozenset(at[end] for _, end in spans)
        self._spelled: dict[int, tuple[int, int]] = {}
        self._valued: dict[int, int] = {}
        free = [blank for blank in blanks if not any(start <= blank < end for start, end in spans)]
        self.begins = frozenset(at[blank] for blank in free if _has_sense(text, blank))
        self.ends = {at[end]: at[goes_on] for end, goes_on in _value_ends(text, spans, blanks)}
        walls = [*(at[seam] for seam in seams), len(self.raw)]
        self.limits = {begin: self._limit(begin, walls, max_value_chars * _CHAR_BYTES) for begin in self.begins}

    def spelled(self, tokenizer: SummaryTokenizer, offset: int) -> tuple[int, int] | None:
        """Return the token with which the passage goes on at `offset`, and where that ends; None where none does."""
        if offset not in self._spelled and offset < len(self.raw):
            cuts = (*self.marked, *self.figure_ends, len(self.raw))
            try:
                text = self.raw[offset : min(cut for cut in cuts if cut > offset)].decode()
            except UnicodeDecodeError:
                return None
            at = offset
            for token in tokenizer.encode_text(text):
                self._spelled[at] = token, at + len(tokenizer.token_bytes[token])
                at = self._spelled[at][1]
        return self._spelled.get(offset)

    def note_value(self, begin: int, end: int) -> None:
        """Remember a value that a statement has marked: the next one that reads the passage likely marks it too."""
        self._valued[begin] = end

    def likely_opens(self, offset: int) -> bool:
        """Whether a value likely begins at an offset."""
        return offset in self.marked or offset in self._valued

    def likely_closes(self, begin: int, offset: int) -> bool:
        """Whether a value likely ends at an offset: a figure with its last word, others as before or after a word."""
        if offset <= begin or offset not in self.ends:
            return False
        return offset in self.figure_ends if begin in self.marked else self._valued.get(begin, offset) == offset

    def _limit(self, begin: int, walls: list[int], reach: int) -> int:
        """Return the last end within reach of a value begun at `begin`, or else its first; no value crosses a wall."""
        wall = min(wall for wall in walls if wall > begin)
        ends = [end for end in sorted(self.ends) if begin < end <= wall]
        return max([end for end in ends if end <= begin + reach], default=ends[0])


def passages(number: int, line: str, find_spans: FindSpans, max_value_chars: int) -> list[Passage]:
    """Return the clauses with a word of line `number`."""
    found = (clause for clause in clauses(_cut(line)) if _has_word(clause))
    lasting = not makes_wait(line)
    return [Passage(number, clause, find_spans, max_value_chars, may_promise=lasting) for clause in found]


class _State(NamedTuple):
    """`offset` bytes of the last of the `chosen` passages are read; `value` is where the open value began, None outside
    of one; `joined` says that a comma has been read after the passage."""

    chosen: tuple[int, ...]
    offset: int = 0
    value: int | None = None
    joined: bool = False

    @property
    def passage(self) -> int:
        """The number of the passage that is being read."""
        return self.chosen[-1]


class Quote:
    """One statement while it is written: `most` passages; one of each range in `owed` as long as there is room."""

    def __init__(self, vocabulary: Vocabulary, cited: Sequence[Passage], most: int, owed: Sequence[range] = ()) -> None:
        self._vocabulary, self._cited, self._most, self._owed = vocabulary, cited, most, owed[:most]
        self._comma = vocabulary.text.values[vocabulary.text.child(ROOT, _COMMA)]
        self._enter(frozenset(self._starts(())))

    def _enter(self, states: frozenset[_State]) -> None:
        self._states = states
        self._after: Moves[_State] | None = None

    @property
    def _moves(self) -> Moves[_State]:
        if self._after is None:
            self._after = readings(self._vocabulary.text, self._states, self._edges)
        return self._after

    @property
    def ids(self) -> Ids:
        """The text tokens that may come next."""
        return as_ids(self._moves)

    @property
    def may_open(self) -> bool:
        """Whether a value may begin here."""
        return any(True for state in self._states for _ in self._opened(state))

    @property
    def may_close(self) -> bool:
        """Whether the open value may end here."""
        return any(True for state in self._states for _ in self._closed(state))

    @property
    def may_end(self) -> bool:
        """Whether the statement may end here."""
        return any(self._is_whole(state) and not self._unmet(state.chosen) for state in self._states)

    @property
    def may_stop(self) -> bool:
        """Whether a word has ended, so that a statement that has to be short may end here."""
        return any(
            state.value is None
            and not state.joined
            and state.offset > 0
            and self._cited[state.passage].raw[state.offset : state.offset + 1] in (b"", b" ")
            for state in self._states
        )

    @property
    def said(self) -> list[Passage]:
        """The passages that have been read, or begun."""
        return [self._cited[number] for number in min(state.chosen for state in self._states)]

    def foreseen(self, most: int, ending: int) -> list[int]:
        """Return up to `most` tokens that follow if what is owed is read as it is spelled, and then `ending`.

        A guess for a decoder to check.
        """
        guess: list[int] = []
        state: _State | None = min(self._states)
        while state is not None and len(guess) < most:
            token, state = self._likely(state, ending)
            guess += [] if token is None else [token]
        return guess

    def _likely(self, state: _State, ending: int) -> tuple[int | None, _State | None]:
        """Return a token that may well come next and the state after it; no state where the guess ends."""
        passage = self._cited[state.passage]
        if state.joined or self._is_whole(state):
            owed = [number for numbers in self._unmet(state.chosen) for number in numbers if number > state.passage]
            if not owed and not state.joined:
                return ending, None
            if not self._joins(state):
                return self._comma, state._replace(joined=True)
            following = owed or list(self._next(state.chosen))
            return None, _State((*state.chosen, following[0])) if following else None
        if state.value is None and passage.likely_opens(state.offset):
            return self._vocabulary.value_open, state._replace(value=state.offset)
        if state.value is not None and passage.likely_closes(state.value, state.offset):
            return self._vocabulary.value_close, state._replace(offset=passage.ends[state.offset], value=None)
        spelled = passage.spelled(self._vocabulary.tokenizer, state.offset)
        return (None, None) if spelled is None else (spelled[0], state._replace(offset=spelled[1]))

    def open(self) -> None:
        """Begin a value."""
        self._enter(frozenset(after for state in self._states for after in self._opened(state)))

    def close(self) -> None:
        """End the value."""
        state = min(self._states)
        if state.value is not None:
            self._cited[state.passage].note_value(state.value, state.offset)
        self._enter(frozenset(after for state in self._states for after in self._closed(state)))

    def read(self, token: int) -> None:
        """Take a text token."""
        self._enter(self._moves[token])

    def _opened(self, state: _State) -> Iterator[_State]:
        if state.value is not None:
            return
        for at in [state, *self._starts(state.chosen)] if self._joins(state) else [state]:
            passage = self._cited[at.passage]
            if not at.joined and at.offset in passage.begins:
                yield at._replace(value=at.offset)

    def _closed(self, state: _State) -> Iterator[_State]:
        ends = self._cited[state.passage].ends
        if state.value is not None and state.value < state.offset and state.offset in ends:
            yield state._replace(offset=ends[state.offset], value=None)

    def _edges(self, state: _State) -> Iterator[tuple[int, _State]]:
        passage = self._cited[state.passage]
        if not state.joined and state.offset < len(passage.raw):
            if self._may_read(passage, state):
                yield passage.raw[state.offset], state._replace(offset=state.offset + 1)
        elif self._joins(state):
            for start in self._starts(state.chosen):
                if start.offset not in self._cited[start.passage].marked:
                    yield _BLANK, start._replace(offset=1)
        elif self._is_whole(state) and any(self._starts(state.chosen)):
            yield _COMMA, state._replace(joined=True)

    def _may_read(self, passage: Passage, state: _State) -> bool:
        if state.value is None:
            return state.offset not in passage.marked
        return state.offset < passage.limits[state.value]

    def _is_whole(self, state: _State) -> bool:
        return state.value is None and not state.joined and state.offset == len(self._cited[state.passage].raw)

    def _joins(self, state: _State) -> bool:
        """Whether the next byte may be the blank before another passage."""
        return state.joined or (self._is_whole(state) and self._cited[state.passage].raw.endswith(b"?"))

    def _starts(self, chosen: tuple[int, ...]) -> list[_State]:
        return [_State((*chosen, number)) for number in self._next(chosen)]

    def _next(self, chosen: tuple[int, ...]) -> Iterator[int]:
        """Yield the passages that may follow the chosen ones: none past what is owed, none that takes its room."""
        unmet = self._unmet(chosen)
        last = min((owed[-1] for owed in unmet), default=len(self._cited) - 1)
        for number in range(chosen[-1] + 1 if chosen else 0, last + 1):
            if len(chosen) + 1 + sum(number not in owed for owed in unmet) <= self._most:
                yield number

    def _unmet(self, chosen: tuple[int, ...]) -> list[range]:
        return [owed for owed in self._owed if not any(number in owed for number in chosen)]


def _cut(line: str) -> str:
    """Return a line with words of bearable length."""
    return " ".join(word[:MAX_WORD_CHARS] for word in line.split())


def _has_word(text: str) -> bool:
    return any(char.isalnum() for char in text)


def _has_sense(text: str, blank: int) -> bool:
    return _has_word(text[blank + 1 :].split(" ", 1)[0])


def _standing(clause: str, find_spans: FindSpans) -> tuple[str, list[tuple[int, int]], list[int]]:
    """Return a clause with a blank before it and before each figure, less what was taken back; its figures; its seams.

    At a seam stands a blank that the clause does not have there.
    """
    spans = sorted((start, end) for start, end in find_spans(clause))
    back = dict(taken_back(clause, spans))
    text, figures, seams, at = " ", [], [], 0
    for start, end in spans:
        text += clause[at:start]
        if start in back or not text.endswith(" "):
            text = text.rstrip() + " "
            seams.append(len(text) - 1)
        at = back.get(start, end)
        if start not in back:
            figures.append((len(text), len(text) + end - start))
            text += clause[start:end]
    return text + clause[at:], figures, seams


def _value_ends(text: str, spans: Sequence[tuple[int, int]], blanks: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Yield where a value may end and where reading goes on: after a figure, after a word, before a word's tail."""
    words = zip(blanks, [*blanks[1:], len(text)], strict=True)
    for blank, word_end in words:
        bare_end = blank + len(text[blank:word_end].rstrip(_MARKS))
        figures = [end for _, end in spans if blank < end <= word_end]
        for end in figures:
            yield end, end if text[end:bare_end] in TAILS else max(end, bare_end)
        first = figures[-1] + 1 if figures else blank + 2
        for end in range(first, bare_end + 1):
            inside = any(start < end < stop for start, stop in spans)
            whole = end == bare_end or (end > blank + 2 and text[end:bare_end] in TAILS)
            if whole and not inside:
                yield end, end


def _byte_offsets(text: str) -> list[int]:
    offsets = [0]
    for char in text:
        offsets.append(offsets[-1] + len(char.encode()))
    return offsets
