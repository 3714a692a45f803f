"""The ranks' side of the equality tests: plain steps down the gradient through DeepSpeed."""

import gc
from dataclasses import replace

import torch
from torch import Tensor

from model_core.config.schema import ParallelConfig, RunConfig
from model_core.parallel.engine import ZeroEngine
from model_core.parallel.team import Team, join
from model_core.training.loss import PackedLoss
from tests.model_core.distributed.tasks import new_model, step_batch, weighted_sum

LR = 0.1


class FlatSGD(torch.optim.SGD):
    """Torch's own steps, for groups that carry more than it knows."""

    def __init__(self, groups: list[dict[str, object]]) -> None:
        super().__init__([{"params": group.pop("params"), **group} for group in groups], lr=LR)


def one_group(name: str, parameter: Tensor) -> dict[str, object]:
    """Return the group of every parameter."""
    return {"name": "all", "keys": ()}


def sgd_losses(config: RunConfig, team: Team, steps: int) -> list[float]:
    """Return the loss of each step, summed over the ranks."""
    model = new_model(config, team)
    model.checkpointing = config.train.activation_checkpointing
    loss_of = PackedLoss(model, torch.float32)
    engine = ZeroEngine(loss_of, dict(model.named_parameters()), config, team, one_group, FlatSGD)
    losses = []
    for seed in range(steps):
        batch = step_batch(seed)
        total = sum(float(micro.weights.sum()) for micro in batch.micro_batches)
        mine = 0.0
        for micro in team.share(batch.micro_batches):
            loss, tokens, weights = engine(micro)
            mine += weighted_sum(tokens, weights)
            engine.backward(loss / total)
        engine.step(1.0, seed + 1)
        losses.append(sum(team.gather(mine)) / total)
    return losses


def all_losses(config: RunConfig, cases: list[tuple[int, int, float]], steps: int) -> list[list[float]]:
    """Return the losses of each case: ZeRO stage, expert parallelism, clipping norm."""
    results = []
    for stage, expert, clip in cases:
        case = replace(
            config,
            parallel=ParallelConfig(zero_stage=stage, expert_parallel=expert),
            train=replace(config.train, clip_norm=clip),
        )
        results.append(sgd_losses(case, join(case), steps))
        gc.collect()
    return results
