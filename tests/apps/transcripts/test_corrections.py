"""Correcting a transcript on its page: kept with its history, found by the search, safe from a second recognition."""

import re

import pytest
from django.test import Client

from apps.calls.models import Call
from apps.transcripts.models import TranscriptChange, TranscriptSegment
from tests.calls import LINES, add_transcript, finished_call
from tests.people import TwoHouses

BEFORE, AFTER = LINES[1][1], "요금이 칠만 원이나 나왔어요."


@pytest.fixture
def call(houses: TwoHouses, client: Client) -> Call:
    client.force_login(houses.ours.agent)
    return finished_call(houses.ours)


def _correct(client: Client, call: Call, after: str, before: str = BEFORE) -> int:
    return client.post(f"/transcripts/{call.pk}/2/", {"before": before, "text": after}).status_code


def _text(call: Call) -> str:
    return TranscriptSegment.objects.get(call=call, number=2).text


def test_a_correction_is_kept_with_its_history(call: Call, client: Client, houses: TwoHouses) -> None:
    assert _correct(client, call, AFTER) == 200
    change = TranscriptChange.objects.get(call=call)
    assert (change.author, change.before, change.after) == (houses.ours.agent, BEFORE, AFTER)
    assert BEFORE in client.get(f"/transcripts/{call.pk}/2/").content.decode()
    assert str(call.pk) in client.get("/calls/", {"q": "칠만"}).content.decode()


def test_a_correction_makes_the_summary_stale(call: Call, client: Client) -> None:
    assert not _tells_that_it_is_stale(client, call)
    _correct(client, call, AFTER)
    assert _tells_that_it_is_stale(client, call)


def _tells_that_it_is_stale(client: Client, call: Call) -> bool:
    page = client.get(f"/calls/{call.pk}/").content.decode()
    (notice,) = re.findall(r"<form[^>]* data-stale[^>]*>(?=.*이 요약을 만든 뒤에 대화를 고쳤습니다)", page)
    return " hidden" not in notice


def test_of_two_corrections_the_second_is_told(call: Call, client: Client) -> None:
    assert _correct(client, call, AFTER) == 200
    assert _correct(client, call, "요금이 구만 원이나 나왔어요.") == 409
    assert _text(call) == AFTER
    assert _correct(client, call, "요금이 구만 원이나 나왔어요.", before=AFTER) == 200


def test_recognition_run_again_keeps_a_correction(call: Call, client: Client) -> None:
    _correct(client, call, AFTER)
    add_transcript(call)
    assert _text(call) == AFTER


@pytest.mark.parametrize("text", ["", "  \n ", "가" * 5001])
def test_a_line_that_cannot_be_kept_is_refused(call: Call, client: Client, text: str) -> None:
    assert _correct(client, call, text) == 422
    assert _text(call) == BEFORE and not TranscriptChange.objects.exists()


def test_parties_are_named_and_swapped(call: Call, client: Client) -> None:
    client.post(f"/transcripts/{call.pk}/parties/", {"name-A": "김상담", "name-B": ""})
    assert "김상담" in client.get(f"/calls/{call.pk}/").content.decode()
    client.post(f"/transcripts/{call.pk}/swap/")
    parties = TranscriptSegment.objects.filter(call=call).values_list("party", flat=True)
    assert list(parties) == ["B", "A", "B", "A"]
    client.post(f"/transcripts/{call.pk}/parties/", {"name-A": "가" * 41})
    assert "김상담" in client.get(f"/calls/{call.pk}/").content.decode()


def test_an_address_of_no_line_is_404(call: Call, client: Client) -> None:
    for number in (0, 99, 10**30):
        assert client.get(f"/transcripts/{call.pk}/{number}/").status_code == 404
