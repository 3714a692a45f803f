"""The summary as tokens and back: a small, strict format of section tokens, line numbers and marked text.

A summary is written in the order in which it is easiest to find: the codes, then for every item first the lines it
rests on and then its words. It knows the format and no model; what may be written inside it is `inference`'s business.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final, NamedTuple, TypeVar

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
    plain,
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

_LINE: Final = re.compile(r"L\d+")
_STRUCTURE: Final = re.compile(r"<\|(\w+)\|>")
T = TypeVar("T")
_MARKED: Final = re.compile(f"({VALUE_OPEN}.*?{VALUE_CLOSE})", re.DOTALL)


class Piece(NamedTuple):
    """A structure token by its bare name, or, without one, a text."""

    name: str
    text: str = ""


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
    """A cursor over the pieces of a summary: structure tokens by bare name, and texts."""

    pieces: Sequence[Piece]
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
        if self.position != len(self.pieces):
            raise FormatError(f"{len(self.pieces) - self.position} pieces follow the end of the summary")
        return Summary(title, one_line, topics, actions, decisions, category, outcome, sentiment)

    @property
    def _name(self) -> str:
        """The structure token at the cursor; "" for a text and at the end."""
        return self.pieces[self.position].name if self.position < len(self.pieces) else ""

    def _expect(self, name: str) -> None:
        if self._name != name:
            raise FormatError(f"piece {self.position} is {self._name!r}; the format asks for {name!r}")
        self.position += 1

    def _code(self, codes: tuple[str, ...]) -> str:
        code = self._name
        if code not in codes:
            raise FormatError(f"piece {self.position} is {code!r}; it must be one of {', '.join(codes)}")
        self.position += 1
        return code

    def _many(self, name: str, read: Callable[[], T]) -> Iterator[T]:
        while self._name == name:
            self.position += 1
            yield read()

    def _text(self) -> str:
        if self._name or self.position >= len(self.pieces):
            raise FormatError(f"piece {self.position} is {self._name!r}; the format asks for a text")
        self.position += 1
        return checked_text(self.pieces[self.position - 1].text)

    def _evidence(self) -> tuple[int, ...]:
        numbers: list[int] = []
        while _LINE.fullmatch(self._name):
            number = int(self._name[1:])
            if numbers and number <= numbers[-1]:
                raise FormatError(f"line {number} is cited after line {numbers[-1]}; the order must rise")
            numbers.append(number)
            self.position += 1
        self._expect("evidence_end")
        if not numbers:
            raise FormatError(f"the item before piece {self.position} cites no line")
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
        if self._name == "none":
            self.position += 1
            return Action(who, what, None, evidence)
        self._expect("when")
        return Action(who, what, self._text(), evidence)


def checked_text(text: str) -> str:
    """Return a text in canonical form.

    Raises: FormatError when it is empty or its value marks do not pair.
    """
    text = canonical(text)
    if not plain(text):
        raise FormatError("a text is empty")
    marks = re.findall(f"{VALUE_OPEN}|{VALUE_CLOSE}", text)
    if marks != [VALUE_OPEN, VALUE_CLOSE] * (len(marks) // 2):
        raise FormatError(f"the {len(marks)} value marks of {text!r} do not pair")
    return text


def parse(tokenizer: SummaryTokenizer, ids: Sequence[int]) -> Summary:
    """Return the summary that `ids` spell, with or without the end-of-text token after it.

    Raises: FormatError at the first token that breaks the format.
    """
    end = tokenizer.token_id(END_OF_TEXT)
    names = _structure_names(tokenizer)
    pieces = []
    for is_structure, run in groupby(ids[:-1] if ids and ids[-1] == end else ids, names.__contains__):
        tokens = list(run)
        pieces += [Piece(names[token]) for token in tokens] if is_structure else [Piece("", _decode(tokenizer, tokens))]
    return _Reader(pieces).read()


def parse_text(text: str) -> Summary:
    """Return the summary of a text that spells the structure tokens out, as a server answers.

    Raises: FormatError at the first piece that breaks the format.
    """
    parts = _STRUCTURE.split(text.removesuffix(END_OF_TEXT).strip())
    names, texts = parts[1::2], parts[0::2]
    if texts[0].strip():
        raise FormatError(f"the text begins with {texts[0][:20]!r}; the format asks for a category")
    pieces = []
    for name, after in zip(names, texts[1:], strict=True):
        pieces += [Piece(name), Piece("", after)] if after.strip() else [Piece(name)]
    return _Reader(pieces).read()


def _structure_names(tokenizer: SummaryTokenizer) -> dict[int, str]:
    """Return the bare name of each structure token but the value marks, by id."""
    tokens = (token for token in structure_tokens() if token not in (VALUE_OPEN, VALUE_CLOSE))
    return {tokenizer.token_id(token): token.removeprefix("<|").removesuffix("|>") for token in tokens}


def _decode(tokenizer: SummaryTokenizer, ids: Sequence[int]) -> str:
    marks = {tokenizer.token_id(mark): mark.encode() for mark in (VALUE_OPEN, VALUE_CLOSE)}
    raw = b"".join(marks.get(token) or tokenizer.token_bytes[token] for token in ids)
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise FormatError(f"a text is no UTF-8 at byte {error.start}") from error
