"""What the telephone system told stands on the call's page and in its documents, for those who may see the call."""

from datetime import datetime

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django.utils import timezone, translation

from apps.calls.exports.document import document_of
from apps.calls.exports.material import material_of
from apps.calls.models import Call
from apps.intake.models import CallDetails
from tests.calls import finished_call
from tests.people import House, TwoHouses


def _told(house: House) -> Call:
    call = finished_call(house)
    CallDetails.objects.create(
        call=call,
        organization=house.organization,
        external_id="CTI-42",
        started_at=timezone.make_aware(datetime(2024, 3, 1, 14, 30)),
        customer_phone="010-1234-5678",
        direction="outbound",
    )
    return call


def test_the_page_shows_what_was_told(houses: TwoHouses, client: Client) -> None:
    call = _told(houses.ours)
    client.force_login(houses.ours.agent)
    page = client.get(f"/calls/{call.pk}/").content.decode()
    for text in ("CTI-42", "010-1234-5678", "발신", "2024년 3월 1일 14:30"):
        assert text in page
    client.cookies["django_language"] = "en"
    page = client.get(f"/calls/{call.pk}/").content.decode()
    assert "Outbound" in page and "1 Mar 2024 14:30" in page
    client.force_login(houses.theirs.admin)
    assert client.get(f"/calls/{call.pk}/").status_code == 404


def test_a_document_is_dated_by_when_the_call_began(houses: TwoHouses) -> None:
    with translation.override("ko"):
        facts = dict(document_of(material_of([_told(houses.ours)])[0]).facts)
    told = {"일시": "2024-03-01 14:30", "방향": "발신", "고객 전화": "010-1234-5678", "외부 ID": "CTI-42"}
    assert told.items() <= facts.items()


def test_an_external_id_is_one_call_in_each_organization(houses: TwoHouses) -> None:
    _told(houses.ours)
    _told(houses.theirs)
    with pytest.raises(IntegrityError), transaction.atomic():
        CallDetails.objects.create(
            call=finished_call(houses.ours, title="다른 통화"),
            organization=houses.ours.organization,
            external_id="CTI-42",
        )


def test_the_summary_can_be_copied_as_text_with_doubts_apart(houses: TwoHouses, client: Client) -> None:
    client.force_login(houses.ours.agent)
    page = client.get(f"/calls/{finished_call(houses.ours).pk}/").content.decode()
    assert 'data-copy="plain-summary"' in page and "js/copy.js" in page
    facts, doubtful = page.split('<pre id="plain-summary" hidden>')[1].split("</pre>")[0].split("근거를 찾지 못함")
    assert "- 상담원 · 확인 후 다시 전화 · 오늘 오후 세 시" in facts and "38만 원" not in facts
    assert "? 38만 원을 돌려받기로 함" in doubtful
