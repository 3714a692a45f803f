"""A call as DOCX, as word processors read it, with the Korean font set for East Asian text.

python-docx is loaded when the first DOCX is asked for, so that a web process that makes none stays small.
"""

import io
import re
from collections.abc import Iterable
from typing import Any

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from apps.calls.exports.document import Document, claim_text, document_of
from apps.calls.exports.material import Material
from apps.calls.exports.texts import when_told
from apps.summaries.reading import Claim
from apps.summary_templates.shaping import View
from workers.contracts.template import Section

FONT = "Malgun Gothic"
_STYLES = ("Normal", "Title", "Heading 1", "List Bullet", "Table Grid", "Subtitle")
# A name and what is known under it.
_PAIRS_CM = (3.2, 13.3)
_GREY, _AMBER = "5D6069", "8A5A00"
# XML 1.0 has no place for these, and python-docx refuses them.
_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def docx(material: Material) -> bytes:
    """Return the call as DOCX."""
    import docx as python_docx

    document, file = document_of(material), python_docx.Document()
    _prepare(file, document.title)
    file.add_heading(_plain(document.title), 0)
    if document.view is not None and document.view.reading.one_line.pieces:
        file.add_paragraph(_plain(claim_text(document.view.reading.one_line)), "Subtitle")
    _table(file, document.facts, widths_cm=_PAIRS_CM)
    if document.view is not None:
        _summary(file, document, document.view)
    _transcript(file, document)
    buffer = io.BytesIO()
    file.save(buffer)
    return buffer.getvalue()


def _plain(text: str) -> str:
    return _NOT_XML.sub(" ", text)


def _prepare(file: Any, title: str) -> None:
    from docx.oxml.ns import qn
    from docx.shared import Cm, Pt, RGBColor

    for name in _STYLES:
        style = file.styles[name]
        style.font.name = FONT
        fonts = style.element.get_or_add_rPr().get_or_add_rFonts()
        for theme in ("asciiTheme", "hAnsiTheme", "eastAsiaTheme", "cstheme"):
            fonts.attrib.pop(qn(f"w:{theme}"), None)
        fonts.set(qn("w:eastAsia"), FONT)
    for name, size, color in (
        ("Normal", 10, "1D1E22"),
        ("Title", 20, "1D1E22"),
        ("Subtitle", 12, "1D1E22"),
        ("Heading 1", 13, "3B56C9"),
    ):
        font = file.styles[name].font
        font.size, font.color.rgb, font.italic = Pt(size), RGBColor.from_string(color), False
    for section in file.sections:
        section.page_width, section.page_height = Cm(21), Cm(29.7)
        section.left_margin = section.right_margin = Cm(2.2)
        section.top_margin = section.bottom_margin = Cm(2)
    file.core_properties.title, file.core_properties.author = _plain(title)[:255], "Yoyak"
    file.core_properties.language = get_language() or "ko"


def _summary(file: Any, document: Document, view: View) -> None:
    for section in view.sections:
        _section(file, document, view, section)
    reading = view.reading
    if reading.doubtful:
        file.add_heading(_("근거를 찾지 못함"), 1)
        _grey(file.add_paragraph(), _("대화에서 확인되지 않은 내용입니다. 사실로 보지 마세요."))
        _points(file, document, reading.doubtful, mark="? ")


def _section(file: Any, document: Document, view: View, section: Section) -> None:
    reading = view.reading
    if section == "fields" and view.fields:
        file.add_heading(_("우리 조직의 필드"), 1)
        rows = [(row.label, claim_text(row.claim) if row.claim else _("대화에 없음")) for row in view.fields]
        _table(file, rows, widths_cm=_PAIRS_CM)
    if section == "actions" and reading.actions:
        file.add_heading(_("할 일"), 1)
        items = [(claim.who, claim_text(claim), when_told(claim), document.places(claim)) for claim in reading.actions]
        head = (_("누가"), _("무엇을"), _("언제"), _("근거"))
        _table(file, [head, *items], widths_cm=(2.6, 8.4, 3.4, 2.1), head=True)
    if section == "decisions" and reading.decisions:
        file.add_heading(_("결정"), 1)
        _points(file, document, reading.decisions)
    for topic in reading.topics if section == "topics" else ():
        file.add_heading(_plain(topic.title), 1)
        _points(file, document, topic.points)


def _points(file: Any, document: Document, claims: Iterable[Claim], mark: str = "") -> None:
    for claim in claims:
        paragraph = file.add_paragraph(style="List Bullet")
        if mark:
            _colored(paragraph, f"{mark}{claim.label} · " if claim.label else mark, _AMBER)
        said = " · ".join(filter(None, (claim.who, claim_text(claim), when_told(claim))))
        paragraph.add_run(_plain(said))
        if places := document.places(claim):
            _grey(paragraph, f"  {places}")


def _transcript(file: Any, document: Document) -> None:
    from docx.shared import Cm, Pt

    if document.lines:
        file.add_heading(_("대화"), 1)
    for line in document.lines:
        paragraph = file.add_paragraph()
        layout = paragraph.paragraph_format
        layout.left_indent, layout.first_line_indent = Cm(4), Cm(-4)
        layout.tab_stops.add_tab_stop(Cm(1.6))
        layout.tab_stops.add_tab_stop(Cm(4))
        layout.space_after, layout.space_before = Pt(2), Pt(6 if line.party else 0)
        _grey(paragraph, f"{line.at or line.number}\t")
        paragraph.add_run(f"{_plain(line.party)}\t").bold = True
        paragraph.add_run(_plain(line.text))


def _table(file: Any, rows: Iterable[tuple[str, ...]], *, widths_cm: tuple[float, ...], head: bool = False) -> None:
    from docx.shared import Cm

    table = file.add_table(rows=0, cols=len(widths_cm), style="Table Grid")
    table.autofit = False
    # Word reads the widths of the cells, others those of the columns.
    for column, width_cm in zip(table.columns, widths_cm, strict=True):
        column.width = Cm(width_cm)
    for number, texts in enumerate(rows):
        for column, (cell, text) in enumerate(zip(table.add_row().cells, texts, strict=True)):
            cell.width = Cm(widths_cm[column])
            cell.paragraphs[0].add_run(_plain(text)).bold = number == 0 if head else column == 0
    file.add_paragraph()


def _grey(paragraph: Any, text: str) -> None:
    _colored(paragraph, text, _GREY)


def _colored(paragraph: Any, text: str, color: str) -> None:
    from docx.shared import RGBColor

    paragraph.add_run(_plain(text)).font.color.rgb = RGBColor.from_string(color)
