"""The optimizer of the speech model: Muon for the matrices inside the layers, Adam for everything else.

It keeps its state as named tensors, so that a checkpoint needs no pickle. It does not know the model's meaning.
"""

from collections.abc import Iterable

import torch
from torch import nn

from model_core.ops.precision import cpu_has_bf16

MOMENTUM, BETAS, EPSILON = 0.95, (0.9, 0.98), 1e-8
ADAM_SHARE = 0.4


def orthogonalized(update_RC: torch.Tensor) -> torch.Tensor:
    """Bring the singular values of a matrix (R, C) near one with five Newton-Schulz steps.

    A matrix at a time, since one stays in the processor's cache and a stack of them does not; in bf16 where that is
    faster, otherwise in fp32. Source: K. Jordan 2024, "Muon: an optimizer for hidden layers"; its quintic.
    """
    tall = update_RC.shape[0] > update_RC.shape[1]
    x_SL = update_RC.mT if tall else update_RC
    x_SL = x_SL / (x_SL.norm() + 1e-7)
    near_SL = _steps_on_all(x_SL.bfloat16()).float() if cpu_has_bf16() else _steps_on_small_side(x_SL)
    return near_SL.mT if tall else near_SL


def _steps_on_all(x_SL: torch.Tensor) -> torch.Tensor:
    for _ in range(5):
        square_SS = x_SL @ x_SL.mT
        curve_SS = torch.addmm(square_SS, square_SS, square_SS, beta=-4.7750, alpha=2.0315)
        x_SL = torch.addmm(x_SL, curve_SS, x_SL, beta=3.4445)
    return x_SL


def _steps_on_small_side(x_SL: torch.Tensor) -> torch.Tensor:
    # Fewer operations, on squares of the singular values, for which bf16 is too coarse.
    square_SS = x_SL @ x_SL.mT
    applied_SS = torch.eye(x_SL.shape[0])
    for _ in range(5):
        curve_SS = torch.addmm(square_SS, square_SS, square_SS, beta=-4.7750, alpha=2.0315)
        applied_SS = torch.addmm(applied_SS, curve_SS, applied_SS, beta=3.4445)
        half_SS = torch.addmm(square_SS, curve_SS, square_SS, beta=3.4445)
        square_SS = torch.addmm(half_SS, half_SS, curve_SS, beta=3.4445)
    return applied_SS @ x_SL


class MuonAdam:
    """Steps named parameters: matrices below a layer by Muon, the rest by AdamW at `ADAM_SHARE` of the rate."""

    def __init__(self, named: Iterable[tuple[str, nn.Parameter]], weight_decay: float) -> None:
        self.weight_decay, self.steps = weight_decay, 0
        self._params = {name: param for name, param in named if param.requires_grad}
        self._by_muon = {name for name, param in self._params.items() if param.ndim == 2 and ".layers." in name}
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
        for name, param in self._params.items():
            if param.grad is None:
                continue
            if name in self._by_muon:
                self._muon_step(name, param, param.grad, lr)
            else:
                self._adam_step(name, param, param.grad, lr * ADAM_SHARE)

    def _muon_step(self, name: str, param: nn.Parameter, gradient: torch.Tensor, lr: float) -> None:
        momentum = self.state[f"{name}.m"].lerp_(gradient, 1 - MOMENTUM)
        update = orthogonalized(gradient.lerp(momentum, MOMENTUM))
        # The factor gives the update the root mean square of an Adam step (Liu et al. 2025, section 2.2).
        scale = 0.2 * max(param.shape) ** 0.5
        param.mul_(1 - lr * self.weight_decay).add_(update, alpha=-lr * scale)

    def _adam_step(self, name: str, param: nn.Parameter, gradient: torch.Tensor, lr: float) -> None:
        first, second = self.state[f"{name}.m"], self.state[f"{name}.v"]
        first.lerp_(gradient, 1 - BETAS[0])
        second.lerp_(gradient.square(), 1 - BETAS[1])
        # Bias is corrected by the count of all steps; a parameter that joins later starts a little slower.
        size = second.div(1 - BETAS[1] ** self.steps).sqrt_().add_(EPSILON)
        param.addcdiv_(first, size, value=-lr / (1 - BETAS[0] ** self.steps))
