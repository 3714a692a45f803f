"""What a speaker took back is found, and no summary can write it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model_core.data.call import Line
from model_core.data.korean.repairs import taken_back
from model_core.data.korean.values import find_values
from model_core.inference.engine import value_spans
from model_core.inference.source import SourceLine


def _back(text: str) -> list[str]:
    spans = [(value.start, value.end) for value in find_values(text)]
    return [text[start:end] for start, end in taken_back(text, spans)]


@pytest.mark.parametrize(
    "text,gone",
    [
        ("오후 다섯 시 아니 아니 오후 여섯 시까지 오세요", ["오후 다섯 시 아니 아니 "]),
        ("십오 퍼센트, 어 아니다 이십삼 퍼센트 남았어요", ["십오 퍼센트, 어 아니다 "]),
        ("세 개 죄송합니다 네 개요", ["세 개 죄송합니다 "]),
        ("세 개 하고 네 개요", []),
        ("세 개 아 네 개요", []),
        ("오만 원 아니면 육만 원", []),
    ],
)
def test_the_first_of_two_values_is_taken_back_by_the_words_between(text: str, gone: list[str]) -> None:
    assert _back(text) == gone


@given(st.text("세개네시아니 ,죄송합니다오후만원", max_size=40))
def test_stretches_lie_in_the_text_in_order(text: str) -> None:
    spans = [(value.start, value.end) for value in find_values(text)]
    back = taken_back(text, spans)
    assert all(start < end <= len(text) for start, end in back)
    assert back == sorted(back)


def test_a_value_that_was_taken_back_can_neither_be_written_nor_run_through() -> None:
    line = SourceLine(Line("A", "수요일 오후 다섯 시 아니 아니 오후 여섯 시까지 내세요"), value_spans, frozenset(), 36)
    written = [line.raw[run.start : run.limit].decode().strip() for run in line.runs()]
    assert all("다섯" not in text for text in written)
    assert any(text.startswith("오후 여섯 시") for text in written)
    assert "아니" not in set(line.stems())
