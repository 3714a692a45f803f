"""The optimizers: AdamW, and Muon for the matrices beside it. Their whole state is tensors by name, ready to be saved.

They know parameters by name and shape, not the model.
"""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from model_core.config.schema import TrainConfig
from model_core.errors import CheckpointError

_NEWTON_SCHULZ_STEPS = 5
_NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)
_MOMENTUM = 0.95
_NEVER_MUON = ("embedding.weight", "head.weight", "router.weight")
_BETA1, _BETA2, _EPS = 0.9, 0.95, 1e-8


def adamw_step(
    parameter: Tensor, gradient: Tensor, m: Tensor, v: Tensor, *, lr: float, decay: float, number: int
) -> None:
    """Take Adam's step `number`, counted from 1, with decoupled weight decay. Side effects: changes all but `gradient`.

    Source: Loshchilov and Hutter, arXiv 1711.05101.
    """
    m.lerp_(gradient, 1 - _BETA1)
    v.mul_(_BETA2).addcmul_(gradient, gradient, value=1 - _BETA2)
    if decay:
        parameter.mul_(1 - lr * decay)
    denominator = (v / (1 - _BETA2**number)).sqrt_().add_(_EPS)
    parameter.addcdiv_(m, denominator, value=-lr / (1 - _BETA1**number))


def takes_muon(name: str, parameter: Tensor, config: TrainConfig) -> bool:
    """Return whether a run's Muon takes a parameter: the matrices, without tables and routers."""
    return config.optimizer == "muon" and parameter.dim() > 1 and not name.endswith(_NEVER_MUON)


def muon_direction(gradient: Tensor, momentum: Tensor) -> Tensor:
    """Return Nesterov's direction, not yet orthogonal. Side effects: moves the momentum."""
    momentum.lerp_(gradient, 1 - _MOMENTUM)
    return gradient.lerp(momentum, _MOMENTUM)


def muon_update(name: str, direction: Tensor, dtype: torch.dtype) -> Tensor:
    """Return Muon's update of a whole parameter (..., m, n), to be subtracted times the learning rate.

    Orthogonal, and scaled to the size of an AdamW update; each stacked expert is a matrix of its own, and so are the
    gate and the up projection that stand in one tensor. Source: Liu et al. 2025, arXiv 2502.16982, section 2.2.
    """
    matrices = direction.chunk(2, dim=-2) if name.endswith("gate_up_EJD") else (direction,)
    return torch.cat([_orthogonal_update(matrix, dtype) for matrix in matrices], dim=-2)


def _orthogonal_update(matrix: Tensor, dtype: torch.dtype) -> Tensor:
    return orthogonalize(matrix, dtype).mul_(0.2 * max(matrix.shape[-2:]) ** 0.5)


def average_decay(config: TrainConfig, step: int) -> float:
    """Return how much of the average of the weights stays after step `step`, counted from 0."""
    # A short memory at first: the average must forget the random weights it began with.
    return min(config.ema_decay, (1 + step) / (10 + step))


class AdamW:
    """Adam for parameters by name; vectors are not decayed."""

    def __init__(self, parameters: Mapping[str, Tensor], weight_decay: float) -> None:
        self._parameters = dict(parameters)
        self._weight_decay = weight_decay
        self.state = {f"m.{name}": torch.zeros_like(p) for name, p in parameters.items()}
        self.state |= {f"v.{name}": torch.zeros_like(p) for name, p in parameters.items()}

    @torch.no_grad()
    def step(self, lr: float, number: int) -> None:
        """Take step `number`, counted from 1, with the gradients that the parameters hold."""
        for name, parameter in self._parameters.items():
            if parameter.grad is not None:
                decay = self._weight_decay if parameter.dim() > 1 else 0.0
                m, v = self.state[f"m.{name}"], self.state[f"v.{name}"]
                adamw_step(parameter, parameter.grad, m, v, lr=lr, decay=decay, number=number)


class Muon:
    """Momentum whose update is made orthogonal, for matrices; stacked experts are separate matrices.

    `dtype` is that of the products which make it so. Source: Jordan et al. 2024 (Muon).
    """

    def __init__(self, parameters: Mapping[str, Tensor], weight_decay: float, dtype: torch.dtype) -> None:
        self._parameters = dict(parameters)
        self._weight_decay = weight_decay
        self._dtype = dtype
        self.state = {f"momentum.{name}": torch.zeros_like(p) for name, p in parameters.items()}

    @torch.no_grad()
    def step(self, lr: float) -> None:
        """Take a step with the gradients that the parameters hold."""
        for name, parameter in self._parameters.items():
            if parameter.grad is not None:
                direction = muon_direction(parameter.grad, self.state[f"momentum.{name}"])
                parameter.mul_(1 - lr * self._weight_decay)
                parameter.add_(muon_update(name, direction, self._dtype), alpha=-lr)


def orthogonalize(matrices: Tensor, dtype: torch.dtype) -> Tensor:
    """Return, near enough, the nearest semi-orthogonal matrices of (..., m, n), by a Newton-Schulz iteration.

    Its products are made in `dtype`; the iteration is near enough in bf16 too. Source: Jordan et al. 2024 (Muon), for
    the coefficients.
    """
    a, b, c = _NEWTON_SCHULZ
    tall = matrices.shape[-2] > matrices.shape[-1]
    x = (matrices.mT if tall else matrices).float()
    x = (x / (x.norm(dim=(-2, -1), keepdim=True) + 1e-7)).to(dtype)
    for _ in range(_NEWTON_SCHULZ_STEPS):
        gram = x @ x.mT
        x = a * x + (b * gram + c * (gram @ gram)) @ x
    result: Tensor = (x.mT if tall else x).to(matrices.dtype)
    return result


class Optimizer:
    """The optimizer of a run: Muon for the matrices when it is chosen, AdamW for everything else.

    `dtype` is that of the run's matrix products.
    """

    def __init__(self, parameters: Mapping[str, Tensor], config: TrainConfig, dtype: torch.dtype) -> None:
        self._config = config
        matrices = {name: p for name, p in parameters.items() if takes_muon(name, p, config)}
        others = {name: p for name, p in parameters.items() if name not in matrices}
        self._muon = Muon(matrices, config.weight_decay, dtype)
        self._adamw = AdamW(others, config.weight_decay)

    def step(self, scale: float, number: int) -> None:
        """Take step `number`, counted from 1, with the peak learning rates times `scale`."""
        self._muon.step(self._config.muon_lr * scale)
        self._adamw.step(self._config.lr * scale, number)

    def state_tensors(self) -> dict[str, Tensor]:
        """Return the whole state, by name."""
        return self._muon.state | self._adamw.state

    @torch.no_grad()
    def load_state_tensors(self, tensors: Mapping[str, Tensor]) -> None:
        """Take over a saved state.

        Raises: CheckpointError naming a tensor that is missing or of another shape.
        """
        for name, mine in self.state_tensors().items():
            saved = tensors.get(name)
            if saved is None or saved.shape != mine.shape:
                found = "missing" if saved is None else tuple(saved.shape)
                raise CheckpointError(f"the optimizer's {name} is {found}; this run needs {tuple(mine.shape)}")
            mine.copy_(saved)


def state_keys(config: TrainConfig) -> tuple[str, ...]:
    """Return what `FlatOptimizer` keeps: the moments, and the average of the weights where there is one."""
    return tuple(dict.fromkeys((*_moments(config.optimizer == "muon"), *_moments(False), *_average(config))))


def group_of(name: str, parameter: Tensor, config: TrainConfig) -> dict[str, Any]:
    """Return what a parameter's group holds under `FlatOptimizer`: its name, how it steps, the keys of its state."""
    muon, decayed = takes_muon(name, parameter, config), parameter.dim() > 1
    kind = ("matrices" if muon else "tables") if decayed else "vectors"
    return {"name": kind, "muon": muon, "decayed": decayed, "keys": (*_moments(muon), *_average(config))}


def _moments(muon: bool) -> tuple[str, ...]:
    return ("momentum",) if muon else ("m", "v")


def _average(config: TrainConfig) -> tuple[str, ...]:
    return ("average",) if config.ema_decay > 0 else ()


class FlatOptimizer(torch.optim.Optimizer):
    """The same Muon and Adam, and the average of the weights, over the flat pieces that DeepSpeed cuts parameters into.

    `scale` (of the peak learning rates), `number` (of the step, from 1) and `skip` are set before each step.
    `change_wholes(flat, values, change)` lends the whole matrices to Muon, whose other steps go element by element.
    Source: Liu et al. 2025, arXiv 2502.16982, section 2.3, for Muon over pieces.
    """

    change_wholes: Callable[[Tensor, Tensor, Callable[[str, Tensor], Tensor]], Tensor]

    def __init__(self, groups: list[dict[str, Any]], config: TrainConfig, dtype: torch.dtype) -> None:
        super().__init__(groups, {"lr": config.lr})
        self._config = config
        self._dtype = dtype
        self.scale, self.number, self.skip = 0.0, 0, False

    def state_of(self, flat: Tensor, key: str) -> Tensor:
        """Return a state of a piece; before the first step the average is the piece itself."""
        state: dict[str, Tensor] = self.state[flat]
        if key not in state:
            state[key] = flat.detach().clone() if key == "average" else torch.zeros_like(flat)
        return state[key]

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """Take a step with the gradients that the pieces hold, or with `skip` none."""
        if self.skip:
            return
        for group in self.param_groups:
            decay = self._config.weight_decay if group["decayed"] else 0.0
            for flat in group["params"]:
                if flat.grad is not None:
                    averages = [self.state_of(flat, key) for key in _average(self._config)]
                    (self._muon_step if group["muon"] else self._adamw_step)(flat, flat.grad, decay)
                    for average in averages:
                        average.lerp_(flat, 1 - average_decay(self._config, self.number - 1))

    def _adamw_step(self, flat: Tensor, gradient: Tensor, decay: float) -> None:
        m, v = self.state_of(flat, "m"), self.state_of(flat, "v")
        adamw_step(flat, gradient, m, v, lr=self._config.lr * self.scale, decay=decay, number=self.number)

    def _muon_step(self, flat: Tensor, gradient: Tensor, decay: float) -> None:
        lr = self._config.muon_lr * self.scale
        direction = muon_direction(gradient, self.state_of(flat, "momentum"))
        update = self.change_wholes(flat, direction, lambda name, whole: muon_update(name, whole, self._dtype))
        flat.mul_(1 - lr * decay)
        flat.add_(update, alpha=-lr)
