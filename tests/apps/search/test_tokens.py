"""How Korean is cut and found again: particles, spaces, digits, one syllable, other scripts."""

import re
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.search.tokens import day_term, day_terms, pattern_of, query_words, terms_of, tokens_of, words_of

_WORDS = st.text(alphabet="가나다환불카드요청aB19 ,.-", max_size=40)


def holds(text: str, word: str) -> bool:
    tokens = tokens_of(text)
    if len(word) == 1:
        return any(token.startswith(word) for token in tokens)
    return all(any(term in tokens for term in group) for group in terms_of(word))


@pytest.mark.parametrize(
    ("text", "query", "found"),
    [
        ("환불은 언제 되나요", "환불", True),
        ("카드를 분실했어요", "분실", True),
        ("신용 카드 분실", "신용카드", True),
        ("신용카드 분실", "신용 카드", True),
        ("방금 융자 신청", "금융", False),
        ("한 개인 정보 보호", "개인정보보호", True),
        ("오만 54,000원입니다", "54000", True),
        ("번호는 010-1234-5678이에요", "01012345678", True),
        ("용돈을 보냈다", "돈", True),
        ("돈", "돈", True),
        ("환승", "환불", False),
        ("SKT 요금제", "skt", True),
        ("환불", "환불", True),
    ],
)
def test_what_is_found(text: str, query: str, found: bool) -> None:
    assert all(holds(text, word) for word in query_words(query)) is found


@given(_WORDS, st.integers(0, 40), st.integers(1, 6))
def test_every_part_of_a_word_is_found(text: str, at: int, length: int) -> None:
    for word in words_of(text):
        part = word[at % len(word) :][:length]
        assert holds(text, part)


@given(_WORDS, _WORDS)
def test_a_line_with_a_hit_is_a_line_thatholds_the_word(text: str, query: str) -> None:
    for word in query_words(query):
        if pattern_of((word,)).search(text.casefold()):
            assert holds(text, word)


@given(st.text(max_size=60))
def test_any_text_is_cut_into_clean_terms(text: str) -> None:
    assert all(re.fullmatch(r"\w{1,3}", token) for token in tokens_of(text))


def test_at_most_eight_words_are_looked_for() -> None:
    assert len(query_words(" ".join(f"낱말{n}" for n in range(20)))) == 8


def test_days_are_those_of_utc_and_only_so_many_are_asked_for() -> None:
    seoul = ZoneInfo("Asia/Seoul")
    morning, evening = datetime(2026, 3, 2, 8, tzinfo=seoul), datetime(2026, 3, 2, 20, tzinfo=seoul)
    assert day_terms(morning, evening) == ("d20260301", "d20260302")
    assert len(day_terms(morning, morning + timedelta(days=61))) == 62
    assert day_terms(morning, morning + timedelta(days=62)) == day_terms(evening, morning - timedelta(days=1)) == ()


@given(_WORDS, st.dates())
def test_no_text_has_the_term_of_a_day(text: str, day: date) -> None:
    assert day_term(day) not in tokens_of(text + day_term(day))
