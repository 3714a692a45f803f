"""A summary as the call page reads it: statements cut at their values, evidence as links, facts apart from claims.

Knows the typed summary and the transcript; where they come from and what the page looks like is not its business.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from django.utils.translation import gettext as _

from apps.actions.due import Due, names_its_day, read_due
from apps.summaries.labels import CATEGORIES, OUTCOMES, SENTIMENTS, SILENCE, VALUE_KINDS
from apps.transcripts.models import TranscriptSegment
from workers.contracts.summary import ActionItem, CallSummary, Statement, Value


@dataclass(frozen=True)
class Piece:
    """A stretch of a statement; with `kind` it is a value, `normalized` its reading when that differs.

    Names are many in a call: `is_name` lets figures stand out from them.
    """

    text: str
    kind: str = ""
    normalized: str = ""
    supported: bool = True
    is_name: bool = False


@dataclass(frozen=True)
class Cited:
    """A link to a segment; `said` is what was said there."""

    number: int
    start_s: float
    party: str
    said: str


@dataclass(frozen=True)
class Claim:
    """One statement with its evidence; `label` tells what it was when it stands among the unsupported.

    `due` is the day, and the hour if it was said, that the words of `when` meant on the day of the call.
    """

    pieces: tuple[Piece, ...]
    evidence: tuple[Cited, ...]
    who: str = ""
    when: str = ""
    due: Due = field(default_factory=Due)
    label: str = ""

    @property
    def readings(self) -> tuple[str, ...]:
        """The readings of the values, each once, that the words do not have already."""
        found = (piece.normalized for piece in self.pieces)
        return tuple(dict.fromkeys(reading for reading in found if reading and not self._says(reading)))

    @property
    def when_apart(self) -> str:
        """When, unless the words say it themselves."""
        return "" if self._says(self.when) else self.when

    @property
    def due_told(self) -> Due | None:
        """When it is due, if the words name a day and do not have it in figures."""
        return None if self.due.on is None or self.due.assumed or names_its_day(self.when) else self.due

    def _says(self, text: str) -> bool:
        return _plain(text) in _plain("".join(piece.text for piece in self.pieces))


@dataclass(frozen=True)
class Subject:
    """A topic with its supported points."""

    title: str
    points: tuple[Claim, ...]


@dataclass(frozen=True)
class ReadSummary:
    """What the page shows. `doubtful` holds everything that verification could not confirm."""

    title: str
    one_line: Claim
    topics: tuple[Subject, ...]
    actions: tuple[Claim, ...]
    decisions: tuple[Claim, ...]
    doubtful: tuple[Claim, ...]
    category: str
    outcome: str
    sentiment: str
    content: CallSummary


def read_summary(content: object, segments: Iterable[TranscriptSegment], called_on: date) -> ReadSummary:
    """Return `content` (a CallSummary as JSON) as the page shows it, its evidence joined to `segments`.

    `called_on` is the day from which words such as "내일" count.
    """
    summary = CallSummary.model_validate(content)
    lines = {segment.number: segment for segment in segments}
    points = [(topic.title, point) for topic in summary.topics for point in topic.points]
    doubtful = [_claim(point, lines, title) for title, point in points if not point.supported]
    doubtful += [_claim(item, lines, _("결정")) for item in summary.decisions if not item.supported]
    doubtful += [_action(item, lines, called_on, _("할 일")) for item in summary.actions if not item.supported]
    if not summary.one_line.supported and summary.one_line.text:
        doubtful.insert(0, _claim(summary.one_line, lines, _("한 줄 요약")))
    return ReadSummary(
        title=in_words(summary, summary.title),
        one_line=_claim(_headline(summary), lines),
        topics=tuple(
            Subject(topic.title, claims)
            for topic in summary.topics
            if (claims := tuple(_claim(point, lines) for point in topic.points if point.supported))
        ),
        actions=tuple(_action(item, lines, called_on) for item in summary.actions if item.supported),
        decisions=tuple(_claim(item, lines) for item in summary.decisions if item.supported),
        doubtful=tuple(doubtful),
        category=str(CATEGORIES[summary.category]),
        outcome=str(OUTCOMES[summary.outcome]),
        sentiment=str(SENTIMENTS[summary.sentiment]),
        content=summary,
    )


def in_words(summary: CallSummary, text: str) -> str:
    """Return `text` of `summary`; what stands for silence is said in the reader's language."""
    return str(SILENCE.get(text, text)) if summary.method == "empty" else text


def _headline(summary: CallSummary) -> Statement:
    if not summary.one_line.supported:
        return Statement(text="")
    return summary.one_line.model_copy(update={"text": in_words(summary, summary.one_line.text)})


Lines = Mapping[int, TranscriptSegment]


def _claim(statement: Statement, lines: Lines, label: str = "") -> Claim:
    return Claim(cut(statement.text, statement.values), cited(statement.evidence, lines), label=label)


def _action(item: ActionItem, lines: Lines, called_on: date, label: str = "") -> Claim:
    when = item.when or ""
    pieces, due = cut(item.what, item.values), read_due(when, called_on)
    return Claim(pieces, cited(item.evidence, lines), who=item.who, when=when, due=due, label=label)


def cited(numbers: Sequence[int], lines: Lines) -> tuple[Cited, ...]:
    """Return links to the segments with these numbers; a number without a segment has none."""
    found = (lines[number] for number in sorted(set(numbers)) if number in lines)
    return tuple(Cited(line.number, line.start_s, line.party, line.text) for line in found)


def cut(text: str, values: Sequence[Value]) -> tuple[Piece, ...]:
    """Return `text` in pieces, each value in a piece of its own; of values that overlap the first and longest stays."""
    places = sorted(
        ((at, value) for value in values if value.text and (at := text.find(value.text)) >= 0),
        key=lambda place: (place[0], -len(place[1].text)),
    )
    pieces: list[Piece] = []
    position = 0
    for at, value in places:
        if at < position:
            continue
        pieces.append(Piece(text[position:at]))
        pieces.append(_value_piece(value))
        position = at + len(value.text)
    pieces.append(Piece(text[position:]))
    return tuple(piece for piece in pieces if piece.text)


def _value_piece(value: Value) -> Piece:
    told = _plain(value.normalized) == _plain(value.text) or _figures(value.normalized) == _figures(value.text)
    reading = "" if told else value.normalized
    return Piece(
        value.text, str(VALUE_KINDS.get(value.kind, value.kind)), reading, value.supported, value.kind == "name"
    )


def _plain(text: str) -> str:
    return text.replace(" ", "")


def _figures(text: str) -> list[int]:
    """Return the figures of `text`, none of a text in words; "2시" has those of "2:00"."""
    figures = [int(digits) for digits in re.findall(r"\d+", text.replace(",", ""))]
    while len(figures) > 1 and figures[-1] == 0:
        figures.pop()
    return figures
