"""What a summary of a given call may say, token by token.

The structure is the one `summary_format` reads. Statements are quotes of the lines they cite (`quotes`); titles, roles
and times are written by the automata of `writing`. Whatever logits choose among the tokens allowed here, the result
parses, ends, cites lines that exist in rising order, and has only values that stand in the lines it cites. It knows no
model.
"""

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import groupby, pairwise
from typing import Final

import numpy as np

from model_core.data.call import Line
from model_core.data.quoting import MAX_QUOTES, MIN_WORDS
from model_core.data.tokenizer import MAX_LINES, SummaryTokenizer
from model_core.inference.errors import InferenceError
from model_core.inference.lexicon import Lexicon
from model_core.inference.quotes import Passage, Quote, passages
from model_core.inference.source import FindSpans
from model_core.inference.vocabulary import Ids, Vocabulary, as_ids
from model_core.inference.writing import (
    AFTER_VALUE,
    BEFORE_ROLE,
    BEFORE_WORD,
    Cursor,
    KnownWords,
    Values,
    Words,
    Written,
    source_lines,
)

# The most tokens that finishing can take from anywhere, each text reduced to one word or value.
CLOSING_TOKENS: Final = 400


@dataclass(frozen=True)
class Limits:
    """How much a summary may hold; quotes are clauses of the call."""

    max_evidence: int = 8
    max_topics: int = 6
    max_points: int = 5
    max_actions: int = 6
    max_decisions: int = 4
    max_headline_quotes: int = 3
    max_quotes: int = MAX_QUOTES
    max_title_words: int = 6
    max_value_chars: int = 36


@dataclass(frozen=True)
class Choice:
    """The tokens allowed next; `structural` when they decide about sections, codes or evidence."""

    ids: Ids
    structural: bool


Text = Generator[Choice, int, int]
Steps = Generator[Choice, int, None]
Foresee = Callable[[int], list[int]]
QuoteOf = Callable[[list[int]], Quote]


class SummaryGrammar:
    """The grammar of one tokenizer and lexicon; `start` makes the state of one call."""

    def __init__(
        self, tokenizer: SummaryTokenizer, lexicon: Lexicon, find_spans: FindSpans, limits: Limits | None = None
    ) -> None:
        self.vocabulary = Vocabulary(tokenizer)
        self.known = KnownWords(self.vocabulary, lexicon)
        self.known_in_titles = KnownWords(self.vocabulary, lexicon.for_titles())
        self.lexicon = lexicon
        self.find_spans = find_spans
        self.limits = limits or Limits()

    def start(self, lines: Sequence[Line], max_tokens: int) -> "SummaryState":
        """Return the state before the first token of a summary of at most `max_tokens` tokens.

        Raises: InferenceError when no line has a word, or `max_tokens` cannot hold a summary.
        """
        if max_tokens < CLOSING_TOKENS + 10:
            raise InferenceError(f"max_tokens is {max_tokens}; it must be at least {CLOSING_TOKENS + 10}")
        return SummaryState(self, lines, max_tokens)


class SummaryState:
    """Where the writing of one summary stands."""

    def __init__(self, grammar: SummaryGrammar, lines: Sequence[Line], max_tokens: int) -> None:
        self._vocabulary, self._limits = grammar.vocabulary, grammar.limits
        self._sources = source_lines(lines, grammar.find_spans, grammar.lexicon, grammar.limits.max_value_chars)
        self._passages = [
            passages(number, line.text, grammar.find_spans, grammar.limits.max_value_chars)
            for number, line in enumerate(lines, start=1)
        ]
        self._said: set[str] = set()
        self._pointed: set[int] = set()
        self._promised: set[int] = set()
        self._followed: dict[int, int] = {}
        self._foresee: Foresee = _nothing
        self._values = Values(grammar.vocabulary, self._sources)
        self._known = grammar.known
        self._names_titles = bool(grammar.lexicon.for_titles().words)
        self._title_words = Words(grammar.known_in_titles, self._sources)
        self._value_open = as_ids([self._vocabulary.value_open])
        self._value_close = as_ids([self._vocabulary.value_close])
        numbers = range(1, min(len(lines), MAX_LINES) + 1)
        self._citable = [n for n in numbers if self._passages[n - 1] and len(self._values.begin([n]).ids)]
        if not self._citable:
            raise InferenceError(f"none of the call's {len(lines)} lines has a word; there is nothing to summarize")
        self._left = max_tokens
        self._steps = self._summary()
        self.choice: Choice | None = next(self._steps)

    @property
    def done(self) -> bool:
        """Whether the summary has ended."""
        return self.choice is None

    def advance(self, token: int) -> None:
        """Take the next token.

        Raises: InferenceError when the token is not among the allowed ones.
        """
        if self.choice is None or not (self.choice.ids == token).any():
            raise InferenceError(f"token {token} is not among those allowed here")
        self._left -= 1
        try:
            self.choice = self._steps.send(token)
        except StopIteration:
            self.choice = None

    def foreseen(self, most: int) -> list[int]:
        """Return up to `most` tokens that are likely to follow, a guess; empty where there is none."""
        return [] if self._closing else self._foresee(most)

    @property
    def _closing(self) -> bool:
        return self._left <= CLOSING_TOKENS

    def _summary(self) -> Steps:
        for codes in (self._vocabulary.categories, self._vocabulary.outcomes, self._vocabulary.sentiments):
            yield Choice(codes, structural=True)
        yield from self._exactly("title")
        yield from self._title(["one"], named=self._names_titles)
        after = ["topic", "action", "decision", "end"]
        section = yield from self._item(after, self._limits.max_headline_quotes)
        section = yield from self._topics(section, after)
        section = yield from self._repeated("action", section, self._limits.max_actions, after[1:], self._action)
        yield from self._repeated("decision", section, self._limits.max_decisions, after[2:], self._decision)

    def _topics(self, section: int, after: list[str]) -> Text:
        topic, point = self._vocabulary.section("topic"), self._vocabulary.section("point")
        topics = 0
        while section == topic:
            topics += 1
            rest = after if topics < self._limits.max_topics else after[1:]
            section = yield from self._title(["point"])
            points = 0
            while section == point:
                points += 1
                more = ["point"] if points < self._limits.max_points else []
                section = yield from self._point([*more, *rest])
        return section

    def _repeated(
        self, name: str, section: int, limit: int, after: list[str], write: Callable[[list[str]], Text]
    ) -> Text:
        """Write items of a section until another section begins; return that one's token."""
        items = 0
        while section == self._vocabulary.section(name):
            items += 1
            section = yield from write(after if items < limit else after[1:])
        return section

    def _item(self, after: list[str], most: int) -> Text:
        cited = yield from self._evidence(lambda cited: Quote(self._vocabulary, self._cited(cited), most), after[0])
        return (yield from self._quote(Quote(self._vocabulary, self._cited(cited), most), after, after[0]))

    def _decision(self, after: list[str]) -> Text:
        return (yield from self._item(after, self._limits.max_quotes))

    def _point(self, after: list[str]) -> Text:
        """Write a point: nothing that another point says, if there is more."""
        quote = self._quote_of_point((yield from self._evidence(self._quote_of_point, after[0])))
        section = yield from self._quote(quote, after, after[0])
        self._pointed.update(map(id, quote.said))
        return section

    def _quote_of_point(self, numbers: list[int]) -> Quote:
        cited = self._cited(numbers)
        fresh = [passage for passage in cited if id(passage) not in self._pointed] or cited
        return Quote(self._vocabulary, fresh, self._limits.max_quotes, self._owed(fresh))

    def _owed(self, cited: list[Passage]) -> list[range]:
        """Return what a point has to say: each passage with a figure not yet said, and something of each cited line."""
        owed = []
        for _, run in groupby(range(len(cited)), key=lambda number: cited[number].line):
            numbers = list(run)
            figures = [number for number in numbers if not self._said.issuperset(cited[number].figures)]
            owed += [range(number, number + 1) for number in figures]
            if not figures and max(cited[number].size for number in numbers) >= MIN_WORDS:
                owed.append(range(numbers[0], numbers[-1] + 1))
        return owed

    def _cited(self, numbers: list[int]) -> list[Passage]:
        return [passage for number in numbers for passage in self._passages[number - 1]]

    def _title(self, after: list[str], *, named: bool = False) -> Text:
        return (yield from self._words(self._limits.max_title_words, after, named))

    def _action(self, after: list[str]) -> Text:
        """Write an action: a promise or a request of a cited line that no other action has."""
        promises = self._open_promises()
        cited = yield from self._evidence(None, "who", [passage.line for passage in promises])
        yield from self._exactly("who")
        yield from self._copy(["what"], self._citable, roles=True)
        quote = Quote(self._vocabulary, [passage for passage in promises if passage.line in cited], 1)
        section = yield from self._quote(quote, ["when", "none"], "none")
        self._promised.update(map(id, quote.said))
        if section == self._vocabulary.section("when"):
            return (yield from self._copy(after, cited, roles=False))
        return (yield self._sections(after))

    def _open_promises(self) -> list[Passage]:
        passages = self._cited(self._citable)
        return [passage for passage in passages if passage.is_promise and id(passage) not in self._promised]

    def _exactly(self, name: str) -> Steps:
        yield Choice(as_ids([self._vocabulary.section(name)]), structural=True)

    def _sections(self, names: list[str]) -> Choice:
        """The choice of a next section; when space runs out, only of the last, which leads to the end."""
        kept = names[-1:] if self._closing else names
        if "action" in kept and not self._open_promises():
            kept = [name for name in kept if name != "action"]
        return Choice(as_ids(self._vocabulary.section(name) for name in kept), structural=True)

    def _evidence(
        self, quote_of: QuoteOf | None, then: str, needed: Sequence[int] = ()
    ) -> Generator[Choice, int, list[int]]:
        """Write rising line numbers, one of the `needed` among them if there are any; return them.

        What is foreseen goes on with a statement, if any, and a section.
        """
        cited: list[int] = []
        end = self._vocabulary.section("evidence_end")
        left, whole = self._citable, not needed
        self._foresee = lambda most: self._foreseen_evidence(cited, quote_of, self._vocabulary.section(then), most)
        while True:
            if not whole:
                last = len(cited) == self._limits.max_evidence - 1 or self._closing
                left = [number for number in left if (number in needed if last else number <= max(needed))]
            full = len(cited) >= self._limits.max_evidence or (whole and cited and self._closing)
            lines = self._vocabulary.lines[np.asarray([] if full else left, dtype=np.int64) - 1]
            token = yield Choice(np.append(lines, end) if cited and whole else lines, structural=True)
            if token == end:
                self._followed.update(pairwise(cited))
                self._foresee = _nothing
                return cited
            cited.append(int(np.flatnonzero(self._vocabulary.lines == token)[0]) + 1)
            whole = whole or cited[-1] in needed
            left = [number for number in self._citable if number > cited[-1]]

    def _foreseen_evidence(self, cited: list[int], quote_of: QuoteOf | None, then: int, most: int) -> list[int]:
        """Return the lines that were cited together before, the end, and the statement if it begins as it should."""
        if not cited:
            return []
        numbers = list(cited)
        while numbers[-1] in self._followed:
            numbers.append(self._followed[numbers[-1]])
        guess = [int(self._vocabulary.lines[number - 1]) for number in numbers[len(cited) :]]
        guess.append(self._vocabulary.section("evidence_end"))
        rest = [then] if quote_of is None else quote_of(numbers).foreseen(most, then)
        return [*guess, *rest][:most]

    def _quote(self, quote: Quote, after: list[str], likely: str) -> Text:
        """Write a statement; return the token of the section that ends it, which is foreseen to be `likely`."""
        self._foresee = partial(quote.foreseen, ending=self._vocabulary.section(likely))
        while True:
            options, ends = [quote.ids], self._sections(after).ids
            may_end = quote.may_end or (self._closing and quote.may_stop)
            options += [self._value_open] if quote.may_open else []
            options += [self._value_close] if quote.may_close else []
            options += [ends] if may_end else []
            token = yield Choice(np.concatenate(options), structural=False)
            if may_end and token in ends:
                self._said.update(figure for passage in quote.said for figure in passage.figures)
                self._foresee = _nothing
                return token
            if token == self._value_open:
                quote.open()
            elif token == self._value_close:
                quote.close()
            else:
                quote.read(token)

    def _words(self, max_words: int, after: list[str], named: bool) -> Text:
        """Write words and values, no place of the call twice; return the token of the section that ends the text.

        A `named` text says what about (one word or more) and then, in a known word, what kind of thing: 요금 문의.
        """
        gap, cursor = self._title_words.table(BEFORE_WORD), Cursor(self._title_words)
        words, written = 0, Written()
        while True:
            begin = self._values.begin(self._citable, written)
            options, ends = cursor.ids, self._sections(after).ids
            more = words == 0 or (cursor.may_end and words < max_words and not self._closing)
            whole = not (named and more) or (words > 1 and self._title_words.ends_known(cursor.states))
            if more:
                options.append(gap.ids)
            if more and len(begin.ids) and not (self._closing and len(gap.ids)):
                options.append(self._value_open)
            if cursor.may_end and whole:
                options.append(ends)
            token = yield Choice(np.concatenate(options), structural=False)
            if token in ends:
                return token
            if token == self._value_open:
                value = Cursor(self._values, begin)
                yield from self._run([value], self._value_close)
                written |= self._values.written(value)
                cursor.enter(AFTER_VALUE)
                words += 1
            elif token in gap.after and more:
                cursor.enter(gap.after[token])
                words += 1
            else:
                cursor.advance(token)

    def _copy(self, after: list[str], cited: list[int], *, roles: bool) -> Text:
        """Write a run of the cited lines, or a role; return the token of the section that ends it."""
        named = Cursor(self._known, self._known.table(BEFORE_ROLE)) if roles else None
        if named and self._closing and any(map(len, named.ids)):
            cursors = [named]
        else:
            cursors = [Cursor(self._values, self._values.begin(cited)), *([named] if named else [])]
        return (yield from self._run(cursors, self._sections(after).ids))

    def _run(self, cursors: list[Cursor], ends: Ids) -> Text:
        """Write what any of the cursors allows; return the token of `ends` that ends it."""
        while True:
            options = [ids for cursor in cursors for ids in cursor.ids]
            finished = any(cursor.may_end for cursor in cursors)
            token = yield Choice(np.concatenate([*options, ends] if finished else options), structural=False)
            if finished and token in ends:
                return token
            for cursor in cursors:
                cursor.advance(token)


def _nothing(most: int) -> list[int]:
    return []
