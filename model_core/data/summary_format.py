"""The summary as tokens and back: a small, strict format of section tokens, line numbers and marked text.

A summary is written in the order in which it is easiest to find: the codes, then for every item first the lines it
rests on and then its words. It knows the format and no model; what may be written inside it is `inference`'s business.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

from model_core.data.call import (
    CATEGORIES,
    OUTCOMES,
    SENTIMENTS,
    VALUE_CLOSE,
    VALUE_OPEN,
    Action,
    Item,
    Line,
    Summary,
    Topic,
)
from model_core.data.tokenizer import (
    ASSISTANT,
    END_OF_TEXT,
    MAX_LINES,
    PARTIES,
    USER,
    SummaryTokenizer,
    structure_tokens,
)
from model_core.errors import DataError

T = TypeVar("T")
_MARKED: Final = re.compile(f"({VALUE_OPEN}.*?{VALUE_CLOSE})", re.DOTALL)


class FormatError(DataError):
    """Tokens that are no summary, or a summary or call that the format cannot hold."""


def canonical(text: str) -> str:
    """Return `text` with single blanks, none at its ends and none at the ends of a value."""
    text = re.sub(rf"{VALUE_OPEN}\s+", f" {VALUE_OPEN}", text)
    text = re.sub(rf"\s+{VALUE_CLOSE}", f"{VALUE_CLOSE} ", text)
    return " ".join(text.split())


def encode_prompt(tokenizer: SummaryTokenizer, lines: Sequence[Line]) -> list[int]:
    """Return the tokens of a call, up to where its summary begins.

    Raises: FormatError when the call has more lines than there are line tokens, or a line has no known party.
    """
    if len(lines) > MAX_LINES:
        raise FormatError(f"the call has {len(lines)} lines; the format holds {MAX_LINES}")
    ids = [tokenizer.token_id(USER)]
    for number, line in enumerate(lines, start=1):
        if line.party not in PARTIES:
            raise FormatError(f"line {number} is of party {line.party!r}; it must be one of {', '.join(PARTIES)}")
        ids += [tokenizer.structure_id(f"L{number}"), tokenizer.structure_id(line.party)]
        ids += tokenizer.encode_text(" " + " ".join(line.text.split()))
    return [*ids, tokenizer.token_id(ASSISTANT)]


def encode_example(tokenizer: SummaryTokenizer, lines: Sequence[Line], summary: Summary) -> tuple[list[int], list[int]]:
    """Return (prompt_ids, target_ids) of a training example; the target ends with the end-of-text token.

    Raises: FormatError when the call or the summary does not fit the format.
    """
    return encode_prompt(tokenizer, lines), encode_summary(tokenizer, summary)


def encode_text(tokenizer: SummaryTokenizer, text: str) -> list[int]:
    """Return the tokens of a summary text; the blank before a value stands inside its marks, as in a transcript.

    Raises: FormatError when the value marks do not pair.
    """
    ids: list[int] = []
    inside = (" " + canonical(text)).replace(f" {VALUE_OPEN}", f"{VALUE_OPEN} ")
    for piece in _MARKED.split(inside):
        if not (piece.startswith(VALUE_OPEN) and piece.endswith(VALUE_CLOSE)):
            if VALUE_OPEN in piece or VALUE_CLOSE in piece:
                raise FormatError(f"the value marks of {text!r} do not pair")
            ids += tokenizer.encode_text(piece)
            continue
        value = piece[len(VALUE_OPEN) : -len(VALUE_CLOSE)]
        if not value.strip() or VALUE_OPEN in value:
            raise FormatError(f"the value marks of {text!r} hold nothing or another mark")
        ids.append(tokenizer.token_id(VALUE_OPEN))
        ids += tokenizer.encode_text(value)
        ids.append(tokenizer.token_id(VALUE_CLOSE))
    return ids


def encode_summary(tokenizer: SummaryTokenizer, summary: Summary) -> list[int]:
    """Return the tokens of a summary, the end-of-text token last.

    Raises: FormatError when a code is unknown, a text is empty or an item cites no line the format can name.
    """
    return _Writer(tokenizer).write(summary)


class _Writer:
    def __init__(self, tokenizer: SummaryTokenizer) -> None:
        self._tokenizer = tokenizer
        self._ids: list[int] = []

    def write(self, summary: Summary) -> list[int]:
        self._code(summary.category, CATEGORIES)
        self._code(summary.outcome, OUTCOMES)
        self._code(summary.sentiment, SENTIMENTS)
        self._text("title", summary.title)
        self._item("one", summary.one_line)
        for topic in summary.topics:
            self._text("topic", topic.title)
            for point in topic.points:
                self._item("point", point)
        for action in summary.actions:
            self._action(action)
        for decision in summary.decisions:
            self._item("decision", decision)
        self._section("end")
        return [*self._ids, self._tokenizer.token_id(END_OF_TEXT)]

    def _section(self, name: str) -> None:
        self._ids.append(self._tokenizer.structure_id(name))

    def _code(self, code: str, codes: tuple[str, ...]) -> None:
        if code not in codes:
            raise FormatError(f"the code {code!r} is not one of {', '.join(codes)}")
        self._section(code)

    def _text(self, section: str, text: str) -> None:
        if not canonical(text):
            raise FormatError(f"a {section} is empty")
        self._section(section)
        self._ids += encode_text(self._tokenizer, text)

    def _evidence(self, evidence: tuple[int, ...]) -> None:
        numbers = sorted(set(evidence))
        if not numbers or numbers[0] < 1 or numbers[-1] > MAX_LINES:
            raise FormatError(f"an item cites the lines {evidence}; it must cite lines from 1 to {MAX_LINES}")
        for number in numbers:
            self._section(f"L{number}")
        self._section("evidence_end")

    def _item(self, section: str, item: Item) -> None:
        self._section(section)
        self._evidence(item.evidence)
        if not canonical(item.text):
            raise FormatError(f"a {section} is empty")
        self._ids += encode_text(self._tokenizer, item.text)

    def _action(self, action: Action) -> None:
        self._section("action")
        self._evidence(action.evidence)
        self._text("who", action.who)
        self._text("what", action.what)
        if action.when is None:
            self._section("none")
        else:
            self._text("when", action.when)


@dataclass
class _Reader:
    """A cursor over the tokens of a summary; `names` spells the structure tokens."""

    tokenizer: SummaryTokenizer
    ids: Sequence[int]
    names: dict[int, str]
    position: int = 0

    def read(self) -> Summary:
        category = self._code(CATEGORIES)
        outcome = self._code(OUTCOMES)
        sentiment = self._code(SENTIMENTS)
        self._expect("title")
        title = self._text()
        self._expect("one")
        one_line = self._item()
        topics = tuple(self._many("topic", self._topic))
        actions = tuple(self._many("action", self._action))
        decisions = tuple(self._many("decision", self._item))
        self._expect("end")
        if self.position != len(self.ids):
            raise FormatError(f"{len(self.ids) - self.position} tokens follow the end of the summary")
        return Summary(title, one_line, topics, actions, decisions, category, outcome, sentiment)

    def _next(self) -> str | None:
        """The structure token at the cursor by its bare name; None for text, "" at the end."""
        return self.names.get(self.ids[self.position]) if self.position < len(self.ids) else ""

    def _expect(self, name: str) -> None:
        if self._next() != name:
            raise FormatError(f"token {self.position} is {self._next()!r}; the format asks for {name!r}")
        self.position += 1

    def _code(self, codes: tuple[str, ...]) -> str:
        code = self._next()
        if code not in codes:
            raise FormatError(f"token {self.position} is {code!r}; it must be one of {', '.join(codes)}")
        self.position += 1
        return str(code)

    def _many(self, name: str, read: Callable[[], T]) -> Iterator[T]:
        while self._next() == name:
            self.position += 1
            yield read()

    def _text(self) -> str:
        start = self.position
        while self.position < len(self.ids) and self._next() in (None, VALUE_OPEN, VALUE_CLOSE):
            self.position += 1
        return decode_text(self.tokenizer, self.ids[start : self.position])

    def _evidence(self) -> tuple[int, ...]:
        numbers: list[int] = []
        while (name := self._next() or "").startswith("L") and name[1:].isdigit():
            if numbers and int(name[1:]) <= numbers[-1]:
                raise FormatError(f"line {name[1:]} is cited after line {numbers[-1]}; the order must rise")
            numbers.append(int(name[1:]))
            self.position += 1
        self._expect("evidence_end")
        if not numbers:
            raise FormatError(f"the item before token {self.position} cites no line")
        return tuple(numbers)

    def _item(self) -> Item:
        evidence = self._evidence()
        return Item(self._text(), evidence)

    def _topic(self) -> Topic:
        title = self._text()
        return Topic(title, tuple(self._many("point", self._item)))

    def _action(self) -> Action:
        evidence = self._evidence()
        self._expect("who")
        who = self._text()
        self._expect("what")
        what = self._text()
        if self._next() == "none":
            self.position += 1
            return Action(who, what, None, evidence)
        self._expect("when")
        return Action(who, what, self._text(), evidence)


def decode_text(tokenizer: SummaryTokenizer, ids: Sequence[int]) -> str:
    """Return the text that `encode_text` made `ids` from.

    Raises: FormatError when the text is empty, is no UTF-8 or has marks that do not pair.
    """
    opening, closing = tokenizer.token_id(VALUE_OPEN), tokenizer.token_id(VALUE_CLOSE)
    marks = {opening: VALUE_OPEN.encode(), closing: VALUE_CLOSE.encode()}
    order = [token for token in ids if token in marks]
    if order != [opening, closing] * (len(order) // 2):
        raise FormatError(f"{len(order)} value marks do not pair")
    raw = b"".join(marks.get(token) or tokenizer.token_bytes[token] for token in ids)
    try:
        text = canonical(raw.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise FormatError(f"a text is no UTF-8 at byte {error.start}") from error
    if not text:
        raise FormatError("a text is empty")
    return text


def parse(tokenizer: SummaryTokenizer, ids: Sequence[int]) -> Summary:
    """Return the summary that `ids` spell, with or without the end-of-text token after it.

    Raises: FormatError at the first token that breaks the format.
    """
    end = tokenizer.token_id(END_OF_TEXT)
    body = ids[:-1] if ids and ids[-1] == end else ids
    return _Reader(tokenizer, body, structure_names(tokenizer)).read()


def structure_names(tokenizer: SummaryTokenizer) -> dict[int, str]:
    """Return the bare name of each structure token ("title", "L12"), by id; value marks as they are spelled."""
    return {tokenizer.token_id(token): token.removeprefix("<|").removesuffix("|>") for token in structure_tokens()}
