"""What the telephone system told stands on the call's page and in its documents, for those who may see the call."""

from datetime import date, datetime

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django.utils import timezone, translation

from apps.actions.models import Action
from apps.calls.exports.document import document_of
from apps.calls.exports.material import material_of
from apps.calls.filters import CallFilter
from apps.calls.models import Call
from apps.calls.selectors import find_calls
from apps.insights.selectors import Period, overview
from apps.intake.models import CallDetails
from apps.intake.services import keep_details
from apps.transcripts.models import TranscriptSegment
from tests.apps.api.asking import Program
from tests.calls import finished_call, summarize, summary
from tests.people import House, TwoHouses


def _told(house: House) -> Call:
    call = finished_call(house)
    keep_details(
        call=call,
        external_id="CTI-42",
        started_at=timezone.make_aware(datetime(2024, 3, 1, 14, 30)),
        customer_phone="010-1234-5678",
        direction="outbound",
    )
    call.refresh_from_db()
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
    told = {"일시": "2024-03-01 14:30 KST", "방향": "발신", "고객 전화": "010-1234-5678", "외부 ID": "CTI-42"}
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


def test_a_call_happened_when_people_spoke(houses: TwoHouses, client: Client) -> None:
    told, now = _told(houses.ours), finished_call(houses.ours, title="오늘 통화")
    assert told.happened_at == timezone.make_aware(datetime(2024, 3, 1, 14, 30))
    assert (now.happened_at - now.created_at).total_seconds() < 1
    client.force_login(houses.ours.agent)
    rows = client.get("/calls/").context["rows"]
    assert [row.call.pk for row in rows] == [now.pk, told.pk]
    assert [row.call.pk for row in client.get("/calls/", {"until": "2024-03-01"}).context["rows"]] == [told.pk]
    page = Program(houses.ours.agent).read("/calls?limit=1")
    assert [item["id"] for item in page["items"]] == [str(now.pk)]
    following = Program(houses.ours.agent).read(f"/calls?limit=1&cursor={page['next_cursor']}")
    assert [item["happened_at"] for item in following["items"]] == ["2024-03-01T05:30:00Z"]
    assert overview(houses.ours.agent, Period(7)).calls == 1


def test_what_is_due_is_due_from_the_day_of_the_call(houses: TwoHouses) -> None:
    call = _told(houses.ours)
    Action.objects.all().delete()
    summarize(call, summary())
    assert Action.objects.get(call=call).due_on == date(2024, 3, 1)


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({"text": "CTI-42"}, True),
        ({"text": "01012345678"}, True),
        ({"text": "010-1234-5678"}, True),
        ({"phone": "1234 5678"}, True),
        ({"phone": "010-1234-5679"}, False),
        ({"phone": "번호"}, False),
        ({"external_id": "CTI-42"}, True),
        ({"external_id": "CTI-4"}, False),
        ({"direction": "outbound"}, True),
        ({"direction": "inbound"}, False),
        ({"party": "A"}, True),
        ({"party": "B"}, True),
    ],
)
def test_a_call_is_found_by_what_was_told(houses: TwoHouses, wanted: dict[str, str], found: bool) -> None:
    call = _told(houses.ours)
    asked = CallFilter(**wanted)  # type: ignore[arg-type]
    assert list(find_calls(houses.ours.agent, asked)) == ([call] if found else [])
    assert not find_calls(houses.theirs.admin, asked).exists()


def test_who_said_nothing_is_not_found(houses: TwoHouses) -> None:
    call = _told(houses.ours)
    TranscriptSegment.objects.filter(call=call).exclude(party="A").delete()
    assert list(find_calls(houses.ours.agent, CallFilter(party="A"))) == [call]
    assert not find_calls(houses.ours.agent, CallFilter(party="B")).exists()
