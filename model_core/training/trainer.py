"""The trainer: batches in, optimizer steps out, everything else through callbacks.

A step reads its micro batches, refuses to go on when a loss or the gradient is not finite, leaves the batch out when
they stand far above the recent ones, clips, steps, balances the experts and moves the average of the weights. It knows
no files, no registry and no data source.

Legend: T tokens of a micro batch.
"""

import logging
import time
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import replace

import torch
from torch import Tensor

from model_core.checkpoint.store import AVERAGE, Progress, Snapshot
from model_core.config.schema import RunConfig
from model_core.data.batches import StepBatch
from model_core.errors import CheckpointError, NonFiniteLossError
from model_core.models.decoder import Decoder
from model_core.training.callbacks import Callback
from model_core.training.loss import compute_dtype, packed_loss, training_device
from model_core.training.optim import Optimizer
from model_core.training.schedule import learning_rate_scale
from model_core.training.spikes import SpikeGuard
from model_core.training.throughput import batch_flops, peak_flops

logger = logging.getLogger(__name__)

_RANDOM_STATE = "random_state"
_SPIKES = "spikes"


class Trainer:
    """A model on its way. `progress` says how far it is; `snapshot` and `restore` are the whole of its state."""

    def __init__(self, config: RunConfig, model: Decoder) -> None:
        self.config = config
        self.device = training_device(config.train.device)
        self.model = model.to(self.device)
        self.model.checkpointing = config.train.activation_checkpointing
        self.progress = Progress(step=0, next_index=0)
        self.stopping = False
        self.callbacks: list[Callback] = []
        self._parameters = dict(model.named_parameters())
        self.compute_dtype = compute_dtype(config.train.precision, self.device)
        self._optimizer = Optimizer(self._parameters, config.train, self.compute_dtype)
        self._spikes = SpikeGuard(2, config.train.spike_threshold)
        self._peak_flops = peak_flops(config.train, self.device, self.compute_dtype)
        use_average = config.train.ema_decay > 0
        self._average = {name: tensor.clone() for name, tensor in model.state_dict().items()} if use_average else {}

    def run(self, batches: Iterable[StepBatch]) -> None:
        """Train on `batches` until the last step of the configuration, or until `stopping` is set.

        Raises: NonFiniteLossError before the step that would have used a loss or gradient that is not finite.
        """
        for callback in self.callbacks:
            callback.on_start(self)
        source = iter(batches)
        while self.progress.step < self.config.train.max_steps and not self.stopping:
            record = self.step(next(source))
            for callback in self.callbacks:
                callback.on_step(self, record)
        for callback in self.callbacks:
            callback.on_finish(self)

    def step(self, batch: StepBatch) -> dict[str, float]:
        """Take one optimizer step with a batch; return its metrics by name."""
        began_s = time.perf_counter()
        self.model.train()
        losses = self._accumulate(batch)
        grad_norm = self._clip(batch)
        scale = learning_rate_scale(self.config.train, self.progress.step)
        is_spike = self._is_spike(batch, losses[self.loss_name], grad_norm)
        loads = [router.load.float() for router in self.model.routers()]
        if not is_spike:
            self._optimizer.step(scale, self.progress.step + 1)
            self._move_average()
        self.model.zero_grad(set_to_none=True)
        for router in self.model.routers():
            router.update_bias(0.0 if is_spike else self.config.train.bias_update_rate)
        self.progress = replace(
            self.progress,
            step=self.progress.step + 1,
            next_index=batch.next_index,
            skipped_steps=self.progress.skipped_steps + is_spike,
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
        """What the loss of the tokens of full weight is called."""
        return "text_loss" if self.config.train.objective == "text" else "summary_loss"

    def _is_spike(self, batch: StepBatch, loss: float, grad_norm: float) -> bool:
        """Tell whether the batch is to be left out, and name it."""
        limits = self._spikes.limits()
        self._spikes.add([loss, grad_norm])
        is_spike = loss > limits[0] or grad_norm > limits[1]
        if is_spike:
            logger.warning(
                "%s is left out: its loss is %.4g, the limit %.4g; its gradient norm %.4g, the limit %.4g",
                *(self._named(batch), loss, limits[0], grad_norm, limits[1]),
            )
        return is_spike

    def _named(self, batch: StepBatch) -> str:
        return f"step {self.progress.step} (examples {self.progress.next_index} to {batch.next_index - 1})"

    def _accumulate(self, batch: StepBatch) -> dict[str, float]:
        """Add up the gradients of the weighted mean loss over the whole step; return the mean losses."""
        total_weight = sum(float(micro.weights.sum()) for micro in batch.micro_batches)
        totals = torch.zeros(2, 2, device=self.device)
        for number, micro in enumerate(batch.micro_batches):
            loss, losses_T, weights_T = packed_loss(self.model, micro, self.compute_dtype)
            if not torch.isfinite(loss):
                raise NonFiniteLossError(
                    f"the loss of micro batch {number} of {self._named(batch)} is {float(loss)}; no step was taken"
                )
            (loss / total_weight).backward()  # type: ignore[no-untyped-call]
            answer = weights_T == 1
            totals[0] += torch.stack((losses_T[answer].sum(), answer.sum()))
            other = (weights_T > 0) & ~answer
            totals[1] += torch.stack((losses_T[other].sum(), other.sum()))
        full, transcript = (totals[:, 0] / totals[:, 1].clamp_min(1)).tolist()
        read = {"transcript_loss": transcript} if self.config.train.objective == "summaries" else {}
        return {self.loss_name: full, **read}

    def _clip(self, batch: StepBatch) -> float:
        gradients = [p.grad for p in self._parameters.values() if p.grad is not None]
        norm = torch.nn.utils.get_total_norm(gradients)
        if not torch.isfinite(norm):
            raise NonFiniteLossError(f"the gradient norm of {self._named(batch)} is {float(norm)}; no step was taken")
        torch.nn.utils.clip_grads_with_norm_(self._parameters.values(), self.config.train.clip_norm, norm)
        return float(norm)

    @torch.no_grad()
    def _move_average(self) -> None:
        if not self._average:
            return
        # A short memory at first: the average must forget the random weights it began with.
        decay = min(self.config.train.ema_decay, (1 + self.progress.step) / (10 + self.progress.step))
        for name, tensor in self.model.state_dict().items():
            self._average[name].lerp_(tensor, 1 - decay)

    def export_state(self) -> dict[str, Tensor]:
        """Return the weights to use: the average when there is one."""
        return dict(self._average or self.model.state_dict())

    def averaged(self) -> AbstractContextManager[None]:
        """Return a context in which the model computes with the weights to use."""
        return _Swapped(self.model, self.export_state())

    def snapshot(self, eval_loss: float | None = None) -> Snapshot:
        """Return the whole state; the tensors are the live ones."""
        progress = replace(self.progress, eval_loss=eval_loss)
        state = dict(self._optimizer.state_tensors())
        state |= {f"{AVERAGE}{name}": tensor for name, tensor in self._average.items()}
        state[_RANDOM_STATE] = torch.get_rng_state()
        state[_SPIKES] = self._spikes.history
        return Snapshot(progress, self.model.state_dict(), state)

    def restore(self, snapshot: Snapshot) -> None:
        """Take over a saved state, so that what follows equals a run that was never stopped.

        Raises: CheckpointError when it is of another model or optimizer.
        """
        try:
            self.model.load_state_dict(dict(snapshot.model))
        except RuntimeError as error:
            raise CheckpointError(f"the checkpoint is of another model: {error}") from error
        self._optimizer.load_state_tensors(snapshot.state)
        for name, tensor in self._average.items():
            tensor.copy_(snapshot.state.get(f"{AVERAGE}{name}", snapshot.model[name]))
        torch.set_rng_state(snapshot.state[_RANDOM_STATE])
        self._spikes.restore(snapshot.state.get(_SPIKES, self._spikes.history))
        self.progress = replace(snapshot.progress, eval_loss=None)


class _Swapped(AbstractContextManager[None]):
    """The model with other weights inside, its own again afterwards."""

    def __init__(self, model: Decoder, state: Mapping[str, Tensor]) -> None:
        self._model = model
        self._inside = state
        self._outside: dict[str, Tensor] = {}

    def __enter__(self) -> None:
        self._outside = {name: tensor.clone() for name, tensor in self._model.state_dict().items()}
        self._model.load_state_dict(dict(self._inside))

    def __exit__(self, *exception: object) -> None:
        self._model.load_state_dict(self._outside)
