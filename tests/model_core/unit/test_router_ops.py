"""The routers on the CPU against their definitions: choice, weights, gradients, and mutants that must be caught."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from model_core.ops.router import Routing, route, route_reference, route_softmax
from tests.model_core.comparison import ROUTER_MUTANTS, agrees, poisoned_memory, relative_error, routing_agrees

Inputs = tuple[Tensor, Tensor, Tensor]


def make(tokens: int, experts: int, width: int = 9, seed: int = 0) -> Inputs:
    """Return rows, the router's weight and its bias, in fp64."""
    generator = torch.Generator().manual_seed(seed)
    shapes = ((tokens, width), (experts, width), (experts,))
    x, weight, bias = (torch.randn(shape, generator=generator, dtype=torch.float64) for shape in shapes)
    return x, weight * 0.3, bias * 0.2


def by_definition(x: Tensor, weight: Tensor, bias: Tensor, k: int, scale: float) -> Routing:
    """Route token by token, expert by expert."""
    weights, chosen = [], []
    for row in x.double():
        scores = [1 / (1 + float(torch.exp(-(row @ expert)))) for expert in weight.double()]
        best = sorted(range(len(scores)), key=lambda e: -(scores[e] + float(bias[e])))[:k]
        weights.append([scale * scores[e] / sum(scores[other] for other in best) for e in best])
        chosen.append(best)
    shape = (x.shape[0], k)
    return Routing(
        torch.tensor(weights, dtype=torch.float64).view(shape),
        torch.tensor(chosen, dtype=torch.int64).view(shape),
        None,
    )


@settings(max_examples=40, deadline=None)
@given(
    tokens=st.integers(0, 40),
    sizes=st.integers(1, 9).flatmap(lambda experts: st.tuples(st.just(experts), st.integers(1, experts))),
    width=st.integers(1, 40),
    seed=st.integers(0, 99),
)
def test_routing_is_the_definition(tokens: int, sizes: tuple[int, int], width: int, seed: int) -> None:
    inputs = make(tokens, sizes[0], width, seed)
    assert routing_agrees(route(*inputs, sizes[1], 2.5), by_definition(*inputs, sizes[1], 2.5))


def test_routing_keeps_its_precision() -> None:
    x, weight, bias = make(200, 16, 64)
    single = (x.float(), weight.float(), bias.float())
    wanted = route_reference(*(tensor.double() for tensor in single), 4, 2.5)
    assert routing_agrees(route(*single, 4, 2.5), wanted)
    with torch.autocast("cpu", torch.bfloat16):
        assert routing_agrees(route(*single, 4, 2.5), wanted)


@pytest.mark.parametrize("mutant", ROUTER_MUTANTS)
def test_the_comparison_catches_mutants_of_the_router(mutant: str) -> None:
    inputs = make(30, 8)
    single = tuple(tensor.float() for tensor in inputs)
    wanted = route_reference(*(tensor.double() for tensor in single), 3, 1.5)  # type: ignore[misc]
    with poisoned_memory():
        assert routing_agrees(route(*single, 3, 1.5), wanted)  # type: ignore[misc]
        assert not routing_agrees(ROUTER_MUTANTS[mutant](route, *single, 3, 1.5), wanted)  # type: ignore[arg-type]


@pytest.mark.parametrize("k", [1, 2, 4])
def test_routers_pass_gradcheck(k: int) -> None:
    x, weight, bias = make(3, 4, 3)
    x.requires_grad_()
    weight.requires_grad_()
    assert torch.autograd.gradcheck(lambda x, weight: route(x, weight, bias, k, 2.0).weights_TK, (x, weight))
    assert torch.autograd.gradcheck(lambda x, weight: route_softmax(x, weight, k, 2.0).weights_TK, (x, weight))


def test_a_token_s_routing_depends_on_its_batch_only_by_rounding() -> None:
    x, weight, bias = (tensor.float() for tensor in make(200, 16, 64))
    whole = route(x, weight, bias, 4, 1.0)
    order = torch.randperm(200, generator=torch.Generator().manual_seed(1))
    for part in (order, torch.arange(70), torch.arange(1)):
        found = route(x[part], weight, bias, 4, 1.0)
        assert torch.equal(found.experts_TK.sort(dim=1).values, whole.experts_TK[part].sort(dim=1).values)
        assert relative_error(found.weights_TK.sort(dim=1).values, whole.weights_TK[part].sort(dim=1).values) < 1e-6


@settings(max_examples=20, deadline=None)
@given(
    tokens=st.integers(0, 20),
    sizes=st.integers(1, 9).flatmap(lambda experts: st.tuples(st.just(experts), st.integers(1, experts))),
    seed=st.integers(0, 99),
)
def test_softmax_routing_is_the_chosen_probabilities_over_their_sum(
    tokens: int, sizes: tuple[int, int], seed: int
) -> None:
    (x, weight, _), (experts, k) = make(tokens, sizes[0], seed=seed), sizes
    weights, chosen, sorting = route_softmax(x, weight, k, 1.5)
    probabilities = (x @ weight.T).softmax(dim=1)
    best = probabilities.sort(dim=1, descending=True).values[:, :k]
    assert sorting is None and weights.shape == chosen.shape == (tokens, k)
    assert agrees(probabilities.gather(1, chosen).sort(dim=1, descending=True).values, best)
    assert agrees(weights.sort(dim=1, descending=True).values, 1.5 * best / best.sum(dim=1, keepdim=True))
    assert agrees(weights, 1.5 * probabilities.gather(1, chosen) / best.sum(dim=1, keepdim=True))
    assert experts > int(chosen.max()) if tokens else True


def test_softmax_routing_of_half_precision_is_done_in_fp32() -> None:
    x, weight, _ = make(50, 8, 32)
    x = x.to(torch.bfloat16)
    with torch.autocast("cpu", torch.bfloat16):
        found = route_softmax(x, weight.float(), 3, 1.0)
    assert found.weights_TK.dtype == torch.float32
    assert routing_agrees(found, route_softmax(x.double(), weight.float().double(), 3, 1.0))
