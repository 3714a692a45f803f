"""What a trainer computes with: the loss, the gradients, the optimizer and the average of the weights.

`LocalEngine` does it in one process with our optimizers; `SpreadEngine` does its part of it in one of several
processes, through DeepSpeed. Both name what they hold alike, so that either goes on from what the other saved.
"""

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from typing import Protocol

import torch
from torch import Tensor

from model_core.checkpoint.pretrained import check_known, load_weights
from model_core.checkpoint.store import AVERAGE
from model_core.config.schema import RunConfig
from model_core.data.packing import PackedBatch
from model_core.models.decoder import Decoder
from model_core.parallel.team import Team, own_device
from model_core.training.loss import BatchLoss, PackedLoss, compute_dtype
from model_core.training.optim import FlatOptimizer, Optimizer, average_decay, group_of, state_keys

Tensors = dict[str, Tensor]
_AVERAGE_KEY = AVERAGE.rstrip(".")


class Engine(Protocol):
    """One process's part of the computation."""

    team: Team

    def __call__(self, batch: PackedBatch) -> BatchLoss:
        """Return the loss of a micro batch."""

    def backward(self, loss: Tensor) -> None:
        """Add the gradients of a part of the step's loss; the parts of all ranks add up."""

    def step(self, scale: float, number: int, *, skip: bool = False) -> float:
        """Clip and take step `number`; return the gradient's norm. If it is not finite, or with `skip`, take none."""

    def move_average(self, step: int) -> None:
        """Move the average of the weights after step `step`, counted from 0."""

    def averaged(self) -> AbstractContextManager[None]:
        """Return a context in which the model computes with the weights to use."""

    def weights(self) -> Tensors:
        """Return what this rank is to save of the model's state dict; slices of experts are named as such."""

    def weights_to_use(self) -> Tensors:
        """Return the same of the averaged weights when there are any."""

    def state(self) -> Tensors:
        """Return what this rank is to save of the optimizer and the average."""

    def load(self, model: Mapping[str, Tensor], state: Mapping[str, Tensor]) -> None:
        """Take over a saved model and state, of which tensors and slices of experts are to be had by name."""


class LocalEngine:
    """All of it in this process."""

    def __init__(self, config: RunConfig, model: Decoder) -> None:
        self.team = Team(device=own_device(config.train.device))
        self._config = config.train
        self._model = model.to(self.team.device)
        dtype = compute_dtype(config.train.precision, self.team.device)
        self._loss = PackedLoss(model, dtype)
        self._parameters = dict(model.named_parameters())
        self._optimizer = Optimizer(self._parameters, config.train, dtype)
        use_average = config.train.ema_decay > 0
        self._average = {name: tensor.clone() for name, tensor in model.state_dict().items()} if use_average else {}

    def __call__(self, batch: PackedBatch) -> BatchLoss:
        """Return the loss of a micro batch."""
        result: BatchLoss = self._loss(batch)
        return result

    def backward(self, loss: Tensor) -> None:
        """Add the gradients of a part of the step's loss."""
        loss.backward()  # type: ignore[no-untyped-call]

    def step(self, scale: float, number: int, *, skip: bool = False) -> float:
        """Clip and take step `number`; return the gradient's norm. If it is not finite, or with `skip`, take none."""
        norm = torch.nn.utils.get_total_norm([p.grad for p in self._parameters.values() if p.grad is not None])
        if torch.isfinite(norm) and not skip:
            torch.nn.utils.clip_grads_with_norm_(self._parameters.values(), self._config.clip_norm, norm)
            self._optimizer.step(scale, number)
        self._model.zero_grad(set_to_none=True)
        return float(norm)

    @torch.no_grad()
    def move_average(self, step: int) -> None:
        """Move the average of the weights after step `step`, counted from 0."""
        for name, tensor in self._model.state_dict().items() if self._average else ():
            self._average[name].lerp_(tensor, 1 - average_decay(self._config, step))

    @contextmanager
    def averaged(self) -> Iterator[None]:
        """Let the model compute with the weights to use."""
        if not self._average:
            yield
            return
        kept = {name: tensor.clone() for name, tensor in self._model.state_dict().items()}
        self._model.load_state_dict(self.weights_to_use())
        try:
            yield
        finally:
            self._model.load_state_dict(kept)

    def weights(self) -> Tensors:
        """Return the model's state dict; the tensors are the live ones."""
        return self._model.state_dict()

    def weights_to_use(self) -> Tensors:
        """Return the average when there is one, else the same."""
        return dict(self._average or self._model.state_dict())

    def state(self) -> Tensors:
        """Return the optimizer's tensors and the average."""
        return self._optimizer.state_tensors() | {f"{AVERAGE}{name}": t for name, t in self._average.items()}

    def load(self, model: Mapping[str, Tensor], state: Mapping[str, Tensor]) -> None:
        """Take over a saved model and state.

        Raises: CheckpointError when it is of another model or optimizer.
        """
        load_weights(self._model, model)
        self._optimizer.load_state_tensors(state)
        for name, tensor in self._average.items():
            found = state.get(f"{AVERAGE}{name}")
            tensor.copy_(model[name] if found is None else found)


class SpreadEngine:
    """This rank's part of it; `model` holds this rank's experts (`parallel.exchange.new_decoder`)."""

    def __init__(self, config: RunConfig, model: Decoder, team: Team) -> None:
        # Imported here: DeepSpeed takes seconds to load and one process alone needs none of it.
        from model_core.parallel.engine import ZeroEngine

        self.team = team
        self._config = config.train
        parameters = dict(model.named_parameters())
        dtype = compute_dtype(config.train.precision, team.device)
        self._zero = ZeroEngine(
            PackedLoss(model, dtype),
            parameters,
            config,
            team,
            partial(group_of, config=config.train),
            partial(FlatOptimizer, config=config.train, dtype=dtype),
        )
        self._parameters = parameters.keys()
        self._keys = state_keys(config.train)
        self._buffers = {name: tensor for name, tensor in model.state_dict().items() if name not in parameters}
        self._average = {name: tensor.clone() for name, tensor in self._buffers.items()} if self._averages else {}

    def __call__(self, batch: PackedBatch) -> BatchLoss:
        """Return the loss of a micro batch."""
        result: BatchLoss = self._zero(batch)
        return result

    def backward(self, loss: Tensor) -> None:
        """Add the gradients of this rank's part of the step's loss."""
        self._zero.backward(loss)

    def step(self, scale: float, number: int, *, skip: bool = False) -> float:
        """Clip and take step `number`; return the gradient's norm. If it is not finite, or with `skip`, take none."""
        return self._zero.step(scale, number, skip=skip)

    def move_average(self, step: int) -> None:
        """Move the average of what is no parameter; the optimizer moved the others."""
        for name, tensor in self._average.items():
            tensor.lerp_(self._buffers[name], 1 - average_decay(self._config, step))

    @contextmanager
    def averaged(self) -> Iterator[None]:
        """Let the model compute with the weights to use."""
        if not self._averages:
            yield
            return
        kept = {name: tensor.clone() for name, tensor in self._buffers.items()}
        with self._zero.using(_AVERAGE_KEY):
            _copy(self._average, self._buffers)
            try:
                yield
            finally:
                _copy(kept, self._buffers)

    def weights(self) -> Tensors:
        """Return what this rank is to save of the model's state dict."""
        return dict(self._zero.pieces(None)) | self._on_first_rank(self._buffers)

    def weights_to_use(self) -> Tensors:
        """Return the same of the averaged weights when there are any."""
        if not self._averages:
            return self.weights()
        return dict(self._zero.pieces(_AVERAGE_KEY)) | self._on_first_rank(self._average)

    def state(self) -> Tensors:
        """Return what this rank is to save of the optimizer and the average."""
        result = {f"{key}.{name}": t for key in self._keys for name, t in self._zero.pieces(key)}
        return result | self._on_first_rank({f"{AVERAGE}{name}": t for name, t in self._average.items()})

    def load(self, model: Mapping[str, Tensor], state: Mapping[str, Tensor]) -> None:
        """Take over a saved model and state.

        Raises: CheckpointError when it is of another model or optimizer.
        """
        check_known(model.keys(), self._parameters | self._buffers.keys())
        self._zero.load(None, model.get)
        for key in self._keys:
            fallback = model if key == _AVERAGE_KEY else {}
            self._zero.load(key, partial(_state_of, key, state, fallback))
        _copy({name: model[name] for name in self._buffers}, self._buffers)
        _copy({name: state.get(f"{AVERAGE}{name}", model[name]) for name in self._average}, self._average)

    @property
    def _averages(self) -> bool:
        return _AVERAGE_KEY in self._keys

    def _on_first_rank(self, tensors: Tensors) -> Tensors:
        return {name: tensor.cpu() for name, tensor in tensors.items()} if self.team.rank == 0 else {}


def _state_of(key: str, state: Mapping[str, Tensor], fallback: Mapping[str, Tensor], name: str) -> Tensor | None:
    found = state.get(f"{key}.{name}")
    return fallback.get(name) if found is None else found


def _copy(source: Mapping[str, Tensor], target: Mapping[str, Tensor]) -> None:
    for name, tensor in target.items():
        tensor.copy_(source[name])
