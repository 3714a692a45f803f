"""DOCX and PDF: read back by what would read them, refused with the packages that are missing, fetching nothing."""

import io
import os
import re
import socket
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import docx as python_docx
import pytest
from django.core.management import call_command
from django.template.loader import render_to_string
from django.test import Client
from django.utils import timezone, translation
from django.utils.html import escape
from hypothesis import HealthCheck, given
from hypothesis import settings as search
from hypothesis import strategies as st

from apps.calls.exports import pdf as pdf_export
from apps.calls.exports.document import document_of
from apps.calls.exports.files import export_of
from apps.calls.exports.material import Material, material_of
from apps.calls.exports.pdf import set_pages
from apps.calls.exports.texts import txt
from apps.calls.exports.word import docx
from apps.calls.models import Call
from apps.core.errors import YoyakError
from apps.core.templatetags.printing import whole_words
from apps.core.templatetags.yoyak import day
from apps.transcripts.models import TranscriptSegment
from tests.apps.api.asking import Program
from tests.calls import finished_call
from tests.people import TwoHouses


@pytest.fixture(autouse=True)
def _korean() -> Iterator[None]:
    with translation.override("ko"):
        yield


@pytest.fixture
def call(houses: TwoHouses) -> Call:
    return finished_call(houses.ours, title="요금 문의 녹음")


def _docx_text(content: bytes) -> str:
    document = python_docx.Document(io.BytesIO(content))
    cells = [cell.text for table in document.tables for row in table.rows for cell in row.cells]
    return "\n".join([*(paragraph.text for paragraph in document.paragraphs), *cells])


def test_a_docx_holds_summary_actions_and_transcript(call: Call) -> None:
    content, chosen = export_of(call, "docx")
    document = python_docx.Document(io.BytesIO(content))
    texts = [paragraph.text for paragraph in document.paragraphs]
    assert chosen.media_type.endswith("wordprocessingml.document")
    assert texts[0] == "요금 과다 청구 문의"
    assert "고객이 오만 사천 원(54,000원) 청구를 문의함" in texts
    facts, actions = ([[cell.text for cell in row.cells] for row in table.rows] for table in document.tables)
    assert ["통화 이름", "요금 문의 녹음"] in facts and ["요약", "summarizer-test@1"] in facts
    for table, widths_cm in zip(document.tables, ((3.2, 13.3), (2.6, 8.4, 3.4, 2.1)), strict=True):
        assert [round(column.width.cm, 1) for column in table.columns] == list(widths_cm), "what LibreOffice reads"
    due = f"오늘 오후 세 시 · {day(timezone.localdate(call.happened_at))} 15:00"
    assert actions == [["누가", "무엇을", "언제", "근거"], ["상담원", "확인 후 다시 전화", due, "0:06"]]
    assert "0:03\t건 쪽\t요금이 오만 사천 원이나 나왔어요." in texts
    doubtful = texts.index("근거를 찾지 못함")
    assert all("38만 원" not in text for text in texts[:doubtful])
    assert "38만 원" in texts[doubtful + 2] and texts[doubtful + 2].startswith("? ")


def test_every_document_names_the_day_that_an_action_is_due(call: Call) -> None:
    call.happened_at = datetime(2020, 12, 3, 1, tzinfo=UTC)
    call.save()
    [material] = material_of([call])
    due = "오늘 오후 세 시 · 2020년 12월 3일 (목) 15:00"
    assert f"- 상담원 · 확인 후 다시 전화 · {due}" in txt(material)
    assert due in _docx_text(docx(material))
    assert f"<td>{due}" in render_to_string("calls/document.html", {"document": document_of(material)})
    with translation.override("en"):
        assert "오늘 오후 세 시 · Thu 3 Dec 2020 15:00" in txt(material)


def test_a_docx_sets_hangul_in_a_korean_font(call: Call) -> None:
    with zipfile.ZipFile(io.BytesIO(export_of(call, "docx")[0])) as archive:
        assert archive.testzip() is None
        styles = archive.read("word/styles.xml").decode()
    for name in ("Normal", "Title", "Heading1", "ListBullet"):
        style = re.search(rf'w:styleId="{name}".*?</w:style>', styles, re.DOTALL)
        assert style and 'w:eastAsia="Malgun Gothic"' in style[0], name
        assert "eastAsiaTheme" not in style[0]


def test_a_pdf_holds_hangul_in_its_own_font_and_the_title(call: Call) -> None:
    content, chosen = export_of(call, "pdf")
    assert chosen.media_type == "application/pdf" and content.startswith(b"%PDF-")
    streams = re.findall(rb"stream\n(.*?)\nendstream", content, re.DOTALL)
    inside = b"".join(zlib.decompressobj().decompress(stream) for stream in streams if stream.startswith(b"\x78"))
    assert re.search(rb"/BaseFont\s*/[A-Z]{6}\+Noto-Sans-CJK-KR", inside)
    assert "요금 과다 청구 문의".encode("utf-16-be").hex() in inside.hex() or (
        "요금 과다 청구 문의".encode("utf-16-be").hex().encode() in inside.lower()
    )


@pytest.mark.parametrize("name", ["pdf", "docx"])
def test_the_page_and_the_api_give_the_document(call: Call, houses: TwoHouses, client: Client, name: str) -> None:
    client.force_login(houses.ours.agent)
    address = f"/calls/{call.pk}/export.{name}"
    assert address in client.get(f"/calls/{call.pk}/").content.decode()
    answer = client.get(address)
    assert answer.status_code == 200 and answer["Content-Disposition"].endswith(f".{name}")
    program = Program(houses.ours.agent)
    given = program.ask("GET", f"/calls/{call.pk}/export?format={name}")
    assert (given.status_code, given["Content-Type"]) == (200, answer["Content-Type"])
    stranger = Program(houses.theirs.admin)
    assert stranger.ask("GET", f"/calls/{call.pk}/export?format={name}").status_code == 404


def test_an_english_reader_gets_english_words_around_what_was_said(
    call: Call, client: Client, houses: TwoHouses
) -> None:
    client.force_login(houses.ours.agent)
    client.cookies["django_language"] = "en"
    text = _docx_text(client.get(f"/calls/{call.pk}/export.docx").content)
    for word in ("Action items", "No evidence found", "Caller", "Telecom", "요금이 오만 사천 원이나 나왔어요."):
        assert word in text


def test_a_call_without_times_or_summary_is_still_a_document(houses: TwoHouses) -> None:
    call = Call.objects.create(organization=houses.ours.organization, title="메모", source=Call.Source.TRANSCRIPT)
    lines = [TranscriptSegment(number=1, party="상담원", start_s=0, end_s=0, text="네", confidence=1)]
    material = Material(call, lines, None, None, None, {})
    assert "1\t상담원\t네" in _docx_text(docx(material))
    assert (document_of(material).title, document_of(material).timed) == ("메모", False)


# what the system may lack


@pytest.fixture
def without_pango(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "weasyprint.py").write_text("raise OSError('cannot load library libpango-1.0-0')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setattr(pdf_export, "_INHERITED", (*pdf_export._INHERITED, "PYTHONPATH"))


@pytest.mark.usefixtures("without_pango")
def test_without_pango_people_and_programs_are_told_the_package(call: Call, client: Client, houses: TwoHouses) -> None:
    client.force_login(houses.ours.agent)
    for language, words in (("ko", "시스템 패키지"), ("en", "system packages")):
        client.cookies["django_language"] = language
        shown = client.get(f"/calls/{call.pk}/export.pdf", follow=True).content.decode()
        assert words in shown and "libpango-1.0-0" in shown
    answer = Program(houses.ours.agent).ask("GET", f"/calls/{call.pk}/export?format=pdf")
    assert (answer.status_code, answer.json()["code"]) == (501, "pdf_missing")
    assert client.get(f"/calls/{call.pk}/export.docx").status_code == 200


@pytest.mark.parametrize("fonts", ["", "/usr/share/fonts/truetype"])
def test_without_a_korean_font_no_page_of_boxes_is_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fonts: str
) -> None:
    config = tmp_path / "fonts.conf"
    config.write_text(f'<?xml version="1.0"?><fontconfig><dir>{fonts or tmp_path}</dir></fontconfig>')
    monkeypatch.setenv("FONTCONFIG_FILE", str(config))
    with pytest.raises(YoyakError) as refusal:
        set_pages("<p>안녕하세요")
    assert refusal.value.values == {"packages": "fonts-noto-cjk"}


@pytest.mark.django_db
@pytest.mark.usefixtures("without_pango")
def test_the_doctor_names_the_package_and_goes_on() -> None:
    out = io.StringIO()
    try:
        call_command("doctor", stdout=out)
    except SystemExit as end:
        pytest.fail(f"a PDF is not needed: {end}\n{out.getvalue()}")
    assert "– PDF" in out.getvalue() and "apt-get install libpango-1.0-0" in out.getvalue()


def test_a_page_that_cannot_be_set_is_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pdf_export, "_TIMEOUT_S", 0.01)
    with pytest.raises(YoyakError, match="pdf_failed"):
        set_pages("<p>가")


# nothing is fetched, nothing is believed


def test_nothing_is_fetched(tmp_path: Path) -> None:
    (tmp_path / "secret.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg"><text y="9">geheim</text></svg>')
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.1)
        host = f"http://127.0.0.1:{server.getsockname()[1]}"
        page = f"""<link rel=stylesheet href="{host}/a.css"><img src="{host}/b.png"><p>가</p>
            <style>@import "{host}/c.css"; p {{ background: url({host}/d.png) }}</style>
            <object data="file://{tmp_path}/secret.svg"></object><img src="file://{tmp_path}/secret.svg">"""
        assert len(set_pages(page)) < len(set_pages("<p>가</p>")) + 2000
        with pytest.raises(TimeoutError):
            server.accept()


def test_what_was_said_is_text_not_markup(call: Call) -> None:
    (material,) = material_of([call])
    material.segments[0].text = "<script>alert(1)</script><img src=x> & 끝"
    assert "0:00\t받은 쪽\t<script>alert(1)</script><img src=x> & 끝" in _docx_text(docx(material))


def test_a_pdf_takes_characters_that_no_font_has(call: Call) -> None:
    (material,) = material_of([call])
    material.segments[0].text = "\x00\x08\x1b\u2028\u202e\ud800\ufffe\U000e0001 끝"
    assert pdf_export.pdf(material).startswith(b"%PDF")


@search(deadline=None, max_examples=30, suppress_health_check=list(HealthCheck))
@given(text=st.text(st.characters(), max_size=60))
def test_any_character_can_be_written(call: Call, text: str) -> None:
    (material,) = material_of([call])
    material.segments[0].text = material.call.title = text
    kept = "".join(c for c in text if c.isalnum())
    assert "".join(c for c in _docx_text(docx(material)) if c.isalnum()).count(kept) >= 1


@given(st.text(max_size=200))
def test_words_stay_whole_and_no_letter_is_lost(text: str) -> None:
    assert re.sub(r"</?i>", "", whole_words(text)) == escape(text)
    assert whole_words("청구를 문의함") == "<i>청구를</i> <i>문의함</i>"


def test_the_web_process_loads_neither_library_to_make_a_pdf() -> None:
    code = (
        "import sys, django; django.setup();"
        "from apps.calls.exports.files import FORMATS; from apps.calls.exports.pdf import set_pages;"
        "assert set_pages('<p>가').startswith(b'%PDF');"
        "sys.exit(any(name in sys.modules for name in ('weasyprint', 'docx', 'fontTools', 'lxml')))"
    )
    environment: dict[str, Any] = os.environ | {"DJANGO_SETTINGS_MODULE": "config.settings"}
    assert subprocess.run([sys.executable, "-c", code], env=environment, check=False, timeout=200).returncode == 0
