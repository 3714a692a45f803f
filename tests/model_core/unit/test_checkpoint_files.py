"""Checkpoints are whole or not there: interrupted saves, flipped bytes, and which ones are kept."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from model_core.checkpoint.files import MANIFEST, verify_folder, write_folder
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
