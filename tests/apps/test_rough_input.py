"""What no person types: the character NUL in a text, ranges of thousands of digits; and a database that is gone."""

import json
from typing import Any

import pytest
from django.db import OperationalError
from django.test import Client

from apps.api import insights
from apps.core import views
from apps.transcripts.models import PartyName, TranscriptSegment
from tests.apps.api.asking import Program
from tests.calls import LINES, finished_call
from tests.people import TwoHouses


def test_nul_is_no_text(houses: TwoHouses, client: Client) -> None:
    call, program = finished_call(houses.ours), Program(houses.ours.agent)
    for query in ("q=%00", "tag=a%00", "%00=1"):
        answer = program.ask("GET", f"/calls?{query}")
        assert (answer.status_code, json.loads(answer.content)["code"]) == (400, "malformed")
    client.force_login(houses.ours.agent)
    assert client.get("/calls/?q=%00&tag=%00").status_code == 200
    asked = {"before": LINES[0][1], "text": "안녕\0하세요"}
    assert client.post(f"/transcripts/{call.pk}/1/", asked).status_code == 200
    client.post(f"/transcripts/{call.pk}/parties/", {"name-A": "김\0상담"})
    assert TranscriptSegment.objects.get(call=call, number=1).text == "안녕 하세요"
    assert PartyName.objects.get(call=call).name == "김 상담"


def test_a_range_of_thousands_of_digits(houses: TwoHouses, client: Client) -> None:
    call = finished_call(houses.ours)
    client.force_login(houses.ours.agent)
    for text in ("bytes=0-" + "9" * 5000, "bytes=" + "9" * 5000 + "-", "bytes=-" + "9" * 5000):
        assert client.get(f"/calls/{call.pk}/audio/", headers={"range": text}).status_code == 200


def _gone(*_: Any, **__: Any) -> None:
    raise OperationalError("the server closed the connection")


def test_an_api_that_breaks_says_so_as_a_problem(houses: TwoHouses, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(insights, "overview", _gone)
    answer = Program(houses.ours.agent).ask("GET", "/overview")
    assert (answer.status_code, answer["Content-Type"]) == (500, "application/problem+json")
    assert "server closed" not in answer.content.decode()


def test_without_a_database_the_installation_is_not_ready(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(views, "live_queues", _gone)
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()) == (503, {"database": "down"})
