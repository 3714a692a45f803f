"""Runs that are killed, anywhere, go on as if they had not been; what cannot go on says why.

`DISTRIBUTED_KILLS` says how often runs and saves are killed; the suite does it a few times.
"""

import os
import random
import shutil
import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from model_core.checkpoint.files import MANIFEST, sha256_of, verify_folder
from model_core.checkpoint.store import CheckpointStore, load_snapshot
from model_core.config.schema import RunConfig
from model_core.errors import CheckpointError
from tests.model_core.distributed import tasks, tasks_runs
from tests.model_core.distributed.ranks import Ranks, run_ranks

pytestmark = [pytest.mark.slow, pytest.mark.timeout(7200)]

KILLS = int(os.environ.get("DISTRIBUTED_KILLS", "3"))
STEPS_BETWEEN_KILLS = 3


def config_of(steps: int, parallel: dict[str, int] | None = None, **train: object) -> RunConfig:
    defaults = {"expert_parallel": 2, "zero_stage": 2}
    return tasks.configure(parallel or defaults, max_steps=steps, checkpoint_every=2, ema_decay=0.9, **train)


def steps_of(folder: Path) -> list[str]:
    file = folder / tasks_runs.STEPS_FILE
    return file.read_text().splitlines() if file.is_file() else []


def wait_for_steps(folder: Path, lines: int, ranks: Ranks) -> None:
    """Wait until the file of steps has so many lines (steps taken again count anew), or the run is at its end."""
    deadline = time.monotonic() + 240
    while any(process.is_alive() for process in ranks.processes) and len(steps_of(folder)) < lines:
        if time.monotonic() > deadline:
            ranks.kill()
            raise AssertionError(f"{lines} steps were not reached: {ranks.join(10)}")
        time.sleep(0.002)


def digests(folder: Path) -> dict[str, str]:
    """The digest of each complete checkpoint of a run; it covers every file of it."""
    found = sorted((folder / "checkpoints").glob("step-*"))
    for path in found:
        verify_folder(path)
    return {path.name: sha256_of(path / MANIFEST) for path in found}


def test_killed_at_random_steps_a_run_ends_to_the_bit_as_one_that_was_not(tmp_path: Path) -> None:
    """Weights, optimizer, average, random state and data position are in the digests of the checkpoints."""
    rng = random.Random(5)
    steps = (STEPS_BETWEEN_KILLS + 1) * KILLS + 4
    config = config_of(steps)
    (tmp_path / "whole").mkdir()
    (tmp_path / "killed").mkdir()
    run_ranks(2, tasks_runs.run, config, tmp_path / "whole", timeout_s=30 * steps)
    wanted = digests(tmp_path / "whole")
    assert len(wanted) == steps // 2
    for _ in range(KILLS):
        taken = len(steps_of(tmp_path / "killed"))
        ranks = Ranks(2, tasks_runs.run, config, tmp_path / "killed")
        wait_for_steps(tmp_path / "killed", taken + rng.randrange(1, STEPS_BETWEEN_KILLS + 1), ranks)
        time.sleep(rng.random() * 0.05)
        ranks.kill()
        ranks.join(10)
        assert digests(tmp_path / "killed").items() <= wanted.items()
    run_ranks(2, tasks_runs.run, config, tmp_path / "killed", timeout_s=30 * steps)
    assert digests(tmp_path / "killed") == wanted
    # Every step that was taken again had the loss and the data that it had in the whole run.
    assert set(steps_of(tmp_path / "killed")) == set(steps_of(tmp_path / "whole"))
    saved = load_snapshot(tmp_path / "killed" / "checkpoints" / f"step-{steps // 2 * 2:08d}")
    assert not torch.equal(saved.state["random_state"], saved.state["random_state.1"])


def test_killed_inside_saves_the_newest_complete_checkpoint_is_found(tmp_path: Path) -> None:
    rng = random.Random(6)
    config = config_of(1)
    for _ in range(KILLS):
        done = len(steps_of(tmp_path))
        ranks = Ranks(2, tasks_runs.save_for_ever, config, tmp_path)
        deadline = time.monotonic() + 240
        while len(steps_of(tmp_path)) < done + 2 and time.monotonic() < deadline:
            time.sleep(0.001)
        time.sleep(rng.random() * 0.05)
        # Rank 1 at another moment than rank 0, so that only one of them may have written.
        ranks.kill(rng.randrange(2))
        time.sleep(rng.random() * 0.01)
        ranks.kill()
        ranks.join(10)
        store = CheckpointStore(tmp_path / "checkpoints", 3)
        newest = store.newest()
        assert newest is not None
        for folder in (tmp_path / "checkpoints").glob("step-*"):
            verify_folder(folder)
        step = int(newest.name.removeprefix("step-"))
        assert step >= int(steps_of(tmp_path)[-1])
        loaded = load_snapshot(newest)
        assert loaded.progress.step == step
        assert loaded.model["layers.1.mlp.down_EDI"].unique().tolist() == [float(step)]


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four steps of two ranks, with checkpoints at 2 and 4."""
    folder = tmp_path_factory.mktemp("saved")
    run_ranks(2, tasks_runs.run, config_of(4), folder)
    return folder


def test_a_flipped_byte_is_found_before_anything_is_loaded(saved: Path, tmp_path: Path) -> None:
    for number, name in enumerate(sorted(path.name for path in (saved / "checkpoints" / "step-00000004").iterdir())):
        shutil.copytree(saved, tmp_path / str(number))
        path = tmp_path / str(number) / "checkpoints" / "step-00000004" / name
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 1
        path.write_bytes(data)
        store = CheckpointStore(tmp_path / str(number) / "checkpoints", 9)
        assert store.newest() == tmp_path / str(number) / "checkpoints" / "step-00000002", name
        with pytest.raises(CheckpointError):
            load_snapshot(path.parent)


def test_a_run_goes_on_with_another_number_of_processes(saved: Path, tmp_path: Path) -> None:
    """Two ranks to one, one to two, and to other stages; the losses are those of the whole run."""
    config = config_of(8)
    (tmp_path / "whole").mkdir()
    whole = tasks_runs.run(config, tmp_path / "whole", alone=True)
    shutil.copytree(saved, tmp_path / "two-one")
    assert tasks_runs.run(config, tmp_path / "two-one", alone=True) == pytest.approx(whole[4:], abs=2e-5)
    alone = tmp_path / "one-two"
    alone.mkdir()
    tasks_runs.run(config_of(4), alone, alone=True)
    for stage, expert in ((2, 2), (3, 1)):
        other = config_of(8, {"zero_stage": stage, "expert_parallel": expert})
        shutil.copytree(alone, tmp_path / f"one-two-{stage}")
        for losses in run_ranks(2, tasks_runs.run, other, tmp_path / f"one-two-{stage}"):
            assert losses == pytest.approx(whole[4:], abs=2e-5)


def test_what_cannot_go_on_says_why(saved: Path) -> None:
    snapshot = load_snapshot(saved / "checkpoints" / "step-00000004")
    config = config_of(8)
    adamw = replace(config, train=replace(config.train, optimizer="adamw"))
    with pytest.raises(CheckpointError, match=r"the optimizer's m\.layers.* is missing"):
        tasks.new_trainer(adamw).restore(snapshot)
    wider = replace(config, model=replace(config.model, num_experts=8))
    with pytest.raises(CheckpointError, match="another model"):
        tasks.new_trainer(wider).restore(snapshot)


def test_a_deeper_model_is_refused_by_several_processes_too(saved: Path) -> None:
    config = config_of(8)
    shallow = replace(config, model=replace(config.model, num_layers=config.model.num_layers - 1))
    for error in run_ranks(2, tasks_runs.refused, shallow, saved):
        assert f"this one has no layers.{config.model.num_layers - 1}." in error


def test_a_disk_that_cannot_be_written_is_named_on_every_rank(tmp_path: Path) -> None:
    (tmp_path / "checkpoints").write_text("a file where a folder should be")
    for error in run_ranks(2, tasks_runs.save_once, config_of(1), tmp_path):
        assert error.startswith("CheckpointDiskError: ") and "checkpoints" in error and "(rank 0)" in error


@pytest.mark.parametrize(
    "victim,how,told",
    [
        (1, "error", "PeerLostError: rank 1 stopped: ValueError: rank 1 has had enough"),
        (1, "killed", "PeerLostError: rank 1 has shown no sign of life for 6 s"),
        (0, "killed", "PeerLostError: the process that keeps the run together (rank 0, or its launcher) is gone"),
    ],
)
def test_ranks_stop_when_another_is_gone(victim: int, how: str, told: str) -> None:
    ranks = Ranks(2, tasks_runs.wait_for_peer, config_of(1000), victim, how, 6)
    ranks.join(150)
    seconds, _, found = ranks.result(1 - victim).partition(" ")
    assert found == told and float(seconds) < 60


@pytest.mark.parametrize("victim", [0, 1])
def test_a_rank_that_waits_for_a_stopped_one_ends_with_a_message(victim: int) -> None:
    """Also for the one that holds the store, from which no answer comes then."""
    ranks = Ranks(2, tasks_runs.wait_for_peer, config_of(1000), victim, "stopped", 6)
    waiting = ranks.processes[1 - victim]
    waiting.join(150)
    code = waiting.exitcode
    ranks.kill()
    assert code == 3
