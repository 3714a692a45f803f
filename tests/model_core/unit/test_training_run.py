"""The trainer end to end on simulated calls: it learns, stops on bad losses, and goes on as if never stopped."""

import json
import os
import random
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from model_core.checkpoint.pretrained import load_model
from model_core.checkpoint.store import CheckpointStore, load_snapshot, read_progress
from model_core.config.parameters import active_parameters
from model_core.config.recipes import get_recipe
from model_core.data.batches import StepBatch
from model_core.data.packing import EncodedExample, PackedBatch, pack
from model_core.errors import CheckpointError, ConfigError, NonFiniteLossError
from model_core.lock import locked
from model_core.models.decoder import Decoder
from model_core.parallel.team import own_device
from model_core.registry.store import open_registry
from model_core.training.__main__ import main
from model_core.training.callbacks import Callback, Checkpointer, Evaluator, Metrics, MetricsFile
from model_core.training.optim import Optimizer, orthogonalize
from model_core.training.schedule import learning_rate_scale
from model_core.training.spikes import SpikeGuard
from model_core.training.throughput import step_flops
from model_core.training.trainer import Trainer

TINY = get_recipe("tiny_test")
TIMES = ("tokens_per_s", "mfu")
SETTINGS = (
    "model.vocab_size=4096",
    "model.max_positions=2048",
    "train.tokens_per_micro_batch=2048",
    "train.tokens_per_step=2048",
    "train.max_steps=12",
    "train.checkpoint_every=3",
    "train.eval_every=6",
    "train.ema_decay=0.9",
    "data.eval_examples=1",
)


def copy_task(seed: int) -> StepBatch:
    """Prompts of random ids and the same ids as the answer."""
    rng = random.Random(seed)
    rows = []
    for _ in range(8):
        ids = [rng.randrange(2, 40) for _ in range(6)]
        rows.append(EncodedExample((*ids, 1, *ids), 7, (1.0,) * len(ids)))
    return batch_of(pack(rows[:4], 0.1), pack(rows[4:], 0.1), seed=seed)


def batch_of(*rows: PackedBatch, seed: int = 0) -> StepBatch:
    return StepBatch(rows, seed + 1, 8, 0, sum(float(row.weights.sum()) for row in rows))


def tiny_trainer(**train: object) -> Trainer:
    config = replace(TINY, train=replace(TINY.train, **train))  # type: ignore[arg-type]
    model = Decoder(config.model)
    model.init_weights(0)
    return Trainer(config, model)


@pytest.mark.parametrize("optimizer,precision", [("muon", "fp32"), ("adamw", "bf16")])
def test_the_loss_falls(optimizer: str, precision: str) -> None:
    trainer = tiny_trainer(max_steps=60, optimizer=optimizer, precision=precision, warmup_steps=5, lr=1e-2)
    losses = [trainer.step(copy_task(seed))["summary_loss"] for seed in range(60)]
    assert losses[0] > 5.5
    assert sum(losses[-5:]) / 5 < 4.0


def test_a_loss_that_is_not_finite_stops_before_the_step() -> None:
    trainer = tiny_trainer()
    trainer.step(copy_task(0))
    trainer.model.norm.weight.data[5] = float("nan")
    before = {name: tensor.clone() for name, tensor in trainer.snapshot().state.items()}
    with pytest.raises(NonFiniteLossError, match="micro batch 0 of step 1"):
        trainer.step(copy_task(1))
    assert trainer.progress.step == 1
    after = trainer.snapshot().state
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_a_gradient_that_is_not_finite_stops_before_the_step() -> None:
    trainer = tiny_trainer(ema_decay=0.9)
    trainer.step(copy_task(0))
    saved = trainer.snapshot()
    before = {name: tensor.clone() for name, tensor in {**saved.model, **saved.state}.items()}
    trainer.model.norm.weight.register_hook(lambda gradient: gradient * float("inf"))
    with pytest.raises(NonFiniteLossError, match=r"the gradient norm of step 1 \(examples 1 to 1\) is (inf|nan)"):
        trainer.step(copy_task(1))
    saved = trainer.snapshot()
    assert trainer.progress.step == 1
    found = {**saved.model, **saved.state}
    assert all(torch.equal(found[name], tensor) for name, tensor in before.items() if name != "spikes")


def test_the_loads_are_counted_and_named_by_the_model_layer() -> None:
    batch, counting = copy_task(0), tiny_trainer()
    for micro in batch.micro_batches:
        counting.engine(micro)
    (router,) = counting.model.routers()
    assert int(router.load.sum()) == 2 * batch.tokens
    share = router.load.float() / router.load.float().mean()
    metrics = tiny_trainer().step(batch)
    loads = {name: value for name, value in metrics.items() if name.startswith("expert_load")}
    assert loads == {"expert_load_max.1": float(share.max()), "expert_load_min.1": float(share.min())}


class Clock:
    """A clock that only a test moves."""

    now = 100.0

    def perf_counter(self) -> float:
        return self.now


def test_the_speed_counts_the_wait_for_data(monkeypatch: pytest.MonkeyPatch) -> None:
    trainer, clock, found = tiny_trainer(max_steps=2, peak_tflops=1.0), Clock(), []
    monkeypatch.setattr("model_core.training.trainer.time", clock)

    def slowly_made() -> Iterator[StepBatch]:
        for seed in range(2):
            clock.now += 4.0
            yield copy_task(seed)

    class Keeper(Callback):
        def on_step(self, trainer: Trainer, metrics: Metrics) -> None:
            clock.now += 9.0
            found.append(metrics)

    trainer.callbacks.append(Keeper())
    trainer.run(slowly_made())
    batch = copy_task(0)
    flops = step_flops(TINY.model, batch.tokens, batch.attended_pairs)
    assert [metrics["tokens_per_s"] for metrics in found] == [batch.tokens / 4.0] * 2
    assert found[0]["mfu"] == pytest.approx(flops / 4.0 / 1e12)


def test_a_loss_is_named_by_what_a_token_is_and_not_by_its_weight() -> None:
    """Tokens of a summary that only read on weigh less and are a summary's all the same."""
    batch = copy_task(0)
    lighter = [np.where(row.answers, np.float32(0.6), row.weights) for row in batch.micro_batches]
    rows = [replace(row, weights=weights) for row, weights in zip(batch.micro_batches, lighter, strict=True)]
    wanted, found = tiny_trainer().step(batch), tiny_trainer().step(batch_of(*rows))
    for name in ("summary_loss", "transcript_loss"):
        assert found[name] == pytest.approx(wanted[name], rel=1e-6)
    assert tiny_trainer().held_out_loss(rows) == pytest.approx(tiny_trainer().held_out_loss(batch.micro_batches))


def test_the_best_checkpoint_is_one_that_was_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trainer = tiny_trainer(max_steps=7)
    losses = iter([1.0, 2.0, 3.0])
    monkeypatch.setattr(trainer, "held_out_loss", lambda batches: next(losses))
    store = CheckpointStore(tmp_path, keep_last=1)
    evaluator = Evaluator([], [], every=3)
    trainer.callbacks += [evaluator, Checkpointer(store, evaluator, 1, None)]
    trainer.run(copy_task(seed) for seed in range(7))
    assert [path.name for path in store.folders()] == ["step-00000003", "step-00000007"]
    assert store.best() == tmp_path / "step-00000003"
    assert [read_progress(path).eval_loss for path in store.folders()] == [1.0, 3.0]


def test_without_an_average_an_evaluation_copies_nothing() -> None:
    trainer = tiny_trainer()
    held = {name: tensor.data_ptr() for name, tensor in trainer.model.state_dict().items()}
    with trainer.averaged():
        assert {name: tensor.data_ptr() for name, tensor in trainer.model.state_dict().items()} == held


def test_a_line_of_metrics_that_a_kill_has_cut_is_dropped(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    path.write_text('{"step": 1, "loss": 2.0}\n{"step": 2, "loss": 1.0}\n{"step": 3, "lo')
    file = MetricsFile(path, resumed_step=3)
    file.write(4, {"loss": 0.5})
    assert [json.loads(row)["step"] for row in path.read_text().splitlines()] == [1, 2, 4]
    assert [found.name for found in tmp_path.iterdir()] == ["metrics.jsonl"]


def test_checkpointing_changes_no_bit_and_no_load() -> None:
    plain, checkpointed = tiny_trainer(), tiny_trainer(activation_checkpointing=True)
    for seed in range(3):
        wanted, found = plain.step(copy_task(seed)), checkpointed.step(copy_task(seed))
        assert {name: wanted[name] for name in wanted if name not in TIMES} == {
            name: found[name] for name in found if name not in TIMES
        }
    after, other = plain.snapshot(), checkpointed.snapshot()
    assert all(torch.equal(tensor, other.model[name]) for name, tensor in after.model.items())


def spiked(batch: StepBatch) -> StepBatch:
    """The batch with answers that nothing foretells."""
    micro = tuple(replace(row, labels=np.full_like(row.labels, 500)) for row in batch.micro_batches)
    return replace(batch, micro_batches=micro)


def test_a_spike_is_left_out_counted_and_named(caplog: pytest.LogCaptureFixture) -> None:
    guarded, free = tiny_trainer(spike_threshold=8.0, max_steps=60, lr=1e-2), tiny_trainer(max_steps=60, lr=1e-2)
    for trainer in (guarded, free):
        for seed in range(40):
            trainer.step(copy_task(seed))
    assert guarded.progress.skipped_steps == 0
    before = {name: tensor.clone() for name, tensor in guarded.model.state_dict().items()}
    metrics = guarded.step(spiked(copy_task(40)))
    assert (guarded.progress.step, guarded.progress.skipped_steps, metrics["skipped_steps"]) == (41, 1, 1.0)
    assert all(torch.equal(tensor, before[name]) for name, tensor in guarded.model.state_dict().items())
    assert "step 40 (examples 40 to 40) is left out" in caplog.text
    free.step(spiked(copy_task(40)))
    assert not torch.equal(free.model.norm.weight, before["norm.weight"])
    guarded.step(copy_task(41))
    assert guarded.progress.skipped_steps == 1


def test_a_level_that_stays_high_is_no_spike_for_long() -> None:
    guard = SpikeGuard(threshold=6.0)
    for loss in (2.0, 2.1) * 20:
        guard.add(loss)
    assert 2.1 < guard.limit() < 2.7
    for _ in range(64):
        guard.add(4.0)
    assert guard.limit() > 4.0


def test_the_mfu_is_a_share_of_the_configured_peak() -> None:
    one, two = (tiny_trainer(peak_tflops=peak).step(copy_task(0)) for peak in (1e-3, 2e-3))
    share = [metrics["mfu"] / metrics["tokens_per_s"] for metrics in (one, two)]
    assert share[0] == pytest.approx(2 * share[1])
    batch = copy_task(0)
    pairs = 8 * 12 * 13 / 2
    flops = step_flops(TINY.model, batch.tokens, batch.attended_pairs)
    assert flops == 6 * active_parameters(TINY.model) * 96 + 3 * 4 * 2 * 32 * pairs


def test_a_gpu_that_is_not_there_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert own_device("auto") == own_device("cpu") == torch.device("cpu")
    with pytest.raises(ConfigError, match="no CUDA device"):
        own_device("cuda")


def test_a_restored_trainer_goes_on_to_the_bit(tmp_path: Path) -> None:
    whole, first, second = (tiny_trainer(ema_decay=0.9, max_steps=10) for _ in range(3))
    for seed in range(10):
        whole.step(copy_task(seed))
    for seed in range(4):
        first.step(copy_task(seed))
    store = CheckpointStore(tmp_path, keep_last=1)
    folder, _ = store.save(first.snapshot(), TINY.model, None)
    second.restore(load_snapshot(folder))
    for seed in range(4, 10):
        second.step(copy_task(seed))
    wanted, found = whole.snapshot(), second.snapshot()
    assert wanted.progress == found.progress
    assert all(torch.equal(tensor, found.model[name]) for name, tensor in wanted.model.items())
    assert all(torch.equal(tensor, found.state[name]) for name, tensor in wanted.state.items())


def test_a_checkpoint_of_another_model_is_refused(tmp_path: Path) -> None:
    folder, _ = CheckpointStore(tmp_path, keep_last=1).save(tiny_trainer().snapshot(), TINY.model, None)
    other = replace(TINY, model=replace(TINY.model, num_experts=8))
    with pytest.raises(CheckpointError, match="another model"):
        Trainer(other, Decoder(other.model)).restore(load_snapshot(folder))


def test_micro_batches_add_up_to_one_batch() -> None:
    split, joined = tiny_trainer(optimizer="adamw"), tiny_trainer(optimizer="adamw")
    batch = copy_task(0)
    rng = random.Random(0)
    ids = [[rng.randrange(2, 40) for _ in range(6)] for _ in range(8)]
    one = pack([EncodedExample((*row, 1, *row), 7, (1.0,) * len(row)) for row in ids], 0.1)
    assert np.array_equal(one.ids, np.concatenate([micro.ids for micro in batch.micro_batches]))
    a, b = split.step(batch), joined.step(batch_of(one))
    assert a["grad_norm"] == pytest.approx(b["grad_norm"], rel=1e-5)
    assert a["summary_loss"] == pytest.approx(b["summary_loss"], rel=1e-5)


def test_schedules_warm_up_and_end_at_zero() -> None:
    train = replace(TINY.train, max_steps=100, warmup_steps=10, decay_share=0.2)
    wsd = [learning_rate_scale(train, step) for step in range(101)]
    assert wsd[0] == pytest.approx(0.1) and wsd[10:80] == [1.0] * 70 and wsd[90] == pytest.approx(0.5) and wsd[100] == 0
    cosine = [learning_rate_scale(replace(train, schedule="cosine"), step) for step in range(101)]
    assert cosine[55] == pytest.approx(0.5) and cosine[100] == pytest.approx(0)


def test_orthogonal_updates_are_orthogonal() -> None:
    matrices = torch.randn(3, 16, 40, generator=torch.Generator().manual_seed(0))
    values = torch.linalg.svdvals(orthogonalize(matrices, torch.float32))
    assert values.min() > 0.4 and values.max() < 1.4


def test_muon_takes_matrices_and_adamw_the_rest() -> None:
    model = Decoder(TINY.model)
    names = Optimizer(dict(model.named_parameters()), TINY.train, torch.float32).state_tensors().keys()
    assert {"momentum.layers.1.mlp.gate_up_EJD", "m.layers.1.mlp.router.weight", "v.norm.weight"} <= names
    assert not {"momentum.embedding.weight", "momentum.head.weight", "momentum.norm.weight"} & names


def command(out: Path, *more: str) -> list[str]:
    settings = [part for setting in SETTINGS for part in ("--set", setting)]
    return [sys.executable, "-m", "model_core.training", "--recipe", "tiny_test", "--out", str(out), *settings, *more]


def run(out: Path, *more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command(out, *more), capture_output=True, text=True, timeout=240)


@pytest.mark.slow
def test_a_run_killed_at_random_steps_ends_as_one_that_was_not(tmp_path: Path) -> None:
    assert run(tmp_path / "whole").returncode == 0
    for step in random.Random(4).sample(range(1, 12), 2):
        process = subprocess.Popen(command(tmp_path / "killed", "--resume"), stderr=subprocess.DEVNULL)
        _wait_for_step(tmp_path / "killed" / "metrics.jsonl", step, process)
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert run(tmp_path / "killed", "--resume").returncode == 0
    for name in ("model.safetensors", "training_state.safetensors", "progress.json"):
        wanted, found = (tmp_path / kind / "checkpoints" / "step-00000012" / name for kind in ("whole", "killed"))
        assert wanted.read_bytes() == found.read_bytes(), name
    steps = [json.loads(row)["step"] for row in (tmp_path / "killed" / "metrics.jsonl").read_text().splitlines()]
    assert steps == sorted(steps)


def _wait_for_step(metrics: Path, step: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and process.poll() is None:
        rows = metrics.read_text().splitlines() if metrics.is_file() else []
        if rows and json.loads(rows[-1])["step"] >= step:
            return
        time.sleep(0.02)
    raise AssertionError(f"step {step} was not reached; the process ended with {process.poll()}")


@pytest.mark.slow
def test_a_run_that_is_told_to_end_saves_and_exports(tmp_path: Path) -> None:
    process = subprocess.Popen(command(tmp_path, "--set", "train.max_steps=100000"), stderr=subprocess.DEVNULL)
    _wait_for_step(tmp_path / "metrics.jsonl", 2, process)
    process.send_signal(signal.SIGTERM)
    assert process.wait(120) == 0
    newest = CheckpointStore(tmp_path / "checkpoints", keep_last=2).newest()
    last = json.loads((tmp_path / "metrics.jsonl").read_text().splitlines()[-1])["step"]
    assert newest is not None and newest.name == f"step-{last:08d}"
    exported, saved = load_model(tmp_path / "export").state_dict(), load_snapshot(newest).weights_to_use()
    assert all(torch.allclose(exported[name], tensor, rtol=1e-2, atol=1e-3) for name, tensor in saved.items())


def ended_with(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """Run the command in this process until its error; return the error's line."""
    settings = [part for setting in SETTINGS for part in ("--set", setting)]
    assert main(["--recipe", "tiny_test", *settings, *arguments]) == 2
    return capsys.readouterr().err.splitlines()[-1]


def test_a_new_run_leaves_a_folder_with_checkpoints_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    trainer = tiny_trainer()
    folder, _ = CheckpointStore(tmp_path / "checkpoints", keep_last=1).save(trainer.snapshot(), TINY.model, None)
    said = ended_with(capsys, "--out", str(tmp_path))
    assert said == f"error: {tmp_path} holds step-00000000 of another run; --resume goes on from it"
    assert folder.is_dir() and not (tmp_path / "metrics.jsonl").exists()


def test_a_folder_that_another_run_writes_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with locked(tmp_path):
        assert ended_with(capsys, "--out", str(tmp_path), "--resume") == f"error: another run is writing {tmp_path}"
    with locked(tmp_path):
        pass


def test_a_tokenizer_that_cannot_be_read_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "tokenizer.json").write_text('{"model": 3')
    said = ended_with(capsys, "--out", str(tmp_path / "out"), "--set", f"data.tokenizer={tmp_path}")
    assert said.startswith(f"error: {tmp_path / 'tokenizer.json'} cannot be read")


@pytest.mark.slow
def test_the_registry_learns_how_a_run_went(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'registry.db'}"
    run_id = uuid.uuid4()
    done = run(tmp_path / "out", "--registry", url, "--run-id", str(run_id), "--set", "train.max_steps=3")
    assert done.returncode == 0, done.stderr
    registry = open_registry(url)
    assert registry.get_run(run_id).state == "done"
    assert [step for step, _ in registry.run_metrics(run_id, "summary_loss")] == [1, 2, 3]
    checkpoint = registry.run_checkpoint(run_id)
    assert checkpoint is not None and checkpoint.step == 3
    assert load_model(Path(checkpoint.path)).config.vocab_size == 4096
    assert (Path(checkpoint.path) / "tokenizer.json").is_file()


@pytest.mark.parametrize(
    "arguments,message",
    [
        (["--recipe", "none"], "no recipe 'none'"),
        (["--recipe", "tiny_test"], "--out"),
        (
            [
                "--recipe",
                "tiny_test",
                *(word for value in SETTINGS for word in ("--set", value)),
                "--out",
                "/dev/null/x",
            ],
            "/dev/null",
        ),
        (["--recipe", "tiny_test", "--out", "x", "--set", "data.tokenizer=missing"], "tokenizer.json is missing"),
        (["--recipe", "tiny_test", "--out", "x", "--set", "model.vocab_size=100"], "tokens; model.vocab_size is 100"),
        (["--recipe", "tiny_test", "--out", "x", "--init", "missing"], "missing"),
        (["--recipe", "tiny_test", "--out", "x", "--model-of-init"], "--model-of-init needs --init"),
        (
            [
                "--recipe",
                "summarizer_mini",
                "--set",
                "model.num_heads=8",
                "--out",
                "x",
                "--init",
                "pretrained/summarizer-mini",
            ],
            "needs",
        ),
    ],
)
def test_a_run_that_cannot_start_says_why(tmp_path: Path, arguments: list[str], message: str) -> None:
    arguments = [str(tmp_path / "x") if argument == "x" else argument for argument in arguments]
    command = [sys.executable, "-m", "model_core.training", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"})
    assert done.returncode == 2
    assert message in done.stderr.splitlines()[-1]
    assert not (tmp_path / "x" / "checkpoints").exists()
