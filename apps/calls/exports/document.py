"""A call as a document that people print, file and send: what the DOCX and the PDF both show, already in words.

Knows the summary as the call page reads it; how a document looks is the business of `word` and `pdf`.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from django.utils import formats, timezone
from django.utils.translation import gettext as _

from apps.calls.exports.material import Material
from apps.core.templatetags.yoyak import clock, spent
from apps.intake.selectors import details_of
from apps.summaries.reading import Claim
from apps.summary_templates.shaping import View


@dataclass(frozen=True)
class Line:
    """A line of the transcript; `party` is empty where the one before goes on, `at` where there are no times."""

    number: int
    party: str
    at: str
    text: str


@dataclass(frozen=True)
class Document:
    """`facts` are pairs of a name and what is known; `view` is None for a call without summary."""

    title: str
    facts: tuple[tuple[str, str], ...]
    view: View | None
    lines: tuple[Line, ...]
    timed: bool

    def places(self, claim: Claim) -> str:
        """Return where the evidence of `claim` stands: times, or the numbers of lines that have none."""
        return ", ".join(clock(cited.start_s) if self.timed else f"#{cited.number}" for cited in claim.evidence)


def document_of(material: Material) -> Document:
    """Return `material` as a document in the active language."""
    view = material.view
    return Document(
        title=(view.reading.title if view else "") or material.call.title,
        facts=tuple((name, text) for name, text in _facts(material) if text),
        view=view,
        lines=tuple(_lines(material)),
        timed=material.timed,
    )


def _facts(material: Material) -> Iterator[tuple[str, str]]:
    call, shown, view, details = material.call, material.shown, material.view, details_of(material.call)
    yield _("통화 이름"), call.title
    yield _("일시"), formats.date_format(timezone.localtime(call.happened_at), "Y-m-d H:i T")
    yield _("길이"), "" if call.duration_s is None else spent(call.duration_s)
    if details is not None:
        yield _("방향"), details.get_direction_display()
        yield _("고객 전화"), details.customer_phone
        yield _("외부 ID"), details.external_id
    if view is None or shown is None:
        return
    if "kinds" in view.sections and view.reading.content.method != "empty":
        yield _("분야"), view.reading.category
        yield _("결과"), view.reading.outcome
        yield _("고객 반응"), view.reading.sentiment
    yield _("요약"), shown.author.username if shown.author else shown.model_version
    approver = shown.approved_by.username if shown.approved_by else ""
    yield _("승인한 사람"), approver if shown.state == shown.State.APPROVED else ""
    if material.use:
        yield _("템플릿"), material.use.version.template.name


def _lines(material: Material) -> Iterator[Line]:
    before = None
    for segment in material.segments:
        opens = segment.party != before
        before = segment.party
        at = clock(segment.start_s) if material.timed else ""
        yield Line(segment.number, party_name(material.speaker(segment.party)) if opens else "", at, segment.text)


def party_name(speaker: str) -> str:
    """Return what the page calls a party that has no name; a name stays as it is."""
    names = {"A": _("받은 쪽"), "B": _("건 쪽"), "?": _("알 수 없음")}
    return names.get(speaker, speaker)


def claim_text(claim: Claim) -> str:
    """Return the words of `claim` with the reading of its values in brackets: 오만 사천 원(54,000원)."""
    pieces = (f"{piece.text}({piece.normalized})" if piece.normalized else piece.text for piece in claim.pieces)
    return "".join(pieces)
