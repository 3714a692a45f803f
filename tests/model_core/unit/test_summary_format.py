"""The tokenizer and the summary format: any text survives, any summary comes back, nothing half-right is read."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import AutoTokenizer

from model_core.data.call import CATEGORIES, OUTCOMES, SENTIMENTS, Action, Item, Line, Summary, Topic
from model_core.data.summary_format import (
    FormatError,
    canonical,
    encode_example,
    encode_prompt,
    encode_summary,
    parse,
    parse_text,
)
from model_core.data.tokenizer import END_OF_TEXT, SummaryTokenizer, load_tokenizer, structure_tokens, train_tokenizer
from model_core.errors import DataError

WORDS = ["고객이", "요금", "54,000원", "오만 사천 원", "환불", "로밍", "상담원", "내일 세 시", "김민수", "LTE"]
TOKENIZER = train_tokenizer([f" {first} {second} 문의함" for first in WORDS for second in WORDS] * 5, 700)

plain_text = st.text(st.characters(exclude_characters="<>", exclude_categories=("Cs",)), min_size=1).filter(
    lambda text: bool(text.split())
)
pieces = st.one_of(plain_text, plain_text.map(lambda text: f"<v>{text}</v>"), st.sampled_from(WORDS))
texts = st.lists(pieces, min_size=1, max_size=4).map(" ".join).map(canonical).filter(bool)
evidence = st.sets(st.integers(1, 200), min_size=1, max_size=4).map(lambda numbers: tuple(sorted(numbers)))
items = st.builds(Item, texts, evidence)
topics = st.builds(Topic, texts, st.lists(items, max_size=3).map(tuple))
actions = st.builds(Action, texts, texts, st.none() | texts, evidence)
summaries = st.builds(
    Summary,
    texts,
    items,
    st.lists(topics, max_size=3).map(tuple),
    st.lists(actions, max_size=3).map(tuple),
    st.lists(items, max_size=2).map(tuple),
    st.sampled_from(CATEGORIES),
    st.sampled_from(OUTCOMES),
    st.sampled_from(SENTIMENTS),
)
EXAMPLE = Summary(
    "요금 문의",
    Item("고객이 <v>54,000원</v> 환불을 문의함", (1, 3)),
    (Topic("환불", (Item("<v>내일 세 시</v>까지 환불", (2,)),)),),
    (Action("상담원", "환불", "내일 세 시", (2,)), Action("고객", "확인", None, (3,))),
    (Item("환불하기로 함", (2,)),),
    "telecom",
    "pending",
    "negative",
)


@given(st.text(st.characters(exclude_categories=("Cs",))))
def test_any_text_comes_back(text: str) -> None:
    assert TOKENIZER.decode(TOKENIZER.encode_text(text)) == text


@given(st.lists(st.sampled_from([END_OF_TEXT, *structure_tokens(), "<", " ", "가"]), max_size=8).map("".join))
def test_text_never_becomes_structure(text: str) -> None:
    ids = TOKENIZER.encode_text(text)
    assert all(TOKENIZER.token_bytes[token] for token in ids)
    assert b"".join(TOKENIZER.token_bytes[token] for token in ids).decode() == text


@settings(deadline=None)
@given(summaries)
def test_any_summary_comes_back(summary: Summary) -> None:
    ids = encode_summary(TOKENIZER, summary)
    assert parse(TOKENIZER, ids) == summary
    assert parse_text(TOKENIZER.decode(ids)) == summary


@given(st.integers(0, 60), st.integers(0, TOKENIZER.vocab_size - 1))
def test_a_changed_token_is_refused_or_gives_a_summary_that_can_be_written(position: int, token: int) -> None:
    changed = encode_summary(TOKENIZER, EXAMPLE)
    changed[position % len(changed)] = token
    try:
        summary = parse(TOKENIZER, changed)
    except FormatError:
        return
    assert parse(TOKENIZER, encode_summary(TOKENIZER, summary)) == summary


@pytest.mark.parametrize("cut", range(1, 12))
def test_a_cut_summary_is_refused(cut: int) -> None:
    ids = encode_summary(TOKENIZER, EXAMPLE)
    with pytest.raises(FormatError):
        parse(TOKENIZER, ids[: -cut - 1])
    with pytest.raises(FormatError):
        parse_text(TOKENIZER.decode(ids[: -cut - 1]))


def test_evidence_must_rise() -> None:
    ids = encode_summary(TOKENIZER, EXAMPLE)
    first, third = TOKENIZER.structure_id("L1"), TOKENIZER.structure_id("L3")
    where = ids.index(first)
    swapped = [*ids[:where], third, first, *ids[where + 2 :]]
    with pytest.raises(FormatError, match="rise"):
        parse(TOKENIZER, swapped)


@pytest.mark.parametrize(
    "broken",
    [
        replace(EXAMPLE, category="nothing"),
        replace(EXAMPLE, title="  "),
        replace(EXAMPLE, title="<v>54"),
        replace(EXAMPLE, title="<v> </v>"),
        replace(EXAMPLE, one_line=Item("요금", ())),
        replace(EXAMPLE, one_line=Item("요금", (0, 2))),
    ],
)
def test_what_the_format_cannot_hold_is_refused(broken: Summary) -> None:
    with pytest.raises(FormatError):
        encode_summary(TOKENIZER, broken)


def test_a_value_has_the_same_tokens_in_the_call_and_in_the_summary() -> None:
    lines = [Line("B", "이번 달 요금이 54,000원 나왔어요")]
    prompt, target = encode_example(TOKENIZER, lines, EXAMPLE)
    value = TOKENIZER.encode_text(" 54,000원")
    assert any(prompt[start : start + len(value)] == value for start in range(len(prompt)))
    opening = target.index(TOKENIZER.token_id("<v>"))
    assert target[opening + 1 : opening + 1 + len(value)] == value


def test_a_call_the_format_cannot_hold_is_refused() -> None:
    with pytest.raises(FormatError, match="201 lines"):
        encode_prompt(TOKENIZER, [Line("A", "네")] * 201)
    with pytest.raises(FormatError, match="'C'"):
        encode_prompt(TOKENIZER, [Line("C", "네")])


def test_the_saved_folder_is_a_stock_tokenizer(tmp_path: Path) -> None:
    TOKENIZER.save(tmp_path)
    stock = AutoTokenizer.from_pretrained(tmp_path)
    lines = [Line("A", "네, 가온텔레콤입니다."), Line("B", "요금이 54,000원 나왔어요 😀")]
    plain_message = {"role": "user", "content": "네, 가온텔레콤입니다.\n2 A: 네"}
    prompt = encode_prompt(TOKENIZER, lines)
    message = {"role": "user", "content": "\n".join(f"{line.party}: {line.text}" for line in lines)}
    assert stock.apply_chat_template([message], add_generation_prompt=True) == prompt
    unnamed = encode_prompt(TOKENIZER, [Line("B", "네, 가온텔레콤입니다."), Line("A", "네")])
    assert stock.apply_chat_template([plain_message], add_generation_prompt=True) == unnamed
    assert stock.decode(prompt) == TOKENIZER.decode(prompt)
    assert encode_prompt(load_tokenizer(tmp_path), lines) == prompt
    assert stock.eos_token_id == TOKENIZER.token_id(END_OF_TEXT) == 0
    shown = stock.decode(encode_summary(TOKENIZER, EXAMPLE), skip_special_tokens=True)
    assert "<|title|> 요금 문의" in shown
    assert END_OF_TEXT not in shown


def test_every_id_is_used_once() -> None:
    assert len(set(structure_tokens())) == len(structure_tokens())
    assert len(TOKENIZER.token_bytes) == TOKENIZER.vocab_size <= 700


@pytest.mark.parametrize("size", [0, 300])
def test_a_vocabulary_without_room_is_refused(size: int) -> None:
    with pytest.raises(DataError, match=str(size)):
        train_tokenizer(["가"], size)


def test_a_folder_without_a_tokenizer_is_refused(tmp_path: Path) -> None:
    load: Callable[[Path], SummaryTokenizer] = load_tokenizer
    with pytest.raises(DataError, match=r"tokenizer\.json"):
        load(tmp_path)
