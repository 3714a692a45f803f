"""What a person's correction may hold: texts that a page can show, and evidence that the transcript has.

Knows the typed summary, no database. The title is the business of the contract.
"""

from collections.abc import Collection, Iterator

from apps.core.errors import YoyakError
from workers.contracts.summary import ActionItem, CallSummary, Statement

MAX_CHARS = 1000


def check_correction(content: CallSummary, lines: Collection[int]) -> None:
    """Accept a correction of a call that has `lines`.

    Raises:
        YoyakError: a text is too long, or evidence names another line; the message says where.
    """
    for place, text in _texts(content):
        if len(text) > MAX_CHARS:
            raise YoyakError("bad_summary", field=place, detail=f"{len(text)} > {MAX_CHARS}")
    for place, claim in _claims(content):
        if unknown := sorted(set(claim.evidence).difference(lines)):
            raise YoyakError(
                "bad_summary", field=f"{place}.evidence", detail=f"#{unknown[0]} (≤ {max(lines, default=0)})"
            )


def lines_cited(content: CallSummary) -> set[int]:
    """Return the numbers of all lines that `content` rests on."""
    return {number for _place, claim in _claims(content) for number in claim.evidence}


def _claims(content: CallSummary) -> Iterator[tuple[str, Statement | ActionItem]]:
    yield "one_line", content.one_line
    for t, topic in enumerate(content.topics):
        yield from ((f"topics.{t}.points.{p}", point) for p, point in enumerate(topic.points))
    yield from ((f"actions.{n}", action) for n, action in enumerate(content.actions))
    yield from ((f"decisions.{n}", decision) for n, decision in enumerate(content.decisions))


def _texts(content: CallSummary) -> Iterator[tuple[str, str]]:
    yield from ((f"topics.{t}.title", topic.title) for t, topic in enumerate(content.topics))
    for place, claim in _claims(content):
        said = (claim.who, claim.what, claim.when or "") if isinstance(claim, ActionItem) else (claim.text,)
        yield from ((place, text) for text in said)
