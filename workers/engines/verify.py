"""Check a summary against the transcript it cites: the model's output is a claim, the transcript is the evidence.

Every figure, date, time, amount, phone number and marked value is looked for in the cited segments, across spellings;
every statement's words are too. What is not supported is flagged, kept out of title and headline, and counted.
"""

import re
from collections.abc import Mapping, Sequence

from model_core.data.korean.values import FoundValue, find_values, normalized_display, same_value
from workers.contracts.summary import ActionItem, CallSummary, Statement, Topic, Value
from workers.contracts.transcript import Segment

# A summary of which more than this share of statements is unsupported, or whose words stand in the cited segments to
# less than MIN_WORD_SUPPORT on average, is not shown at all.
MAX_UNSUPPORTED_SHARE = 0.34
MIN_WORD_SUPPORT = 0.4
# Words of summaries, not of calls: they need no evidence.
_SUMMARY_WORDS = re.compile(
    r"^(고객|상담|문의|요청|안내|확인|예정|접수|처리|진행|필요|가능|희망|약속|결정|합의|통화|설명|전달|제안|동의|대한|위해|관련|"
    r"하기로|되기로|받기로|보내기로|있음|없음|했음|됨|함|후|및|등|것|수신자|발신자|직원|기사|담당)"
)
_WORD = re.compile(r"[0-9A-Za-z가-힣]+")


class Evidence:
    """The segments of a call, by number, with the values found in each."""

    def __init__(self, segments: Sequence[Segment]) -> None:
        self.texts: Mapping[int, str] = {segment.number: segment.text for segment in segments}
        self._values: dict[int, list[FoundValue]] = {}

    def values(self, number: int) -> list[FoundValue]:
        """Return the values said in segment `number`."""
        if number not in self._values:
            self._values[number] = find_values(self.texts.get(number, ""))
        return self._values[number]

    def says(self, text: str, numbers: Sequence[int]) -> bool:
        """Tell whether the cited segments contain `text`, spaces aside."""
        wanted = _letters(text)
        return any(wanted in _letters(self.texts.get(number, "")) for number in numbers)

    def says_value(self, value: FoundValue, numbers: Sequence[int]) -> bool:
        """Tell whether the cited segments say `value` in any spelling."""
        return any(same_value(value, said) for number in numbers for said in self.values(number))

    def word_support(self, text: str, numbers: Sequence[int]) -> float:
        """Return the share of the content words of `text` whose stem stands in the cited segments (1.0 without any)."""
        words = [word for word in _WORD.findall(text) if not _SUMMARY_WORDS.match(word)]
        said = _letters(" ".join(self.texts.get(number, "") for number in numbers))
        found = [word for word in words if word[: max(2, len(word) - 2)] in said]
        return len(found) / len(words) if words else 1.0


def _letters(text: str) -> str:
    return "".join(_WORD.findall(text))


def verify(summary: CallSummary, segments: Sequence[Segment]) -> CallSummary:
    """Return `summary` with every value and statement marked as supported or not, and the unsupported ones counted.

    An unsupported headline is replaced by the first supported point; an unsupported title by the first topic's title.
    """
    evidence = Evidence(segments)
    topics = tuple(
        Topic(title=topic.title, points=tuple(_checked(point, evidence) for point in topic.points))
        for topic in summary.topics
    )
    actions = tuple(_checked_action(action, evidence) for action in summary.actions)
    decisions = tuple(_checked(decision, evidence) for decision in summary.decisions)
    one_line = _checked(summary.one_line, evidence)
    statements = [point for topic in topics for point in topic.points] + list(decisions)
    unsupported = sum(not claim.supported for claim in (*statements, one_line)) + sum(not a.supported for a in actions)
    return summary.model_copy(
        update={
            "title": _title(summary.title, topics, evidence),
            "one_line": one_line if one_line.supported else _headline(statements, one_line),
            "topics": topics,
            "actions": actions,
            "decisions": decisions,
            "unsupported": unsupported,
        }
    )


def trustworthy(summary: CallSummary, segments: Sequence[Segment], *, translated: bool = False) -> bool:
    """Tell whether a verified summary may be shown, or an extractive one must take its place.

    The words of a `translated` summary are not those of the call; its values and its evidence still count.
    """
    evidence = Evidence(segments)
    claims: list[Statement | ActionItem] = [p for topic in summary.topics for p in topic.points]
    claims += [*summary.decisions, *summary.actions]
    if not claims or not summary.one_line.text:
        return False
    if summary.unsupported > MAX_UNSUPPORTED_SHARE * (len(claims) + 1):
        return False
    if translated:
        return True
    supports = [evidence.word_support(_text(claim), claim.evidence) for claim in claims]
    return sum(supports) / len(supports) >= MIN_WORD_SUPPORT


def _text(claim: Statement | ActionItem) -> str:
    return claim.text if isinstance(claim, Statement) else claim.what


def _checked(statement: Statement, evidence: Evidence) -> Statement:
    values = _checked_values(statement.text, statement.values, statement.evidence, evidence)
    supported = bool(statement.evidence) and all(value.supported for value in values)
    return statement.model_copy(update={"values": values, "supported": supported})


def _checked_action(action: ActionItem, evidence: Evidence) -> ActionItem:
    values = _checked_values(action.what, action.values, action.evidence, evidence)
    when_said = action.when is None or evidence.says(action.when, action.evidence) or _value_said(action, evidence)
    supported = bool(action.evidence) and when_said and all(value.supported for value in values)
    return action.model_copy(update={"values": values, "supported": supported})


def _value_said(action: ActionItem, evidence: Evidence) -> bool:
    found = find_values(action.when or "")
    return bool(found) and all(evidence.says_value(value, action.evidence) for value in found)


def _checked_values(
    text: str, marked: Sequence[Value], numbers: Sequence[int], evidence: Evidence
) -> tuple[Value, ...]:
    found = find_values(text)
    checked = [
        Value(
            text=value.text,
            kind=value.kind,
            normalized=normalized_display(value),
            supported=evidence.says_value(value, numbers) or evidence.says(value.text, numbers),
        )
        for value in found
    ]
    known = {_letters(value.text) for value in found}
    for value in marked:
        if not any(_letters(value.text) in text or text in _letters(value.text) for text in known):
            checked.append(value.model_copy(update={"supported": evidence.says(value.text, numbers)}))
    return tuple(checked)


def _title(title: str, topics: Sequence[Topic], evidence: Evidence) -> str:
    everywhere = list(evidence.texts)
    if all(evidence.says_value(value, everywhere) for value in find_values(title)):
        return title
    return topics[0].title if topics else ""


def _headline(statements: Sequence[Statement], one_line: Statement) -> Statement:
    supported = [statement for statement in statements if statement.supported]
    return supported[0] if supported else one_line.model_copy(update={"text": "", "values": (), "evidence": ()})
