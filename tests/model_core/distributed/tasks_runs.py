"""The ranks' side of the tests that stop runs: whole runs with checkpoints, over made-up rows."""

import os
import signal
import time
from pathlib import Path

import torch
from torch import Tensor

from model_core.checkpoint.store import CheckpointStore, Progress, Snapshot, load_snapshot
from model_core.config.schema import RunConfig
from model_core.errors import CheckpointError
from model_core.models.moe import EXPERT_PARAMETERS
from model_core.parallel.slices import slice_name
from model_core.parallel.team import Team, join
from model_core.parallel.watch import watched
from model_core.training.callbacks import Callback, Metrics
from model_core.training.trainer import Trainer
from tests.model_core.distributed.tasks import batches, new_model, new_trainer

STEPS_FILE = "steps"


class _Reporter(Callback):
    """A line a step: its number, the loss, and what the data position was; for who watches the run from outside."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / STEPS_FILE

    def on_step(self, trainer: Trainer, metrics: Metrics) -> None:
        with self._file.open("a") as stream:
            stream.write(f"{trainer.progress.step} {metrics['summary_loss']!r} {trainer.progress.next_index}\n")


class _Saver(Callback):
    def __init__(self, store: CheckpointStore, every: int) -> None:
        self._store = store
        self._every = every

    def on_step(self, trainer: Trainer, metrics: Metrics) -> None:
        # The trainer draws nothing: this stands for whatever in a step might.
        torch.rand(3)
        if trainer.progress.step % self._every == 0:
            self._store.save(trainer.snapshot(), trainer.model.config, None)


def run(config: RunConfig, folder: Path, alone: bool = False) -> list[float]:
    """Go on from the newest checkpoint of `folder` until the last step; return the losses of the steps taken."""
    team = Team() if alone else join(config)
    torch.manual_seed(config.train.seed + team.rank)
    trainer = new_trainer(config, None if alone else team)
    store = CheckpointStore(folder / "checkpoints", 1000, team)
    newest = store.newest()
    if newest is not None:
        trainer.restore(load_snapshot(newest, check=False))
    losses: list[float] = []

    class Keeper(Callback):
        def on_step(self, trainer: Trainer, metrics: Metrics) -> None:
            losses.append(metrics["summary_loss"])

    trainer.callbacks += [Keeper(), _Saver(store, config.train.checkpoint_every)]
    if team.rank == 0:
        trainer.callbacks.append(_Reporter(folder))
    trainer.run(batches(trainer.progress.next_index, team))
    return losses


def refused(config: RunConfig, folder: Path) -> str:
    """Return why a run cannot go on from the newest checkpoint of `folder`."""
    try:
        run(config, folder)
    except CheckpointError as error:
        return str(error)
    return ""


def save_for_ever(config: RunConfig, folder: Path) -> None:
    """Write one small checkpoint after the other, beginning behind the newest; the first rank says which is done."""
    team = join(config)
    store = CheckpointStore(folder / "checkpoints", 3, team)
    newest = store.newest()
    step = int(newest.name.removeprefix("step-")) if newest else 0
    while True:
        step += 1
        store.save(_part(config, team, step), config.model, None)
        if team.rank == 0:
            with (folder / STEPS_FILE).open("a") as stream:
                stream.write(f"{step}\n")


def _part(config: RunConfig, team: Team, step: int) -> Snapshot:
    """This rank's part of a model whose experts all hold the step's number."""
    model = new_model(config, team)
    part: dict[str, Tensor] = {}
    for name, tensor in model.state_dict().items():
        if name.endswith(EXPERT_PARAMETERS):
            part[slice_name(name, model.held_experts)] = torch.full_like(tensor, float(step))
        elif team.rank == 0:
            part[name] = tensor
    return Snapshot(Progress(step, step), part, {f"random_state.{team.rank}": torch.get_rng_state()})


def save_once(config: RunConfig, folder: Path) -> str:
    """Save where it cannot be saved on this rank; return the error's words."""
    team = join(config)
    try:
        CheckpointStore(folder / "checkpoints", 1, team).save(_part(config, team, 1), config.model, None)
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return ""


def wait_for_peer(config: RunConfig, victim: int, how: str, lost_after_s: int) -> str:
    """Train until rank `victim` is gone: `how` says in which way; return what this rank was told.

    Rank 0 holds the store through which the ranks watch one another.
    """
    began = time.monotonic()
    try:
        with watched(lost_after_s, lambda reason: None):
            _train_until_gone(config, victim, how)
    except Exception as error:
        return f"{time.monotonic() - began:.1f} {type(error).__name__}: {error}"
    return "ran to its end"


def _train_until_gone(config: RunConfig, victim: int, how: str) -> None:
    team = join(config)
    trainer = new_trainer(config, team)

    class Vanish(Callback):
        def on_step(self, trainer: Trainer, metrics: Metrics) -> None:
            if trainer.progress.step == 2 and team.rank == victim:
                if how == "error":
                    raise ValueError(f"rank {victim} has had enough")
                os.kill(os.getpid(), signal.SIGSTOP if how == "stopped" else signal.SIGKILL)

    trainer.callbacks.append(Vanish())
    trainer.run(batches(0, team))
