"""Where in a call the words stand: the lines with their number and time, the words marked.

Given calls that the person may see; decides nothing about permissions.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

from apps.calls.models import Call
from apps.search.documents import summary_texts
from apps.search.tokens import pattern_of, plain, query_words
from apps.summaries.models import Summary
from apps.summaries.shown import current_by_call
from apps.summary_templates.uses import filled_of, uses_of
from apps.transcripts.models import spoken_by
from workers.contracts.summary import CallSummary

_SHOWN = 3
_CONTEXT_CHARS = 40


@dataclass(frozen=True)
class Fragment:
    """A stretch of a line; `marked` when it is what was looked for."""

    text: str
    marked: bool


@dataclass(frozen=True)
class Hit:
    """One line that holds a word. `number`, `party` and `start_s` (seconds) are those of a transcript segment."""

    kind: Literal["segment", "summary"]
    fragments: tuple[Fragment, ...]
    number: int | None = None
    party: str = ""
    start_s: float | None = None


@dataclass(frozen=True)
class Hits:
    """The first hits of a call, the summary's before the transcript's, and how many there are."""

    shown: tuple[Hit, ...]
    total: int


def find_hits(
    calls: Iterable[Call], *, text: str, party: str = "", summaries: Mapping[UUID, Summary] | None = None
) -> dict[UUID, Hits]:
    """Return the hits of `text` in each of `calls`; with `party` only those in what "A", or everybody else, said.

    `summaries` are those shown for the calls, where the caller has read them already.
    """
    keys, words = [call.pk for call in calls], query_words(text)
    if not words or not keys:
        return {}
    pattern, found = pattern_of(words), defaultdict[UUID, _Found](_Found)
    if not party:
        shown = current_by_call(keys) if summaries is None else summaries
        uses = uses_of(shown.values())
        for call_id, summary in shown.items():
            content, filled = CallSummary.model_validate(summary.content), filled_of(uses.get(summary.pk))
            for line in map(plain, summary_texts(content, filled)):
                if pattern.search(line):
                    found[call_id].add("summary", line)
    for call_id, number, speaker, start_s, said in _segments(keys, party):
        line = plain(said)
        if pattern.search(line):
            found[call_id].add("segment", line, number, speaker, start_s)
    return {call_id: Hits(tuple(lines.cut(pattern)), lines.total) for call_id, lines in found.items()}


class _Found:
    """The lines of a call that hold a word: all are counted, the first are kept to be shown."""

    def __init__(self) -> None:
        self.total = 0
        self.first: list[tuple[Any, ...]] = []

    def add(self, *line: Any) -> None:
        self.total += 1
        if self.total <= _SHOWN:
            self.first.append(line)

    def cut(self, pattern: re.Pattern[str]) -> Iterator[Hit]:
        for kind, line, *place in self.first:
            yield Hit(kind, _cut(line, pattern), *place)


def _segments(keys: list[UUID], party: str) -> Iterable[tuple[UUID, int, str, float, str]]:
    rows = spoken_by(party).filter(call_id__in=keys).order_by("call_id", "number")
    return rows.values_list("call_id", "number", "party", "start_s", "text")


def _cut(line: str, pattern: re.Pattern[str]) -> tuple[Fragment, ...]:
    places = list(pattern.finditer(line))
    start = max(0, places[0].start() - _CONTEXT_CHARS)
    end = min(len(line), places[0].end() + 2 * _CONTEXT_CHARS)
    fragments, at = [Fragment(("…" if start else "") + line[start : places[0].start()], False)], places[0].start()
    for place in places:
        if place.end() > end:
            break
        fragments += [Fragment(line[at : place.start()], False), Fragment(place.group(), True)]
        at = place.end()
    fragments.append(Fragment(line[at:end] + ("…" if end < len(line) else ""), False))
    return tuple(fragment for fragment in fragments if fragment.text)
