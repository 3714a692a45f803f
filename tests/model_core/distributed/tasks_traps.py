"""The ranks' side of the tests that guard what is known to go wrong with experts under DeepSpeed."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, distributed

from model_core.checkpoint.store import CheckpointStore, load_snapshot
from model_core.config.schema import ParallelConfig, RunConfig
from model_core.models.decoder import Decoder
from model_core.ops.experts import expert_mlp
from model_core.parallel import exchange
from model_core.parallel.engine import ZeroEngine
from model_core.parallel.team import Team, join
from model_core.training.loss import PackedLoss
from tests.model_core.distributed.tasks import new_model, new_trainer, part_of, step_batch
from tests.model_core.distributed.tasks_equal import LR, FlatSGD, one_group

STEPS = 3


def prefer(model: Decoder, rank: int) -> None:
    """Let a rank's tokens choose two experts that no token of the other rank chooses."""
    for router in model.routers():
        router.correction_bias.zero_()
        router.correction_bias[2 * rank : 2 * rank + 2] = 100.0


def apart(config: RunConfig, stages: list[tuple[int, int]]) -> list[list[float]]:
    """Train with tokens that choose other experts on every rank; return the losses by ZeRO stage and parallelism."""
    results = []
    for stage, expert in stages:
        case = replace(config, parallel=ParallelConfig(zero_stage=stage, expert_parallel=expert))
        team = join(case)
        model = new_model(case, team)
        engine = ZeroEngine(
            PackedLoss(model, torch.float32), dict(model.named_parameters()), case, team, one_group, FlatSGD
        )
        prefer(model, team.rank)
        results.append([_apart_step(engine, team, seed) for seed in range(STEPS)])
        gc.collect()
    return results


def _apart_step(engine: ZeroEngine, team: Team, seed: int) -> float:
    batch = step_batch(seed)
    loss = engine(batch.micro_batches[team.rank])[0] / sum(float(micro.weights.sum()) for micro in batch.micro_batches)
    engine.backward(loss)
    engine.step(1.0, seed + 1)
    return float(team.sum(loss.detach().clone()))


def apart_alone(config: RunConfig) -> list[float]:
    """Return the same losses of one process."""
    model = new_model(config)
    loss_of = PackedLoss(model, torch.float32)
    optimizer = torch.optim.SGD(model.parameters(), lr=LR)
    losses = []
    for seed in range(STEPS):
        batch = step_batch(seed)
        total = sum(float(micro.weights.sum()) for micro in batch.micro_batches)
        step_loss = 0.0
        for rank, micro in enumerate(batch.micro_batches):
            prefer(model, rank)
            loss = loss_of(micro)[0] / total
            loss.backward()
            step_loss += float(loss.detach())
        torch.nn.utils.clip_grad_norm_(model.parameters(), config.train.clip_norm)
        optimizer.step()
        optimizer.zero_grad()
        losses.append(step_loss)
    return losses


def trained_and_saved(config: RunConfig, folder: Path) -> dict[str, Any]:
    """Train three steps, save, go on from what was saved; return what to look at before and after."""
    team = join(config)
    trainer = new_trainer(config, team)
    norms = [trainer.step(part_of(step_batch(seed), team))["grad_norm"] for seed in range(STEPS)]
    saved, _ = CheckpointStore(folder, 1, team).save(trainer.snapshot(), config.model, None)
    found = {"norms": norms, "loads": [int(router.load.sum()) for router in trainer.model.routers()]}
    again = new_trainer(config, team)
    again.restore(load_snapshot(saved))
    for name, one in (("biases", trainer), ("restored", again)):
        found[name] = [router.correction_bias.clone() for router in one.model.routers()]
    return found


@contextmanager
def _seen_weights(seen: list[Tensor]) -> Iterator[None]:
    """Let `seen` collect the weights with which a rank computes the rows that it received."""

    def spy(x: Tensor, weights: Tensor, *rest: Tensor) -> Tensor:
        seen.append(weights.detach())
        return expert_mlp(x, weights, *rest)

    exchange.expert_mlp = spy  # type: ignore[assignment]
    try:
        yield
    finally:
        exchange.expert_mlp = expert_mlp


def gates_in_bf16(config: RunConfig) -> dict[str, Any]:
    """Return what the routers' weights look like where they are used, in a bf16 run."""
    team = join(config)
    trainer = new_trainer(config, team)
    received: list[Tensor] = []
    with _seen_weights(received), torch.no_grad():
        trainer.engine(step_batch(0).micro_batches[team.rank])
    return {
        "received": received,
        "routers": [router.weight.dtype for router in trainer.model.routers()],
        "biases": [router.correction_bias.dtype for router in trainer.model.routers()],
    }


def places(config: RunConfig) -> dict[str, Any]:
    """Return the ranks that this rank finds in its groups, and the shapes of the parameters that it holds."""
    team = join(config)
    model = new_model(config, team)
    groups = {"expert": team.expert_group, "expert_data": team.expert_data_group}
    return {
        "place": team.place,
        "groups": {kind: distributed.get_process_group_ranks(group) for kind, group in groups.items()},
        "shapes": {name: tuple(parameter.shape) for name, parameter in model.named_parameters()},
        "first": {name: float(p.flatten()[0]) for name, p in model.named_parameters()},
        "sum": team.sum(torch.tensor([team.rank])).tolist(),
        "any": [team.any(team.rank == 3), team.any(False)],
        "gathered": team.gather(team.rank),
    }
