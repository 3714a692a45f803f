"""Numerals said and read back, particles, jamo."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model_core.data.korean import jamo, josa, numbers, reading


@given(st.integers(0, 10**12))
def test_sino_numerals_read_back_with_and_without_blanks(number: int) -> None:
    said = numbers.sino(number)
    assert reading.read_sino(said) == number
    assert reading.read_sino(said.replace(" ", "")) == number


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (0, "영"),
        (10, "십"),
        (11, "십일"),
        (10_000, "만"),
        (54_000, "오만 사천"),
        (110_000, "십일만"),
        (10**8, "일억"),
        (16_000, "만 육천"),
    ],
)
def test_sino_numerals_as_people_say_them(number: int, said: str) -> None:
    assert numbers.sino(number) == said


@given(st.integers(1, 99))
def test_native_numerals_read_back_in_both_forms(number: int) -> None:
    assert reading.read_native(numbers.native(number)) == number
    assert reading.read_native(numbers.native(number, before_counter=False)) == number


def test_native_numerals_before_a_counter() -> None:
    assert [numbers.native(number) for number in (1, 2, 3, 4, 20, 21, 34)] == [
        "한",
        "두",
        "세",
        "네",
        "스무",
        "스물한",
        "서른네",
    ]


@pytest.mark.parametrize("number", [0, 100])
def test_native_numerals_end_at_99(number: int) -> None:
    with pytest.raises(ValueError, match=str(number)):
        numbers.native(number)


@given(st.text("0123456789", min_size=1, max_size=16))
def test_digits_read_one_by_one(digits: str) -> None:
    assert reading.read_digits(numbers.read_digits(digits)) == digits


@pytest.mark.parametrize(
    ("text", "number"), [("5만 4천", 54_000), ("1억2천", 100_002_000), ("3.5", 3.5), ("삼 점 오", 3.5), ("1,250", 1250)]
)
def test_mixed_numerals(text: str, number: float) -> None:
    assert float(reading.read_sino(text)) == number


def test_june_and_october_drop_their_final() -> None:
    assert (numbers.month(6), numbers.month(10), numbers.month(11)) == ("유월", "시월", "십일월")


@pytest.mark.parametrize(
    ("word", "pair", "chosen"),
    [
        ("요금", ("이", "가"), "이"),
        ("버스", ("이", "가"), "가"),
        ("서울", ("으로", "로"), "로"),
        ("부산", ("으로", "로"), "으로"),
        ("두 시", ("이에요", "예요"), "예요"),
        ("사과, ", ("을", "를"), "를"),
    ],
)
def test_particles_follow_the_last_sound(word: str, pair: tuple[str, str], chosen: str) -> None:
    assert josa.choose(word, *pair) == chosen


@pytest.mark.parametrize(
    ("pair", "valid"),
    [(("이", "가"), True), (("가", "이"), False), (("이었습니다", "였습니다"), True), (("을", "가"), False)],
)
def test_pairs_of_particles(pair: tuple[str, str], valid: bool) -> None:
    assert josa.is_pair(*pair) is valid


@given(st.characters(min_codepoint=0xAC00, max_codepoint=0xD7A3))
def test_jamo_compose_what_they_split(syllable: str) -> None:
    assert jamo.compose(*jamo.split(syllable)) == syllable


@given(st.characters(min_codepoint=0xAC00, max_codepoint=0xD7A3), st.integers())
def test_a_similar_syllable_differs_in_one_jamo(syllable: str, seed: int) -> None:
    other = jamo.similar(syllable, random.Random(seed))
    assert sum(a != b for a, b in zip(jamo.split(syllable), jamo.split(other), strict=True)) == 1


def test_pronunciation_moves_finals_over() -> None:
    assert jamo.as_pronounced("금", "액") == ("그", "맥")
    assert jamo.as_pronounced("국", "내") == ("궁", "내")
    assert jamo.as_pronounced("가", "방") == ("가", "방")
