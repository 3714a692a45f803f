"""What the operations do, from the first upload to the batch; cursors, idempotency, and bodies that make no sense."""

import json
from base64 import urlsafe_b64encode
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.api.idempotency import prune_answers
from apps.api.models import KeptAnswer
from apps.api.operations import OPERATIONS
from apps.calls import searching
from apps.calls.models import Call, Recording
from apps.intake.services import keep_details
from apps.summaries.services import add_model_summary
from tests.apps.api.asking import BASE, TURNS, Program
from tests.calls import finished_call, summary
from tests.people import TwoHouses
from workers.contracts.summary import ActionItem, CallSummary, Statement


def _summarize(call_id: str) -> None:
    call = Call.objects.get(pk=call_id)
    content = CallSummary(title="환불", one_line=Statement(text="환불을 물었다."))
    add_model_summary(
        call_id=call.pk, organization_id=call.organization_id, content=content, model_version="m", usage={}
    )


def _upload(program: Program, content: bytes, **fields: str) -> Any:
    file = SimpleUploadedFile("통화.wav", content)
    headers = {"authorization": f"Bearer {program.token}"}
    return program.client.post(f"{BASE}/calls", {"file": file, **fields}, headers=headers)


def test_a_transcript_on_its_way(houses: TwoHouses) -> None:
    program = Program(houses.ours.agent)
    call_id = program.add_call()
    call = program.read(f"/calls/{call_id}")
    assert (call["title"], call["job"]["state"], call["created_by"]) == ("문의", "queued", str(houses.ours.agent.pk))
    assert program.read(f"/jobs/{call['job']['id']}")["share"] < 1
    lines = program.read(f"/calls/{call_id}/transcript")["segments"]
    assert [(line["number"], line["party"], line["text"]) for line in lines] == [
        (1, "A", TURNS[0]["text"]),
        (2, "B", TURNS[1]["text"]),
    ]
    assert program.ask("GET", f"/calls/{call_id}/summary").status_code == 404
    assert program.ask("POST", f"/calls/{call_id}/summary/approve").status_code == 404
    (found,) = program.read("/calls?q=신용카드&party=B")["items"]
    assert found["hits"][0]["number"] == 2
    assert [f["text"] for f in found["hits"][0]["fragments"] if f["marked"]] == ["신용 카드"]
    cancelled = program.ask("POST", f"/jobs/{call['job']['id']}/cancel")
    assert json.loads(cancelled.content)["state"] == "cancelled"
    assert program.ask("DELETE", f"/calls/{call_id}").status_code == 204
    assert program.ask("GET", f"/calls/{call_id}").status_code == 404


def test_a_summary_is_corrected_approved_and_made_again(houses: TwoHouses) -> None:
    program = Program(houses.ours.agent)
    call_id = program.add_call()
    _summarize(call_id)
    first = program.read(f"/calls/{call_id}/summary")
    assert (first["version"], first["content"]["title"]) == (1, "환불")
    content = first["content"] | {"title": "카드 환불", "outcome": "pending"}
    assert program.ask("PUT", f"/calls/{call_id}/summary", content).status_code == 422, "it must say what it saw"
    assert program.ask("PUT", f"/calls/{call_id}/summary", content | {"seen": 1}).status_code == 200
    stale = program.ask("PUT", f"/calls/{call_id}/summary", content | {"seen": 1})
    assert (stale.status_code, json.loads(stale.content)["code"]) == (409, "summary_changed")
    assert json.loads(stale.content)["current"]["version"] == 2
    approved = json.loads(program.ask("POST", f"/calls/{call_id}/summary/approve").content)
    assert (approved["version"], approved["state"], approved["by_person"]) == (2, "approved", True)
    assert program.read("/calls?outcome=pending")["items"][0]["id"] == call_id
    again = program.ask("POST", f"/calls/{call_id}/summary/regenerate")
    assert (again.status_code, json.loads(again.content)["state"]) == (202, "queued")


@pytest.mark.parametrize("title", ["", " \u3000", "두\n줄", "가" * 201])
def test_a_correction_has_the_title_that_the_form_asks_for(houses: TwoHouses, title: str) -> None:
    program = Program(houses.ours.agent)
    call_id = program.add_call()
    _summarize(call_id)
    content = program.read(f"/calls/{call_id}/summary")["content"] | {"seen": 1}
    refused = program.ask("PUT", f"/calls/{call_id}/summary", content | {"title": title})
    assert (refused.status_code, program.read(f"/calls/{call_id}/summary")["version"]) == (422, 1)
    assert program.ask("PUT", f"/calls/{call_id}/summary", content | {"title": "가" * 200}).status_code == 200


def test_a_summary_says_the_day_of_each_action_beside_its_words(houses: TwoHouses) -> None:
    program = Program(houses.ours.agent)
    actions = (ActionItem(who="상담원", what="전화", when="내일 오후 2시까지"), ActionItem(who="고객", what="답"))
    content = summary().model_copy(update={"actions": actions})
    call = finished_call(houses.ours, content=content)
    Call.objects.filter(pk=call.pk).update(happened_at=datetime(2026, 11, 30, 16, tzinfo=UTC))
    dues = [{"due_on": "2026-12-02", "due_time": "14:00:00"}, {"due_on": None, "due_time": None}]
    shown = program.read(f"/calls/{call.pk}/summary")
    assert shown["dues"] == dues, "counted from the day in Korea"
    assert [one["dues"] for one in program.read(f"/calls/{call.pk}/summaries")["items"]] == [dues]
    kept = program.ask("PUT", f"/calls/{call.pk}/summary", shown["content"] | {"seen": 1})
    assert json.loads(kept.content)["dues"] == dues, "what was read is taken as it is"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"topics": [{"title": "가" * 1001}]}, "topics.0.title — 1001 > 1000"),
        ({"one_line": {"text": "가" * 1001}}, "one_line — 1001 > 1000"),
        ({"one_line": {"text": "가", "evidence": [1, 3]}}, "one_line.evidence — #3"),
        ({"topics": [{"title": "가", "points": [{"text": "가", "evidence": [0]}]}]}, "topics.0.points.0.evidence — #0"),
        ({"actions": [{"who": "가", "what": "가", "when": "가" * 1001}]}, "actions.0 — 1001 > 1000"),
        ({"decisions": [{"text": "가", "evidence": [99]}]}, "decisions.0.evidence — #99 (≤ 2)"),
    ],
)
def test_a_correction_rests_on_lines_that_there_are(houses: TwoHouses, change: dict[str, Any], words: str) -> None:
    program = Program(houses.ours.agent)
    call_id = program.add_call()
    _summarize(call_id)
    content = {"seen": 1, "title": "환불", "one_line": {"text": "환불을 물었다.", "evidence": [2]}}
    refused = program.ask("PUT", f"/calls/{call_id}/summary", content | change)
    assert (refused.status_code, json.loads(refused.content)["code"]) == (422, "bad_summary")
    assert words in json.loads(refused.content)["detail"]
    assert program.ask("PUT", f"/calls/{call_id}/summary", content).status_code == 200


def test_a_recording_is_taken_in_once(houses: TwoHouses) -> None:
    program = Program(houses.ours.agent)
    answer = _upload(program, b"\0" * 800, title="첫 통화", codec="mulaw", rate_hz="8000")
    assert answer.status_code == 201, answer.content
    recording = Recording.objects.get(call=answer.json()["id"])
    assert (recording.declared_codec, recording.declared_rate_hz, recording.size_bytes) == ("mulaw", 8000, 800)
    assert recording.call.title == "첫 통화"
    assert _upload(program, b"\0" * 800).json()["code"] == "duplicate"
    assert _upload(program, b"").json()["code"] == "empty_file"
    assert _upload(program, b"x", rate_hz="-1").status_code == 422
    assert _upload(program, b"x", surprise="1").status_code == 422
    headers = {"authorization": f"Bearer {program.token}"}
    assert program.client.post(f"{BASE}/calls", {"title": "x"}, headers=headers).status_code == 422


def test_a_recording_too_large_is_refused_before_it_is_read(houses: TwoHouses, settings: Any) -> None:
    settings.ENV = settings.ENV.model_copy(update={"max_upload_mb": 1})
    program = Program(houses.ours.agent)
    for size, code in ((3 << 20, "too_large"), ((1 << 20) + 1, "too_large")):
        answer = _upload(program, bytes(size))
        assert (answer.status_code, answer.json()["code"]) == (413, code)
    assert not Call.objects.exists()


def test_a_moment_of_a_far_zone_is_a_moment(houses: TwoHouses) -> None:
    program = Program(houses.ours.agent)
    assert (
        program.ask("GET", "/calls?until=2020-01-01T00:00:00%2B16:42&since=0580-10-22T13:17:56-22:59").status_code
        == 200
    )


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00%2B14:00", "9999-12-31T23:59:59-14:00", "2026-13-01", "12"])
def test_a_moment_that_no_calendar_has_is_refused(houses: TwoHouses, moment: str) -> None:
    assert Program(houses.ours.agent).ask("GET", f"/calls?since={moment}").status_code == 422


def test_pages_do_not_shift_when_calls_come_in(houses: TwoHouses) -> None:
    program = Program(houses.ours.agent)
    known = [program.add_call(str(n)) for n in range(5)]
    first = program.read("/calls?limit=2")
    program.add_call("later")
    seen = [item["id"] for item in first["items"]]
    cursor = first["next_cursor"]
    while cursor:
        page = program.read(f"/calls?limit=2&cursor={cursor}")
        seen += [item["id"] for item in page["items"]]
        cursor = page["next_cursor"]
    assert seen == known[::-1]
    assert program.ask("GET", "/calls?cursor=abc").status_code == 422


@pytest.mark.parametrize("moment", ["9999-12-31T23:59:59.999999+00:00", "0001-01-01T00:00:00+14:00"])
def test_a_cursor_at_the_end_of_the_calendar_is_answered(houses: TwoHouses, moment: str) -> None:
    cursor = urlsafe_b64encode(f"{moment}|{uuid4()}".encode()).decode().rstrip("=")
    answer = Program(houses.ours.agent).ask("GET", f"/calls?q=환불&cursor={cursor}")
    assert answer.status_code in {200, 422}, answer.content


@pytest.mark.parametrize("apart_s", [0, 1])
def test_a_search_turns_its_pages_among_the_newest_first(
    houses: TwoHouses, monkeypatch: pytest.MonkeyPatch, apart_s: int
) -> None:
    monkeypatch.setattr(searching, "_NEWEST", 2)
    program, moment = Program(houses.ours.agent), timezone.now()
    known, seen, cursor = [program.add_call(str(n)) for n in range(6)], [], ""
    for number, key in enumerate(known):
        at = moment - timedelta(seconds=number // 3 + number * apart_s)
        keep_details(call=Call.objects.get(pk=key), started_at=at)
    while not seen or cursor:
        page = program.read(f"/calls?q=신용카드&limit=1&cursor={cursor}")
        seen += [item["id"] for item in page["items"]]
        cursor = page["next_cursor"]
    assert seen == [str(call.pk) for call in Call.objects.order_by("-happened_at", "pk")]


def test_a_repeated_request_is_done_once(houses: TwoHouses) -> None:
    program, body = Program(houses.ours.agent), {"title": "한 번", "turns": TURNS}
    first = program.ask("POST", "/calls", body, **{"idempotency-key": "k1"})
    second = program.ask("POST", "/calls", body, **{"idempotency-key": "k1"})
    assert (first.status_code, second.status_code, second["Idempotency-Replayed"]) == (201, 201, "true")
    assert first.content == second.content
    assert Call.objects.count() == 1
    assert program.ask("POST", "/calls", body | {"title": "zwei"}, **{"idempotency-key": "k1"}).status_code == 422
    assert program.ask("POST", "/calls?x=1", body, **{"idempotency-key": "k1"}).status_code == 422
    other = Program(houses.theirs.agent).ask("POST", "/calls", body, **{"idempotency-key": "k1"})
    assert json.loads(other.content)["id"] != json.loads(first.content)["id"]
    KeptAnswer.objects.update(status=0)
    assert program.ask("POST", "/calls", body, **{"idempotency-key": "k1"}).status_code == 409
    refused = program.ask("POST", "/calls", {"title": "x", "turns": []}, **{"idempotency-key": "k2"})
    assert refused.status_code == 422
    assert program.ask("POST", "/calls", body, **{"idempotency-key": "k2"}).status_code == 201
    assert program.ask("POST", "/calls", body, **{"idempotency-key": "k" * 201}).status_code == 400


def test_a_key_stands_for_the_bytes_of_a_recording_and_its_fields(houses: TwoHouses) -> None:
    program = Program(houses.ours.agent)

    def send(content: bytes, title: str) -> Any:
        headers = {"authorization": f"Bearer {program.token}", "idempotency-key": "k"}
        file = SimpleUploadedFile("통화.wav", content)
        return program.client.post(f"{BASE}/calls", {"file": file, "title": title}, headers=headers)

    first = send(b"\0" * 800, "하나")
    assert send(b"\0" * 800, "하나").json() == first.json()
    for other in (send(b"\1" * 800, "하나"), send(b"\0" * 800, "다른")):
        assert (other.status_code, other.json()["code"]) == (422, "key_reused")


def test_kept_answers_go_with_their_day_and_their_call(houses: TwoHouses) -> None:
    program = Program(houses.ours.agent)
    call_id = program.add_call()
    for key, path in (("k1", f"/calls/{call_id}/parties/swap"), ("k2", "/tags")):
        body = {"name": "t", "calls": [call_id]} if path == "/tags" else None
        assert program.ask("POST", path, body, **{"idempotency-key": key}).status_code == 200
    assert "신용 카드" in KeptAnswer.objects.get(key="k1").body
    assert program.ask("DELETE", f"/calls/{call_id}").status_code == 204
    assert [kept.key for kept in KeptAnswer.objects.all()] == ["k2"]
    KeptAnswer.objects.update(created_at=timezone.now() - timedelta(days=2))
    prune_answers()
    assert not KeptAnswer.objects.exists()


def test_a_batch_of_calls(houses: TwoHouses) -> None:
    program = Program(houses.ours.agent)
    calls = [program.add_call() for _ in range(2)]
    answer = program.ask("POST", "/batches", {"name": "다시", "calls": calls})
    assert answer.status_code == 201, answer.content
    batch = json.loads(answer.content)
    assert (batch["counts"]["total"], "jobs" in batch) == (2, False)
    first = program.read(f"/batches/{batch['id']}/jobs?limit=1")
    rest = program.read(f"/batches/{batch['id']}/jobs?limit=1&cursor={first['next_cursor']}")
    assert ({job["call"] for job in first["items"] + rest["items"]}, rest["next_cursor"]) == (set(calls), "")
    cancelled = json.loads(program.ask("POST", f"/batches/{batch['id']}/cancel").content)
    assert (cancelled["counts"]["cancelled"], cancelled["share"]) == (2, 1.0)
    assert program.ask("POST", f"/batches/{batch['id']}/retry").status_code == 200


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 415),
        (b"{", 422),
        (b"[]", 422),
        (b"null", 422),
        (b'{"title": 1, "turns": []}', 422),
        (b'{"title": "x", "turns": [{"text": false}]}', 422),
        (b'{"title": "x", "turns": [{"text": "a"}], "extra": 1}', 422),
        (b'{"title": "\\u0000", "turns": [{"text": "a"}]}', 400),
        (b'{"title": "\\ud800", "turns": [{"text": "a"}]}', 422),
        (b'{"title": "x", "turns": [{"text": "  "}]}', 422),
        (b"[" * 100_000, 422),
        (b'{"title": "x", "turns": "' + b"a" * 5_000_000 + b'"}', 413),
    ],
    ids=range(12),
)
def test_a_body_without_sense_is_a_problem(houses: TwoHouses, body: bytes, status: int) -> None:
    answer = Program(houses.ours.agent).ask("POST", "/calls", body)
    assert answer.status_code == status
    assert answer["Content-Type"] == "application/problem+json"
    assert json.loads(answer.content)["status"] == status
    assert not Call.objects.exists()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    body=st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["title", "turns", "text", "speaker", "calls", "name"]), inner, max_size=3
            )
        ),
    ),
    path=st.sampled_from(["/calls", "/batches"]),
    query=st.dictionaries(
        st.sampled_from(["q", "cursor", "limit", "since", "party", "x"]), st.text(max_size=6), max_size=2
    ),
)
def test_nothing_a_program_sends_is_a_server_error(
    houses: TwoHouses, body: Any, path: str, query: dict[str, str]
) -> None:
    program = Program(houses.ours.agent)
    assert program.ask("POST", path, body).status_code < 500
    headers = {"authorization": f"Bearer {program.token}"}
    assert program.client.get(BASE + path, query, headers=headers).status_code < 500


def test_other_types_methods_and_addresses_are_problems(houses: TwoHouses) -> None:
    program = Program(houses.ours.agent)
    headers = {"authorization": f"Bearer {program.token}"}
    plain = program.client.post(f"{BASE}/calls", b"x", content_type="text/plain", headers=headers)
    broken = program.client.post(f"{BASE}/calls", b"x", content_type="multipart/form-data", headers=headers)
    assert (plain.status_code, broken.status_code) == (415, 400)
    wrong = program.ask("PATCH", "/calls")
    assert (wrong.status_code, wrong["Allow"]) == (405, "GET, POST")
    assert program.ask("GET", "/nothing/here").status_code == 404
    assert all(
        answer["Content-Type"] == "application/problem+json"
        for answer in (plain, broken, wrong, program.ask("GET", "/nothing/here"))
    )


def test_the_documentation_knows_every_operation(houses: TwoHouses) -> None:
    client = Client()
    described = client.get(f"{BASE}/openapi.json").json()
    assert described["paths"]["/calls"]["post"]["requestBody"]["content"].keys() == {
        "application/json",
        "multipart/form-data",
    }
    for reference in set(_references(described)):
        kind, name = reference.removeprefix("#/components/").split("/")
        assert name in described["components"][kind]
    assert client.get(f"{BASE}/docs/").status_code == 302
    client.force_login(houses.ours.agent)
    page = client.get(f"{BASE}/docs/").content.decode()
    assert "/calls/{call_id}/summary/approve</code>" in page
    assert "<script>" not in page


def _references(node: Any) -> list[str]:
    if isinstance(node, dict):
        own = [node["$ref"]] if isinstance(node.get("$ref"), str) else []
        return own + [found for value in node.values() for found in _references(value)]
    return [found for value in node for found in _references(value)] if isinstance(node, list) else []


def test_every_operation_is_documented_with_scope_refusals_and_examples_that_hold() -> None:
    described = Client().get(f"{BASE}/openapi.json").json()
    tags = {tag["name"] for tag in described["tags"]}
    for item in OPERATIONS:
        shape = described["paths"][f"/{item.path}"][item.method.lower()]
        assert shape["summary"] and set(shape["tags"]) <= tags
        assert shape["security"] == [{"bearer": [item.scope.value]}]
        assert {"401", "403", "422", "429", "default"} <= shape["responses"].keys()
        assert ("404" in shape["responses"]) == ("{" in item.path)
        for example in item.body.model_json_schema().get("examples", []) if item.body else []:
            item.body.model_validate_json(json.dumps(example), strict=True)
    assert described["paths"]["/calls/{call_id}/export"]["get"]["responses"]["200"]["content"].keys() >= {
        "application/pdf",
        "text/vtt",
    }
    written = {item.work.__name__ for item in OPERATIONS if item.body and "examples" in item.body.model_json_schema()}
    assert {"create_call", "create_batch", "create_template", "create_webhook", "put_summary"} <= written


def test_the_page_shows_examples_and_what_refusals_mean(houses: TwoHouses) -> None:
    client = Client()
    client.force_login(houses.ours.agent)
    page = client.get(f"{BASE}/docs/").content.decode()
    assert "무엇을 도와드릴까요?" in page and "Too many requests in this minute" in page
