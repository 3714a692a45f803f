"""The router's kernels and the row kernels against their references: choice, weights, sorting, gradients."""

from functools import partial

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import Tensor

from model_core.ops.permute import combine, combine_reference, permute, permute_reference
from model_core.ops.router import Routing, route, route_reference
from model_core.ops.sorting import sort_choices
from tests.model_core.comparison import (
    COMBINE_MUTANTS,
    ROUTER_MUTANTS,
    agrees,
    all_agree,
    poisoned_memory,
    routing_agrees,
    with_grads,
)


def make(tokens: int, experts: int, device: str, dtype: torch.dtype = torch.float32) -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(tokens)
    shapes = [(tokens, 21), (experts, 21), (experts,)]
    x, weight, bias = (torch.randn(s, generator=generator, dtype=torch.float64).to(device, dtype) for s in shapes)
    return x, weight * 0.3, bias * 0.2


kernel = partial(route, backend="triton")


def reference(x: Tensor, weight: Tensor, bias: Tensor, k: int, scale: float) -> Routing:
    return route_reference(x.double(), weight.double(), bias.double(), k, scale)


@pytest.mark.parametrize("tokens,experts,k", [(0, 4, 2), (1, 2, 1), (5, 16, 3), (32, 6, 6), (33, 20, 3), (75, 5, 2)])
def test_the_router(device: str, tokens: int, experts: int, k: int) -> None:
    inputs = make(tokens, experts, device)
    with poisoned_memory():
        assert routing_agrees(kernel(*inputs, k, 1.5), reference(*inputs, k, 1.5))


# The interpreter is slow: few examples, the same every time.
@settings(max_examples=8, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    tokens=st.integers(0, 80),
    sizes=st.integers(1, 20).flatmap(lambda experts: st.tuples(st.just(experts), st.integers(1, min(5, experts)))),
    crowded=st.booleans(),
)
def test_any_routing(device: str, tokens: int, sizes: tuple[int, int], crowded: bool) -> None:
    x, weight, bias = make(tokens, sizes[0], device)
    # A bias above any score sends every token to the same experts; the others stay empty.
    bias[: sizes[1]] += 2.0 * crowded
    with poisoned_memory():
        found = kernel(x, weight, bias, sizes[1], 1.5)
    assert routing_agrees(found, reference(x, weight, bias, sizes[1], 1.5))
    assert found.sorting is not None and int(found.sorting.counts_E.sum()) == tokens * sizes[1]
    assert not crowded or int(found.sorting.counts_E[sizes[1] :].sum()) == 0


def test_running_sums_go_on_from_one_run_of_blocks_to_the_next(device: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("model_core.kernels.router._SUMMED_BLOCKS", 2)
    inputs = make(170, 20, device)
    assert routing_agrees(kernel(*inputs, 3, 1.0), reference(*inputs, 3, 1.0))


def test_a_token_s_routing_does_not_depend_on_its_batch_or_its_place_in_it(device: str) -> None:
    x, weight, bias = make(75, 6, device)
    whole = kernel(x, weight, bias, 2, 1.0)
    order = torch.randperm(75, generator=torch.Generator().manual_seed(1)).to(device)
    for rows in (order, torch.arange(40, device=device), torch.arange(1, device=device)):
        part = kernel(x[rows], weight, bias, 2, 1.0)
        assert torch.equal(part.experts_TK, whole.experts_TK[rows])
        assert torch.equal(part.weights_TK, whole.weights_TK[rows])
    again = kernel(x, weight, bias, 2, 1.0)
    assert whole.sorting is not None and again.sorting is not None
    assert all(torch.equal(a, b) for a, b in zip(whole.sorting, again.sorting, strict=True))


@pytest.mark.parametrize("mutant", [*ROUTER_MUTANTS, "another token's places", "a histogram one off"])
def test_the_comparison_catches_mutants_of_the_router(device: str, mutant: str) -> None:
    inputs = make(40, 8, device)
    wanted = reference(*inputs, 3, 1.5)
    with poisoned_memory():
        found = kernel(*inputs, 3, 1.5)
        assert found.sorting is not None and routing_agrees(found, wanted)
        if mutant == "another token's places":
            wrong = found._replace(sorting=found.sorting._replace(places_TK=found.sorting.places_TK.roll(1, 0)))
        elif mutant == "a histogram one off":
            wrong = found._replace(sorting=found.sorting._replace(counts_E=found.sorting.counts_E.roll(1, 0)))
        else:
            wrong = ROUTER_MUTANTS[mutant](kernel, *inputs, 3, 1.5)
        assert not routing_agrees(wrong, wanted)


def test_the_router_s_gradients(device: str) -> None:
    x, weight, bias = make(6, 5, device, torch.float64)
    place = torch.arange(5, device=device, dtype=torch.float64)

    def weighed(backend: str, x: Tensor, weight: Tensor) -> Tensor:
        weights, chosen, _ = route(x, weight, bias, 3, 2.0, backend=backend)  # type: ignore[arg-type]
        return weights * place[chosen] ** 2

    def summed(backend: str, x: Tensor, weight: Tensor) -> Tensor:
        return weighed(backend, x, weight).sum(dim=1)

    found, wanted = (with_grads(partial(summed, backend), (x, weight)) for backend in ("triton", "torch"))
    assert all_agree(found, wanted)


def test_gradcheck(device: str) -> None:
    x, weight, bias = make(3, 4, device, torch.float64)
    leaves = x.requires_grad_(), weight.detach().requires_grad_()
    assert torch.autograd.gradcheck(
        lambda x, weight: kernel(x, weight, bias, 2, 2.0).weights_TK, leaves, fast_mode=True
    )
    sorting = sort_choices(torch.tensor([[0, 2], [2, 1], [0, 1]], device=device), 3)
    for function, tokens in ((permute, 3), (combine, 6)):
        rows = torch.randn(tokens, 3, device=device, dtype=torch.float64, requires_grad=True)
        assert torch.autograd.gradcheck(lambda t, f=function: f(t, sorting, backend="triton"), (rows,), fast_mode=True)


def test_a_token_that_is_not_a_number_keeps_to_itself(device: str) -> None:
    x, weight, bias = make(40, 5, device)
    clean = route(x, weight, bias, 2, 1.0, backend="triton")
    x[7] = torch.nan
    weights, chosen, _ = route(x, weight, bias, 2, 1.0, backend="triton")
    others = torch.arange(40, device=device) != 7
    assert int(chosen.max()) < 5
    assert torch.equal(weights[others], clean.weights_TK[others])


@pytest.mark.parametrize("tokens,k,width", [(0, 2, 3), (1, 1, 3), (20, 5, 4), (21, 3, 130)])
def test_permute_and_combine(device: str, tokens: int, k: int, width: int) -> None:
    chosen = torch.rand(tokens, 5, generator=torch.Generator().manual_seed(0)).topk(k).indices.to(device)
    sorting = sort_choices(chosen, 5)
    x = torch.randn(tokens, width, device=device, dtype=torch.float64)
    y = torch.randn(tokens * k, width, device=device, dtype=torch.float64)
    for function, reference, rows in ((permute, permute_reference, x), (combine, combine_reference, y)):
        with poisoned_memory():
            found = with_grads(lambda t, f=function: f(t, sorting, backend="triton"), (rows.float(),))
        wanted = with_grads(lambda t, f=reference: f(t, sorting), (rows.float().double(),))
        assert all_agree(found, wanted)


@pytest.mark.parametrize("mutant", COMBINE_MUTANTS)
def test_the_comparison_catches_mutants_of_combine(device: str, mutant: str) -> None:
    chosen = torch.rand(20, 5, generator=torch.Generator().manual_seed(0)).topk(3).indices.to(device)
    sorting, rows = sort_choices(chosen, 5), torch.randn(60, 7, device=device)
    wanted, combined = combine_reference(rows.double(), sorting), partial(combine, backend="triton")
    with poisoned_memory():
        assert agrees(combined(rows, sorting), wanted)
        assert not agrees(COMBINE_MUTANTS[mutant](combined, rows, sorting), wanted)
