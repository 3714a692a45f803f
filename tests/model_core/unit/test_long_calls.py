"""Long calls: parts cover the call within their limits, and the merged summary cites the call's own lines."""

from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model_core.data.call import Action, Item, Line, Summary, Topic
from model_core.inference.long_calls import OVERLAP_LINES, Part, merge, split


def count(lines: Sequence[Line]) -> int:
    return sum(len(line.text) for line in lines)


@given(st.lists(st.integers(1, 40), min_size=1, max_size=120), st.integers(200, 400), st.integers(8, 40))
def test_parts_cover_the_call_and_keep_both_limits(sizes: list[int], max_tokens: int, max_lines: int) -> None:
    lines = [Line("AB"[number % 2], "가" * size) for number, size in enumerate(sizes)]
    parts = split(lines, count, max_tokens, max_lines)
    covered = {part.offset + number for part in parts for number in range(len(part.lines))}
    assert covered == set(range(len(lines)))
    for part in parts:
        assert list(part.lines) == lines[part.offset : part.offset + len(part.lines)]
        assert count(part.lines) <= max_tokens
        assert len(part.lines) <= max_lines
    for first, second in pairwise(parts):
        end = first.offset + len(first.lines)
        assert end - second.offset == min(OVERLAP_LINES, end)


def test_a_short_call_is_one_part() -> None:
    lines = (Line("A", "네"), Line("B", "여보세요"))
    assert split(lines, count, 100, 10) == [Part(lines, 0)]


def test_a_line_beyond_the_limit_still_makes_a_part() -> None:
    lines = [Line("A", "가" * 50), Line("B", "나")]
    assert {line for part in split(lines, count, 10, 10) for line in part.lines} == set(lines)


def summary(title: str, points: Sequence[tuple[str, int]], **changes: object) -> Summary:
    values: dict[str, object] = {
        "title": title,
        "one_line": Item(f"{title}함", (1,)),
        "topics": (Topic("요금", tuple(Item(text, (line,)) for text, line in points)),),
        "actions": (),
        "decisions": (),
        "category": "telecom",
        "outcome": "pending",
        "sentiment": "neutral",
        **changes,
    }
    return Summary(**values)  # type: ignore[arg-type]


FIRST = summary("요금 문의", [("<v>54,000원</v> 청구", 2), ("환불 요청", 9)], sentiment="negative")
SECOND = summary(
    "방문 예약",
    [("환불 요청", 2), ("내일 방문", 4)],
    actions=(Action("기사", "방문", "내일", (4,)),),
    outcome="scheduled",
)
THIRD = summary("끝인사", [], topics=(), category="other")
PARTS = [Part((Line("A", "네"),) * 10, 0), Part((Line("A", "네"),) * 10, 7), Part((Line("A", "네"),) * 10, 14)]


def test_evidence_is_renumbered_and_points_stand_once() -> None:
    merged = merge(PARTS, [FIRST, SECOND, THIRD])
    assert merged.topics == (
        Topic("요금", (Item("<v>54,000원</v> 청구", (2,)), Item("환불 요청", (9,)), Item("내일 방문", (11,)))),
    )
    assert merged.actions == (Action("기사", "방문", "내일", (11,)),)


def test_the_headline_names_the_parts_that_say_most() -> None:
    merged = merge(PARTS, [FIRST, SECOND, THIRD])
    assert merged.title == "요금 문의, 방문 예약"
    assert merged.one_line == Item("요금 문의함, 방문 예약함", (1, 8))


def test_codes_are_those_that_matter() -> None:
    merged = merge(PARTS, [FIRST, SECOND, THIRD])
    assert (merged.category, merged.outcome, merged.sentiment) == ("telecom", "scheduled", "negative")


def test_one_part_is_left_alone() -> None:
    assert merge(PARTS[:1], [FIRST]) == FIRST


def test_every_part_needs_its_summary() -> None:
    with pytest.raises(ValueError, match="shorter"):
        merge(PARTS, [FIRST])
