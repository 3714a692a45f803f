"""Long numbers as people say and write them: runs of digit groups, spoken (공일공에 이삼사오) or written (010-2345).

Finds where the groups of one number stand, over fillers, and over the turns of a caller who dictates while the other
one says 네. What a number is (a phone, a card) is for the caller to tell.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from model_core.data.korean.reading import read_digits

_SPOKEN: Final = "공영일이삼사오육륙칠팔구"
# 이 is the copula before these endings (육칠팔이에요), the digit elsewhere.
_GROUP: Final = re.compile(rf"\d+|(?:(?!이(?:에요|고|라|네|죠|지|면|며|었|거든|니|신|세|요))[{_SPOKEN}])+")
_FILLER: Final = "(?:음|어|그|저|네|예|응|아|자|잠시만요|그러니까)"
_COPULA: Final = "(?:(?:이)?(?:고요|구요|고|요|에요|예요)|입니다)?"
_SAME_LINE: Final = rf"(?:에 ?|다시 ?)?[ ]?(?:[-.·)(/]|[,.]? {_FILLER}[,.]? ?|다시 |[,.] | - )?(?: ?에 )?"
_ACKNOWLEDGED: Final = rf"(?:[A-Z?]: )?(?:{_FILLER}[,. ]*|공[,. ])*"
_NEXT_LINE: Final = rf"(?:에)?{_COPULA}[ .,?!~-]*(?:\n{_ACKNOWLEDGED}){{1,3}}"
_GAP: Final = re.compile(rf"(?:{_SAME_LINE}|{_NEXT_LINE})")
_MAX_GAP = 40
_MAX_GROUPS = 24


@dataclass(frozen=True)
class Group:
    """One group of digits at `text[start:end]`, and the digits it stands for."""

    start: int
    end: int
    digits: str


def digit_runs(text: str) -> Iterator[list[Group]]:
    """Yield the runs of digit groups that could be one number, from left to right; single digits on their own too."""
    run: list[Group] = []
    for match in _GROUP.finditer(text):
        group = Group(match.start(), match.end(), read_digits(match[0]))
        if run and (len(run) >= _MAX_GROUPS or not _joined(text, run[-1], group)):
            yield run
            run = []
        run.append(group)
    if run:
        yield run


def _joined(text: str, last: Group, following: Group) -> bool:
    gap = text[last.end : following.start]
    return len(gap) <= _MAX_GAP and _GAP.fullmatch(gap) is not None


def spans_in_lines(text: str, groups: list[Group]) -> list[tuple[int, int]]:
    """Return where the groups stand, one (start, end) for each line they touch."""
    spans = [(groups[0].start, groups[0].end)]
    for group in groups[1:]:
        start, end = spans[-1]
        if "\n" in text[end : group.start]:
            spans.append((group.start, group.end))
        else:
            spans[-1] = (start, group.end)
    return spans
