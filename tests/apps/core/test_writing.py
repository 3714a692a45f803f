"""How the pages write amounts, counts and moments, in Korean and in English."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from django import forms
from django.template import Context, Template
from django.utils import translation

from apps.core.templatetags.yoyak import counted, exact, grouped, said_once, won

MOMENT = datetime(2026, 12, 3, 0, 5, 7, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _korean() -> Iterator[None]:
    with translation.override("ko"):
        yield


@pytest.mark.parametrize(
    ("amount", "korean", "english"),
    [
        (0, "0원", "₩0"),
        (0.0517, "0.052원", "₩0.052"),
        (6.94, "6.9원", "₩6.9"),
        (9_999.4, "9,999원", "₩9,999"),
        (9_999.6, "1만 원", "₩10,000"),
        (35_000, "3만 5,000원", "₩35,000"),
        (54_000, "5만 4,000원", "₩54,000"),
        (300_000, "30만 원", "₩300,000"),
        (123_456_789, "1억 2,346만 원", "₩123,456,789"),
        (199_999_999, "2억 원", "₩199,999,999"),
    ],
)
def test_won(amount: float, korean: str, english: str) -> None:
    assert won(amount) == korean
    with translation.override("en"):
        assert won(amount) == english


def test_counts_are_korean_in_sentences_and_plain_in_columns() -> None:
    assert [counted(n) for n in (0, 9_999, 10_000, 123_456)] == ["0", "9,999", "1만", "12만 3,456"]
    assert grouped(123_456) == "123,456"
    with translation.override("en"):
        assert counted(123_456) == "123,456"


def test_moments_name_their_zone_where_it_matters() -> None:
    assert exact(MOMENT) == "2026-12-03 09:05:07 KST"
    assert exact(None) == "–"
    assert Template("{% load yoyak %}{% zone %}").render(Context()) == "KST"


def test_a_field_does_not_say_its_label_twice() -> None:
    class Login(forms.Form):
        password = forms.CharField(label="비밀번호", widget=forms.TextInput({"placeholder": "비밀번호"}))
        rate = forms.CharField(label="속도", widget=forms.TextInput({"placeholder": "8000"}))

    form = Login()
    assert 'placeholder=""' in said_once(form["password"])
    assert 'placeholder="8000"' in said_once(form["rate"])
