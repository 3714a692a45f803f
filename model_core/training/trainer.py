"""The trainer: batches in, optimizer steps out, everything else through callbacks.

A step reads its micro batches, refuses to go on when a loss or the gradient is not finite, leaves the batch out when
its loss stands far above the recent ones, clips, steps, balances the experts and moves the average of the weights. Of
several processes each reads its share of a step's micro batches. It knows no files, no registry, no data source and no
optimizer: an engine computes.

Legend: T tokens of a micro batch.
"""

import logging
import math
import time
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace

import torch
from torch import Tensor

from model_core.checkpoint.store import Progress, Snapshot
from model_core.config.schema import RunConfig
from model_core.data.batches import StepBatch
from model_core.data.packing import PackedBatch
from model_core.errors import NonFiniteLossError
from model_core.models.decoder import Decoder
from model_core.training.callbacks import Callback
from model_core.training.engine import Engine, LocalEngine
from model_core.training.loss import mean_loss
from model_core.training.schedule import learning_rate_scale
from model_core.training.spikes import SpikeGuard
from model_core.training.throughput import batch_flops, peak_flops

logger = logging.getLogger(__name__)

_RANDOM_STATE, _SPIKES = "random_state", "spikes"


class Trainer:
    """A model on its way. `progress` says how far it is; `snapshot` and `restore` are the whole of its state."""

    def __init__(self, config: RunConfig, model: Decoder, engine: Engine | None = None) -> None:
        self.config = config
        self.model = model
        self.model.checkpointing = config.train.activation_checkpointing
        self.engine = engine or LocalEngine(config, model)
        self._spikes = SpikeGuard(config.train.spike_threshold)
        self._peak_flops = self.engine.team.size * peak_flops(config.train, self.engine.team.device)
        self.progress = Progress(step=0, next_index=0)
        self.stopping = False
        self.callbacks: list[Callback] = []

    def run(self, batches: Iterable[StepBatch]) -> None:
        """Train on `batches` until the last step of the configuration, or until `stopping` is set.

        Raises: NonFiniteLossError before the step that would have used a loss or gradient that is not finite.
        """
        for callback in self.callbacks:
            callback.on_start(self)
        source = iter(batches)
        while self.progress.step < self.config.train.max_steps and not self._agree_to_stop():
            record = self.step(next(source))
            for callback in self.callbacks:
                callback.on_step(self, record)
        for callback in self.callbacks:
            callback.on_finish(self)

    def _agree_to_stop(self) -> bool:
        """Return whether any rank is to stop; all know it then."""
        self.stopping = self.engine.team.any(self.stopping)
        return self.stopping

    def step(self, batch: StepBatch) -> dict[str, float]:
        """Take one optimizer step with a batch; return its metrics by name."""
        began_s = time.perf_counter()
        self.model.train()
        losses = self._accumulate(batch)
        is_spike = self._is_spike(batch, losses[self.loss_name])
        scale = learning_rate_scale(self.config.train, self.progress.step)
        grad_norm = self.engine.step(scale, self.progress.step + 1, skip=is_spike)
        if not math.isfinite(grad_norm):
            raise NonFiniteLossError(f"the gradient norm of {self._named(batch)} is {grad_norm}; no step was taken")
        loads = self._balance(0.0 if is_spike else self.config.train.bias_update_rate)
        if not is_spike:
            self.engine.move_average(self.progress.step)
        self.progress = Progress(
            self.progress.step + 1, batch.next_index, skipped_steps=self.progress.skipped_steps + is_spike
        )
        elapsed_s = time.perf_counter() - began_s
        return {
            **losses,
            "grad_norm": grad_norm,
            "lr": self.config.train.lr * scale,
            "tokens_per_s": batch.tokens / elapsed_s,
            "mfu": batch_flops(self.config.model, batch) / elapsed_s / self._peak_flops,
            "tokens": float(batch.tokens),
            "examples": float(batch.examples),
            "skipped_examples": float(batch.skipped),
            "skipped_steps": float(self.progress.skipped_steps),
            **{f"expert_load_max.{i}": float(load.max() / load.mean()) for i, load in enumerate(loads)},
            **{f"expert_load_min.{i}": float(load.min() / load.mean()) for i, load in enumerate(loads)},
        }

    @property
    def loss_name(self) -> str:
        """What the loss of the tokens of weight 1 is called."""
        return "text_loss" if self.config.train.objective == "text" else "summary_loss"

    def _is_spike(self, batch: StepBatch, loss: float) -> bool:
        """Tell whether the batch is to be left out, and name it; every rank has the same loss."""
        limit = self._spikes.limit()
        self._spikes.add(loss)
        if loss > limit:
            logger.warning("%s is left out: its loss is %.4g, the limit %.4g", self._named(batch), loss, limit)
        return loss > limit

    def _named(self, batch: StepBatch) -> str:
        return f"step {self.progress.step} (examples {self.progress.next_index} to {batch.next_index - 1})"

    def _balance(self, rate: float) -> list[Tensor]:
        """Move the routers' biases by the choices of the step on all ranks; return those choices, a layer a tensor."""
        routers = list(self.model.routers())
        for router in routers:
            self.engine.team.sum(router.load)
        loads = [router.load.float() for router in routers]
        for router in routers:
            router.update_bias(rate)
        return loads

    def _accumulate(self, batch: StepBatch) -> dict[str, float]:
        """Add up the gradients of the weighted mean loss over the whole step; return the mean losses."""
        team = self.engine.team
        total_weight = sum(float(micro.weights.sum()) for micro in batch.micro_batches)
        totals = torch.zeros(2, 2, device=team.device)
        for turn, micro in enumerate(team.share(batch.micro_batches)):
            loss, losses_T, weights_T = self.engine(micro)
            self._check(team.gather(float(loss.detach())), turn * team.size, batch)
            self.engine.backward(loss / total_weight)
            full = weights_T == 1
            totals[0] += torch.stack((losses_T[full].sum(), full.sum()))
            other = (weights_T > 0) & ~full
            totals[1] += torch.stack((losses_T[other].sum(), other.sum()))
        totals = team.sum(totals)
        loss, transcript = (totals[:, 0] / totals[:, 1].clamp_min(1)).tolist()
        read = {"transcript_loss": transcript} if self.config.train.objective == "summaries" else {}
        return {self.loss_name: loss, **read}

    def _check(self, losses: Sequence[float], first: int, batch: StepBatch) -> None:
        """Refuse to go on when a loss of micro batches `first`, `first` + 1, ... is not finite, on all ranks alike."""
        for number, loss in enumerate(losses, first):
            if not math.isfinite(loss):
                raise NonFiniteLossError(
                    f"the loss of micro batch {number} of {self._named(batch)} is {loss}; no step was taken"
                )

    def held_out_loss(self, batches: Sequence[PackedBatch]) -> float:
        """Return the mean loss of the tokens of weight 1. Side effect: leaves the model in evaluation mode."""
        self.model.eval()
        return mean_loss(self.engine, batches, self.engine.team)

    def export_state(self) -> dict[str, Tensor]:
        """Return the weights to use, the average when there is one; of several processes each returns its part."""
        return self.engine.weights_to_use()

    def averaged(self) -> AbstractContextManager[None]:
        """Return a context in which the model computes with the weights to use."""
        return self.engine.averaged()

    def snapshot(self, eval_loss: float | None = None) -> Snapshot:
        """Return the whole state, or of several processes this one's part; the tensors may be the live ones."""
        state = self.engine.state() | {self._random_state: torch.get_rng_state()}
        if self.engine.team.rank == 0:
            state[_SPIKES] = self._spikes.history
        return Snapshot(replace(self.progress, eval_loss=eval_loss), self.engine.weights(), state)

    def restore(self, snapshot: Snapshot) -> None:
        """Take over a saved state, so that what follows equals a run that was never stopped.

        A rank that the saved run did not have begins with the random state it has.

        Raises: CheckpointError when it is of another model or optimizer.
        """
        self.engine.load(snapshot.model, snapshot.state)
        if self._random_state in snapshot.state:
            torch.set_rng_state(snapshot.state[self._random_state])
        self._spikes.restore(snapshot.state.get(_SPIKES, self._spikes.history))
        self.progress = replace(snapshot.progress, eval_loss=None)

    @property
    def _random_state(self) -> str:
        rank = self.engine.team.rank
        return f"{_RANDOM_STATE}.{rank}" if rank else _RANDOM_STATE
