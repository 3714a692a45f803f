"""The watched folder: only what has arrived, every file exactly once, wherever the watcher is killed."""

import fcntl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from apps.accounts.models import User
from apps.calls.models import Call
from apps.calls.services import delete_call
from apps.intake import services
from apps.jobs.models import Job
from tests.people import TwoHouses
from tests.workers import recordings as made
from workers import watching
from workers.tasks.intake import watch, watched_folder
from workers.watching import Watched

pytestmark = pytest.mark.django_db

SETTLE_S = 10.0


@pytest.fixture
def watched(houses: TwoHouses, tmp_path: Path) -> Watched:
    folder = tmp_path / "들어오는 통화"
    folder.mkdir()
    return Watched(folder, houses.ours.organization, houses.ours.agent, SETTLE_S)


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def _settle(watched: Watched, start_s: float = 1000.0) -> None:
    watched.visit(start_s)
    watched.visit(start_s + SETTLE_S)


def _wav(folder: Path, name: str = "가.wav", hz: float = 440.0) -> Path:
    return made.write_wav(folder / name, [made.tone(0.3, hz=hz)])


def test_a_file_that_has_arrived_becomes_a_call(watched: Watched, houses: TwoHouses) -> None:
    _wav(watched.folder)
    watched.visit(1000.0)
    assert not Call.objects.exists(), "nobody knows yet whether it still grows"
    watched.visit(1000.0 + SETTLE_S)
    call = Call.objects.get()
    assert (call.title, call.organization, call.created_by) == ("가.wav", houses.ours.organization, houses.ours.agent)
    assert Job.objects.get().state == "queued"
    assert _names(watched.folder / "done") == ["가.wav"]
    assert _names(watched.folder) == [".yoyak", "done"] and _names(watched.folder / ".yoyak" / "taking") == []


def test_a_file_that_grows_is_waited_for(watched: Watched) -> None:
    whole = _wav(watched.folder).read_bytes()
    target = watched.folder / "가.wav"
    for visit in range(5):
        target.write_bytes(whole[: 1000 * (visit + 1)])
        watched.visit(1000.0 + visit * SETTLE_S)
        assert not Call.objects.exists()
    target.write_bytes(whole)
    watched.visit(2000.0)
    watched.visit(2000.0 + SETTLE_S - 1)
    assert not Call.objects.exists()
    watched.visit(2000.0 + SETTLE_S)
    assert Call.objects.get().recording.size_bytes == len(whole)


@pytest.mark.parametrize("name", [".가.wav", "가.wav.part", "가.wav.FILEPART", "~가.wav"])
def test_names_of_unfinished_files_are_left_alone(watched: Watched, name: str) -> None:
    _wav(watched.folder, name)
    _settle(watched)
    assert name in _names(watched.folder) and not Call.objects.exists()


def test_what_is_no_recording_is_refused_with_the_reason_beside_it(watched: Watched) -> None:
    (watched.folder / "메모.txt").write_text("회의 메모")
    (watched.folder / "leer.wav").touch()
    (watched.folder / "halb.m4a").write_bytes(b"\0\0\0\x20ftypM4A " + bytes(500))
    _wav(watched.folder)
    _settle(watched)
    assert _names(watched.folder / "done") == ["가.wav"], "one bad file keeps no other back"
    refused = watched.folder / "refused"
    assert _names(refused) == sorted(
        f"{name}{end}" for name in ("메모.txt", "leer.wav", "halb.m4a") for end in ("", ".reason.txt")
    )
    korean, english, code = (refused / "메모.txt.reason.txt").read_text().splitlines()
    assert ("소리 파일이 아닙니다" in korean, "not an audio file" in english, code) == (True, True, "not_audio")
    assert "empty_file" in (refused / "leer.wav.reason.txt").read_text()
    assert "truncated" in (refused / "halb.m4a.reason.txt").read_text()
    assert Call.objects.count() == 1


def test_a_duplicate_is_refused_and_names_the_call(watched: Watched) -> None:
    first = _wav(watched.folder)
    content = first.read_bytes()
    _settle(watched)
    (watched.folder / "가.wav").write_bytes(content)
    _settle(watched, 2000.0)
    (watched.folder / "가.wav").write_bytes(content)
    _settle(watched, 3000.0)
    reason = (watched.folder / "refused" / "가.wav.reason.txt").read_text()
    assert "duplicate" in reason and str(Call.objects.get().pk) in reason
    assert "가 (2).wav" in _names(watched.folder / "refused"), "nothing is overwritten"


def test_a_name_from_an_older_system_and_a_very_long_one(watched: Watched) -> None:
    _wav(watched.folder, "통화.wav".encode("cp949").decode("utf-8", "surrogateescape"))
    (watched.folder / ("긴" * 80 + ".wav")).write_bytes(b"x")
    _settle(watched)
    assert Call.objects.get().title == "통화.wav"
    assert len(_names(watched.folder / "refused")) == 2


class Killed(BaseException):
    """The process is gone."""


def _dying(monkeypatch: pytest.MonkeyPatch, at: int) -> Callable[[], int]:
    """Let the watcher die at the `at`th of its steps, each counted before and after it happens."""
    steps = 0

    def counted(owner: Any, name: str) -> None:
        step = getattr(owner, name)

        def run(*arguments: Any, **named: Any) -> Any:
            nonlocal steps
            steps += 1
            if steps == at:
                raise Killed
            result = step(*arguments, **named)
            steps += 1
            if steps == at:
                raise Killed
            return result

        monkeypatch.setattr(owner, name, run)

    for name in ("rename", "rmdir", "mkdir", "write_text", "replace"):
        counted(Path, name)
    for name in ("add_recording", "_begin", "request_processing"):
        counted(services, name)
    counted(watching, "require_readable")
    return lambda: steps


def test_killed_at_any_step_every_file_is_taken_exactly_once(watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    at, died = 0, True
    while died:
        at += 1
        _wav(watched.folder, f"{at}.wav", hz=300.0 + at)
        (watched.folder / f"{at}.txt").write_text(f"no sound {at}")
        watched.visit(1000.0 * at)
        with monkeypatch.context() as patch:
            _dying(patch, at)
            try:
                watched.visit(1000.0 * at + SETTLE_S)
                died = False
            except Killed:
                died = True
        watched.visit(1000.0 * at + 2 * SETTLE_S)
        watched.visit(1000.0 * at + 3 * SETTLE_S)
        names = [f"{n}.wav" for n in range(1, at + 1)]
        assert sorted(Call.objects.values_list("title", flat=True)) == sorted(names), f"killed at step {at}"
        assert Job.objects.count() == at
        assert _names(watched.folder / "done") == sorted(names)
        refused = [f"{n}.txt{end}" for n in range(1, at + 1) for end in ("", ".reason.txt")]
        assert _names(watched.folder / "refused") == sorted(refused)
        assert _names(watched.folder / ".yoyak" / "taking") == []
    assert at > 20, "every step of a visit was one to die at"


def test_a_job_that_is_done_is_not_done_again(watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    _wav(watched.folder)
    watched.visit(1000.0)
    with monkeypatch.context() as patch:
        patch.setattr(watching, "_free", lambda *_: (_ for _ in ()).throw(Killed))
        with pytest.raises(Killed):
            watched.visit(1000.0 + SETTLE_S)
    Job.objects.update(state=Job.State.DONE, finished_at=timezone.now())
    watched.visit(1001.0 + SETTLE_S)
    assert Job.objects.get().state == "done" and _names(watched.folder / "done") == ["가.wav"]


def test_a_full_disk_keeps_the_file_for_the_next_visit(watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    _wav(watched.folder)
    with monkeypatch.context() as patch:
        patch.setattr(services, "add_recording", full)
        _settle(watched)
    assert not Call.objects.exists() and not _names(watched.folder / "refused")
    watched.visit(3000.0)
    assert Call.objects.count() == 1 and _names(watched.folder / "done") == ["가.wav"]


def test_a_visit_is_short_and_the_rest_comes_with_the_next(watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "_A_VISIT", 1)
    for number in range(3):
        _wav(watched.folder, f"{number}.wav", hz=300.0 + number)
    watched.visit(1000.0)
    for taken in (1, 2, 3):
        watched.visit(1000.0 + SETTLE_S)
        assert Call.objects.count() == taken


def test_two_watchers_do_not_meet(watched: Watched) -> None:
    _wav(watched.folder)
    watched.visit(1000.0)
    with (watched.folder / ".yoyak" / "lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        watched.visit(1000.0 + SETTLE_S)
        assert not Call.objects.exists()
    watched.visit(1000.0 + SETTLE_S)
    assert Call.objects.count() == 1


def test_links_and_folders_are_left_alone(watched: Watched, tmp_path: Path) -> None:
    (watched.folder / "link.wav").symlink_to(_wav(tmp_path))
    (watched.folder / "ordner").mkdir()
    _settle(watched)
    assert _names(watched.folder) == [".yoyak", "link.wav", "ordner"] and not Call.objects.exists()


def test_a_spoilt_memory_only_delays(watched: Watched) -> None:
    _wav(watched.folder)
    watched.visit(1000.0)
    (watched.folder / ".yoyak" / "seen.json").write_text("{")
    watched.visit(2000.0)
    assert not Call.objects.exists()
    watched.visit(2000.0 + SETTLE_S)
    assert Call.objects.count() == 1


def test_a_call_that_was_deleted_comes_back_only_with_a_new_file(watched: Watched, houses: TwoHouses) -> None:
    content = _wav(watched.folder).read_bytes()
    _settle(watched)
    delete_call(call=Call.objects.get(), actor=houses.ours.admin)
    _settle(watched, 2000.0)
    assert not Call.objects.exists()
    (watched.folder / "가.wav").write_bytes(content)
    _settle(watched, 3000.0)
    assert Call.objects.count() == 1


# the task and its settings


@pytest.mark.parametrize("wrong", ["folder", "organization", "owner"])
def test_settings_that_name_nobody_are_said_and_change_nothing(
    watched: Watched, houses: TwoHouses, settings: Any, caplog: pytest.LogCaptureFixture, wrong: str
) -> None:
    values = {
        "watch_folder": str(watched.folder),
        "watch_organization": "가람통신",
        "watch_owner": houses.ours.agent.username,
    }
    settings.ENV = settings.ENV.model_copy(update=values)
    assert watched_folder() == Watched(watched.folder, houses.ours.organization, houses.ours.agent, SETTLE_S)
    stranger = houses.theirs.agent.username if wrong == "owner" else "/no/such"
    settings.ENV = settings.ENV.model_copy(update={f"watch_{wrong}": stranger})
    _wav(watched.folder)
    watch()
    assert f"YOYAK_WATCH_{wrong.upper()}" in caplog.text
    assert _names(watched.folder) == ["가.wav"]


def test_a_person_who_left_owns_nothing_new(watched: Watched, houses: TwoHouses, settings: Any) -> None:
    User.objects.filter(pk=houses.ours.agent.pk).update(is_active=False)
    values = {"watch_folder": str(watched.folder), "watch_organization": "가람통신"}
    settings.ENV = settings.ENV.model_copy(update=values | {"watch_owner": houses.ours.agent.username})
    assert isinstance(watched_folder(), str)
