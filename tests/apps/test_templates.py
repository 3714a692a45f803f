"""Summary templates over HTTP and the pipeline: written by administrators, tried, chosen, and named by summaries."""

import uuid
from typing import Any

import pytest
from django.test import Client

from apps.accounts.models import AccessLog, Membership, Team
from apps.jobs.models import Job
from apps.jobs.requests import request_summary
from apps.summaries.models import Summary
from apps.summary_templates.models import SummaryTemplate, TemplatePreview, TemplateUse
from apps.summary_templates.selectors import current_version
from apps.summary_templates.services import add_template
from apps.summary_templates.uses import use_of
from tests.calls import finished_call, summary
from tests.people import TwoHouses
from workers import pipeline, previews
from workers.contracts.template import CustomField, Limits, TemplateSpec
from workers.stages import summarize as stage

FORM = {
    "name": "방문 수리",
    "section-0": "fields",
    "section-1": "one_line",
    "section-2": "topics",
    "limit-points": "1",
    "field-0-label": "청구 금액",
    "field-0-type": "money",
    "field-1-label": "방문 주소",
    "field-1-type": "address",
}
SPEC = TemplateSpec(
    sections=("fields", "one_line", "topics"),
    limits=Limits(points=1),
    fields=(CustomField(label="청구 금액", type="money"), CustomField(label="방문 주소", type="address")),
)


class Fake:
    """A summarizer that always writes the summary of tests/calls.py and keeps what it was asked."""

    asked: list[str] = []

    def summarize(self, segments: Any, report: Any, wishes: str) -> tuple[Any, dict[str, float]]:
        self.asked.append(wishes)
        return summary(), {}


@pytest.fixture(autouse=True)
def fake(monkeypatch: pytest.MonkeyPatch) -> type[Fake]:
    Fake.asked = []
    monkeypatch.setattr(stage, "load_summarizer", lambda _: Fake())
    return Fake


@pytest.fixture
def admin(houses: TwoHouses, client: Client) -> Client:
    client.force_login(houses.ours.admin)
    return client


def _add(houses: TwoHouses, name: str = "방문 수리", spec: TemplateSpec = SPEC) -> SummaryTemplate:
    return add_template(organization=houses.ours.organization, name=name, spec=spec, actor=houses.ours.admin)


def _run(call: Any) -> Summary:
    job = Job.objects.get(call=call, state="queued")
    Job.objects.filter(pk=job.pk).update(stage="summarize")
    pipeline.run_job(job.pk)
    job.refresh_from_db()
    assert job.state == "done", job.reason
    return Summary.objects.filter(call=call).latest("version")


def test_a_template_is_written_and_each_change_is_a_version(admin: Client, houses: TwoHouses) -> None:
    answer = admin.post("/templates/new/", FORM)
    template = SummaryTemplate.objects.get()
    assert (answer.status_code, answer["Location"]) == (303, f"/templates/{template.pk}/")
    assert TemplateSpec.model_validate(current_version(template).content) == SPEC
    admin.post(answer["Location"], FORM)
    assert current_version(template).number == 1, "the same again is no new version"
    admin.post(answer["Location"], FORM | {"limit-points": "2"})
    assert current_version(template).number == 2
    assert AccessLog.objects.filter(action="add_template", object_id=template.pk).exists()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"name": ""}, "필수"),
        ({"section-0": "", "section-1": "", "section-2": ""}, "적어도 한 자리"),
        ({"section-1": "fields"}, "두 번 있습니다"),
        ({"section-1": "weather"}, "weather"),
        ({"limit-points": "51"}, "50"),
        ({"limit-points": "x"}, "정수"),
        ({"field-0-label": ""}, "필드 이름이 없습니다"),
        ({"field-0-type": ""}, "종류를 골라 주세요"),
        ({"field-1-label": "청구 금액"}, "두 번 있습니다"),
        ({"field-0-clues": ",".join("가나다라마바사아자")}, "한도는 8개"),
        ({"field-0-clues": "가" * 41}, "한도는 40자"),
        ({"field-0-label": "청구\x01금액"}, "올바른 값을 입력하세요"),
        ({"field-0-clues": "청구\x01금액"}, "올바른 값을 입력하세요"),
    ],
)
def test_what_is_missing_or_malformed_is_said(admin: Client, change: dict[str, str], said: str) -> None:
    answer = admin.post("/templates/new/", FORM | change)
    assert answer.status_code == 422
    assert said in answer.content.decode()
    assert not SummaryTemplate.objects.exists()


def test_a_name_is_taken_once_in_each_organization(admin: Client, houses: TwoHouses, client: Client) -> None:
    _add(houses)
    answer = admin.post("/templates/new/", FORM)
    assert answer.status_code == 422 and "이미 있습니다" in answer.content.decode()
    client.force_login(houses.theirs.admin)
    assert client.post("/templates/new/", FORM).status_code == 303


def test_the_default_shapes_the_summary_and_is_named(admin: Client, houses: TwoHouses) -> None:
    template, call = _add(houses), finished_call(houses.ours)
    admin.post(f"/templates/{template.pk}/default/")
    admin.post(f"/calls/{call.pk}/regenerate/")
    made = _run(call)
    use = TemplateUse.objects.get(summary=made)
    assert [(field["label"], field["normalized"], field["evidence"]) for field in use.fields] == [
        ("청구 금액", "54,000원", [2]),
        ("방문 주소", "", []),
    ]
    page = admin.get(f"/calls/{call.pk}/").content.decode()
    assert "템플릿 방문 수리 버전 1" in page and "대화에 없음" in page
    assert "확인 뒤 알려 주기로 함" not in page, "a section that is not asked for is not shown"
    assert made.content["decisions"], "but it is kept"
    admin.post(f"/templates/{template.pk}/default/", {"on": "0"})
    assert not SummaryTemplate.objects.filter(is_default=True).exists()


def test_a_template_is_chosen_for_a_call_and_kept_for_the_next_time(houses: TwoHouses, client: Client) -> None:
    template, other, call = _add(houses), _add(houses, "짧게", TemplateSpec()), finished_call(houses.ours)
    SummaryTemplate.objects.filter(pk=other.pk).update(is_default=True)
    client.force_login(houses.ours.agent)
    client.post(f"/templates/call/{call.pk}/", {"template": str(template.pk)})
    assert use_of(_run(call)).version.template == template  # type: ignore[union-attr]
    request_summary(call=call, actor=None)
    assert use_of(_run(call)).version.template == template  # type: ignore[union-attr]
    client.post(f"/templates/call/{call.pk}/", {"template": ""})
    assert use_of(_run(call)).version.template == other  # type: ignore[union-attr]
    for bad in ("x", str(uuid.uuid4())):
        assert client.post(f"/templates/call/{call.pk}/", {"template": bad}).status_code == 404


def test_a_team_has_templates_and_a_default_of_its_own(admin: Client, houses: TwoHouses, client: Client) -> None:
    house = houses.ours
    team = Team.objects.create(organization=house.organization, name="야간")
    Membership.objects.filter(user=house.agent).update(team=team)
    everybody = _add(houses, "모두", TemplateSpec())
    admin.post("/templates/new/", FORM | {"team": str(team.pk)})
    own = SummaryTemplate.objects.get(name="방문 수리")
    for template in (everybody, own):
        admin.post(f"/templates/{template.pk}/default/")
    assert SummaryTemplate.objects.filter(is_default=True).count() == 2
    for owner, expected in ((house.agent, own), (house.colleague, everybody)):
        call = finished_call(house, owner, title=owner.username)
        request_summary(call=call, actor=None)
        assert use_of(_run(call)).version.template == expected  # type: ignore[union-attr]
    assert "1개 있어" in admin.post(f"/teams/{_empty(team).pk}/remove/", follow=True).content.decode()
    client.force_login(house.colleague)
    assert "방문 수리" not in client.get("/templates/").content.decode()
    client.force_login(house.admin)
    client.post(f"/templates/{own.pk}/", FORM | {"team": ""})
    own.refresh_from_db()
    assert (own.team, own.is_default) == (None, False)
    client.post(f"/templates/{own.pk}/", FORM | {"team": str(team.pk)})
    client.post(f"/templates/{own.pk}/retire/")
    client.post(f"/teams/{team.pk}/remove/")
    assert not Team.objects.exists()


def _empty(team: Team) -> Team:
    Membership.objects.filter(team=team).update(team=None)
    return team


def test_a_batch_uses_the_template_it_was_started_with(admin: Client, houses: TwoHouses) -> None:
    template = _add(houses)
    calls = [finished_call(houses.ours, title=f"통화 {n}") for n in range(2)]
    keys = [str(call.pk) for call in calls]
    answer = admin.post("/batches/start/", {"calls": keys, "template": str(template.pk)})
    assert answer.status_code == 303 and answer["Location"].startswith("/batches/")
    assert all(use_of(_run(call)).version.template == template for call in calls)  # type: ignore[union-attr]


def test_a_preview_keeps_no_summary(admin: Client, houses: TwoHouses) -> None:
    call, template = finished_call(houses.ours), _add(houses, spec=SPEC.model_copy(update={"tone": "formal"}))
    sent = FORM | {"call": str(call.pk), "template": str(template.pk), "tone": "notes"}
    answer = admin.post("/templates/preview/", sent)
    preview = TemplatePreview.objects.get()
    assert answer["Location"] == f"/templates/preview/{preview.pk}/"
    assert "요약하는 중" in admin.get(answer["Location"]).content.decode()
    previews.answer(preview.pk)
    polled = admin.get(answer["Location"], headers={"HX-Request": "true"})
    text = polled.content.decode()
    assert polled.status_code == 286 and "54,000원" in text and "대화에 없음" in text
    assert "말투와 언어를 따르지 못합니다" in text
    assert preview.content["tone"] == "formal", "what cannot be chosen stays as it was"
    assert Summary.objects.filter(call=call).count() == 1


def test_a_preview_with_faults_is_the_page_of_its_template(admin: Client, houses: TwoHouses) -> None:
    call, template = finished_call(houses.ours), _add(houses)
    wrong = FORM | {"call": str(call.pk), "name": ""}
    page = admin.post("/templates/preview/", wrong | {"template": str(template.pk)})
    assert page.status_code == 422 and f'action="/templates/{template.pk}/"' in page.content.decode()
    assert f"<h1>{template.name}</h1>" in page.content.decode()
    assert 'action="/templates/new/"' in admin.post("/templates/preview/", wrong).content.decode()


def test_tone_and_language_are_chosen_only_for_a_model_that_follows(admin: Client, settings: Any) -> None:
    own = admin.get("/templates/new/").content.decode()
    assert '<select name="tone" disabled id="id_tone">' in own and "말투와 언어를 따르지 못합니다" in own
    settings.ENV = settings.ENV.model_copy(update={"llm_base_url": "http://localhost:1/v1"})
    served = admin.get("/templates/new/").content.decode()
    assert '<select name="tone" id="id_tone">' in served and "말투와 언어를 따르지 못합니다" not in served
    admin.post("/templates/new/", FORM | {"tone": "polite", "language": "en"})
    kept = current_version(SummaryTemplate.objects.get()).content
    assert (kept["tone"], kept["language"]) == ("polite", "en")


def test_versions_are_read_compared_and_restored(admin: Client, houses: TwoHouses) -> None:
    template = _add(houses)
    page = f"/templates/{template.pk}/"
    field = {"field-1-label": "약속 일시", "field-1-type": "appointment", "field-1-clues": "예약, 방문"}
    admin.post(page, FORM | {"limit-points": "", **field})
    assert f'href="{page}versions/1/"' in admin.get(page).content.decode()
    text = " ".join(admin.get(f"{page}versions/2/").content.decode().split())
    assert "<del>방문 주소 (주소)</del>" in text
    assert "<ins>약속 일시 (약속 일시; 실마리 말: 예약, 방문)</ins>" in text
    assert "<del>1</del> <ins>제한 없음</ins>" in text and f"{page}versions/2/restore/" not in text
    first = " ".join(admin.get(f"{page}versions/1/").content.decode().split())
    assert "청구 금액 (금액)" in first and "<ins>" not in first
    assert "<ins>" in admin.get(f"{page}versions/1/?from=2").content.decode()
    assert admin.post(f"{page}versions/1/restore/").status_code == 303
    newest = current_version(template)
    assert newest.number == 3 and TemplateSpec.model_validate(newest.content) == SPEC
    for nowhere in (f"{page}versions/9/", f"{page}versions/2/?from=9"):
        assert admin.get(nowhere).status_code == 404
    assert admin.post(f"{page}versions/9/restore/").status_code == 404


def test_wishes_reach_a_served_model_only(
    houses: TwoHouses, settings: Any, fake: type[Fake], monkeypatch: pytest.MonkeyPatch
) -> None:
    template, call = _add(houses, spec=TemplateSpec(language="en")), finished_call(houses.ours)
    SummaryTemplate.objects.filter(pk=template.pk).update(is_default=True)
    request_summary(call=call, actor=None)
    _run(call)
    settings.ENV = settings.ENV.model_copy(update={"llm_base_url": "http://localhost:1/v1"})
    request_summary(call=call, actor=None)
    _run(call)
    assert fake.asked[0] == "" and "English" in fake.asked[1]


def test_a_retired_template_is_out_of_use_but_still_named(admin: Client, houses: TwoHouses) -> None:
    template, call = _add(houses), finished_call(houses.ours)
    admin.post(f"/templates/call/{call.pk}/", {"template": str(template.pk)})
    made = _run(call)
    admin.post(f"/templates/{template.pk}/retire/")
    assert admin.get(f"/templates/{template.pk}/").status_code == 404
    assert use_of(made) is not None
    request_summary(call=call, actor=None)
    assert use_of(_run(call)) is None
    assert admin.post("/templates/new/", FORM).status_code == 303, "its name is free again"
