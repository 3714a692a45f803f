"""The ranks' side of the tests of the trainer: evaluation, steps left out, losses that are not finite."""

import gc
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from model_core.config.schema import ParallelConfig, RunConfig
from model_core.errors import NonFiniteLossError
from model_core.parallel.team import join
from model_core.training.callbacks import Callback, Metrics
from model_core.training.trainer import Trainer
from tests.model_core.distributed.tasks import batches, new_trainer, part_of, step_batch

HELD_OUT = [micro for seed in (90, 91) for micro in step_batch(seed).micro_batches][:3]


def watched_steps(trainer: Trainer) -> dict[str, Any]:
    """Train three steps, evaluate, leave a step out; return what came of it."""
    team = trainer.engine.team
    for seed in range(3):
        trainer.step(part_of(step_batch(seed), team))
    with trainer.averaged():
        averaged = trainer.held_out_loss(HELD_OUT)
    own = trainer.held_out_loss(HELD_OUT)
    before = tensors(trainer)
    trainer.model.train()
    batch = step_batch(3)
    for micro in team.share(batch.micro_batches):
        trainer.engine.backward(trainer.engine(micro)[0] / 10)
    norm = trainer.engine.step(1.0, 4, skip=True)
    after = tensors(trainer)
    same = all(torch.equal(after[name], tensor) for name, tensor in before.items())
    return {"averaged": averaged, "own": own, "norm": norm, "same": same, "export": trainer.export_state()}


def tensors(trainer: Trainer) -> dict[str, Tensor]:
    """Return copies of all that this rank would save."""
    snapshot = trainer.snapshot()
    return {name: tensor.clone() for name, tensor in {**snapshot.model, **snapshot.state}.items()}


def watch(config: RunConfig, cases: list[tuple[int, int, str]]) -> list[dict[str, Any]]:
    """Do the same as a rank, by ZeRO stage, expert parallelism and optimizer."""
    results = []
    for stage, expert, optimizer in cases:
        case = replace(
            config,
            parallel=ParallelConfig(zero_stage=stage, expert_parallel=expert),
            train=replace(config.train, optimizer=optimizer),
        )
        results.append(watched_steps(new_trainer(case, join(case))))
        gc.collect()
    return results


def refused(config: RunConfig) -> dict[str, Any]:
    """Try steps that are not to be taken; return what this rank says to each.

    Those after rank 1 was told to end, one whose loss is far above the others', one whose gradient is not finite on
    rank 1, one whose loss is not.
    """
    team = join(config)
    trainer = new_trainer(config, team)

    class End(Callback):
        def on_step(self, trainer: Trainer, metrics: Metrics) -> None:
            trainer.stopping = team.rank == 1

    trainer.callbacks.append(End())
    trainer.run(batches(0, team))
    ended = trainer.progress.step
    before = tensors(trainer)
    trainer.spikes.restore(torch.ones(20))
    trainer.step(part_of(step_batch(1), team))
    after = tensors(trainer)
    same = all(torch.equal(after[name], tensor) for name, tensor in before.items() if name != "spikes")
    said = {"ended": ended, "skipped": trainer.progress.skipped_steps, "same": same}
    hook = trainer.model.norm.weight.register_hook(lambda grad: grad / (1 - team.rank))
    said["gradient"] = _error_of(trainer, 2)
    hook.remove()
    if team.rank == 1:
        trainer.model.norm.weight.data[0] = float("nan")
    return said | {"loss": _error_of(trainer, 3)}


def _error_of(trainer: Trainer, seed: int) -> str:
    try:
        trainer.step(part_of(step_batch(seed), trainer.engine.team))
    except NonFiniteLossError as error:
        return f"{error} ({trainer.progress.step} taken)"
    return ""
