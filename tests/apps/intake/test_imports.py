"""A folder imported by page and by API: the table first, then the files, then all or nothing. Files are really read."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from apps.calls.models import Call
from apps.intake import imports
from apps.intake.models import ImportRun
from apps.intake.staging import folder_of
from apps.jobs.models import Batch
from tests.apps.api.asking import Program
from tests.people import TwoHouses
from tests.workers.recordings import tone, write_wav
from workers import importing
from workers.importing import run_import

GOOD = "file,title,agent\n십일월/가.wav,첫 통화,\n나.wav,,가람통신-agent\n"


@pytest.fixture
def sounds(tmp_path: Path) -> dict[str, bytes]:
    """Two recordings by the names of the table."""
    return {
        name: write_wav(tmp_path / f"{n}.wav", [tone(1.0, hz=hz)]).read_bytes()
        for n, (name, hz) in enumerate(NAMES.items())
    }


NAMES = {"십일월/가.wav": 440, "나.wav": 550}


def _page(client: Client, table: str | bytes) -> Any:
    content = table.encode() if isinstance(table, str) else table
    return client.post("/imports/", {"table": SimpleUploadedFile("11월.csv", content)})


def _api(program: Program, table: str) -> tuple[int, dict[str, Any]]:
    answer = program.send("/imports", file=SimpleUploadedFile("11월.csv", table.encode()))
    return answer.status_code, json.loads(answer.content)


def test_a_folder_by_page(houses: TwoHouses, client: Client, sounds: dict[str, bytes]) -> None:
    client.force_login(houses.ours.admin)
    answer = _page(client, GOOD)
    run = ImportRun.objects.get()
    address = f"/imports/{run.pk}/"
    assert (answer.status_code, answer["Location"]) == (303, address)
    assert "파일 2개 가운데 2개를 기다립니다" in client.get(address).content.decode()
    for name, content in sounds.items():
        sent = client.put(f"{address}files/?name={name}", content, content_type="application/octet-stream")
        assert sent.status_code == 201, sent.content
    assert sent.json() == {"missing": 0}
    client.post(f"{address}start/")
    assert "확인하고 가져오는 중" not in client.get(address).content.decode() and not Call.objects.exists()
    run_import(run.pk)
    run_import(run.pk)
    page = client.get(address, headers={"HX-Request": "true"})
    assert page.status_code == 286 and "새 통화 2건" in page.content.decode()
    assert set(Call.objects.values_list("title", "created_by")) == {
        ("첫 통화", None),
        ("나.wav", houses.ours.agent.pk),
    }
    assert Batch.objects.get().jobs.count() == 2
    assert not folder_of(run.pk).exists()
    assert "11월.csv" in client.get("/imports/").content.decode()
    assert client.post(f"{address}drop/").status_code == 303 and Call.objects.count() == 2


def test_a_folder_by_api(houses: TwoHouses, sounds: dict[str, bytes]) -> None:
    program = Program(houses.ours.admin)
    status, begun = _api(program, GOOD)
    assert (status, begun["state"], begun["missing"]) == (201, "gathering", list(sounds))
    path = f"/imports/{begun['id']}"
    for name, content in sounds.items():
        kind = "application/octet-stream"
        assert program.ask("PUT", f"{path}/files?name={name}", content, kind).status_code == 200
    assert json.loads(program.ask("POST", f"{path}/start").content)["state"] == "queued"
    late = program.ask("PUT", f"{path}/files?name=나.wav", b"x", "application/octet-stream")
    assert (late.status_code, json.loads(late.content)["code"]) == (409, "import_started")
    run_import(ImportRun.objects.get().pk)
    report = program.read(path)["report"]
    assert [(row["row"], row["status"]) for row in report["results"]] == [(2, "added"), (3, "added")]
    assert program.read(f"/batches/{report['batch']}")["counts"]["total"] == 2
    assert program.read("/imports")["items"][0]["state"] == "done"


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ("file,agent\n가.wav,\n,\n나.wav\n", [(4, "칸이 1개입니다")]),
        ("file,customer_phone,started_at\n가.wav,전화,어제\n", [(2, "전화번호가 아닙니다"), (2, "날짜와 시각이")]),
        ("datei\n가.wav\n", [(1, "모르는 열입니다")]),
        ("file\n", [(0, "머리글과 통화가")]),
        ("", [(0, "머리글과 통화가")]),
        ('file\n"가.wav\n', [(0, "2행에서 CSV 형식이 깨졌습니다")]),
    ],
)
def test_a_broken_table_names_its_rows(
    houses: TwoHouses, client: Client, table: str, said: list[tuple[int, str]]
) -> None:
    client.force_login(houses.ours.admin)
    page = _page(client, table)
    assert page.status_code == 422
    status, refused = _api(Program(houses.ours.admin), table)
    assert (status, refused["code"]) == (422, "bad_table")
    for (row, words), error in zip(said, refused["errors"], strict=True):
        assert error["row"] == row and words in error["reason"] and words in page.content.decode()
    assert not ImportRun.objects.exists()


def test_one_bad_file_and_nothing_is_imported(houses: TwoHouses, client: Client, sounds: dict[str, bytes]) -> None:
    client.force_login(houses.ours.admin)
    _page(client, GOOD + "다.wav,,\n라.wav,,niemand\n")
    run = ImportRun.objects.get()
    for name, content in (sounds | {"라.wav": b"<html>" * 50}).items():
        client.put(f"/imports/{run.pk}/files/?name={name}", content, content_type="application/octet-stream")
    client.post(f"/imports/{run.pk}/start/")
    run_import(run.pk)
    page = client.get(f"/imports/{run.pk}/").content.decode()
    for words in ("아무것도 가져오지 않았습니다", "폴더에 없는 파일입니다: 다.wav", "niemand", "소리 파일이 아닙니다"):
        assert words in page
    assert not Call.objects.exists() and not Batch.objects.exists()


@pytest.mark.parametrize("name", ["../가.wav", "/etc/passwd", "가.wav/..", ".가.wav", "other.wav", "", "가" * 300])
def test_files_that_the_table_does_not_name_stay_out(houses: TwoHouses, client: Client, name: str) -> None:
    client.force_login(houses.ours.admin)
    _page(client, "file\n가.wav\n../가.wav\n")
    run = ImportRun.objects.get()
    address = f"/imports/{run.pk}/files/?name={name}"
    assert client.put(address, b"x", content_type="application/octet-stream").status_code == 422
    assert not list(folder_of(run.pk).rglob("*.wav"))


def test_a_file_that_breaks_off_or_is_too_large_is_not_kept(houses: TwoHouses, client: Client, settings: Any) -> None:
    settings.ENV = settings.ENV.model_copy(update={"max_upload_mb": 1})
    client.force_login(houses.ours.admin)
    _page(client, "file\n가.wav\n")
    run = ImportRun.objects.get()
    address = f"/imports/{run.pk}/files/?name=가.wav"
    kind = "application/octet-stream"
    assert client.put(address, bytes(3 << 20), content_type=kind).status_code == 413
    assert client.put(address, bytes((1 << 20) + 1), content_type=kind).status_code == 422
    assert client.put(address, b"abc", content_type=kind, CONTENT_LENGTH="2").status_code == 201
    with pytest.raises(imports.YoyakError):
        imports.add_file(run=ImportRun(pk=run.pk, state="queued"), name="가.wav", content=_Short(), size_bytes=9)
    assert [path.name for path in folder_of(run.pk).iterdir()] == ["가.wav"]


class _Short:
    def read(self, size: int, /) -> bytes:
        return b""


def test_a_killed_import_is_taken_up_and_nothing_comes_twice(
    houses: TwoHouses, client: Client, sounds: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    client.force_login(houses.ours.admin)
    _page(client, GOOD)
    run = ImportRun.objects.get()
    for name, content in sounds.items():
        client.put(f"/imports/{run.pk}/files/?name={name}", content, content_type="application/octet-stream")
    client.post(f"/imports/{run.pk}/start/")

    class Killed(BaseException):
        pass

    def die(*_: object, **__: object) -> None:
        if Call.objects.exists():
            raise Killed
        return kept(*_, **__)  # type: ignore[arg-type]

    kept = importing.take_in
    with monkeypatch.context() as patch:
        patch.setattr(importing, "take_in", die)
        with pytest.raises(Killed):
            run_import(run.pk)
    run_import(run.pk)
    assert Call.objects.count() == 1, "its worker may still be alive"
    ImportRun.objects.update(beat_at=timezone.now() - timedelta(minutes=3))
    run_import(run.pk)
    run.refresh_from_db()
    assert [line["status"] for line in run.report["calls"]] == ["duplicate", "added"]
    assert Call.objects.count() == 2


def test_what_nobody_starts_is_forgotten_and_there_are_few(
    houses: TwoHouses, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imports, "MAX_OPEN", 1)
    client.force_login(houses.ours.admin)
    assert _page(client, GOOD).status_code == 303
    assert "1개까지" in _page(client, GOOD).content.decode()
    ImportRun.objects.update(created_at=timezone.now() - timedelta(hours=25))
    assert imports.sweep_imports() == 1 and not ImportRun.objects.exists()


@pytest.mark.parametrize("role", ["agent", "reviewer", "auditor"])
def test_only_administrators_import(houses: TwoHouses, client: Client, role: str) -> None:
    client.force_login(getattr(houses.ours, role))
    assert _page(client, GOOD).status_code == 404
    assert _api(Program(getattr(houses.ours, role)), GOOD)[0] == 404
