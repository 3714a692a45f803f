"""What a summary is worth, call by call: facts it holds, values it cannot show evidence for, overlap with a reference.

Each function returns (hits, tries), to be summed over calls. It knows calls and summaries, and no model.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

from rouge_score.rouge_scorer import RougeScorer
from rouge_score.tokenizers import Tokenizer

from model_core.data.call import VALUE_CLOSE, VALUE_OPEN, Action, Fact, Item, Line, Summary, plain
from model_core.data.korean.values import FoundValue, canonical_text, find_values, same_value

Count = tuple[float, float]
_LETTERS: Final = re.compile(r"[\w%]+")
_MARKED: Final = re.compile(f"{VALUE_OPEN}(.*?){VALUE_CLOSE}")
_TOKENS: Final = re.compile(r"«[^»]*»|[가-힣]|[a-z]+|\d+")


class SyllableTokenizer(Tokenizer):  # type: ignore[misc]
    """Korean for ROUGE: a token a syllable, and one a value whatever its spelling; blanks and punctuation are none."""

    def tokenize(self, text: str) -> list[str]:
        """Return the tokens of a text."""
        return _TOKENS.findall(canonical_text(plain(text)).lower())


_ROUGE: Final = RougeScorer(["rougeL"], tokenizer=SyllableTokenizer())


def rouge_l(reference: str, text: str) -> float:
    """Return the ROUGE-L F1 of a text against a reference. Source: Lin 2004, section 3."""
    return float(_ROUGE.score(reference, text)["rougeL"].fmeasure)


def statements(summary: Summary) -> Iterator[Item]:
    """Yield everything a summary states with evidence; an action with its `when`."""
    yield summary.one_line
    yield from (point for topic in summary.topics for point in topic.points)
    for action in summary.actions:
        yield Item(f"{action.what} {action.when or ''}".strip(), action.evidence)
    yield from summary.decisions


def body(summary: Summary) -> str:
    """Return the statements of a summary as text, for comparison with a reference."""
    return " ".join(plain(item.text) for item in statements(summary))


def whole_text(summary: Summary) -> str:
    """Return everything a reader of the summary sees."""
    titles = (plain(title) for title in (summary.title, *(topic.title for topic in summary.topics)))
    return " ".join([*titles, body(summary), *(plain(action.who) for action in summary.actions)])


def fact_recall(facts: Iterable[Fact], text: str) -> Count:
    """Return how many of the required facts a text holds, in any spelling, and how many there are."""
    required = [fact for fact in facts if fact.required]
    letters, values = _letters(text), find_values(text)
    return sum(_holds(fact, letters, values) for fact in required), len(required)


def _holds(fact: Fact, letters: str, values: Sequence[FoundValue]) -> bool:
    if any(_letters(form) in letters for form in fact.forms):
        return True
    if fact.kind == "word":
        return False
    wanted = (value for form in fact.forms for value in find_values(form))
    return any(same_value(value, said) for value in wanted for said in values)


def unsupported_values(summary: Summary, lines: Sequence[Line]) -> Count:
    """Return how many shown values their cited lines do not say, in any spelling, and how many are shown.

    Values are figures, dates, times, amounts and numbers, and whatever is marked as one. Titles are held against the
    whole call.
    """
    everywhere = tuple(range(1, len(lines) + 1))
    titles = [Item(title, everywhere) for title in (summary.title, *(topic.title for topic in summary.topics))]
    checked = [
        _supported(value, [lines[number - 1].text for number in item.evidence if number <= len(lines)])
        for item in (*titles, *statements(summary))
        for value in _values(item.text)
    ]
    return checked.count(False), len(checked)


def _values(text: str) -> list[str]:
    found = [value.text for value in find_values(plain(text))]
    return [*found, *(marked for marked in _MARKED.findall(text) if not find_values(marked))]


def _supported(value: str, sources: Sequence[str]) -> bool:
    if any(_letters(value) in _letters(source) for source in sources):
        return True
    wanted = find_values(value)
    said = [found for source in sources for found in find_values(source)]
    return bool(wanted) and all(any(same_value(one, other) for other in said) for one in wanted)


def evidence_precision(summary: Summary, reference: Summary) -> Count:
    """Return how many of the cited lines the reference cites too, and how many are cited; each line once."""
    cited = {number for item in statements(summary) for number in item.evidence}
    return len(cited & {number for item in statements(reference) for number in item.evidence}), len(cited)


def actions_found(summary: Summary, reference: Summary) -> Count:
    """Return how many of the reference's actions share a line with one of the summary, and how many there are."""
    return sum(bool(_of_a_line(action, summary)) for action in reference.actions), len(reference.actions)


def actions_right(summary: Summary, reference: Summary) -> Count:
    """Return how many of the summary's actions share a line with one of the reference, and how many there are."""
    return actions_found(reference, summary)


def whose_right(summary: Summary, reference: Summary) -> Count:
    """Return how many actions name the doer of a reference's action of a common line, and how many have such a one."""
    pairs = [(action, near) for action in summary.actions if (near := _of_a_line(action, reference))]
    right = sum(plain(action.who) in {plain(other.who) for other in near} for action, near in pairs)
    return right, len(pairs)


def whens_found(summary: Summary, reference: Summary) -> Count:
    """Return how many times of the reference's actions an action of a common line has, and how many there are."""
    timed = [action for action in reference.actions if action.when]
    found = (any(_holds_time(near.when, action.when) for near in _of_a_line(action, summary)) for action in timed)
    return sum(found), len(timed)


def whens_right(summary: Summary, reference: Summary) -> Count:
    """Return how many times of actions an action of the reference with a common line says, and how many there are.

    A time that the reference was content to leave out counts as wrong.
    """
    timed = [action for action in summary.actions if action.when]
    right = (
        any(_holds_time(f"{near.when or ''} {near.what}", action.when) for near in _of_a_line(action, reference))
        or any(_holds_time(action.when, near.when) for near in _of_a_line(action, reference) if near.when)
        for action in timed
    )
    return sum(right), len(timed)


def _of_a_line(action: Action, other: Summary) -> list[Action]:
    return [one for one in other.actions if set(one.evidence) & set(action.evidence)]


def _holds_time(text: str | None, wanted: str | None) -> bool:
    """Tell whether a text says every value of another, in any spelling."""
    said, values = find_values(plain(text or "")), find_values(plain(wanted or ""))
    return bool(values) and all(any(same_value(value, one) for one in said) for value in values)


def _letters(text: str) -> str:
    return "".join(_LETTERS.findall(text)).lower()


OF_ACTIONS: Final[dict[str, Callable[[Summary, Summary], Count]]] = {
    "actions_found": actions_found,
    "actions_right": actions_right,
    "whose_right": whose_right,
    "whens_found": whens_found,
    "whens_right": whens_right,
}
