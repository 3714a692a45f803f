"""Checkpoints are whole or not there: interrupted saves, flipped bytes, and which ones are kept."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from itertools import product
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from model_core.checkpoint.__main__ import export
from model_core.checkpoint.files import MANIFEST, MEASURED, read_manifest, verify_folder, write_folder
from model_core.checkpoint.store import CheckpointStore, Progress, Snapshot, load_snapshot
from model_core.config.recipes import get_recipe
from model_core.errors import CheckpointDiskError, CheckpointError
from model_core.models.decoder import Decoder
from tests.model_core.full_disk import full_disk

CONFIG = get_recipe("tiny_test").model


def snapshot(step: int, eval_loss: float | None = None) -> Snapshot:
    model = Decoder(CONFIG)
    model.init_weights(step)
    return Snapshot(Progress(step, 10 * step, eval_loss), model.state_dict(), {"m": torch.full((3,), float(step))})


def test_what_is_saved_comes_back(tmp_path: Path) -> None:
    folder, digest = CheckpointStore(tmp_path, keep_last=2).save(snapshot(5, 1.5), CONFIG, None)
    back, wanted = load_snapshot(folder), snapshot(5, 1.5)
    assert back.progress == wanted.progress
    assert all(torch.equal(tensor, back.model[name]) for name, tensor in wanted.model.items())
    assert torch.equal(back.state["m"], wanted.state["m"])
    assert verify_folder(folder) == digest


def test_the_newest_and_the_best_are_kept(tmp_path: Path) -> None:
    store = CheckpointStore(tmp_path, keep_last=2)
    for step, loss in enumerate((3.0, 1.0, 2.0, 2.5, 2.2), start=1):
        store.save(snapshot(step, loss), CONFIG, None)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["step-00000002", "step-00000004", "step-00000005"]
    assert store.newest() == tmp_path / "step-00000005"
    assert store.best() == tmp_path / "step-00000002"


def test_who_is_killed_while_removing_leaves_whole_checkpoints_and_the_rest_goes_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = CheckpointStore(tmp_path, keep_last=1)
    store.save(snapshot(1), CONFIG, None)

    remove = shutil.rmtree

    def killed(folder: Path, ignore_errors: bool = False) -> None:
        if "00000001" in folder.name:
            (folder / "progress.json").unlink()
            raise KeyboardInterrupt
        remove(folder, ignore_errors)

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(shutil, "rmtree", killed)
        store.save(snapshot(2), CONFIG, None)
    for folder in tmp_path.glob("step-*"):
        verify_folder(folder)
    store.save(snapshot(3), CONFIG, None)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["step-00000003"]


@pytest.mark.parametrize("name", ["model.safetensors", "training_state.safetensors", "config.json", "progress.json"])
def test_a_flipped_byte_is_found_and_the_one_before_is_used(tmp_path: Path, name: str) -> None:
    store = CheckpointStore(tmp_path, keep_last=2)
    older, _ = store.save(snapshot(1), CONFIG, None)
    newer, _ = store.save(snapshot(2), CONFIG, None)
    data = bytearray((newer / name).read_bytes())
    data[len(data) // 2] ^= 4
    (newer / name).write_bytes(data)
    with pytest.raises(CheckpointError, match=r"altered"):
        load_snapshot(newer)
    assert store.newest() == older


def test_a_folder_without_its_manifest_is_no_checkpoint(tmp_path: Path) -> None:
    folder, _ = CheckpointStore(tmp_path, keep_last=1).save(snapshot(1), CONFIG, None)
    (folder / MANIFEST).unlink()
    with pytest.raises(CheckpointError, match=MANIFEST):
        verify_folder(folder)


def one_file(part: Path) -> None:
    (part / "a").write_text("content")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("written") / "x"
    write_folder(folder, one_file)
    return folder


def test_every_flipped_bit_of_a_manifest_is_found(folder: Path) -> None:
    manifest = folder / MANIFEST
    whole = manifest.read_bytes()
    for place, bit in product(range(len(whole)), range(8)):
        altered = bytearray(whole)
        altered[place] ^= 1 << bit
        manifest.write_bytes(altered)
        with pytest.raises(CheckpointError):
            read_manifest(folder)
    manifest.write_bytes(whole)
    verify_folder(folder)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_a_manifest_with_other_bytes_is_a_checkpoint_error(folder: Path, data: st.DataObject) -> None:
    manifest = folder / MANIFEST
    whole = manifest.read_bytes()
    start = data.draw(st.integers(0, len(whole)))
    end = data.draw(st.integers(start, len(whole)))
    middle = data.draw(st.binary(max_size=12) | st.sampled_from([b"1e999", b"null", b"[]", b"{}"]))
    altered = whole[:start] + middle + whole[end:]
    try:
        manifest.write_bytes(altered)
        if altered != whole:
            with pytest.raises(CheckpointError):
                verify_folder(folder)
    finally:
        manifest.write_bytes(whole)


def test_a_damaged_manifest_lets_the_checkpoint_before_be_used(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store = CheckpointStore(tmp_path, keep_last=2)
    older, _ = store.save(snapshot(1), CONFIG, None)
    newer, _ = store.save(snapshot(2), CONFIG, None)
    manifest = newer / MANIFEST
    manifest.write_text(manifest.read_text().replace('"size_bytes"', '"size_bytez"'))
    assert store.newest() == older
    assert f"passed over: {manifest} cannot be read" in caplog.text


def test_what_a_run_saves_stays_beside_later_damaged_checkpoints(tmp_path: Path) -> None:
    store = CheckpointStore(tmp_path, keep_last=1)
    damaged, _ = store.save(snapshot(9), CONFIG, None)
    (damaged / "progress.json").write_text("{")
    assert store.newest() is None
    for step in (2, 3, 10):
        store.save(snapshot(step), CONFIG, None)
        assert store.newest() == tmp_path / f"step-{step:08d}"
    assert store.folders() == [tmp_path / "step-00000010"]


def test_a_format_of_another_version_is_refused_by_number(tmp_path: Path) -> None:
    write_folder(tmp_path / "x", one_file)
    manifest = tmp_path / "x" / MANIFEST
    manifest.write_text(replace(read_manifest(tmp_path / "x"), format_version=7).text())
    with pytest.raises(CheckpointError, match=r"format_version of .* is 7; this program reads 1 to 2"):
        verify_folder(tmp_path / "x")


def test_the_first_version_which_had_no_digest_of_its_own_is_read(tmp_path: Path) -> None:
    write_folder(tmp_path / "x", one_file)
    manifest = tmp_path / "x" / MANIFEST
    manifest.write_text(replace(read_manifest(tmp_path / "x"), format_version=1).text())
    assert '"sha256"' not in manifest.read_text().splitlines()[-2]
    verify_folder(tmp_path / "x")


def test_a_file_that_no_manifest_lists_is_refused_and_a_card_is_not(tmp_path: Path) -> None:
    folder, _ = CheckpointStore(tmp_path, keep_last=1).save(snapshot(1), CONFIG, None)
    for name in MEASURED:
        (folder / name).write_text("{}")
    verify_folder(folder)
    (folder / "training_state-00002-of-00002.safetensors").write_bytes(b"")
    with pytest.raises(CheckpointError, match=r"training_state-00002-of-00002\.safetensors, which .* does not list"):
        load_snapshot(folder)
    # Who does not look again still takes the files of the manifest alone.
    assert load_snapshot(folder, check=False).progress.step == 1


def test_a_folder_that_was_moved_away_comes_back(tmp_path: Path) -> None:
    """As a kill between the two renames of a replacement leaves it."""
    store = CheckpointStore(tmp_path, keep_last=2)
    folder, _ = store.save(snapshot(3), CONFIG, None)
    folder.rename(tmp_path / ".step-00000003.old")
    assert store.newest() == folder
    write_folder(tmp_path / "x", one_file)
    (tmp_path / "x").rename(tmp_path / ".x.old")
    verify_folder(tmp_path / "x")


def test_who_looks_between_the_renames_does_not_stop_the_writer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_folder(tmp_path / "x", one_file)
    rename = Path.rename

    def slow_rename(path: Path, target: Path) -> Path:
        result = rename(path, target)
        if path.name == "x":
            rename(target, path)
        return result

    monkeypatch.setattr(Path, "rename", slow_rename)
    write_folder(tmp_path / "x", lambda part: (part / "a").write_text("new") and None)
    assert (tmp_path / "x" / "a").read_text() == "new"


def test_results_of_other_weights_are_not_carried_over(tmp_path: Path) -> None:
    companions = tmp_path / "companions"
    companions.mkdir()
    for name in (*MEASURED, "lexicon.json"):
        (companions / name).write_text("{}")
    folder, _ = CheckpointStore(tmp_path / "checkpoints", keep_last=1).save(snapshot(1), CONFIG, companions)
    assert export(folder, tmp_path / "out")
    for made in (folder, tmp_path / "out"):
        assert (made / "lexicon.json").is_file() and not any((made / name).exists() for name in MEASURED)


def test_a_failed_write_leaves_the_old_folder(tmp_path: Path) -> None:
    def good(part: Path) -> None:
        (part / "a").write_text("old")

    def bad(part: Path) -> None:
        (part / "a").write_text("new")
        raise OSError(28, "No space left on device")

    write_folder(tmp_path / "x", good)
    with pytest.raises(CheckpointDiskError, match=r"x cannot be read or written: .* No space") as failure:
        write_folder(tmp_path / "x", bad)
    assert not failure.value.permanent
    assert (tmp_path / "x" / "a").read_text() == "old"
    verify_folder(tmp_path / "x")
    assert [path.name for path in tmp_path.iterdir()] == ["x"]


def test_a_full_disk_leaves_the_checkpoint_before(tmp_path: Path) -> None:
    store = CheckpointStore(tmp_path, keep_last=2)
    older, _ = store.save(snapshot(1), CONFIG, None)
    with full_disk(8_000), pytest.raises(CheckpointDiskError, match="written"):
        store.save(snapshot(2), CONFIG, None)
    assert [path.name for path in tmp_path.iterdir()] == [older.name] and store.newest() == older


SAVER = """
import sys
from pathlib import Path
from model_core.checkpoint.files import write_folder

def fill(part):
    for i in range(9):
        (part / f"f{i}").write_bytes(bytes(20000))

root = Path(sys.argv[1])
number = int(sys.argv[2])
while True:
    number += 1
    write_folder(root / f"step-{number:08d}", fill)
    print(number, flush=True)
"""


@pytest.mark.slow
def test_killed_inside_saves_the_newest_complete_one_is_found(tmp_path: Path) -> None:
    last = 0
    for attempt in range(20):
        arguments = [sys.executable, "-c", SAVER, str(tmp_path), str(last)]
        process = subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        last = int(process.stdout.readline())
        time.sleep(0.0007 * attempt)
        os.kill(process.pid, signal.SIGKILL)
        last = max([last, *(int(line) for line in process.stdout.read().split())])
        process.wait()
        folders = sorted(path for path in tmp_path.glob("step-*"))
        for folder in folders:
            verify_folder(folder)
        assert int(folders[-1].name.removeprefix("step-")) >= last
    assert json.loads((folders[-1] / MANIFEST).read_text())["files"].keys() == {f"f{i}" for i in range(9)}
