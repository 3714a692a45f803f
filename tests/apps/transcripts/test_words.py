"""Word times: the stored ones stay, what a person wrote gets a place between its neighbours."""

from hypothesis import given
from hypothesis import strategies as st

from apps.transcripts.words import timed_words

HEARD = [
    {"text": "오만", "start_s": 1.0, "end_s": 1.4, "confidence": 0.9},
    {"text": "사천", "start_s": 1.5, "end_s": 1.9, "confidence": 0.3},
    {"text": "원", "start_s": 2.0, "end_s": 2.2, "confidence": 0.9},
]


def test_heard_words_keep_their_times_and_doubts() -> None:
    words = timed_words("오만 사천 원", HEARD, 1.0, 2.4)
    assert [word.start_s for word in words] == [1.0, 1.5, 2.0]
    assert [word.unsure for word in words] == [False, True, False]


def test_a_corrected_word_stands_between_its_neighbours() -> None:
    words = timed_words("오만 칠천 원", HEARD, 1.0, 2.4)
    assert [word.start_s for word in words] == [1.0, 1.4, 2.0]
    assert not words[1].unsure


@given(st.text(), st.lists(st.text(alphabet="가나다", min_size=1), max_size=5))
def test_every_word_is_shown_inside_the_line(text: str, heard: list[str]) -> None:
    stored = [{"text": t, "start_s": 1.0 + n, "end_s": 1.5 + n, "confidence": 1.0} for n, t in enumerate(heard)]
    words = timed_words(text, stored, 1.0, 7.0)
    assert [word.text for word in words] == text.split()
    assert all(1.0 <= word.start_s <= 7.0 for word in words)
    assert [word.start_s for word in words] == sorted(word.start_s for word in words)
