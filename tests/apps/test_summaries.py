"""Correcting and approving a summary through the page's own forms."""

from typing import Any

import pytest
from django.test import Client

from apps.calls.models import Call
from apps.jobs.models import Job
from apps.summaries.models import Summary
from apps.summaries.selectors import current_summary
from tests.calls import finished_call, summarize, summary
from tests.people import TwoHouses


@pytest.fixture
def call(houses: TwoHouses, client: Client) -> Call:
    client.force_login(houses.ours.agent)
    return finished_call(houses.ours)


def _form(client: Client, call: Call) -> tuple[str, dict[str, Any]]:
    """Return the address of the correction page and what its form would send unchanged."""
    made = current_summary(call)
    assert made is not None
    address = f"/summaries/{made.pk}/correct/"
    form = client.get(address).context["form"]
    return address, {name: form[name].value() for name in form.fields}


def _shown(call: Call) -> Summary:
    made = current_summary(call)
    assert made is not None
    return made


def test_an_approved_summary_says_who_and_when(call: Call, client: Client, houses: TwoHouses) -> None:
    made = _shown(call)
    answer = client.post(f"/summaries/{made.pk}/approve/", follow=True)
    assert "요약을 승인했습니다" in answer.content.decode()
    made.refresh_from_db()
    assert (made.state, made.approved_by) == (Summary.State.APPROVED, houses.ours.agent)


def test_a_form_sent_unchanged_changes_nothing(call: Call, client: Client) -> None:
    before = _shown(call).content
    address, fields = _form(client, call)
    assert client.post(address, fields).status_code == 303
    assert _shown(call).content == before


def test_a_correction_is_a_version_that_a_person_vouches_for(call: Call, client: Client, houses: TwoHouses) -> None:
    first = _shown(call)
    address, fields = _form(client, call)
    fields |= {"title": "고친 제목", "point-0-1": "환불은 정해지지 않음", "point-0-1-evidence": "3, 4", "action-0": ""}
    fields |= {"decision-1": "내일 다시 통화", "decision-1-evidence": "3번 줄"}
    answer = client.post(address, fields | {"approve": "1"}, follow=True)
    assert "고친 제목" in answer.content.decode()
    corrected = _shown(call)
    assert (corrected.base, corrected.author, corrected.state) == (first, houses.ours.agent, "approved")
    content = corrected.content
    assert content["title"] == "고친 제목"
    assert content["topics"][0]["points"][1] | {"values": []} == {
        "text": "환불은 정해지지 않음", "evidence": [3, 4], "values": [], "supported": True,
    }  # fmt: skip
    assert content["actions"] == []
    assert (content["decisions"][1]["text"], content["decisions"][1]["evidence"]) == ("내일 다시 통화", [3])
    assert content["unsupported"] == 0
    first.refresh_from_db()
    assert first.content["title"] != "고친 제목", "the model's version stays as it was"


def test_a_persons_version_stays_in_front_of_the_models(call: Call, client: Client) -> None:
    client.post(f"/summaries/{_shown(call).pk}/approve/")
    newer = summarize(call, summary("모델의 새 제목"))
    page = client.get(f"/calls/{call.pk}/")
    assert page.context["summary"].version == 1
    earlier = client.get(f"/calls/{call.pk}/", {"version": str(newer.version)})
    assert earlier.context["reading"].title == "모델의 새 제목"
    assert "이전 요약" in earlier.content.decode()


def test_white_space_pasted_into_the_title_does_no_harm(call: Call, client: Client) -> None:
    address, fields = _form(client, call)
    client.post(address, fields | {"title": "요금\t문의 "})
    assert Summary.objects.latest("version").content["title"] == "요금 문의"


@pytest.mark.parametrize(
    "change", [{"title": ""}, {"title": "가" * 201}, {"category": "없는 분야"}, {"one_line": "가" * 1001}]
)
def test_what_cannot_be_kept_is_refused_and_not_lost(call: Call, client: Client, change: dict[str, str]) -> None:
    address, fields = _form(client, call)
    answer = client.post(address, fields | {"decision-1": "적어 둔 결정"} | change)
    assert answer.status_code == 422
    assert "저장하지 못했습니다" in answer.content.decode()
    assert "적어 둔 결정" in answer.content.decode()
    assert Summary.objects.count() == 1


def test_quoted_sentences_are_approved_only_after_a_correction(houses: TwoHouses, client: Client) -> None:
    client.force_login(houses.ours.agent)
    call = finished_call(houses.ours, content=summary(method="extractive"))
    page = client.get(f"/calls/{call.pk}/").content.decode()
    assert "원문 문장으로 요약했습니다" in page and "/approve/" not in page
    refused = client.post(f"/summaries/{_shown(call).pk}/approve/", follow=True)
    assert "고친 뒤에 승인할 수 있습니다" in refused.content.decode()
    address, fields = _form(client, call)
    client.post(address, fields | {"title": "사람이 쓴 제목", "approve": "1"})
    assert _shown(call).state == "approved"


def test_a_summary_can_be_made_again(call: Call, client: Client) -> None:
    assert client.post(f"/calls/{call.pk}/regenerate/").status_code == 303
    assert Job.objects.filter(call=call, state="queued").count() == 1


def test_what_nobody_said_is_shown_apart(call: Call, client: Client) -> None:
    reading = client.get(f"/calls/{call.pk}/").context["reading"]
    assert [claim.pieces[0].text for claim in reading.doubtful] == ["38만 원"]
    assert all("38만 원" not in piece.text for t in reading.topics for c in t.points for piece in c.pieces)
