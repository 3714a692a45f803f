"""The operations against their plain references: values, gradients, odd routings, and mutants that must be caught."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from model_core.config.recipes import get_recipe
from model_core.models.moe import MoE, Router
from model_core.ops.attention import causal_attention, causal_attention_reference
from model_core.ops.cross_entropy import linear_cross_entropy, linear_cross_entropy_reference
from model_core.ops.experts import expert_mlp, expert_mlp_reference

Inputs = tuple[Tensor, Tensor, Tensor, Tensor, Tensor]


def relative_error(found: Tensor, wanted: Tensor) -> float:
    return float((found.double() - wanted.double()).norm() / wanted.double().norm().clamp_min(1e-300))


def make_inputs(tokens: int, experts: int, k: int, *, width: int = 6, inner: int = 5, seed: int = 0) -> Inputs:
    generator = torch.Generator().manual_seed(seed)

    def draw(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    chosen = torch.rand(tokens, experts, generator=generator).topk(k).indices
    weights = torch.rand(tokens, k, generator=generator, dtype=torch.float64) + 0.1
    return draw(tokens, width), weights, chosen, draw(experts, 2 * inner, width), draw(experts, width, inner)


def grads(function: object, inputs: Inputs) -> list[Tensor]:
    leaves = [x.clone().requires_grad_() if x.is_floating_point() else x for x in inputs]
    y = function(*leaves)  # type: ignore[operator]
    weight = torch.linspace(-1, 1, y.numel(), dtype=y.dtype).view_as(y)
    (y * weight).sum().backward()
    return [y.detach(), *(leaf.grad for leaf in leaves if leaf.grad is not None)]


@settings(max_examples=40, deadline=None)
@given(tokens=st.integers(1, 40), experts=st.integers(2, 9), k=st.integers(1, 8), seed=st.integers(0, 99))
def test_experts_equal_the_reference_forward_and_backward(tokens: int, experts: int, k: int, seed: int) -> None:
    inputs = make_inputs(tokens, experts, min(k, experts - 1), seed=seed)
    found, wanted = grads(expert_mlp, inputs), grads(expert_mlp_reference, inputs)
    assert len(found) == len(wanted) == 5
    assert max(relative_error(a, b) for a, b in zip(found, wanted, strict=True)) < 1e-12


def test_experts_pass_gradcheck() -> None:
    x, weights, chosen, gate_up, down = (
        t.requires_grad_() if t.is_floating_point() else t for t in make_inputs(5, 4, 2)
    )
    assert torch.autograd.gradcheck(expert_mlp, (x, weights, chosen, gate_up, down))


@pytest.mark.parametrize("dtype,limit", [(torch.float32, 1e-6), (torch.bfloat16, 1e-2)])
def test_experts_keep_their_precision(dtype: torch.dtype, limit: float) -> None:
    inputs = make_inputs(64, 8, 2, width=64, inner=32)
    low = tuple(x.to(dtype) if x.is_floating_point() else x for x in inputs)
    high = tuple(x.double() if x.is_floating_point() else x for x in low)
    assert relative_error(expert_mlp(*low), expert_mlp_reference(*high)) <= limit  # type: ignore[arg-type]


def test_all_tokens_to_one_expert_and_the_others_empty() -> None:
    x, weights, chosen, gate_up, down = make_inputs(30, 6, 1)
    inputs = (x, weights, torch.full_like(chosen, 4), gate_up, down)
    found, wanted = grads(expert_mlp, inputs), grads(expert_mlp_reference, inputs)
    assert max(relative_error(a, b) for a, b in zip(found, wanted, strict=True)) < 1e-12
    assert found[3][3].abs().max() == 0


@torch.no_grad()
def test_few_tokens_take_the_same_values_as_many() -> None:
    x, weights, chosen, gate_up, down = make_inputs(40, 6, 2)
    many = expert_mlp(x, weights, chosen, gate_up, down)
    few = torch.cat(
        [expert_mlp(x[i : i + 3], weights[i : i + 3], chosen[i : i + 3], gate_up, down) for i in range(0, 40, 3)]
    )
    assert relative_error(few, many) < 1e-14


def test_runs_repeat_to_the_bit() -> None:
    inputs = make_inputs(200, 8, 3)
    first, second = grads(expert_mlp, inputs), grads(expert_mlp, inputs)
    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))


@pytest.mark.parametrize("mutant", ["zero", "swapped", "dropped"])
def test_the_comparison_catches_mutants(mutant: str) -> None:
    x, weights, chosen, gate_up, down = make_inputs(30, 6, 2)
    wanted = expert_mlp_reference(x, weights, chosen, gate_up, down)
    if mutant == "zero":
        down = torch.zeros_like(down)
    elif mutant == "swapped":
        gate_up = torch.cat(gate_up.chunk(2, dim=1)[::-1], dim=1)
    else:
        weights = weights * (chosen != 2)
    assert relative_error(expert_mlp(x, weights, chosen, gate_up, down), wanted) > 1e-2


@settings(max_examples=20, deadline=None)
@given(tokens=st.sampled_from([1, 2, 127, 128, 129, 300]), heads=st.sampled_from([(2, 1), (4, 2), (3, 3)]))
def test_attention_equals_the_reference(tokens: int, heads: tuple[int, int]) -> None:
    generator = torch.Generator().manual_seed(tokens)
    shapes = [(tokens, heads[0], 8), (tokens, heads[1], 8), (tokens, heads[1], 8)]
    inputs = tuple(torch.randn(shape, generator=generator, dtype=torch.float64) for shape in shapes)
    found, wanted = grads(causal_attention, inputs), grads(causal_attention_reference, inputs)  # type: ignore[arg-type]
    assert len(found) == 4
    # A single token attends to itself only: its query's and key's gradients are zero in both, up to rounding.
    assert all(torch.allclose(a, b, rtol=1e-10, atol=1e-12) for a, b in zip(found, wanted, strict=True))


def test_attention_does_not_look_ahead() -> None:
    q, k, v = (torch.randn(200, 2, 8, generator=torch.Generator().manual_seed(i)) for i in range(3))
    before = causal_attention(q, k, v)[:150]
    k[150:] = 100
    v[150:] = -100
    assert torch.equal(causal_attention(q, k, v)[:150], before)


def test_cross_entropy_equals_the_reference() -> None:
    generator = torch.Generator().manual_seed(5)
    h = torch.randn(2100, 8, generator=generator, dtype=torch.float64)
    head = torch.randn(31, 8, generator=generator, dtype=torch.float64)
    labels = torch.randint(0, 31, (2100,), generator=generator)
    weights = torch.rand(2100, generator=generator, dtype=torch.float64) * (torch.arange(2100) % 3 > 0)
    results = []
    for function in (
        lambda *args: linear_cross_entropy(*args, torch.float64),
        linear_cross_entropy_reference,
    ):
        a, b = h.clone().requires_grad_(), head.clone().requires_grad_()
        loss, losses = function(a, b, labels, weights)
        (3 * loss).backward()
        results.append([loss.detach(), losses, a.grad, b.grad])
    assert max(relative_error(a, b) for a, b in zip(*results, strict=True)) < 1e-12


def test_the_router_balances_itself() -> None:
    config = get_recipe("tiny_test").model
    router = Router(config)
    generator = torch.Generator().manual_seed(0)
    torch.nn.init.normal_(router.weight, std=0.02, generator=generator)
    router.weight.data[0] += 0.3
    x = torch.randn(512, config.hidden_size, generator=generator) + 0.5
    router.train()
    shares = []
    for _ in range(300):
        router(x)
        shares.append(float(router.load.max() / router.load.float().mean()))
        router.update_bias(0.01)
    assert shares[0] > 1.9
    assert max(shares[-20:]) < 1.25


def test_the_bias_changes_the_choice_and_not_the_weights() -> None:
    config = get_recipe("tiny_test").model
    router = Router(config)
    torch.nn.init.normal_(router.weight, std=1.0, generator=torch.Generator().manual_seed(0))
    x = torch.randn(50, config.hidden_size, generator=torch.Generator().manual_seed(1))
    router.correction_bias[3] = 10.0
    weights, chosen = router(x)
    assert bool((chosen == 3).any(dim=1).all())
    assert torch.allclose(weights.sum(dim=1), torch.ones(50))
    scores = torch.sigmoid(x @ router.weight.T)
    wanted = scores.gather(1, chosen)
    assert torch.allclose(weights, wanted / wanted.sum(dim=1, keepdim=True))


def test_the_layer_counts_load_only_while_training() -> None:
    config = get_recipe("tiny_test").model
    layer = MoE(config)
    for parameter in layer.parameters():
        torch.nn.init.normal_(parameter, std=0.1, generator=torch.Generator().manual_seed(0))
    x = torch.randn(2, 7, config.hidden_size)
    layer.eval()(x)
    assert int(layer.router.load.sum()) == 0
    layer.train()(x)
    assert int(layer.router.load.sum()) == 2 * 7 * config.num_experts_per_token
