"""A recording that comes in parts: broken off and resumed, checked at the end, forgotten after a day."""

import hashlib
import json
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from django.conf import settings
from django.utils import timezone
from hypothesis import HealthCheck, given
from hypothesis import settings as search
from hypothesis import strategies as st

from apps.calls.models import Call, Recording
from apps.jobs.models import Job
from apps.uploads import services
from apps.uploads.files import held, path_of
from apps.uploads.models import Upload
from tests.apps.api.asking import BASE, Program
from tests.people import TwoHouses

CONTENT = bytes(range(256)) * 40


def _begin(program: Program, content: bytes = CONTENT, **more: Any) -> str:
    body = {"file_name": "통화.wav", "size_bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    answer = program.ask("POST", "/uploads", body | more)
    assert answer.status_code == 201, answer.content
    return str(json.loads(answer.content)["id"])


def _put(program: Program, upload: str, offset: object, part: bytes) -> tuple[int, dict[str, Any]]:
    answer = program.client.generic(
        "PUT",
        f"{BASE}/uploads/{upload}?offset={offset}",
        part,
        content_type="application/octet-stream",
        headers={"authorization": f"Bearer {program.token}"},
    )
    return answer.status_code, json.loads(answer.content)


def _finish(program: Program, upload: str) -> tuple[int, dict[str, Any]]:
    answer = program.ask("POST", f"/uploads/{upload}/finish")
    return answer.status_code, json.loads(answer.content)


def test_in_parts_with_a_break(houses: TwoHouses) -> None:
    program = Program(houses.ours.agent)
    upload = _begin(program, title="이어 올린 통화", codec="mulaw", rate_hz=8000)
    assert _put(program, upload, 0, CONTENT[:4000])[1]["offset"] == 4000
    status, refused = _put(program, upload, 0, CONTENT[:4000])
    assert (status, refused["code"]) == (409, "wrong_offset")
    assert "4000" in refused["detail"]
    assert _finish(program, upload)[1]["code"] == "incomplete_upload"
    at = program.read(f"/uploads/{upload}")["offset"]
    assert _put(program, upload, at, CONTENT[at:])[1]["offset"] == len(CONTENT)
    status, call = _finish(program, upload)
    assert (status, call["title"], call["job"]["state"]) == (201, "이어 올린 통화", "queued")
    recording = Recording.objects.get(call=call["id"])
    assert (recording.sha256, recording.declared_codec) == (hashlib.sha256(CONTENT).hexdigest(), "mulaw")
    assert (settings.MEDIA_ROOT / recording.path).read_bytes() == CONTENT
    assert _finish(program, upload)[1]["id"] == call["id"], "finishing again is harmless"
    assert (Call.objects.count(), Job.objects.count()) == (1, 1)
    assert _put(program, upload, len(CONTENT), b"x")[1]["code"] == "upload_finished"
    assert not list(settings.FILE_UPLOAD_TEMP_DIR.glob(f"*{upload}*"))


def test_other_bytes_than_promised(houses: TwoHouses) -> None:
    program = Program(houses.ours.agent)
    upload = _begin(program)
    _put(program, upload, 0, CONTENT[::-1])
    assert _finish(program, upload)[1]["code"] == "bad_checksum"
    assert not Call.objects.exists()
    assert program.ask("GET", f"/uploads/{upload}").status_code == 404


def test_more_bytes_than_promised_leave_nothing(houses: TwoHouses, monkeypatch: pytest.MonkeyPatch) -> None:
    program = Program(houses.ours.agent)
    upload = _begin(program)
    assert _put(program, upload, 0, CONTENT + b"x") == (413, _put(program, upload, 0, CONTENT + b"x")[1])
    assert program.read(f"/uploads/{upload}")["offset"] == 0
    monkeypatch.setattr(services, "MAX_PART_BYTES", 1000)
    assert _put(program, upload, 0, CONTENT[:1001])[1]["code"] == "part_too_large"


def test_a_recording_that_is_there_already(houses: TwoHouses) -> None:
    program = Program(houses.ours.agent)
    for expected in (201, 409):
        upload = _begin(program)
        _put(program, upload, 0, CONTENT)
        assert _finish(program, upload)[0] == expected
    assert Upload.objects.count() == 1, "what cannot become a call is forgotten"


def test_a_dropped_upload_is_gone(houses: TwoHouses) -> None:
    program = Program(houses.ours.agent)
    upload = _begin(program)
    assert program.ask("DELETE", f"/uploads/{upload}").status_code == 204
    assert program.ask("GET", f"/uploads/{upload}").status_code == 404


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"size_bytes": 0}, "invalid"),
        ({"size_bytes": 2**53}, "too_large"),
        ({"size_bytes": 2**60}, "invalid"),
        ({"sha256": "x"}, "invalid"),
        ({"file_name": ""}, "invalid"),
        ({"codec": "mp3"}, "invalid"),
    ],
)
def test_what_cannot_be_begun(houses: TwoHouses, body: dict[str, object], code: str) -> None:
    whole = {"file_name": "a.wav", "size_bytes": 10} | body
    answer = Program(houses.ours.agent).ask("POST", "/uploads", whole)
    assert (json.loads(answer.content)["code"], Upload.objects.count()) == (code, 0)


def test_parts_must_be_bytes_at_a_place(houses: TwoHouses) -> None:
    program = Program(houses.ours.agent)
    upload = _begin(program)
    for offset in ("", "-1", "x", "1.5", "9" * 40):
        assert _put(program, upload, offset, b"x")[0] == 422, offset
    assert program.ask("PUT", f"/uploads/{upload}?offset=0", {}).status_code == 415


def test_two_requests_at_once(houses: TwoHouses) -> None:
    program = Program(houses.ours.agent)
    upload = _begin(program)
    with held(Upload.objects.get().pk):
        assert _put(program, upload, 0, CONTENT)[1]["code"] == "upload_busy"
        assert _finish(program, upload)[0] == 409
    assert _put(program, upload, 0, CONTENT)[0] == 200


def test_uploads_are_their_owners(houses: TwoHouses) -> None:
    upload = _begin(Program(houses.ours.agent))
    for person in (houses.ours.colleague, houses.ours.admin, houses.theirs.admin):
        stranger = Program(person)
        assert stranger.ask("GET", f"/uploads/{upload}").status_code == 404
        assert _put(stranger, upload, 0, b"x")[0] == 404
        assert _finish(stranger, upload)[0] == 404
        assert stranger.ask("DELETE", f"/uploads/{upload}").status_code == 404


def test_one_person_cannot_fill_the_disk(houses: TwoHouses, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services, "MAX_OPEN", 1)
    program = Program(houses.ours.agent)
    _begin(program)
    answer = program.ask("POST", "/uploads", {"file_name": "b.wav", "size_bytes": 1})
    assert (answer.status_code, json.loads(answer.content)["code"]) == (409, "too_many_uploads")


@pytest.mark.django_db(transaction=True)
def test_what_nobody_finished_is_swept(houses: TwoHouses) -> None:
    program = Program(houses.ours.agent)
    old, young = _begin(program), _begin(program)
    for upload in (old, young):
        _put(program, upload, 0, b"x")
    Upload.objects.filter(pk=old).update(expires_at=timezone.now() - timedelta(seconds=1))
    assert program.ask("GET", f"/uploads/{old}").status_code == 404
    assert services.sweep_uploads() == 1
    assert not path_of(Upload(pk=old).pk).exists() and path_of(Upload.objects.get().pk).exists()


@search(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    content=st.binary(min_size=1, max_size=400), cuts=st.lists(st.integers(0, 400), max_size=5), broken=st.booleans()
)
def test_whatever_the_parts_the_file_is_the_same(
    houses: TwoHouses, content: bytes, cuts: list[int], broken: bool
) -> None:
    program = Program(houses.ours.agent)
    upload = _begin(program, content)
    edges = sorted({0, len(content), *(cut for cut in cuts if cut < len(content))})
    for start, end in pairwise(edges):
        if broken:
            assert _put(program, upload, start + 1, b"?")[0] == 409
        assert _put(program, upload, start, content[start:end])[0] == 200
    assert path_of(Upload.objects.get(pk=upload).pk).read_bytes() == content
    program.ask("DELETE", f"/uploads/{upload}")
