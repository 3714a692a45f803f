"""The router's kernels and the row kernels against their references: choice, weights, sorting, gradients."""

from functools import partial

import pytest
import torch
from torch import Tensor

from model_core.ops.permute import combine, combine_reference, permute, permute_reference
from model_core.ops.router import route, route_reference
from model_core.ops.sorting import sort_choices
from tests.model_core.comparison import agrees, poisoned_memory, with_grads


def make(tokens: int, experts: int, device: str, dtype: torch.dtype = torch.float32) -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(tokens)
    shapes = [(tokens, 21), (experts, 21), (experts,)]
    x, weight, bias = (torch.randn(s, generator=generator, dtype=torch.float64).to(device, dtype) for s in shapes)
    return x, weight * 0.3, bias * 0.2


@pytest.mark.parametrize("tokens,experts,k", [(1, 2, 1), (5, 16, 3), (32, 6, 6), (33, 20, 3), (75, 5, 2)])
def test_the_router(device: str, tokens: int, experts: int, k: int) -> None:
    x, weight, bias = make(tokens, experts, device)
    with poisoned_memory():
        weights, chosen, sorting = route(x, weight, bias, k, 1.5, backend="triton")
    wanted, wanted_chosen, _ = route_reference(x.double(), weight.double(), bias.double(), k, 1.5)
    order, wanted_order = chosen.argsort(dim=1), wanted_chosen.argsort(dim=1)
    assert torch.equal(chosen.gather(1, order), wanted_chosen.gather(1, wanted_order))
    assert agrees(weights.gather(1, order), wanted.gather(1, wanted_order))
    assert sorting is not None
    assert all(torch.equal(a, b) for a, b in zip(sorting, sort_choices(chosen, experts), strict=True))


def test_the_router_s_gradients(device: str) -> None:
    x, weight, bias = make(6, 5, device, torch.float64)
    place = torch.arange(5, device=device, dtype=torch.float64)

    def weighed(backend: str, x: Tensor, weight: Tensor) -> Tensor:
        weights, chosen, _ = route(x, weight, bias, 3, 2.0, backend=backend)  # type: ignore[arg-type]
        return weights * place[chosen] ** 2

    def summed(backend: str, x: Tensor, weight: Tensor) -> Tensor:
        return weighed(backend, x, weight).sum(dim=1)

    found, wanted = (with_grads(partial(summed, backend), (x, weight)) for backend in ("triton", "torch"))
    assert all(agrees(a, b) for a, b in zip(found, wanted, strict=True))


def test_a_token_that_is_not_a_number_keeps_to_itself(device: str) -> None:
    x, weight, bias = make(40, 5, device)
    clean = route(x, weight, bias, 2, 1.0, backend="triton")
    x[7] = torch.nan
    weights, chosen, _ = route(x, weight, bias, 2, 1.0, backend="triton")
    others = torch.arange(40, device=device) != 7
    assert int(chosen.max()) < 5
    assert torch.equal(weights[others], clean.weights_TK[others])


@pytest.mark.parametrize("tokens,k,width", [(1, 1, 3), (21, 3, 130)])
def test_permute_and_combine(device: str, tokens: int, k: int, width: int) -> None:
    chosen = torch.rand(tokens, 5, generator=torch.Generator().manual_seed(0)).topk(k).indices.to(device)
    sorting = sort_choices(chosen, 5)
    x = torch.randn(tokens, width, device=device, dtype=torch.float64)
    y = torch.randn(tokens * k, width, device=device, dtype=torch.float64)
    for function, reference, rows in ((permute, permute_reference, x), (combine, combine_reference, y)):
        with poisoned_memory():
            found = with_grads(lambda t, f=function: f(t, sorting, backend="triton"), (rows.float(),))
        wanted = with_grads(lambda t, f=reference: f(t, sorting), (rows.float().double(),))
        assert all(agrees(a, b) for a, b in zip(found, wanted, strict=True))
