"""How results are compared in the tests of the operations, the inputs they are tried on, and mutants to be caught."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

from model_core.ops.experts import expert_mlp_reference
from model_core.ops.router import Routing
from model_core.ops.sorting import Sorting, sort_choices

Inputs = tuple[Tensor, Tensor, Tensor, Tensor, Tensor]
LIMITS = {torch.float64: 1e-12, torch.float32: 1e-6, torch.bfloat16: 1e-2}


def relative_error(found: Tensor, wanted: Tensor) -> float:
    """Return ‖found - wanted‖ / ‖wanted‖ in fp64; not a number where `found` holds one."""
    return float((found.double() - wanted.double()).norm() / wanted.double().norm().clamp_min(1e-300))


def agrees(found: Tensor, wanted: Tensor) -> bool:
    """Tell whether `found` is `wanted`, an fp64 reference, within the limit of its own dtype."""
    return found.shape == wanted.shape and relative_error(found, wanted) <= LIMITS[found.dtype]


def all_agree(found: Sequence[Tensor], wanted: Sequence[Tensor], limit: float | None = None) -> bool:
    """Tell whether each result is its fp64 reference, within `limit` where one is given."""
    pairs = list(zip(found, wanted, strict=True))
    return all(agrees(a, b) if limit is None else relative_error(a, b) <= limit for a, b in pairs)


def routing_agrees(found: Routing, wanted: Routing) -> bool:
    """Tell whether a routing chooses and weighs as the fp64 reference, in any order, and sorts what it chose."""
    order, wanted_order = found.experts_TK.argsort(dim=1), wanted.experts_TK.argsort(dim=1)
    sorting = found.sorting
    return (
        torch.equal(found.experts_TK.gather(1, order), wanted.experts_TK.gather(1, wanted_order))
        and agrees(found.weights_TK.gather(1, order), wanted.weights_TK.gather(1, wanted_order))
        and (sorting is None or _sorts(sorting, found.experts_TK))
    )


def _sorts(sorting: Sorting, experts_TK: Tensor) -> bool:
    wanted = sort_choices(experts_TK, sorting.counts_E.shape[0])
    return all(torch.equal(a, b) for a, b in zip(sorting, wanted, strict=True))


def make_inputs(
    tokens: int, experts: int, k: int, *, width: int = 6, inner: int = 5, seed: int = 0, at_work: int | None = None
) -> Inputs:
    """Return x, weights, chosen experts, gate-up and down in fp64; only the first `at_work` experts are chosen."""
    generator = torch.Generator().manual_seed(seed)

    def draw(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    chosen = torch.rand(tokens, at_work or experts, generator=generator).topk(k).indices
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
    """Return `function` with one fault: `zero`, `swapped` gate and up, one expert `dropped`, or `padding` in a sum."""

    def faulty(x: Tensor, weights: Tensor, chosen: Tensor, gate_up: Tensor, down: Tensor) -> Tensor:
        if mutant == "swapped":
            gate_up = torch.cat(gate_up.chunk(2, dim=1)[::-1], dim=1)
        if mutant == "dropped":
            weights = weights * (chosen != 2)
        y = function(x, weights, chosen, gate_up, down)
        return {"zero": torch.zeros_like, "padding": add_padding}.get(mutant, lambda y: y)(y)

    return faulty


def add_padding(x: Tensor) -> Tensor:
    """Return `x` plus rows that nobody wrote, times a weight of zero: right until the memory holds no numbers."""
    return x + 0 * x.new_empty(8, *x.shape[1:]).sum(dim=0)


GRADIENT_FAULTS: dict[str, Callable[[Tensor], Tensor]] = {
    "zero": torch.zeros_like,
    "a ten-thousandth too large": lambda grad: grad * 1.0001,
    "the last row dropped": lambda grad: torch.cat((grad[:-1], torch.zeros_like(grad[-1:]))),
    "padding": add_padding,
}


class _FaultyGradient(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, fault: str) -> Tensor:
        ctx.fault = GRADIENT_FAULTS[fault]
        return x.view_as(x)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None]:
        return ctx.fault(grads[0]), None


def mutate_gradient(function: Callable[..., Tensor], place: int, fault: str) -> Callable[..., Tensor]:
    """Return `function` with a fault in the gradient of the argument at `place`, and in nothing else."""

    def faulty(*inputs: Tensor) -> Tensor:
        return function(*(_FaultyGradient.apply(x, fault) if n == place else x for n, x in enumerate(inputs)))

    return faulty


Route = Callable[[Tensor, Tensor, Tensor, int, float], Routing]
ROUTER_MUTANTS: dict[str, Callable[[Route, Tensor, Tensor, Tensor, int, float], Routing]] = {
    "no bias in the choice": lambda route, x, w, b, k, scale: route(x, w, torch.zeros_like(b), k, scale),
    "the lowest scores": lambda route, x, w, b, k, scale: route(x, -w, -b, k, scale),
    "no scale": lambda route, x, w, b, k, scale: route(x, w, b, k, 1.0),
    "bias in the weights": lambda route, *args: _weigh(route(*args), lambda r: r.weights_TK + args[2][r.experts_TK]),
    "equal weights": lambda route, *args: _weigh(route(*args), lambda r: torch.ones_like(r.weights_TK)),
    "another token's weights": lambda route, *args: _weigh(route(*args), lambda r: r.weights_TK.roll(1, 0)),
    "another token's experts": lambda route, *args: _replace_experts(route(*args)),
    "padding": lambda route, *args: _weigh(route(*args), lambda r: add_padding(r.weights_TK)),
}


def _weigh(routing: Routing, weigh: Callable[[Routing], Tensor]) -> Routing:
    return routing._replace(weights_TK=weigh(routing))


def _replace_experts(routing: Routing) -> Routing:
    return routing._replace(experts_TK=routing.experts_TK.roll(1, 0), sorting=None)


def _first_twice(places_TK: Tensor) -> Tensor:
    return torch.cat((places_TK[:, :1], places_TK[:, :-1]), dim=1)


COMBINE_MUTANTS: dict[str, Callable[[Callable[..., Tensor], Tensor, Sorting], Tensor]] = {
    "zero": lambda combine, y, sorting: torch.zeros_like(combine(y, sorting)),
    "a choice dropped": lambda combine, y, s: combine(y.index_fill(0, s.places_TK[-1, -1:], 0.0), s),
    "a choice twice": lambda combine, y, s: combine(y, s._replace(places_TK=_first_twice(s.places_TK))),
    "another token's rows": lambda combine, y, s: combine(y, s._replace(places_TK=s.places_TK.roll(1, 0))),
    "padding": lambda combine, y, sorting: add_padding(combine(y, sorting)),
}


@contextmanager
def poisoned_memory() -> Iterator[None]:
    """Fill every new tensor with NaN (integers with their maximum) before it is handed out: rows that are only padding
    and are read show in the result."""
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
