"""The words of a clause that say when something is to happen: 내일 오후 두 시까지, 다음 주 화요일에, 삼십 분 안에.

It finds them and leaves what day they mean to whoever knows the day of the call. Days that are past or come again and
again, and spans of time that something lasts, put nothing on a day.
"""

import re
from itertools import pairwise
from typing import Final

from model_core.data.korean.repairs import taken_back
from model_core.data.korean.values import FoundValue, find_values

_KINDS: Final = frozenset(("date", "time", "duration"))
_PAST_OR_RECURRING: Final = re.compile("지난|지지난|저번|매|어제|그저께|그제|엊그제|작년|올해|내년")
# Between the parts of one moment, and between the ends of a span of hours.
_JOINED: Final = re.compile(r",? ?|에 |날 ")
_HOURS_JOINED: Final = re.compile(r"(?:에서|부터|이나|하고|~) ?")
_WORD_END: Final = r"(?=$|[^가-힣]|에|까지|쯤)"
_PART: Final = re.compile(
    rf" (?:아침|오전|점심|낮|오후|저녁|밤|새벽){_WORD_END}|(?<=[주달월]) ?(?:초|중순|말){_WORD_END}"
)
_LIMIT: Final = re.compile(
    r" ?(?:까지|부터|쯤|(?:(?:이내|안|내|중)(?:에|으?로|까지)?|(?:전|뒤|후)(?:에|까지)?|경)(?=$|[^가-힣]|[은는만도]))"
)
_WITHIN: Final = re.compile(r" ?(?:이내|안|내로|내에|뒤|후)")
# What makes a thing, a reason, a state or a span of a moment: 내일이, 토요일의, 오늘이라, 내일 동안.
_NO_MOMENT: Final = re.compile(
    r"(?:이|가|을|를|의|과|와|도|이고|이라서?|라서?|이니까?|이에요|예요|치|분|자|간|짜리)(?![가-힣])| ?(?:동안|지나|넘)"
)


def time_told(text: str) -> str | None:
    """Return the words of `text` that say when, the last where there are several; None where none do."""
    text = _standing(text)
    values = [value for value in find_values(text) if value.kind in _KINDS]
    for run in reversed(_runs(text, values)):
        told = _moment(text, run)
        if told:
            return told
    return None


def _standing(text: str) -> str:
    """Return a text without what its speaker took back."""
    back = taken_back(text, [(value.start, value.end) for value in find_values(text)])
    for start, end in reversed(back):
        text = text[:start] + text[end:]
    return text


def _runs(text: str, values: list[FoundValue]) -> list[list[FoundValue]]:
    """Return the values in groups that name one moment together."""
    runs: list[list[FoundValue]] = [[value] for value in values[:1]]
    for before, value in pairwise(values):
        if _belongs(text[before.end : value.start], before, value):
            runs[-1].append(value)
        else:
            runs.append([value])
    return runs


def _belongs(gap: str, before: FoundValue, value: FoundValue) -> bool:
    if "duration" in (before.kind, value.kind):
        return False
    hours = before.kind == value.kind == "time" and _HOURS_JOINED.fullmatch(gap)
    return bool(hours) or (before.kind == "date" and bool(_JOINED.fullmatch(gap)))


def _moment(text: str, run: list[FoundValue]) -> str | None:
    start, end = run[0].start, run[-1].end
    if any(_PAST_OR_RECURRING.match(value.text) for value in run):
        return None
    if run[0].kind == "duration" and not _WITHIN.match(text, end):
        return None
    for more in (_PART, _LIMIT):
        match = more.match(text, end)
        end = match.end() if match else end
    return None if _NO_MOMENT.match(text, end) else text[start:end]
