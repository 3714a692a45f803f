"""English is complete: all strings are translated, the compiled catalogue is the edited one, the pages switch."""

import gettext
import io
import re

import pytest
from django.conf import settings
from django.test import Client
from hypothesis import HealthCheck, given
from hypothesis import settings as search
from hypothesis import strategies as st

from apps.accounts.models import User
from config.messages import FOLDER, Message, compile_mo, gather, read_po, write_po
from tests.calls import finished_call
from tests.people import TwoHouses

PO = settings.BASE_DIR / FOLDER / "django.po"
HANGUL = re.compile(r"[가-힣]")
PLACEHOLDER = re.compile(r"%\(\w+\)s|%%s")


def test_every_string_of_the_code_is_in_the_catalogue_and_nothing_else() -> None:
    assert list(read_po(PO.read_text())) == gather(settings.BASE_DIR), "run: python manage.py translations"


def test_every_string_is_translated_with_its_placeholders() -> None:
    for message, translations in read_po(PO.read_text()).items():
        assert len(translations) == 1 + bool(message.plural), message
        for text in translations:
            assert text and not HANGUL.search(text), message
            assert sorted(PLACEHOLDER.findall(text)) == sorted(PLACEHOLDER.findall(message.text)), message


def test_the_compiled_catalogue_is_the_edited_one() -> None:
    compiled = PO.with_suffix(".mo").read_bytes()
    assert compiled == compile_mo(read_po(PO.read_text())), "run: python manage.py translations"


def test_strings_are_found_in_templates_and_code(tmp_path: object) -> None:
    root = type(PO)(str(tmp_path))
    (root / "templates").mkdir()
    (root / "apps").mkdir()
    (root / "templates" / "a.html").write_text(
        "{% load i18n %}{% translate '안녕 (잘 가)' context 'talk' %}{{ _('이름') }}"
        "{% blocktranslate count n=n %}{{ n }}건{% plural %}{{ n }}건들{% endblocktranslate %}"
    )
    (root / "apps" / "a.py").write_text(
        "_('가')\npgettext_lazy('run', '나')\nngettext('%(n)s개', '%(n)s개', n)\n_(name)\n"
    )
    assert gather(root) == [
        Message("가"),
        Message("나", "run"),
        Message("%(n)s개", plural="%(n)s개"),
        Message("안녕 (잘 가)", "talk"),
        Message("이름"),
        Message("%(n)s건", plural="%(n)s건들"),
    ]


TEXTS = st.text(st.characters(exclude_characters="\0\x04\r", exclude_categories=["Cs"]), min_size=1)
MESSAGES = st.builds(Message, TEXTS.filter(str.strip), st.just("") | TEXTS)


@search(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(MESSAGES, st.tuples(TEXTS.filter(str.strip)), max_size=6))
def test_python_reads_what_was_written_and_compiled(catalog: dict[Message, tuple[str]]) -> None:
    assert read_po(write_po(catalog)) == catalog
    read = gettext.GNUTranslations(io.BytesIO(compile_mo(catalog)))
    for message, (translation,) in catalog.items():
        found = read.pgettext(message.context, message.text) if message.context else read.gettext(message.text)
        assert found == translation


def test_a_person_switches_to_english_and_back(houses: TwoHouses, client: Client) -> None:
    call = finished_call(houses.ours)
    client.force_login(houses.ours.agent)
    page = f"/calls/{call.pk}/"
    assert '<html lang="ko"' in client.get(page).content.decode()
    answer = client.post("/i18n/setlang/", {"language": "en", "next": page}, follow=True)
    text = answer.content.decode()
    assert '<html lang="en"' in text
    for words in ("Approve", "Action items", "Transcript", "Caller", "Telecom", "No evidence found"):
        assert words in text
    assert "할 일" not in text
    assert "오만 사천 원" in text, "what was said stays as it was said"
    back = client.post("/i18n/setlang/", {"language": "ko", "next": page}, follow=True).content.decode()
    assert "할 일" in back


@pytest.mark.parametrize("path", ["/calls/", "/batches/", "/training/", "/webhooks/", "/login/", "/calls/?q=없는말"])
def test_no_korean_is_left_on_an_english_page(houses: TwoHouses, client: Client, path: str) -> None:
    User.objects.filter(pk=houses.ours.admin.pk).update(username="alice")
    if path != "/login/":
        client.force_login(User.objects.get(username="alice"))
    client.cookies["django_language"] = "en"
    text = client.get(path).content.decode()
    meant = re.sub(r'<[^>]*lang="ko"[^>]*>[^<]*|value="없는말"', "", text)
    assert HANGUL.findall(meant) == []
