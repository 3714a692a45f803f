"""The command line under the launchers: one run by two processes, as one process would do it."""

import json
import os
import subprocess
import sys
import uuid
from pathlib import Path

import pytest

from model_core.checkpoint.pretrained import load_model
from model_core.checkpoint.store import CheckpointStore
from model_core.registry.store import open_registry
from tests.model_core.unit.test_training_run import SETTINGS, run

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

BIN = Path(sys.executable).parent
TORCHRUN = [str(BIN / "torchrun"), "--standalone", "--nproc-per-node=2", "-m", "model_core.training"]
DEEPSPEED = [str(BIN / "deepspeed"), "--num_gpus=2", "--module", "model_core.training"]
MORE = ("train.optimizer=adamw", "train.tokens_per_step=4096", "train.max_steps=4", "train.checkpoint_every=2")


def launched(launcher: list[str], out: Path, *more: str) -> subprocess.CompletedProcess[str]:
    settings = [part for setting in (*SETTINGS, *MORE) for part in ("--set", setting)]
    command = [*launcher, "--recipe", "tiny_test", "--out", str(out), *settings, *more]
    environment = {
        **os.environ,
        "OMP_NUM_THREADS": "1",
        "DS_ACCELERATOR": "cpu",
        "PATH": f"{BIN}:{os.environ['PATH']}",
        "PYTHONPATH": ".",
    }
    return subprocess.run(command, capture_output=True, text=True, timeout=850, env=environment)


def losses(out: Path) -> dict[int, float]:
    rows = [json.loads(row) for row in (out / "metrics.jsonl").read_text().splitlines()]
    found = [(row["step"], row["summary_loss"]) for row in rows if "summary_loss" in row]
    assert len(found) == len(dict(found)), "a step was reported twice"
    return dict(found)


def test_torchrun_does_the_run_of_one_process_and_reports_it_once(tmp_path: Path) -> None:
    alone = run(tmp_path / "alone", *(part for setting in MORE for part in ("--set", setting)))
    assert alone.returncode == 0, alone.stderr
    url, run_id = f"sqlite:///{tmp_path / 'registry.db'}", uuid.uuid4()
    more = ["--set", "parallel.expert_parallel=2", "--registry", url, "--run-id", str(run_id)]
    done = launched(TORCHRUN, tmp_path / "two", *more)
    assert done.returncode == 0, done.stderr
    assert losses(tmp_path / "two") == pytest.approx(losses(tmp_path / "alone"), abs=2e-4)
    registry = open_registry(url)
    assert registry.get_run(run_id).state == "done"
    assert [step for step, _ in registry.run_metrics(run_id, "summary_loss")] == [1, 2, 3, 4]
    assert len(registry.list_runs()) == 1
    assert load_model(tmp_path / "two" / "export").config.num_experts == 4
    assert (tmp_path / "two" / "export" / "tokenizer.json").is_file()
    newest = CheckpointStore(tmp_path / "two" / "checkpoints", 2).newest()
    assert newest is not None and newest.name == "step-00000004"


def test_deepspeed_launches_it_too(tmp_path: Path) -> None:
    done = launched(DEEPSPEED, tmp_path / "two", "--set", "train.max_steps=2")
    assert done.returncode == 0, done.stdout + done.stderr
    assert losses(tmp_path / "two").keys() == {1, 2}


@pytest.mark.parametrize(
    "setting,message",
    [
        ("parallel.expert_parallel=4", "expert_parallel is 4; it must divide the number of processes, 2"),
        ("train.tokens_per_step=6144", "is 3 micro batches; the number of processes, 2, must divide it"),
        ("train.optimizer=muon", "train.optimizer is muon; over several processes it must be adamw"),
    ],
)
def test_an_impossible_division_is_refused_in_a_line(tmp_path: Path, setting: str, message: str) -> None:
    done = launched(TORCHRUN, tmp_path / "two", "--set", setting)
    assert done.returncode != 0
    assert any(line.startswith("error: ") and message in line for line in done.stderr.splitlines()), done.stderr
    assert not (tmp_path / "two").exists()
