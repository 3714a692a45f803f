"""The choices of the filter are written as Django would write them, only quicker."""

from django import forms
from django.http import QueryDict
from django.test import SimpleTestCase

from apps.calls.forms import FilterForm, QuickSelect

CHOICES = [("", "모두"), ("a&b", '<b>"이름"</b>'), ("true", "있음")]


def test_a_choice_is_written_as_django_writes_it() -> None:
    for value in ("", "a&b", "true", None, "없는 것"):
        written = [kind(choices=CHOICES).render("tag", value, {"id": "id_tag"}) for kind in (forms.Select, QuickSelect)]
        SimpleTestCase().assertHTMLEqual(*written)


def test_names_keep_their_language_and_the_chosen_one_stays_chosen() -> None:
    form = FilterForm(QueryDict("tag=VIP&category=finance"))
    form.offer(agents=[], tags=["VIP"])
    form.wanted()
    assert '<option value="VIP" lang="ko" selected>VIP</option>' in str(form["tag"])
    assert '<option value="">' in str(form["tag"])
    assert '<option value="finance" selected>' in str(form["category"])
