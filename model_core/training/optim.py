"""The optimizers: AdamW, and Muon for the matrices beside it. Their whole state is tensors by name, ready to be saved.

They know parameters by name and shape, not the model.
"""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from model_core.config.schema import TrainConfig
from model_core.errors import CheckpointError

_NEWTON_SCHULZ_STEPS = 5
_NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)
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

    `dtype` is that of the products which make it so. The update is scaled to the size of an AdamW update.
    Source: Jordan et al. 2024 (Muon); Liu et al. 2025, arXiv 2502.16982, section 2.2, for the scale.
    """

    def __init__(self, parameters: Mapping[str, Tensor], weight_decay: float, dtype: torch.dtype) -> None:
        self._parameters = dict(parameters)
        self._weight_decay = weight_decay
        self._dtype = dtype
        self._momentum = 0.95
        self.state = {f"momentum.{name}": torch.zeros_like(p) for name, p in parameters.items()}

    @torch.no_grad()
    def step(self, lr: float) -> None:
        """Take a step with the gradients that the parameters hold."""
        for name, parameter in self._parameters.items():
            if parameter.grad is None:
                continue
            momentum = self.state[f"momentum.{name}"]
            momentum.lerp_(parameter.grad, 1 - self._momentum)
            direction = parameter.grad.lerp(momentum, self._momentum)
            parameter.mul_(1 - lr * self._weight_decay)
            for weights, update in zip(_matrices(name, parameter), _matrices(name, direction), strict=True):
                scale = 0.2 * max(weights.shape[-2:]) ** 0.5
                weights.add_(orthogonalize(update, self._dtype), alpha=-lr * scale)


def _matrices(name: str, tensor: Tensor) -> tuple[Tensor, ...]:
    """Return the separate matrices of a parameter: the gate and the up projection are stacked in one."""
    return tensor.chunk(2, dim=-2) if name.endswith("gate_up_EJD") else (tensor,)


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
        use_muon = config.optimizer == "muon"
        matrices = {n: p for n, p in parameters.items() if use_muon and p.dim() > 1 and not n.endswith(_NEVER_MUON)}
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
    """Return what `FlatAdamW` keeps of a piece: Adam's moments, and the average of the weights where there is one."""
    return ("m", "v", "average") if config.ema_decay > 0 else ("m", "v")


class FlatAdamW(torch.optim.Optimizer):
    """The same Adam, and the average of the weights, over the flat pieces that DeepSpeed cuts parameters into.

    `scale` (of the peak learning rate), `number` (of the step, from 1) and `skip` are set before each step.
    """

    def __init__(self, groups: list[dict[str, Any]], config: TrainConfig) -> None:
        super().__init__(groups, {"lr": config.lr})
        self._config = config
        self._keys = state_keys(config)
        self.scale, self.number, self.skip = 0.0, 0, False

    def state_of(self, flat: Tensor) -> dict[str, Tensor]:
        """Return the state of a piece by key; before the first step the average is the piece itself."""
        state: dict[str, Tensor] = self.state[flat]
        if not state:
            state |= {key: flat.detach().clone() if key == "average" else torch.zeros_like(flat) for key in self._keys}
        return state

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """Take a step with the gradients that the pieces hold, or with `skip` none."""
        if self.skip:
            return
        lr = self._config.lr * self.scale
        for group in self.param_groups:
            decay = self._config.weight_decay if group["decayed"] else 0.0
            for flat in group["params"]:
                if flat.grad is not None:
                    state = self.state_of(flat)
                    adamw_step(flat, flat.grad, state["m"], state["v"], lr=lr, decay=decay, number=self.number)
                    if "average" in state:
                        state["average"].lerp_(flat, 1 - average_decay(self._config, self.number - 1))
