"""The optimizer of the speech model: Muon for the matrices inside the layers, Adam for everything else.

It keeps its state as named tensors, so that a checkpoint needs no pickle. It does not know the model's meaning.
"""

from collections import defaultdict
from collections.abc import Iterable

import torch
from torch import nn

from model_core.ops.precision import fast_cpu_dtype

MOMENTUM, BETAS, EPSILON = 0.95, (0.9, 0.98), 1e-8
ADAM_SHARE = 0.4


def orthogonalized(update_NRC: torch.Tensor) -> torch.Tensor:
    """Bring the singular values of each of (N, R, C) matrices near one with five Newton-Schulz steps.

    Source: K. Jordan 2024, "Muon: an optimizer for hidden layers"; coefficients of its quintic.
    """
    tall = update_NRC.shape[1] > update_NRC.shape[2]
    x: torch.Tensor = (update_NRC.mT if tall else update_NRC).to(fast_cpu_dtype())
    x = x / (x.norm(dim=(1, 2), keepdim=True) + 1e-7)
    for _ in range(5):
        square = x @ x.mT
        x = 3.4445 * x + (-4.7750 * square + 2.0315 * square @ square) @ x
    return (x.mT if tall else x).float()


class MuonAdam:
    """Steps named parameters: matrices below a layer by Muon, the rest by AdamW at `ADAM_SHARE` of the rate."""

    def __init__(self, named: Iterable[tuple[str, nn.Parameter]], weight_decay: float) -> None:
        self.weight_decay, self.steps = weight_decay, 0
        self._params = {name: param for name, param in named if param.requires_grad}
        self._matrices: dict[tuple[int, ...], list[str]] = defaultdict(list)
        for name, param in self._params.items():
            if param.ndim == 2 and ".layers." in name:
                self._matrices[tuple(param.shape)].append(name)
        self._by_muon = {name for names in self._matrices.values() for name in names}
        self.state: dict[str, torch.Tensor] = {}
        for name, param in self._params.items():
            self.state[f"{name}.m"] = torch.zeros_like(param)
            if name not in self._by_muon:
                self.state[f"{name}.v"] = torch.zeros_like(param)

    def zero_grad(self) -> None:
        """Forget the gradients."""
        for param in self._params.values():
            param.grad = None

    @torch.no_grad()
    def step(self, lr: float) -> None:
        """Take one step at learning rate `lr`; parameters without a gradient stay."""
        self.steps += 1
        for shape, names in self._matrices.items():
            self._muon_step(shape, [name for name in names if self._params[name].grad is not None], lr)
        for name, param in self._params.items():
            if name not in self._by_muon and param.grad is not None:
                self._adam_step(name, param, param.grad, lr * ADAM_SHARE)

    def _muon_step(self, shape: tuple[int, ...], names: list[str], lr: float) -> None:
        if not names:
            return
        updates = []
        for name in names:
            gradient, momentum = self._params[name].grad, self.state[f"{name}.m"]
            if gradient is None:
                continue
            momentum.mul_(MOMENTUM).add_(gradient, alpha=1 - MOMENTUM)
            updates.append(gradient.lerp(momentum, MOMENTUM))
        # The factor gives the update the root mean square of an Adam step (Liu et al. 2025, section 2.2).
        scale = 0.2 * max(shape) ** 0.5
        for name, update in zip(names, orthogonalized(torch.stack(updates)), strict=True):
            self._params[name].mul_(1 - lr * self.weight_decay).add_(update, alpha=-lr * scale)

    def _adam_step(self, name: str, param: nn.Parameter, gradient: torch.Tensor, lr: float) -> None:
        first, second = self.state[f"{name}.m"], self.state[f"{name}.v"]
        first.lerp_(gradient, 1 - BETAS[0])
        second.lerp_(gradient.square(), 1 - BETAS[1])
        # Bias is corrected by the count of all steps; a parameter that joins later starts a little slower.
        size = second.div(1 - BETAS[1] ** self.steps).sqrt_().add_(EPSILON)
        param.addcdiv_(first, size, value=-lr / (1 - BETAS[0] ** self.steps))
