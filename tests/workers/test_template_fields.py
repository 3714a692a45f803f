"""Fields of a template: filled with what was said and its line, or empty; wishes only in words of a prompt."""

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as search
from hypothesis import strategies as st
from pydantic import ValidationError

from model_core.data.korean.values import find_values
from workers.contracts.summary import CallSummary, Statement, Value
from workers.contracts.template import CustomField, FieldType, Limits, TemplateSpec
from workers.contracts.transcript import Segment
from workers.engines.fields import KINDS, fill_fields
from workers.engines.wishes import wishes

LINES = (
    ("A", "가온설비 박서준입니다."),
    ("B", "수리비가 오만 사천 원이라고 들었는데 출장비는 얼마예요?"),
    ("A", "만 오천 원입니다. 내일 오후 세 시에 가겠습니다."),
    ("B", "전화는 공일공 이삼사오 육칠팔구예요."),
)
SEGMENTS = [Segment(n, party, n * 2.0, n * 2.0 + 1, text, 0.9) for n, (party, text) in enumerate(LINES, 1)]
NAME = Value(text="박서준", kind="name")
SUMMARY = CallSummary(title="수리", one_line=Statement(text="박서준이 방문함", evidence=(1,), values=(NAME,)))


def _filled(kind: FieldType, *clues: str, summary: CallSummary = SUMMARY) -> tuple[str, str, tuple[int, ...]]:
    (field,) = fill_fields([CustomField(label="칸", type=kind, clues=clues)], summary, SEGMENTS)
    return field.text, field.normalized, field.evidence


def test_a_value_is_what_was_said_with_its_line() -> None:
    assert _filled("money")[1:] == ("54,000원", (2,))
    assert _filled("phone")[1:] == ("010-2345-6789", (4,))
    assert _filled("name") == ("박서준", "박서준", (1,))
    text, reading, evidence = _filled("appointment")
    assert (text, evidence) == ("내일 오후 세 시", (3,)) and "오후 3:00" in reading


def test_a_clue_names_the_line_or_the_answer_after_it() -> None:
    assert _filled("money", "수리비")[1] == "54,000원"
    assert _filled("money", "입니다")[1] == "15,000원"
    assert _filled("money", "위약금") == ("", "", ())


def test_what_was_not_said_stays_empty() -> None:
    assert _filled("address") == _filled("car") == ("", "", ())
    doubtful = SUMMARY.model_copy(update={"one_line": SUMMARY.one_line.model_copy(update={"supported": False})})
    assert _filled("name", summary=doubtful) == ("", "", ())


@search(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(st.text(max_size=60), st.sampled_from(sorted(KINDS)), st.text(min_size=1, max_size=5).filter(str.strip))
def test_nothing_is_made_up(text: str, kind: FieldType, clue: str) -> None:
    segment = Segment(1, "A", 0.0, 1.0, text, 1.0)
    try:
        fields = [CustomField(label="칸", type=kind), CustomField(label="다른 칸", type=kind, clues=(clue,))]
    except ValidationError:
        return
    for field in fill_fields(fields, SUMMARY, [segment]):
        assert field.text in text
        assert field.evidence == ((1,) if field.text else ())
        assert not field.text or kind == "name" or find_values(text)


@pytest.mark.parametrize(
    ("content", "named"),
    [
        ({"sections": []}, "sections"),
        ({"sections": ["topics", "topics"]}, "topics"),
        ({"fields": [{"type": "money"}]}, "label"),
        ({"fields": [{"label": "금액", "type": "gold"}]}, "gold"),
        ({"fields": [{"label": "가", "type": "money"}, {"label": "가", "type": "date"}]}, "'가'"),
        ({"limits": {"topics": 0}}, "topics"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_a_malformed_template_names_what_is_wrong(content: dict[str, object], named: str) -> None:
    with pytest.raises(ValidationError, match=named):
        TemplateSpec.model_validate(content)


def test_wishes_are_said_only_when_there_are_any() -> None:
    assert wishes(TemplateSpec()) == ""
    said = wishes(TemplateSpec(language="en", tone="formal", sections=("topics",), limits=Limits(topics=2)))
    assert "English" in said and "At most 2 topics" in said and "Leave actions empty" in said
