"""How results are compared in the tests of the operations, the inputs they are tried on, and mutants to be caught."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

from model_core.ops.experts import expert_mlp_reference

Inputs = tuple[Tensor, Tensor, Tensor, Tensor, Tensor]
LIMITS = {torch.float64: 1e-12, torch.float32: 1e-6, torch.bfloat16: 1e-2}


def relative_error(found: Tensor, wanted: Tensor) -> float:
    """Return ‖found - wanted‖ / ‖wanted‖ in fp64; not a number where `found` holds one."""
    return float((found.double() - wanted.double()).norm() / wanted.double().norm().clamp_min(1e-300))


def agrees(found: Tensor, wanted: Tensor) -> bool:
    """Tell whether `found` is `wanted`, an fp64 reference, within the limit of its own dtype."""
    return found.shape == wanted.shape and relative_error(found, wanted) <= LIMITS[found.dtype]


def make_inputs(tokens: int, experts: int, k: int, *, width: int = 6, inner: int = 5, seed: int = 0) -> Inputs:
    """Return x, weights, chosen experts, gate-up and down in fp64."""
    generator = torch.Generator().manual_seed(seed)

    def draw(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    chosen = torch.rand(tokens, experts, generator=generator).topk(k).indices
    weights = torch.rand(tokens, k, generator=generator, dtype=torch.float64) + 0.1
    return draw(tokens, width), weights, chosen, draw(experts, 2 * inner, width), draw(experts, width, inner)


def cast(inputs: Inputs, dtype: torch.dtype) -> Inputs:
    """Return the inputs with their floating tensors in `dtype`."""
    x, weights, chosen, gate_up, down = inputs
    return x.to(dtype), weights.to(dtype), chosen, gate_up.to(dtype), down.to(dtype)


def with_grads(function: Callable[..., Tensor], inputs: tuple[Tensor, ...]) -> list[Tensor]:
    """Return the output and the gradients of all floating inputs, for a fixed uneven gradient of the output."""
    leaves = [x.clone().requires_grad_() if x.is_floating_point() else x for x in inputs]
    y = function(*leaves)
    weight = torch.linspace(-1, 1, y.numel(), dtype=torch.float64).view_as(y).to(y)
    (y * weight).sum().backward()
    return [y.detach(), *(leaf.grad for leaf in leaves if leaf.grad is not None)]


def mutate(function: Callable[..., Tensor], mutant: str) -> Callable[..., Tensor]:
    """Return `function` with one fault: `zero`, `swapped` gate and up, one expert `dropped`, or `nan` padding."""

    def faulty(x: Tensor, weights: Tensor, chosen: Tensor, gate_up: Tensor, down: Tensor) -> Tensor:
        if mutant == "swapped":
            gate_up = torch.cat(gate_up.chunk(2, dim=1)[::-1], dim=1)
        if mutant == "dropped":
            weights = weights * (chosen != 2)
        y = function(x, weights, chosen, gate_up, down)
        if mutant == "zero":
            return torch.zeros_like(y)
        if mutant == "nan":
            y = y.clone()
            y[-1, -1] = torch.nan
        return y

    return faulty


@contextmanager
def poisoned_memory() -> Iterator[None]:
    """Fill every new tensor with NaN (integers with their maximum) before it is handed out."""
    torch.use_deterministic_algorithms(True, warn_only=True)
    torch.utils.deterministic.fill_uninitialized_memory = True
    try:
        assert bool(torch.empty(3).isnan().all())
        yield
    finally:
        torch.use_deterministic_algorithms(False)


def reference_with_grads(inputs: Inputs) -> list[Tensor]:
    """Return the fp64 reference's output and gradients for inputs of any dtype."""
    return with_grads(expert_mlp_reference, cast(inputs, torch.float64))
