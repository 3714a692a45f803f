"""Call scripts: their dataclasses and the parser of `*.call` files.

Reads the language of docs/simulator.md into objects and reports the first thing it cannot read, with file and
line. Whether a script keeps the rules between its lines is the business of `check`, how it is spoken of `expand`.
"""

import re
from dataclasses import dataclass, field
from pathlib import Path

from model_core.data.simulator.errors import ScriptError
from model_core.data.simulator.slots import SlotType, parse_slot_type
from model_core.data.simulator.template import Template, TemplateError, parse

_LABEL = r"[AB]\d+\w*"
_TURN = re.compile(rf"({_LABEL})(\??)\s*:\s*(.*)")
_CITED = re.compile(rf"<\s*({_LABEL}(?:\s+{_LABEL})*)\s*>\s*(.*)")
_ACTION = re.compile(rf"(\S+)\s+<\s*({_LABEL}(?:\s+{_LABEL})*)\s*>\s*(?:when\s+(\S+?)\s*)?:\s*(.*)")
_SLOT = re.compile(r"([A-Za-z_]\w*)\s*=\s*(.+)")
_SCRIPT_ID = re.compile(r"[a-z]+\.[a-z0-9_]+")
_BANK_TURN = re.compile(r"([AB])\s*:\s*(.+)")
STYLES = ("formal", "polite", "familiar")


@dataclass(frozen=True)
class Turn:
    label: str
    optional: bool
    text: Template
    line: int

    @property
    def party(self) -> str:
        return self.label[0]


@dataclass(frozen=True)
class Reference:
    """Wordings of something to say about a call, and the labels of the turns it rests on."""

    cites: tuple[str, ...]
    wordings: tuple[Template, ...]
    line: int


@dataclass(frozen=True)
class TopicSpec:
    titles: tuple[Template, ...]
    line: int
    points: list[Reference] = field(default_factory=list)


@dataclass(frozen=True)
class ActionSpec:
    who: str
    when: str | None
    what: Reference


@dataclass(frozen=True)
class FactSpec:
    """`name` is a slot's name, or a word when `is_word`."""

    name: str
    is_word: bool
    required: bool
    line: int


@dataclass
class Script:
    id: str
    path: str
    line: int
    split: str = "train"
    style: str = "formal"
    outcome: str = ""
    sentiment: str = ""
    titles: tuple[Template, ...] = ()
    title_line: int = 0
    slots: dict[str, SlotType] = field(default_factory=dict)
    slot_lines: dict[str, int] = field(default_factory=dict)
    turns: list[Turn] = field(default_factory=list)
    one: Reference | None = None
    topics: list[TopicSpec] = field(default_factory=list)
    actions: list[ActionSpec] = field(default_factory=list)
    decisions: list[Reference] = field(default_factory=list)
    facts: list[FactSpec] = field(default_factory=list)

    @property
    def kind(self) -> str:
        return self.id.partition(".")[0]


@dataclass
class Bank:
    """Openings and closings of a kind of call: each a list of (party, wordings) turns."""

    kind: str
    style: str | None
    path: str
    line: int
    opens: list[list[tuple[str, Template]]] = field(default_factory=list)
    closes: list[list[tuple[str, Template]]] = field(default_factory=list)
    brands: tuple[str, ...] = ()


@dataclass
class ScriptFile:
    """What a file holds, and the lines that could not be read."""

    path: str
    scripts: list[Script] = field(default_factory=list)
    banks: list[Bank] = field(default_factory=list)
    errors: list[ScriptError] = field(default_factory=list)


def parse_file(path: Path) -> ScriptFile:
    """Read a `*.call` file; unreadable lines are collected in `errors`, not raised."""
    return parse_text(path.read_text(encoding="utf-8"), path.name)


def parse_text(text: str, path: str) -> ScriptFile:
    """Read the text of a `*.call` file, called `path` in messages."""
    parser = _Parser(ScriptFile(path))
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line == "#" or line.startswith("# "):
            continue
        try:
            parser.read(number, line.strip())
        except (TemplateError, ValueError) as error:
            parser.file.errors.append(ScriptError(path, number, str(error)))
    return parser.file


class _Parser:
    def __init__(self, file: ScriptFile) -> None:
        self.file = file
        self.script: Script | None = None
        self.bank: Bank | None = None
        self.number = 0

    def read(self, number: int, line: str) -> None:
        self.number = number
        if line.startswith("##"):
            self._header(line[2:].strip())
        elif self.bank is not None:
            self._bank_line(self.bank, line)
        elif self.script is not None:
            self._script_line(self.script, line)
        else:
            raise ValueError("a line before the first '## kind.name' header")

    def _header(self, header: str) -> None:
        self.script = self.bank = None
        words = header.split()
        if words[:1] == ["bank"]:
            if len(words) not in (2, 3) or (len(words) == 3 and words[2] not in STYLES):
                raise ValueError(f"'## {header}' is not '## bank <kind> [{'|'.join(STYLES)}]'")
            self.bank = Bank(words[1], words[2] if len(words) == 3 else None, self.file.path, self.number)
            self.file.banks.append(self.bank)
            return
        self.script = Script(header, self.file.path, self.number)
        self.file.scripts.append(self.script)
        if not _SCRIPT_ID.fullmatch(header):
            raise ValueError(f"'## {header}' is neither '## kind.name' (a-z, 0-9, _) nor '## bank kind style'")

    def _bank_line(self, bank: Bank, line: str) -> None:
        key, _, rest = line.partition(":")
        if key == "brand":
            bank.brands = tuple(word.strip() for word in rest.split("|"))
        elif key in ("open", "close"):
            (bank.opens if key == "open" else bank.closes).append([_bank_turn(part) for part in rest.split(" / ")])
        else:
            raise ValueError(f"{line[:30]!r} is no 'open:', 'close:' or 'brand:' line of a bank")

    def _script_line(self, script: Script, line: str) -> None:
        turn = _TURN.fullmatch(line)
        if turn:
            script.turns.append(Turn(turn[1], bool(turn[2]), _single(turn[3]), self.number))
        elif line.startswith("-"):
            if not script.topics:
                raise ValueError("a point before the first 'topic' line")
            script.topics[-1].points.append(self._reference(line[1:].strip()))
        else:
            self._keyword_line(script, line)

    def _keyword_line(self, script: Script, line: str) -> None:
        match = re.match(r"([a-z]+)(!|:)?\s*(.*)", line)
        word, rest = (match[1], match[3]) if match else ("", "")
        if word in ("outcome", "sentiment", "split", "style"):
            setattr(script, word, rest)
        elif word == "title":
            script.titles, script.title_line = parse(rest), self.number
        elif word == "slot":
            self._slot(script, rest)
        elif word == "one":
            script.one = self._reference(rest)
        elif word == "topic":
            script.topics.append(TopicSpec(parse(rest.removeprefix(":")), self.number))
        elif word == "action":
            script.actions.append(self._action(rest))
        elif word == "decision":
            script.decisions.append(self._reference(rest))
        elif word == "fact":
            is_word = rest.startswith("=")
            required = match is not None and match[2] == "!"
            script.facts.append(FactSpec(rest[1:].strip() if is_word else rest, is_word, required, self.number))
        else:
            raise ValueError(f"{line[:40]!r} is no line of the script language")

    def _slot(self, script: Script, rest: str) -> None:
        match = _SLOT.fullmatch(rest)
        if not match:
            raise ValueError(f"'slot {rest}' is not 'slot NAME = TYPE ARGS'")
        if match[1] in script.slots:
            raise ValueError(f"slot {match[1]} is defined twice")
        script.slots[match[1]] = parse_slot_type(match[2])
        script.slot_lines[match[1]] = self.number

    def _reference(self, rest: str) -> Reference:
        match = _CITED.fullmatch(rest)
        if not match or not match[2].startswith(":"):
            raise ValueError(f"{rest[:40]!r} does not begin with '<labels>:'")
        return Reference(tuple(match[1].split()), parse(match[2][1:]), self.number)

    def _action(self, rest: str) -> ActionSpec:
        match = _ACTION.fullmatch(rest)
        if not match:
            raise ValueError(f"'action {rest[:40]}' is not 'action WHO <labels> [when {{slot}}]: text'")
        when = match[3]
        if when and not re.fullmatch(r"\{\w+\}", when):
            raise ValueError(f"'when {when}' does not name one {{slot}}")
        what = Reference(tuple(match[2].split()), parse(match[4]), self.number)
        return ActionSpec(match[1], when[1:-1] if when else None, what)


def _bank_turn(part: str) -> tuple[str, Template]:
    match = _BANK_TURN.fullmatch(part.strip())
    if not match:
        raise ValueError(f"{part.strip()[:30]!r} does not begin with 'A:' or 'B:'")
    return match[1], _single(match[2])


def _single(source: str) -> Template:
    wordings = parse(source)
    if len(wordings) != 1:
        raise ValueError("a '|' outside brackets in a turn")
    return wordings[0]
