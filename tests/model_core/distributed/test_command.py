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
MORE = ("train.tokens_per_step=4096", "train.max_steps=4", "train.checkpoint_every=2")


def launched(launcher: list[str], *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {
        **os.environ,
        "OMP_NUM_THREADS": "1",
        "DS_ACCELERATOR": "cpu",
        "PATH": f"{BIN}:{os.environ['PATH']}",
        "PYTHONPATH": ".",
    }
    command = [*launcher, *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=850, env=environment)


def settings(*assignments: str) -> list[str]:
    return [part for assignment in assignments for part in ("--set", assignment)]


def tiny(launcher: list[str], out: Path, *more: str) -> subprocess.CompletedProcess[str]:
    """The tiny recipe on calls."""
    return launched(launcher, "--recipe", "tiny_test", "--out", str(out), *settings(*SETTINGS, *MORE), *more)


def losses(out: Path, name: str = "summary_loss") -> dict[int, float]:
    rows = [json.loads(row) for row in (out / "metrics.jsonl").read_text().splitlines()]
    found = [(row["step"], row[name]) for row in rows if name in row]
    assert len(found) == len(dict(found)), "a step was reported twice"
    return dict(found)


def test_torchrun_does_the_run_of_one_process_reports_it_once_and_goes_on(tmp_path: Path) -> None:
    """By the recipe's own optimizer, which takes the matrices whole."""
    alone, two = tmp_path / "alone", tmp_path / "two"
    done = run(alone, *settings(*MORE, "train.max_steps=6"))
    assert done.returncode == 0, done.stderr
    url, run_id = f"sqlite:///{tmp_path / 'registry.db'}", uuid.uuid4()
    spread = settings("parallel.expert_parallel=2")
    done = tiny(TORCHRUN, two, *spread, "--registry", url, "--run-id", str(run_id))
    assert done.returncode == 0, done.stderr
    registry = open_registry(url)
    assert registry.get_run(run_id).state == "done"
    assert [step for step, _ in registry.run_metrics(run_id, "summary_loss")] == [1, 2, 3, 4]
    assert len(registry.list_runs()) == 1
    assert load_model(two / "export").config.num_experts == 4
    assert (two / "export" / "tokenizer.json").is_file()
    done = tiny(TORCHRUN, two, *spread, *settings("train.max_steps=6"), "--resume")
    assert done.returncode == 0, done.stderr
    assert losses(two) == pytest.approx(losses(alone), abs=5e-4)
    newest = CheckpointStore(two / "checkpoints", 2).newest()
    assert newest is not None and newest.name == "step-00000006"


def test_the_recipes_run_as_they_are_under_either_launcher(tokens: Path, tmp_path: Path) -> None:
    """Pretraining, then more of it, then summaries; a few steps on a little data."""
    few = settings(f"data.tokens={tokens}", "data.eval_rows=2", "data.eval_examples=2", "train.log_every=1")
    alone, first = tmp_path / "alone", tmp_path / "first"
    one = [sys.executable, "-m", "model_core.training"]
    for launcher, out in ((one, alone), (DEEPSPEED, first)):
        steps = settings("train.max_steps=2")
        done = launched(launcher, "--recipe", "pretrain_mini", "--out", str(out), *few, *steps)
        assert done.returncode == 0, done.stdout + done.stderr
    assert losses(first, "text_loss") == pytest.approx(losses(alone, "text_loss"), abs=5e-4)
    for recipe, init, loss in (
        ("continue_mini", "first", "text_loss"),
        ("finetune_mini", "continue_mini", "summary_loss"),
    ):
        arguments = ["--recipe", recipe, "--init", str(tmp_path / init / "export"), "--out", str(tmp_path / recipe)]
        done = launched(TORCHRUN, *arguments, *few, *settings("train.max_steps=1"))
        assert done.returncode == 0, done.stderr
        assert losses(tmp_path / recipe, loss).keys() == {1}
    assert losses(tmp_path / "continue_mini", "text_loss")[1] < losses(first, "text_loss")[1]


def test_an_impossible_division_is_refused_in_a_line(tmp_path: Path) -> None:
    done = tiny(TORCHRUN, tmp_path / "two", *settings("parallel.expert_parallel=4"))
    message = "error: parallel.expert_parallel is 4; it must divide the number of processes, 2"
    assert done.returncode != 0 and message in done.stderr.splitlines(), done.stderr
    assert not (tmp_path / "two").exists()
