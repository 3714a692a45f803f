"""Where in a call the words stand: the lines with their number and time, the words marked.

Given calls that the person may see; decides nothing about permissions.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from apps.calls.models import Call
from apps.search.documents import summary_texts
from apps.search.tokens import pattern_of, plain, query_words
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


def find_hits(calls: Iterable[Call], *, text: str, party: str = "") -> dict[UUID, Hits]:
    """Return the hits of `text` in each of `calls`; with `party` only those in what "A", or everybody else, said."""
    keys, words = [call.pk for call in calls], query_words(text)
    if not words or not keys:
        return {}
    pattern, found = pattern_of(words), dict[UUID, list[Hit]]()
    if not party:
        shown = current_by_call(keys)
        uses = uses_of(shown.values())
        for call_id, summary in shown.items():
            content, filled = CallSummary.model_validate(summary.content), filled_of(uses.get(summary.pk))
            lines = [plain(line) for line in summary_texts(content, filled)]
            found[call_id] = [Hit("summary", _cut(line, pattern)) for line in lines if pattern.search(line)]
    for call_id, number, speaker, start_s, said in _segments(keys, party):
        line = plain(said)
        if pattern.search(line):
            found.setdefault(call_id, []).append(Hit("segment", _cut(line, pattern), number, speaker, start_s))
    return {call_id: Hits(tuple(hits[:_SHOWN]), len(hits)) for call_id, hits in found.items() if hits}


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
