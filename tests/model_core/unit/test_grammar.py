"""The grammar of summaries: whatever the logits are, the result parses and its values are runs of the cited lines."""

import re
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model_core.data.call import Action, Item, Line, Summary, Topic, plain
from model_core.data.clauses import clauses
from model_core.data.korean.values import find_values
from model_core.data.summary_format import encode_summary, parse
from model_core.data.tokenizer import train_tokenizer
from model_core.inference.engine import value_spans
from model_core.inference.errors import InferenceError
from model_core.inference.grammar import CLOSING_TOKENS, Limits, SummaryGrammar, SummaryState
from model_core.inference.lexicon import Lexicon
from model_core.inference.quotes import Passage, Quote
from model_core.inference.vocabulary import Vocabulary

LINES = (
    Line("A", "네, 가온텔레콤 김민수입니다."),
    Line("B", "이번 달 요금이 오만 사천 원이 나왔어요. 로밍 요금은 쓴 적이 없는데요?"),
    Line("A", "확인해서 십이월 삼 일까지 54,000원 환불해 드릴게요, 010-2345-6789 눌러 주시겠어요?"),
    Line("B", "네 ... 맞아요"),
)
QUOTABLE = [clause for line in LINES for clause in clauses(line.text)]
LEXICON = Lexicon(
    words=("고객이", "문의함", "하기로", "함", "요청", "청구", "환불"),
    stems=("환불", "청구", "문의"),
    added=("을", "이", "하기로", "까지", "함", "를"),
    dropped=("이", "을", "은", "해서", "입니다"),
    roles=("상담원", "고객"),
)
TOKENIZER = train_tokenizer([f" {word}" for word in LEXICON.words] * 9 + [line.text for line in LINES] * 9, 900)
GRAMMAR = SummaryGrammar(TOKENIZER, LEXICON, value_spans)
SIZE = TOKENIZER.vocab_size

calls = st.lists(
    st.builds(
        Line,
        st.sampled_from("AB"),
        st.lists(
            st.sampled_from(
                [*" ".join(line.text for line in LINES).split(), "세", "시", "반", "?", "12월", "삼 일", "일"]
            )
            | st.text(st.characters(exclude_categories=("Cs",)), max_size=6),
            max_size=9,
        ).map(" ".join),
    ),
    min_size=1,
    max_size=6,
)


def write(state: SummaryState, rng: np.random.Generator) -> list[int]:
    ids: list[int] = []
    favourites = rng.normal(size=SIZE) * 4
    while state.choice is not None:
        logits = favourites + rng.normal(size=SIZE) * 2
        ids.append(int(state.choice.ids[logits[state.choice.ids].argmax()]))
        state.advance(ids[-1])
    return ids


def items_of(summary: Summary) -> Iterator[Item]:
    yield summary.one_line
    yield from (point for topic in summary.topics for point in topic.points)
    yield from summary.decisions
    yield from (Item(action.what, action.evidence) for action in summary.actions)


def clean(text: str) -> str:
    return " ".join(text.split())


def is_read_from(text: str, source: str) -> bool:
    """Whether the characters of a text, blanks and commas aside, stand in the source in this order."""
    left = iter(source)
    return all(char in left for char in text if char not in " ,")


def check_values(text: str, sources: list[str]) -> None:
    values = re.findall("<v>(.*?)</v>", text)
    for value in values:
        assert values.count(value) <= sum(source.count(value) for source in sources), (value, text)
        assert any(value in source for source in sources), (value, sources)
        for source in sources:
            for at in (match.start() for match in re.finditer(re.escape(value), source)):
                cut = [
                    span
                    for span in value_spans(source)
                    if span[0] < at < span[1] or span[0] < at + len(value) < span[1]
                ]
                if not cut:
                    break
            else:
                continue
            break
        else:
            raise AssertionError(f"{value!r} cuts a value of {sources}")


@settings(max_examples=60, deadline=None)
@given(calls, st.integers(0, 10**6), st.sampled_from([CLOSING_TOKENS + 10, 500, 800]))
def test_whatever_the_logits_the_summary_parses_and_every_value_is_a_run(
    lines: list[Line], seed: int, max_tokens: int
) -> None:
    try:
        state = GRAMMAR.start(lines, max_tokens)
    except InferenceError:
        assert not any(char.isalnum() for line in lines for char in line.text)
        return
    ids = write(state, np.random.default_rng(seed))
    assert len(ids) <= max_tokens
    summary = parse(TOKENIZER, ids)
    whole = [clean(line.text) for line in lines]
    for item in items_of(summary):
        assert list(item.evidence) == sorted(set(item.evidence))
        sources = [whole[number - 1] for number in item.evidence]
        check_values(item.text, sources)
        assert is_read_from(plain(item.text), "".join(sources)), (item, sources)
    for action in summary.actions:
        assert action.who in LEXICON.roles or any(action.who in line for line in whole)
        assert action.when is None or any(action.when in whole[number - 1] for number in action.evidence)
    for title in (summary.title, *(topic.title for topic in summary.topics)):
        check_values(title, whole)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**6))
def test_free_text_holds_no_value_of_its_own(seed: int) -> None:
    ids = write(GRAMMAR.start(LINES, 800), np.random.default_rng(seed))
    for item in items_of(parse(TOKENIZER, ids)):
        for word in re.sub("<v>.*?</v>", "", item.text).split():
            assert not any(char.isdigit() for char in word), item.text
            assert find_values(word) == [], item.text


BACK = "<v>십이월 삼 일</v>까지 <v>54,000원</v>"
EXAMPLE = Summary(
    "요금 문의",
    Item(f"<v>이번 달</v> 요금이 <v>오만 사천 원</v>이 나왔어요, 확인해서 {BACK} 환불해 드릴게요", (2, 3)),
    (Topic("로밍", (Item("<v>로밍 요금</v>은 쓴 적이 없는데요?", (2,)),)),),
    (
        Action("상담원", f"확인해서 {BACK} 환불해 드릴게요", "십이월 삼 일", (3,)),
        Action("김민수", "<v>010-2345-6789</v> 눌러 주시겠어요?", None, (1, 3)),
    ),
    (Item(f"확인해서 {BACK} 환불해 드릴게요, <v>010-2345-6789</v> 눌러 주시겠어요?", (3,)),),
    "telecom",
    "pending",
    "negative",
)


def follow(state: SummaryState, summary: Summary) -> None:
    for token in encode_summary(TOKENIZER, summary)[:-1]:
        state.advance(token)


def refused_at(summary: Summary, limits: Limits | None = None) -> str:
    """Return the text up to the first token that is not allowed, "" when all are."""
    state = SummaryGrammar(TOKENIZER, LEXICON, value_spans, limits).start(LINES, 800)
    ids = encode_summary(TOKENIZER, summary)[:-1]
    for position, token in enumerate(ids):
        if state.choice is None or token not in state.choice.ids:
            return TOKENIZER.decode(ids[: position + 1])
        state.advance(token)
    assert state.done
    return ""


def test_a_supported_summary_can_be_written() -> None:
    assert refused_at(EXAMPLE) == ""


def with_one(text: str, evidence: tuple[int, ...] = (2, 3)) -> Summary:
    return Summary("요금 문의", Item(text, evidence), (), (), (), "telecom", "pending", "negative")


FEE = "<v>이번 달</v> 요금이 <v>오만 사천 원</v>이 나왔어요"
ROAMING = "로밍 요금은 쓴 적이 없는데요?"


@pytest.mark.parametrize(
    "summary",
    [
        with_one("<v>이번 달</v> 요금이 <v>육만 원</v>이 나왔어요"),
        with_one("<v>이번 달</v> 요금이 오만 사천 원이 나왔어요"),
        with_one("<v>이번 달</v> 요금이 <v>오만</v>"),
        with_one("요금이 <v>오만 사천 원</v>이 나왔어요"),
        with_one(f"확인해서 {BACK} 환불해 드릴게요", (2,)),
        with_one("<v>이번 달</v> 요금이"),
        with_one("냉장고"),
        with_one(f"{ROAMING} {FEE}"),
        with_one(f"{FEE}, {FEE}"),
        with_one(FEE, (5,)),
        with_one(FEE, (200,)),
    ],
    ids=[
        *("other value", "unmarked value", "half a value", "half a clause at the front", "uncited line"),
        *("half a clause", "foreign word", "order", "twice", "no such line", "far line"),
    ],
)
def test_what_the_cited_lines_do_not_say_so_cannot_be_written(summary: Summary) -> None:
    assert refused_at(summary)


def test_clauses_are_joined_by_a_comma_and_after_a_question_by_a_blank() -> None:
    assert refused_at(with_one(f"{FEE}, {ROAMING}")) == ""
    both = (Line("A", "언제 오실 수 있어요? 내일 세 시에 와 주세요."),)
    state = SummaryGrammar(TOKENIZER, LEXICON, value_spans).start(both, 800)
    one = Item("언제 오실 수 있어요? <v>내일</v> <v>세 시</v>에 와 주세요", (1,))
    follow(state, Summary("안내 문의", one, (), (), (), "telecom", "pending", "negative"))
    assert state.done


def test_any_words_of_a_quote_may_be_marked_but_no_part_of_one() -> None:
    assert refused_at(with_one("<v>로밍 요금</v>은 쓴 적이 없는데요?")) == ""
    assert refused_at(with_one("로밍 요금은 <v>쓴 적이</v> 없는데요?")) == ""
    assert refused_at(with_one("로밍 요금은 쓴 적이 <v>없는</v>데요?"))


def test_the_tail_of_a_figure_is_left_out_when_it_belongs_to_the_verb() -> None:
    lines = (Line("A", "수거비는 오만 원입니다."),)
    state = SummaryGrammar(TOKENIZER, LEXICON, value_spans).start(lines, 800)
    follow(
        state, Summary("안내 문의", Item("수거비는 <v>오만 원</v>", (1,)), (), (), (), "telecom", "pending", "negative")
    )
    assert state.done


def test_a_statement_is_foreseen_to_its_end_with_what_was_marked_before() -> None:
    state = GRAMMAR.start(LINES, 900)
    vocabulary, end = GRAMMAR.vocabulary, GRAMMAR.vocabulary.section("end")
    passage, *others = state._passages[2]
    first = Quote(vocabulary, [passage, *others], 2, [range(1)])
    guess = first.foreseen(40, end)
    assert guess[-1] == end
    assert (
        spelled := TOKENIZER.decode(guess[:-1])
    ) == " 확인해서<v> 십이월 삼 일</v>까지<v> 54,000원</v> 환불해 드릴게요"
    read(first, guess[: guess.index(vocabulary.value_open)])
    assert first.foreseen(3, end) == guess[guess.index(vocabulary.value_open) :][:3]
    marked = Quote(vocabulary, [passage], 2)
    marked.open()
    read(marked, TOKENIZER.encode_text(" 확인해서"))
    marked.close()
    assert TOKENIZER.decode(first_guess(vocabulary, [passage])) == spelled.replace(" 확인해서", "<v> 확인해서</v>")


def first_guess(vocabulary: Vocabulary, cited: list[Passage]) -> list[int]:
    return Quote(vocabulary, cited, 2).foreseen(40, vocabulary.section("end"))[:-1]


def read(quote: Quote, tokens: list[int]) -> None:
    for token in tokens:
        assert token in quote.ids
        quote.read(token)


@settings(max_examples=40, deadline=None)
@given(calls, st.integers(0, 10_000))
def test_anywhere_in_any_summary_something_or_nothing_is_foreseen(lines: list[Line], seed: int) -> None:
    rng, held = np.random.default_rng(seed), 0
    try:
        state = GRAMMAR.start(lines, 700)
    except InferenceError:
        return
    while state.choice is not None:
        guess = state.foreseen(5)
        assert len(guess) <= 5
        likely = [token for token in guess[:1] if token in state.choice.ids]
        held += len(likely)
        state.advance(int((likely or rng.choice(state.choice.ids, 1))[0]))
    assert held > 0


def test_lines_cited_together_once_are_foreseen_together() -> None:
    state, vocabulary = GRAMMAR.start(LINES, 900), GRAMMAR.vocabulary
    one, end = vocabulary.section("one"), vocabulary.section("evidence_end")
    second, third = (int(vocabulary.lines[number]) for number in (1, 2))
    while state.choice is not None and second not in state.choice.ids:
        state.advance(one if one in state.choice.ids else int(state.choice.ids[0]))
    assert state.foreseen(8) == []
    state.advance(second)
    assert state.foreseen(1) == [end]
    for token in (third, end):
        state.advance(token)
    who = vocabulary.section("who")
    assert state._foreseen_evidence([2], None, who, 8) == [third, end, who]


def test_what_was_taken_back_is_not_read() -> None:
    lines = (Line("A", "네 그럼 오후 세 시 아니 네 시 반까지 갈게요."),)
    state = SummaryGrammar(TOKENIZER, LEXICON, value_spans).start(lines, 800)
    one = Item("<v>네 시 반</v>까지 갈게요", (1,))
    follow(state, Summary("안내 문의", one, (), (), (), "telecom", "pending", "negative"))
    assert state.done


def with_points(*points: Item) -> Summary:
    one = Item("<v>010-2345-6789</v> 눌러 주시겠어요?", (3,))
    return Summary("요금 문의", one, (Topic("로밍", points),), (), (), "telecom", "pending", "negative")


def test_a_point_leaves_out_no_figure_and_no_cited_line() -> None:
    refund = f"확인해서 {BACK} 환불해 드릴게요"
    assert refused_at(with_points(Item(f"{FEE}, {refund}", (2, 3)))) == ""
    assert refused_at(with_points(Item(f"{FEE}, {ROAMING} {refund}", (2, 3)))) == ""
    assert refused_at(with_points(Item(FEE, (2, 3)))), "a figure is left out"
    assert refused_at(with_points(Item(f"{ROAMING} {refund}", (2, 3)))), "a figure is passed over"


def test_no_two_points_say_the_same_if_there_is_more() -> None:
    first = Item(FEE, (2,))
    assert refused_at(with_points(first, Item(ROAMING, (2,)))) == ""
    assert refused_at(with_points(first, first))
    everything = Item(f"{FEE}, {ROAMING}", (2,))
    assert refused_at(with_points(everything, first)) == "", "nothing else is left to say"


def with_actions(*actions: Action) -> Summary:
    return Summary("요금 문의", Item(ROAMING, (2,)), (), actions, (), "telecom", "pending", "negative")


def test_an_action_rests_on_a_promise_and_no_two_on_the_same() -> None:
    refund = Action("상담원", f"확인해서 {BACK} 환불해 드릴게요", None, (3,))
    assert refused_at(with_actions(refund)) == ""
    assert refused_at(with_actions(Action("상담원", refund.what, None, (2, 3)))) == "", "other lines may be cited too"
    assert refused_at(with_actions(Action("고객", FEE, None, (2,)))), "a complaint is nothing to do"
    assert refused_at(with_actions(refund, Action("고객", refund.what, None, (3,)))), "one promise, one action"


def test_a_title_takes_the_words_of_any_line() -> None:
    quote = Item(ROAMING, (2,))
    assert refused_at(Summary("로밍 요금 확인", quote, (), (), (), "telecom", "pending", "negative")) == ""


@pytest.mark.parametrize("title", ["요금", "환불", "환불 로밍", "문의 로밍"])
def test_the_title_of_a_call_ends_in_a_word_that_says_what_kind_of_call_it_was(title: str) -> None:
    quote = Item(ROAMING, (2,))
    assert refused_at(Summary(title, quote, (), (), (), "telecom", "pending", "negative"))


def test_no_place_of_the_call_is_a_value_twice_in_a_title() -> None:
    quote = Item(ROAMING, (2,))
    again = Summary(
        "<v>010-2345-6789</v> <v>010-2345-6789</v> 환불", quote, (), (), (), "telecom", "pending", "negative"
    )
    assert refused_at(again).count("</v>") == 1


def test_any_segmentation_of_a_value_is_allowed() -> None:
    raw = " 오만 사천 원".encode()
    bytewise = [TOKENIZER.token_bytes.index(bytes([byte])) for byte in raw]
    ids = encode_summary(TOKENIZER, with_one(FEE))
    opening, closing = (
        [at for at, token in enumerate(ids) if token == TOKENIZER.token_id(mark)][1] for mark in ("<v>", "</v>")
    )
    state = GRAMMAR.start(LINES, 800)
    for token in [*ids[: opening + 1], *bytewise, *ids[closing:-1]]:
        state.advance(token)
    assert state.done


def test_a_call_without_words_is_refused() -> None:
    with pytest.raises(InferenceError, match="nothing to summarize"):
        GRAMMAR.start([Line("A", " "), Line("B", "...")], 800)


def test_too_small_a_limit_is_refused() -> None:
    with pytest.raises(InferenceError, match=str(CLOSING_TOKENS + 10)):
        GRAMMAR.start(LINES, CLOSING_TOKENS)


def test_a_token_that_is_not_allowed_is_refused() -> None:
    state = GRAMMAR.start(LINES, 800)
    with pytest.raises(InferenceError, match="not among"):
        state.advance(TOKENIZER.structure_id("title"))


def test_limits_bound_what_is_written() -> None:
    limits = Limits(max_evidence=1, max_topics=1, max_points=1, max_actions=1, max_decisions=1, max_quotes=1)
    grammar = SummaryGrammar(TOKENIZER, LEXICON, value_spans, limits)
    for seed in range(20):
        summary = parse(TOKENIZER, write(grammar.start(LINES, 2000), np.random.default_rng(seed)))
        assert max(len(summary.topics), len(summary.actions), len(summary.decisions)) <= 1
        assert all(len(topic.points) == 1 for topic in summary.topics)
        for item in items_of(summary):
            assert len(item.evidence) == 1
            assert plain(item.text) in QUOTABLE or summary.one_line == item
