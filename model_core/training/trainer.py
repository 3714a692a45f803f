"""The trainer: batches in, optimizer steps out, everything else through callbacks.

A step reads its micro batches, refuses to go on when a loss or the gradient is not finite, leaves the batch out when
its loss stands far above the recent ones, clips, steps, balances the experts and moves the average of the weights. Of
several processes each is given its share of a step's micro batches. It knows no files, no registry, no data source and
no optimizer: an engine computes.

Legend: T tokens of a micro batch.
"""

import logging
import math
import time
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace

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
from model_core.training.loss import loss_sums, mean_loss
from model_core.training.schedule import learning_rate_scale
from model_core.training.spikes import SpikeGuard
from model_core.training.throughput import peak_flops, step_flops

logger = logging.getLogger(__name__)

_RANDOM_STATE, _CUDA_RANDOM_STATE, _SPIKES = "random_state", "cuda_random_state", "spikes"


@dataclass(frozen=True)
class _Totals:
    """What all ranks together found in a step: mean losses by name, and what was read."""

    losses: dict[str, float]
    tokens: float
    attended_pairs: float
    examples: float
    skipped: float


class Trainer:
    """A model on its way. `progress` says how far it is; `snapshot` and `restore` are the whole of its state."""

    def __init__(self, config: RunConfig, model: Decoder, engine: Engine | None = None) -> None:
        self.config = config
        self.model = model
        self.model.checkpointing = config.train.activation_checkpointing
        self.engine = engine or LocalEngine(config, model)
        self.spikes = SpikeGuard(config.train.spike_threshold)
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
            waiting_since_s = time.perf_counter()
            batch = next(source)
            record = self.step(batch, waited_s=time.perf_counter() - waiting_since_s)
            for callback in self.callbacks:
                callback.on_step(self, record)
        for callback in self.callbacks:
            callback.on_finish(self)

    def _agree_to_stop(self) -> bool:
        """Return whether any rank is to stop; all know it then."""
        self.stopping = self.engine.team.any(self.stopping)
        return self.stopping

    def step(self, batch: StepBatch, waited_s: float = 0.0) -> dict[str, float]:
        """Take one optimizer step with this rank's part of a batch, after `waited_s` for it; return metrics by name."""
        began_s = time.perf_counter() - waited_s
        self.model.train()
        totals = self._accumulate(batch)
        is_spike = self._is_spike(batch, totals.losses[self.loss_name])
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
        flops = step_flops(self.config.model, totals.tokens, totals.attended_pairs)
        return {
            **totals.losses,
            "grad_norm": grad_norm,
            "lr": self.config.train.lr * scale,
            "tokens_per_s": totals.tokens / elapsed_s,
            "mfu": flops / elapsed_s / self._peak_flops,
            "tokens": totals.tokens,
            "examples": totals.examples,
            "skipped_examples": totals.skipped,
            "skipped_steps": float(self.progress.skipped_steps),
            **{f"expert_load_max.{layer}": float(load.max() / load.mean()) for layer, load in loads.items()},
            **{f"expert_load_min.{layer}": float(load.min() / load.mean()) for layer, load in loads.items()},
        }

    @property
    def loss_name(self) -> str:
        """What the loss of the answers' tokens is called; of text it is every token's."""
        return "text_loss" if self.config.train.objective == "text" else "summary_loss"

    def _is_spike(self, batch: StepBatch, loss: float) -> bool:
        """Tell whether the batch is to be left out, and name it; every rank has the same loss."""
        limit = self.spikes.limit()
        self.spikes.add(loss)
        if loss > limit:
            logger.warning("%s is left out: its loss is %.4g, the limit %.4g", self._named(batch), loss, limit)
        return loss > limit

    def _named(self, batch: StepBatch) -> str:
        return f"step {self.progress.step} (examples {self.progress.next_index} to {batch.next_index - 1})"

    def _balance(self, rate: float) -> dict[int, Tensor]:
        """Move the routers' biases by the choices of the step on all ranks; return those choices by model layer."""
        loads = {}
        for layer, router in enumerate(self.model.routers(), self.config.model.num_dense_layers):
            loads[layer] = self.engine.team.sum(router.load).float()
            router.update_bias(rate)
        return loads

    def _accumulate(self, batch: StepBatch) -> _Totals:
        """Add up the gradients of the weighted mean loss over the whole step; return what all ranks found together."""
        team, ranks_micro_batches = self.engine.team, len(batch.micro_batches) * self.engine.team.size
        losses_M = torch.zeros(ranks_micro_batches, dtype=torch.float64, device=team.device)
        sums = torch.zeros(2, 2, dtype=torch.float64, device=team.device)
        for turn, micro in enumerate(batch.micro_batches):
            loss, losses_T, weights_T = self.engine(micro)
            self.engine.backward(loss / batch.weight)
            losses_M[turn * team.size + team.rank] = loss.detach()
            sums += loss_sums(micro, losses_T, weights_T)
        read = torch.tensor([batch.tokens, batch.attended_pairs, batch.examples, batch.skipped]).to(sums)
        # One exchange a step carries all that the ranks must know of one another.
        found = team.sum(torch.cat((sums.flatten(), read, losses_M))).tolist()
        self._check(found[8:], batch)
        losses = {self.loss_name: found[0] / max(found[1], 1)}
        if self.config.train.objective == "summaries":
            losses["transcript_loss"] = found[2] / max(found[3], 1)
        return _Totals(losses, *found[4:8])

    def _check(self, losses: Sequence[float], batch: StepBatch) -> None:
        """Refuse to go on when a micro batch's loss is not finite, on all ranks alike."""
        for number, loss in enumerate(losses):
            if not math.isfinite(loss):
                raise NonFiniteLossError(
                    f"the loss of micro batch {number} of {self._named(batch)} is {loss}; no step was taken"
                )

    def held_out_loss(self, batches: Sequence[PackedBatch]) -> float:
        """Return the mean loss of the answers' tokens. Side effect: leaves the model in evaluation mode."""
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
        state = self.engine.state() | {self._own(_RANDOM_STATE): torch.get_rng_state()}
        if self.engine.team.device.type == "cuda":
            state[self._own(_CUDA_RANDOM_STATE)] = torch.cuda.get_rng_state(self.engine.team.device)
        if self.engine.team.rank == 0:
            state[_SPIKES] = self.spikes.history
        return Snapshot(replace(self.progress, eval_loss=eval_loss), self.engine.weights(), state)

    def restore(self, snapshot: Snapshot) -> None:
        """Take over a saved state, so that what follows equals a run that was never stopped.

        A rank or a device that the saved run did not have begins with the random state it has.

        Raises: CheckpointError when it is of another model or optimizer.
        """
        self.engine.load(snapshot.model, snapshot.state)
        if self._own(_RANDOM_STATE) in snapshot.state:
            torch.set_rng_state(snapshot.state[self._own(_RANDOM_STATE)])
        device = self.engine.team.device
        if device.type == "cuda" and self._own(_CUDA_RANDOM_STATE) in snapshot.state:
            torch.cuda.set_rng_state(snapshot.state[self._own(_CUDA_RANDOM_STATE)], device)
        self.spikes.restore(snapshot.state.get(_SPIKES, self.spikes.history))
        self.progress = replace(snapshot.progress, eval_loss=None)

    def _own(self, name: str) -> str:
        """Return what this rank's own part of the state is called."""
        rank = self.engine.team.rank
        return f"{name}.{rank}" if rank else name
