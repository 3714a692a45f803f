"""Django's admin speaks the language of who looks after the people: our models and their columns have names."""

import re

import pytest
from django.contrib import admin
from django.db.models import Model
from django.test import Client
from django.utils import translation

from apps.accounts.models import Membership, User
from tests.people import PASSWORD

LATIN = re.compile(r"[A-Za-z]")
HANGUL = re.compile(r"[가-힣]")
# User comes from Django, with names of its own.
OURS: list[type[Model]] = [
    *(model for model in admin.site._registry if model.__module__.startswith("apps.") and model is not User),
    Membership,
]


def _names(model: type[Model], language: str) -> list[str]:
    meta = model._meta
    with translation.override(language):
        fields = [str(field.verbose_name) for field in meta.fields if field.name not in {"id", "digest"}]
        return [str(meta.verbose_name), str(meta.verbose_name_plural), *fields]


@pytest.mark.parametrize("model", OURS, ids=lambda model: model.__name__)
def test_models_and_what_is_shown_of_them_are_named_in_both_languages(model: type[Model]) -> None:
    korean, english = (_names(model, language) for language in ("ko", "en"))
    assert [name for name in korean if LATIN.search(name.replace("API", "").replace("ID", ""))] == []
    assert [name for name in english if HANGUL.search(name) or not name[0].isupper()] == []


@pytest.mark.django_db
def test_the_front_page_of_the_admin_names_the_tokens(client: Client) -> None:
    client.force_login(User.objects.create_superuser("staff", password=PASSWORD))
    for language, words in (("ko", "API 토큰"), ("en", "API tokens")):
        client.cookies["django_language"] = language
        assert f">{words}</a>" in client.get("/admin/").content.decode()
