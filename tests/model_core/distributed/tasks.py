"""What the ranks of the tests do: tiny models on made-up rows, in one process or in several, by the same functions."""

import random
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from model_core.checkpoint.store import Snapshot
from model_core.config.recipes import get_recipe
from model_core.config.schema import ParallelConfig, RunConfig
from model_core.data.batches import StepBatch
from model_core.data.packing import EncodedExample, pack
from model_core.models.decoder import Decoder
from model_core.parallel.exchange import new_decoder
from model_core.parallel.slices import join_slices
from model_core.parallel.team import Team, join
from model_core.training.engine import SpreadEngine
from model_core.training.loss import PackedLoss
from model_core.training.trainer import Trainer

TINY = get_recipe("tiny_test")


def configure(parallel: dict[str, int] | None = None, **train: Any) -> RunConfig:
    """Return the tiny recipe, which has two micro batches a step, with changes."""
    return replace(TINY, train=replace(TINY.train, **train), parallel=ParallelConfig(**(parallel or {})))


def step_batch(seed: int, micro_batches: int = 2) -> StepBatch:
    """Rows of random ids to be copied; no two micro batches have the same number of tokens."""
    rng = random.Random(seed)
    rows = []
    for number in range(micro_batches):
        examples = []
        for _ in range(3 + number % 2):
            ids = [rng.randrange(2, 40) for _ in range(rng.randrange(4, 9))]
            examples.append(EncodedExample((*ids, 1, *ids), len(ids) + 1, (1.0,) * len(ids)))
        rows.append(pack(examples, 0.1))
    return StepBatch(tuple(rows), seed + 1, 7, 0, sum(float(row.weights.sum()) for row in rows))


def part_of(batch: StepBatch, team: Team) -> StepBatch:
    """Return a rank's part of a batch."""
    return replace(batch, micro_batches=tuple(team.share(batch.micro_batches)))


def batches(seed: int, team: Team) -> Iterator[StepBatch]:
    """A rank's batches without end; the data position is the seed of the next."""
    while True:
        yield part_of(step_batch(seed), team)
        seed += 1


def new_model(config: RunConfig, team: Team | None = None) -> Decoder:
    """Return the tiny model, or a rank's part of it, with weights by the seed, with biases that are not zero."""
    model = new_decoder(config.model, team or Team())
    model.init_weights(0)
    for number, router in enumerate(model.routers()):
        router.correction_bias += 0.01 * torch.arange(config.model.num_experts) * (number + 1)
    return model


def new_trainer(config: RunConfig, team: Team | None = None) -> Trainer:
    """Return a trainer of the tiny model; with a team, its part of one."""
    model = new_model(config, team)
    return Trainer(config, model, SpreadEngine(config, model, team) if team else None)


def train(config: RunConfig, steps: int) -> tuple[list[dict[str, float]], Snapshot]:
    """Train as one rank; return the metrics of each step and this rank's part of the state."""
    trainer = new_trainer(config, join(config))
    records = [trainer.step(part_of(step_batch(seed), trainer.engine.team)) for seed in range(steps)]
    return records, trainer.snapshot()


def train_alone(config: RunConfig, steps: int) -> tuple[list[dict[str, float]], Snapshot]:
    """Train in this process."""
    trainer = new_trainer(config)
    records = [trainer.step(step_batch(seed)) for seed in range(steps)]
    return records, trainer.snapshot()


def whole(parts: list[dict[str, Tensor]]) -> dict[str, Tensor]:
    """Return the whole tensors of what the ranks saved."""
    return join_slices({name: tensor for part in parts for name, tensor in part.items()})


def sgd_losses(config: RunConfig, steps: int, clip: bool) -> list[float]:
    """Return the losses of plain steps down the gradient, by torch alone in one process."""
    model = new_model(config)
    loss_of = PackedLoss(model, torch.float32)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    losses = []
    for seed in range(steps):
        batch = step_batch(seed)
        total = sum(float(micro.weights.sum()) for micro in batch.micro_batches)
        found = [loss_of(micro) for micro in batch.micro_batches]
        (torch.stack([loss for loss, _, _ in found]).sum() / total).backward()
        if clip:
            torch.nn.utils.clip_grad_norm_(model.parameters(), config.train.clip_norm)
        optimizer.step()
        optimizer.zero_grad()
        losses.append(sum(weighted_sum(tokens, weights) for _, tokens, weights in found) / total)
    return losses


def weighted_sum(losses_T: Tensor, weights_T: Tensor) -> float:
    """Return the loss of a micro batch, added up in fp64: of a sum in fp32 the seventh digit is chance."""
    return float((losses_T.detach().double() * weights_T).sum())
