"""What changed from one version of a summary to another, part by part and word by word.

Knows two summaries; who wrote them and who may read them is not its business.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal

from django.utils.translation import gettext as _

from apps.summaries.labels import CATEGORIES, OUTCOMES, SENTIMENTS
from apps.summaries.models import Summary
from apps.summary_templates.uses import filled_of, uses_of
from workers.contracts.summary import CallSummary
from workers.contracts.template import FilledField

Sign = Literal["same", "added", "removed"]
# Lines that share less than this of their words are shown as one that went and one that came.
_ALIKE = 0.4


@dataclass(frozen=True)
class Run:
    """Words that are the same in both versions, came or went."""

    sign: Sign
    text: str


@dataclass(frozen=True)
class Line:
    """One line: as it stayed, as it came, as it went, or changed within ("changed")."""

    sign: str
    runs: tuple[Run, ...]


@dataclass(frozen=True)
class Part:
    """A part of the summary with its lines; `changed` tells whether any differs."""

    heading: str
    lines: tuple[Line, ...]

    @property
    def changed(self) -> bool:
        return any(line.sign != "same" for line in self.lines)


def changes_between(before: Summary, after: Summary) -> list[Part]:
    """Return what changed from one version to another, the fields of their templates included."""
    uses = uses_of([before, after])
    one, two = ((CallSummary.model_validate(each.content), filled_of(uses.get(each.pk))) for each in (before, after))
    return changes(one[0], two[0], filled=(one[1], two[1]))


Filled = Sequence[FilledField]


def changes(before: CallSummary, after: CallSummary, filled: tuple[Filled, Filled] = ((), ())) -> list[Part]:
    """Return the parts of both summaries in the order of the page, each with its lines compared."""
    return compare(_parts(before, filled[0]), _parts(after, filled[1]))


def compare(old: Mapping[str, Sequence[str]], new: Mapping[str, Sequence[str]]) -> list[Part]:
    """Return the parts of two versions by their headings, in the order of the new one, each with its lines compared."""
    headings = [*new, *(heading for heading in old if heading not in new)]
    return [Part(heading, tuple(_lines(old.get(heading, []), new.get(heading, [])))) for heading in headings]


def _parts(summary: CallSummary, filled: Filled) -> dict[str, list[str]]:
    kinds = (CATEGORIES[summary.category], OUTCOMES[summary.outcome], SENTIMENTS[summary.sentiment])
    parts = {
        _("제목"): [summary.title],
        _("한 줄 요약"): [summary.one_line.text],
        _("분야·결과·고객 반응"): [" · ".join(map(str, kinds))],
        _("우리 조직의 필드"): [f"{field.label}: {field.text}" for field in filled if field.text],
        _("할 일"): [" · ".join(filter(None, (item.who, item.what, item.when))) for item in summary.actions],
        _("결정"): [item.text for item in summary.decisions],
    }
    for topic in summary.topics:
        parts.setdefault(_("주제: %(title)s") % {"title": topic.title}, []).extend(p.text for p in topic.points)
    return {heading: [line for line in lines if line] for heading, lines in parts.items() if any(lines)}


def _lines(old: Sequence[str], new: Sequence[str]) -> Iterator[Line]:
    for tag, i, j, k, m in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag == "equal":
            yield from (Line("same", (Run("same", text),)) for text in old[i:j])
        else:
            yield from _replaced(old[i:j], new[k:m])


def _replaced(old: Sequence[str], new: Sequence[str]) -> Iterator[Line]:
    paired = min(len(old), len(new))
    for one, two in zip(old, new, strict=False):
        yield from _pair(one, two)
    yield from (Line("removed", (Run("removed", text),)) for text in old[paired:])
    yield from (Line("added", (Run("added", text),)) for text in new[paired:])


def _pair(old: str, new: str) -> Iterator[Line]:
    before, after = old.split(), new.split()
    matcher = SequenceMatcher(None, before, after, autojunk=False)
    if matcher.ratio() < _ALIKE:
        yield from (Line("removed", (Run("removed", old),)), Line("added", (Run("added", new),)))
        return
    runs: list[Run] = []
    for tag, i, j, k, m in matcher.get_opcodes():
        if tag == "equal":
            runs.append(Run("same", " ".join(before[i:j])))
            continue
        pieces: tuple[tuple[Sign, list[str]], ...] = (("removed", before[i:j]), ("added", after[k:m]))
        runs += [Run(sign, " ".join(words)) for sign, words in pieces if words]
    yield Line("changed" if any(run.sign != "same" for run in runs) else "same", tuple(runs))
