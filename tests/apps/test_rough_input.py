"""What no person types: the character NUL in a text, ranges of thousands of digits, days before all calendars; what a
program sends twice or in another encoding; and a database that is gone.
"""

import json
from base64 import urlsafe_b64encode
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import OperationalError
from django.test import Client

from apps.api import insights
from apps.calls.models import Call
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


@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31"])
def test_days_at_the_ends_of_the_calendar(houses: TwoHouses, client: Client, day: str) -> None:
    call = finished_call(houses.ours)
    client.force_login(houses.ours.admin)
    assert str(call.pk) in client.get("/calls/", {"since": "0001-01-01", "until": "9999-12-31"}).content.decode()
    for page in ("/calls/", "/calls/live/", "/calls/export.csv", "/access-log/", "/access-log.csv"):
        for end in ("since", "until"):
            assert client.get(page, {end: day}).status_code < 300, (page, end)
    assert client.get("/calls/", {"as_of": f"{day}T12:00:00{'+' if day[0] == '0' else '-'}14:00"}).status_code == 200


@pytest.mark.parametrize(
    "place", ["-1", "calls:list", "//evil.example/", "https://evil.example/", "javascript:alert(1)"]
)
def test_only_a_page_of_this_site_is_gone_back_to(houses: TwoHouses, client: Client, place: str) -> None:
    call = finished_call(houses.ours)
    client.force_login(houses.ours.agent)
    answer = client.post(f"/calls/{call.pk}/retry/", {"next": place})
    assert (answer.status_code, answer["Location"][0], "evil" in answer["Location"]) == (303, "/", False)


def test_text_that_is_not_utf_8_is_not_kept_as_question_marks(houses: TwoHouses) -> None:
    program, name = Program(houses.ours.agent), "환불".encode("cp949")
    part = b'--b\r\nContent-Disposition: form-data; name="%s\r\n\r\n%s\r\n'
    title, file = part % (b'title"', name), part % (b'file"; filename="a.wav"', b"x")
    named = part % (b'file"; filename="%s.wav"' % name, b"x")
    form = "multipart/form-data; boundary=b"
    for answer, status in (
        (program.ask("GET", "/calls?q=" + "".join(f"%{byte:02x}" for byte in name)), 400),
        (program.ask("POST", "/calls", title + file + b"--b--\r\n", form), 400),
        (program.ask("POST", "/calls", named + b"--b--\r\n", form), 422),
    ):
        assert answer.status_code == status
        assert "UTF-8" in json.loads(answer.content)["detail"]
    assert not Call.objects.exists()


def test_nothing_that_came_twice_is_left_out_in_silence(houses: TwoHouses) -> None:
    program = Program(houses.ours.agent)
    files = [SimpleUploadedFile(f"{n}.wav", bytes([n])) for n in range(2)]
    for form in ({"file": files}, {"file": files[0], "more": files[1]}, {"file": files[0], "title": ["a", "b"]}):
        answer = program.send("/calls", **form)
        assert (answer.status_code, json.loads(answer.content)["code"]) == (422, "invalid")
    assert program.ask("GET", "/calls?tag=a&tag=b").status_code == 422
    assert not Call.objects.exists()


@pytest.mark.parametrize(
    ("path", "body", "words"),
    [
        ("/calls?limit=101", None, "limit: Input should be less than or equal to 100 (101)"),
        ("/calls", {"title": "x" * 301, "turns": [{"text": "a"}]}, "at most 300 characters (301)"),
        ("/calls", {"title": "x" * 2**22, "turns": []}, "the limit is 4194304"),
        ("/uploads", {"file_name": "a", "size_bytes": 2**40}, "1048576 MB"),
    ],
)
def test_a_refusal_names_the_value_and_the_limit(houses: TwoHouses, path: str, body: Any, words: str) -> None:
    answer = Program(houses.ours.agent).ask("POST" if body else "GET", path, body, **{"accept-language": "en"})
    assert answer.status_code in (413, 422)
    assert words in json.loads(answer.content)["detail"]


def test_programs_read_the_values_of_a_refusal(houses: TwoHouses) -> None:
    program = Program(houses.ours.agent)
    upload = json.loads(program.ask("POST", "/uploads", {"file_name": "a.wav", "size_bytes": 4}).content)
    refused = program.ask("PUT", f"/uploads/{upload['id']}?offset=2", b"x", "application/octet-stream")
    assert json.loads(refused.content)["values"] == {"sent": 2, "offset": 0}
    calls = [program.send("/calls", file=SimpleUploadedFile("a.wav", b"x")) for _ in range(2)]
    assert json.loads(calls[1].content)["values"] == {"call_id": json.loads(calls[0].content)["id"]}


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2026-01-01T00:00:00"])
@pytest.mark.parametrize("path", ["/calls", "/actions", "/batches", "/access-log", "/webhooks", "/training/runs"])
def test_a_cursor_that_somebody_wrote(houses: TwoHouses, path: str, moment: str) -> None:
    last = "1" if path == "/access-log" else str(houses.ours.admin.pk)
    cursor = urlsafe_b64encode(f"{moment}|{last}".encode()).decode().rstrip("=")
    answer = Program(houses.ours.admin).ask("GET", f"{path}?cursor={cursor}")
    assert (answer.status_code, json.loads(answer.content)["code"]) == (422, "bad_cursor")
