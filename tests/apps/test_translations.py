"""English is complete: all strings are translated, the compiled catalogue is the edited one, the pages switch."""

import gettext
import io
import re
from html.parser import HTMLParser
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core import serializers
from django.test import Client
from hypothesis import HealthCheck, given
from hypothesis import settings as search
from hypothesis import strategies as st

from config.messages import FOLDER, Message, compile_mo, gather, read_po, write_po
from tests.apps.test_access import ROUTES, address_of, ours  # noqa: F401
from tests.calls import finished_call
from tests.people import TwoHouses

PO = settings.BASE_DIR / FOLDER / "django.po"
HANGUL = re.compile(r"[가-힣]")
HANGUL_WORD = re.compile(r"[가-힣]+")
VOID = {"meta", "link", "input", "br", "hr", "img", "source", "col"}
# Pages that no route names, and pages in another state.
MORE = ["/nowhere/", "/calls/?q=zzz", "/actions/?whose=all&state=all", "/api/v1/docs/", "/ledger/?days=7"]
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


class Shown(HTMLParser):
    """Collects what a page shows that is not marked as Korean: texts, and the attributes that are read out."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[tuple[str, bool]] = []
        self.texts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = {name: value or "" for name, value in attrs}
        korean = said["lang"] == "ko" if "lang" in said else self._in_korean
        if not korean:
            self.texts += [said[name] for name in ("title", "aria-label", "placeholder", "alt") if name in said]
        if tag not in VOID:
            self.open.append((tag, korean))

    def handle_endtag(self, tag: str) -> None:
        while tag not in VOID and self.open.pop()[0] != tag:
            pass

    def handle_data(self, data: str) -> None:
        if not self._in_korean:
            self.texts.append(data)

    @property
    def _in_korean(self) -> bool:
        return bool(self.open) and self.open[-1][1]


def test_no_korean_but_data_is_left_on_any_english_page(
    houses: TwoHouses,
    client: Client,
    ours: dict[str, Any],  # noqa: F811
) -> None:
    """Walk every address as the administrator and as the operator; what the database holds may be Korean."""
    data = _all_data()
    seen, left = set[str](), list[str]()
    for user in (houses.ours.admin, houses.ours.operator, None):
        client.force_login(user) if user else client.logout()
        client.cookies["django_language"] = "en"
        addresses = [address_of(name, ours) for name in sorted(ROUTES)] + MORE
        for address in (each for each in addresses if each not in seen):
            answer = client.get(address)
            if answer.status_code in (301, 302, 303, 405) or not answer.get("Content-Type", "").startswith("text/html"):
                continue
            seen.add(address)
            shown = Shown()
            shown.feed(answer.content.decode())
            words = [word for text in shown.texts for word in HANGUL_WORD.findall(text)]
            left += [f"{address}: {word}" for word in words if word not in data]
    assert len(seen) > 35
    assert left == []


def _all_data() -> str:
    models = [model for model in apps.get_models() if model.__module__.startswith("apps.")]
    return "".join(serializers.serialize("json", model.objects.all(), ensure_ascii=False) for model in models)
