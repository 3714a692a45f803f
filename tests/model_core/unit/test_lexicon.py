"""The lexicon: words of several scripts enter, words of one story and figures do not, endings are learned."""

from pathlib import Path

import pytest

from model_core.data.call import Action, Item, Line, SimulatedCall, Summary
from model_core.data.korean.values import find_values
from model_core.inference.errors import InferenceError
from model_core.inference.lexicon import Lexicon, build_lexicon, load_lexicon


def call(script: str, line: str, one: str, who: str = "상담원") -> SimulatedCall:
    lines = (Line("A", line), Line("B", "김민수입니다"))
    actions = (Action(who, "안내", None, (1,)),)
    summary = Summary("문의", Item(one, (1,)), (), actions, (), "telecom", "pending", "neutral")
    return SimulatedCall("id", (script,), "telecom", "train", lines, lines, summary, ())


CALLS = [
    call("a", "환불을 받고 싶어요", "고객이 환불하기로, <v>54,000원</v>까지 문의함"),
    call("b", "환불이 안 돼요", "고객이 환불하기로 <v>내일</v>까지 문의함", who="김민수"),
    call("c", "요금을 환불해 주세요", "고객이 요금까지 문의함 오만 원"),
    call("c", "요금을 환불해 주세요", "고객이 냉장고까지 문의함"),
]
LEXICON = build_lexicon(CALLS, lambda text: bool(find_values(text)))


def test_words_of_several_scripts_are_known() -> None:
    assert {"고객이", "문의함", "환불하기로", "안내"} <= set(LEXICON.words)


def test_words_of_titles_are_for_titles() -> None:
    assert "문의" not in LEXICON.words
    assert LEXICON.titles == ("문의",)
    assert "문의" in LEXICON.for_titles().words
    assert "고객이" not in LEXICON.for_titles().words, "a title says nothing that neither the call nor any title holds"


def test_words_that_the_call_holds_need_no_lexicon() -> None:
    calls = [call(script, "환불 접수", "환불 접수 문의함") for script in "ab"]
    assert build_lexicon(calls, lambda text: False).words == ("문의함", "안내")


def test_words_of_one_script_and_figures_are_not() -> None:
    assert not {"냉장고까지", "오만", "54,000원"} & set(LEXICON.words)
    assert not any(find_values(word) for word in LEXICON.words)


def test_endings_are_learned_after_values_and_stems() -> None:
    assert "까지" in LEXICON.added
    assert "환불" not in LEXICON.added


def test_roles_are_those_who_are_not_named_in_the_call() -> None:
    assert LEXICON.roles == ()
    more = [call(script, "네", "문의함") for script in "abc"]
    assert build_lexicon(more, lambda text: False).roles == ("상담원",)


def test_a_lexicon_comes_back(tmp_path: Path) -> None:
    LEXICON.save(tmp_path)
    assert load_lexicon(tmp_path) == LEXICON


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"words": 1}'])
def test_what_is_no_lexicon_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "lexicon.json").write_text(text)
    with pytest.raises(InferenceError, match=r"lexicon\.json is no lexicon"):
        load_lexicon(tmp_path)


def test_stems_are_words_or_take_two_endings() -> None:
    calls = [call(script, "네", "방문하기로 방문함 확인함") for script in "abc"]
    calls += [call(script, "방문해요 확인해요", "방문하기로 방문함 확인함") for script in "def"]
    lexicon = build_lexicon(calls, lambda text: False)
    assert {"하기로", "함"} <= set(lexicon.added)
    assert "방문" in lexicon.stems
    assert "확인" not in lexicon.stems
    assert isinstance(lexicon, Lexicon)
