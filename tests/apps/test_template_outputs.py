"""What a template asks stands in every output: its fields, its sections in their order, its lengths. And a correction
keeps the fields, unless somebody was quicker.
"""

import json
from typing import Any

import pytest
from django.test import Client
from django.utils import translation

from apps.calls.exports.document import document_of
from apps.calls.exports.files import FORMATS
from apps.calls.exports.material import material_of
from apps.calls.exports.tables import csv_lines
from apps.calls.filters import CallFilter
from apps.calls.models import Call
from apps.calls.selectors import find_calls
from apps.summaries.changes import changes_between
from apps.summaries.models import Summary
from apps.summaries.services import add_model_summary, correct_summary
from apps.summary_templates.services import add_template
from apps.summary_templates.uses import use_of
from tests.apps.api.asking import Program
from tests.calls import finished_call, summary
from tests.people import TwoHouses
from workers.contracts.template import CustomField, FilledField, Limits, TemplateSpec

SPEC = TemplateSpec(
    sections=("fields", "actions", "topics"),
    limits=Limits(topics=1, points=1),
    fields=(CustomField(label="방문 주소", type="address"), CustomField(label="차", type="car")),
)
FILLED = [
    FilledField(label="방문 주소", type="address", text="서초구 반포대로 1", evidence=(2,)),
    FilledField(label="차", type="car"),
]


@pytest.fixture
def call(houses: TwoHouses) -> Call:
    """A call summarized with SPEC."""
    made = finished_call(houses.ours)
    template = add_template(organization=made.organization, name="방문", spec=SPEC, actor=houses.ours.admin)
    add_model_summary(
        call_id=made.pk,
        organization_id=made.organization_id,
        content=summary(),
        model_version="m",
        usage={},
        template={
            "version_id": template.versions.get().pk,
            "fields": [field.model_dump(mode="json") for field in FILLED],
        },
    )
    return made


def _newest(call: Call) -> Summary:
    return Summary.objects.filter(call=call).order_by("-version")[0]


def test_text_and_clipboard_follow_the_template(houses: TwoHouses, client: Client, call: Call) -> None:
    with translation.override("ko"):
        text = FORMATS["txt"].content(material_of([call])[0]).decode()
    client.force_login(houses.ours.agent)
    page = client.get(f"/calls/{call.pk}/").content.decode().split('<pre id="plain-summary" hidden>')[1]
    for shown in (text.split("[00:00:00]")[0], page.split("</pre>")[0]):
        assert "- 방문 주소: 서초구 반포대로 1" in shown and "- 차: 대화에 없음" in shown
        assert shown.index("방문 주소") < shown.index("확인 후 다시 전화") < shown.index("청구 금액")
        assert "알려 주기로 함" not in shown and "청구를 문의함" not in shown


def test_documents_follow_the_template(call: Call) -> None:
    from io import BytesIO

    import docx

    (material,) = material_of([call])
    with translation.override("ko"):
        file = docx.Document(BytesIO(FORMATS["docx"].content(material)))
        document = document_of(material)
    cells = [cell.text for table in file.tables for row in table.rows for cell in row.cells]
    assert {"방문 주소", "서초구 반포대로 1", "차", "대화에 없음"} <= set(cells)
    assert "결정" not in [paragraph.text for paragraph in file.paragraphs]
    assert ("템플릿", "방문") in document.facts and "분야" not in dict(document.facts)


def test_the_pdf_follows_the_template(call: Call) -> None:
    from django.template.loader import render_to_string

    with translation.override("ko"):
        page = render_to_string("calls/document.html", {"document": document_of(material_of([call])[0])})
    assert "방문 주소" in page and "대화에 없음" in page and "알려 주기로" not in page.replace("</i> <i>", " ")


def test_json_csv_search_and_api_hold_the_fields(houses: TwoHouses, call: Call) -> None:
    content = json.loads(FORMATS["json"].content(material_of([call])[0]))
    assert content["template"] == {"name": "방문", "version": 1}
    assert (content["sections"], content["fields"][0]["text"]) == (list(SPEC.sections), "서초구 반포대로 1")
    head, row = (line.split(",") for line in "".join(csv_lines([call])).strip().splitlines())
    assert row[head.index("fields")] == "방문 주소: 서초구 반포대로 1; 차: 대화에 없음"
    assert (row[head.index("decisions")], row[head.index("agent")]) == ("", houses.ours.agent.username)
    assert list(find_calls(houses.ours.agent, CallFilter(text="반포대로"))) == [call]
    program = Program(houses.ours.agent)
    shown = program.read(f"/calls/{call.pk}/summary")
    assert (shown["template"]["name"], shown["template"]["limits"]["points"]) == ("방문", 1)
    assert shown["fields"][0]["label"] == "방문 주소" and shown["content"]["decisions"]
    assert program.read(f"/calls/{call.pk}")["fields"] == shown["fields"]
    assert [one["template"] is None for one in program.read(f"/calls/{call.pk}/summaries")["items"]] == [False, True]


def _form(client: Client, made: Summary) -> dict[str, Any]:
    form = client.get(f"/summaries/{made.pk}/correct/").context["form"]
    return {field.html_name: "" if field.value() is None else field.value() for field in form}


def test_a_correction_keeps_the_fields_and_may_change_them(houses: TwoHouses, client: Client, call: Call) -> None:
    client.force_login(houses.ours.agent)
    first = _newest(call)
    asked = _form(client, first) | {"field-0": "서초구 반포대로 2", "field-1": "12가 3456"}
    assert client.post(f"/summaries/{first.pk}/correct/", asked).status_code == 303
    second, use = _newest(call), use_of(_newest(call))
    assert second.version == first.version + 1 and use is not None
    assert [field["text"] for field in use.fields] == ["서초구 반포대로 2", "12가 3456"]
    lines = [line for part in changes_between(first, second) for line in part.lines if line.sign != "same"]
    assert any("12가" in run.text for line in lines for run in line.runs)
    content = second.content | {"title": "고침"}
    path = f"/calls/{call.pk}/summary"
    kept = Program(houses.ours.agent).ask("PUT", path, content | {"seen": second.version})
    assert [field["text"] for field in json.loads(kept.content)["fields"]] == ["서초구 반포대로 2", "12가 3456"]
    other = [{"label": "없는 칸", "type": "name", "text": "x"}]
    wrong = Program(houses.ours.agent).ask("PUT", path, content | {"seen": second.version + 1, "fields": other})
    assert (wrong.status_code, json.loads(wrong.content)["code"]) == (422, "bad_summary")


def test_a_stale_correction_does_not_win(houses: TwoHouses, client: Client, call: Call) -> None:
    client.force_login(houses.ours.agent)
    base = _newest(call)
    asked = _form(client, base) | {"title": "내가 쓴 제목"}
    correct_summary(base=base, content=base.content | {"title": "남이 쓴 제목"}, actor=houses.ours.reviewer)
    answer = client.post(f"/summaries/{base.pk}/correct/", asked)
    page = answer.content.decode()
    assert answer.status_code == 409 and _newest(call).content["title"] == "남이 쓴 제목"
    assert "내가 쓴 제목" in page and "남이 쓴" in page
    again = {field.html_name: "" if field.value() is None else field.value() for field in answer.context["form"]}
    assert client.post(f"/summaries/{base.pk}/correct/", again).status_code == 303
    assert _newest(call).content["title"] == "내가 쓴 제목"
