"""The optimizers: AdamW, and Muon for the matrices beside it. Their whole state is tensors by name, ready to be saved.

They know parameters by name and shape, not the model.
"""

from collections.abc import Mapping

import torch
from torch import Tensor

from model_core.config.schema import TrainConfig
from model_core.errors import CheckpointError

_NEWTON_SCHULZ_STEPS = 5
_NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)
_NEVER_MUON = ("embedding.weight", "head.weight", "router.weight")


class AdamW:
    """Adam with decoupled weight decay; vectors are not decayed. Source: Loshchilov and Hutter, arXiv 1711.05101."""

    def __init__(self, parameters: Mapping[str, Tensor], weight_decay: float) -> None:
        self._parameters = dict(parameters)
        self._weight_decay = weight_decay
        self._beta1, self._beta2, self._eps = 0.9, 0.95, 1e-8
        self.state = {f"m.{name}": torch.zeros_like(p) for name, p in parameters.items()}
        self.state |= {f"v.{name}": torch.zeros_like(p) for name, p in parameters.items()}

    @torch.no_grad()
    def step(self, lr: float, number: int) -> None:
        """Take step `number`, counted from 1, with the gradients that the parameters hold."""
        correction1, correction2 = 1 - self._beta1**number, 1 - self._beta2**number
        for name, parameter in self._parameters.items():
            if parameter.grad is None:
                continue
            m, v = self.state[f"m.{name}"], self.state[f"v.{name}"]
            m.lerp_(parameter.grad, 1 - self._beta1)
            v.mul_(self._beta2).addcmul_(parameter.grad, parameter.grad, value=1 - self._beta2)
            if parameter.dim() > 1:
                parameter.mul_(1 - lr * self._weight_decay)
            denominator = (v / correction2).sqrt_().add_(self._eps)
            parameter.addcdiv_(m, denominator, value=-lr / correction1)


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
