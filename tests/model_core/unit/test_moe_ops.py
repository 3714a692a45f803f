"""The operations against their plain references: values, gradients, odd routings, and mutants that must be caught."""

import resource
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from model_core.config.recipes import get_recipe
from model_core.models.moe import MoE, Router
from model_core.ops import experts_torch
from model_core.ops.attention import causal_attention, causal_attention_reference
from model_core.ops.cross_entropy import linear_cross_entropy, linear_cross_entropy_reference
from model_core.ops.experts import expert_mlp, expert_mlp_reference
from model_core.ops.memory import fresh_zeros
from model_core.ops.permute import combine, combine_reference, permute, permute_reference
from model_core.ops.sorting import sort_choices
from tests.model_core.comparison import (
    COMBINE_MUTANTS,
    GRADIENT_FAULTS,
    LIMITS,
    Inputs,
    agrees,
    all_agree,
    cast,
    make_inputs,
    mutate,
    mutate_gradient,
    poisoned_memory,
    reference_with_grads,
    relative_error,
    with_grads,
)


@settings(max_examples=60, deadline=None)
@given(
    tokens=st.integers(0, 40),
    sizes=st.integers(1, 9).flatmap(lambda experts: st.tuples(st.just(experts), st.integers(1, experts))),
    choice=st.floats(0, 1),
    widths=st.tuples(st.integers(1, 33), st.integers(1, 33)),
    seed=st.integers(0, 99),
)
def test_experts_equal_the_reference_forward_and_backward(
    tokens: int, sizes: tuple[int, int], choice: float, widths: tuple[int, int], seed: int
) -> None:
    experts, at_work = sizes
    k = max(1, round(choice * at_work))
    inputs = make_inputs(tokens, experts, k, width=widths[0], inner=widths[1], seed=seed, at_work=at_work)
    found, wanted = with_grads(expert_mlp, inputs), with_grads(expert_mlp_reference, inputs)
    assert len(found) == len(wanted) == 5
    # Sums of few terms may nearly cancel, and keep fewer digits then.
    assert all_agree(found, wanted, 1e-10)
    assert float(found[3][at_work:].abs().sum()) == float(found[4][at_work:].abs().sum()) == 0


def test_the_experts_rows_and_losses_pass_gradcheck() -> None:
    x, weights, chosen, gate_up, down = (
        t.requires_grad_() if t.is_floating_point() else t for t in make_inputs(4, 3, 2, width=3, inner=2)
    )
    assert torch.autograd.gradcheck(expert_mlp, (x, weights, chosen, gate_up, down))
    sorting = sort_choices(chosen, 3)
    assert torch.autograd.gradcheck(lambda rows: permute(rows, sorting), (x,))
    assert torch.autograd.gradcheck(lambda rows: combine(rows, sorting), (x.detach().repeat(2, 1).requires_grad_(),))
    q, k, v = (draw(5, heads, 2).requires_grad_() for heads in (2, 1, 1))
    assert torch.autograd.gradcheck(causal_attention, (q, k, v))
    h, head, labels = draw(4, 3).requires_grad_(), draw(5, 3).requires_grad_(), torch.tensor([0, 4, 3, 3])
    loss_weights = torch.tensor([1.0, 0.0, 0.5, 2.0], dtype=torch.float64)
    assert torch.autograd.gradcheck(
        lambda h, head: linear_cross_entropy(h, head, labels, loss_weights, torch.float64)[0], (h, head)
    )


def draw(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(sum(shape)), dtype=torch.float64)


@pytest.mark.parametrize("dtype", list(LIMITS))
def test_experts_keep_their_precision(dtype: torch.dtype) -> None:
    inputs = cast(make_inputs(64, 8, 2, width=64, inner=32), dtype)
    found, wanted = with_grads(expert_mlp, inputs), reference_with_grads(inputs)
    assert all_agree(found, wanted)


@torch.no_grad()
def test_few_tokens_take_the_same_values_as_many() -> None:
    x, weights, chosen, gate_up, down = make_inputs(40, 6, 2)
    many = expert_mlp(x, weights, chosen, gate_up, down)
    few = torch.cat(
        [expert_mlp(x[i : i + 3], weights[i : i + 3], chosen[i : i + 3], gate_up, down) for i in range(0, 40, 3)]
    )
    assert relative_error(few, many) < 1e-14


@torch.no_grad()
def test_a_token_does_not_depend_on_its_place_in_the_batch() -> None:
    x, weights, chosen, gate_up, down = cast(make_inputs(200, 6, 2, width=16, inner=8), torch.float32)
    order = torch.randperm(200, generator=torch.Generator().manual_seed(1))
    whole = expert_mlp(x, weights, chosen, gate_up, down)
    shuffled = expert_mlp(x[order], weights[order], chosen[order], gate_up, down)
    assert relative_error(shuffled, whole[order]) < 1e-6


def test_runs_repeat_to_the_bit_and_every_buffer_is_overwritten() -> None:
    x, weights, chosen, gate_up, down = cast(make_inputs(200, 8, 3), torch.float32)
    inputs: Inputs = (x, weights, chosen.clamp_max(5), gate_up, down)
    first, second = with_grads(expert_mlp, inputs), with_grads(expert_mlp, inputs)
    with poisoned_memory():
        poisoned = with_grads(expert_mlp, inputs)
    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))
    assert all(torch.equal(a, b) for a, b in zip(first, poisoned, strict=True))


@pytest.mark.parametrize("mutant", ["zero", "swapped", "dropped", "padding"])
def test_the_comparison_catches_mutants(mutant: str) -> None:
    inputs = cast(make_inputs(30, 6, 2), torch.float32)
    wanted = expert_mlp_reference(*cast(inputs, torch.float64))
    with poisoned_memory():
        assert agrees(expert_mlp(*inputs), wanted)
        assert not agrees(mutate(expert_mlp, mutant)(*inputs), wanted)


@pytest.mark.parametrize("fault", GRADIENT_FAULTS)
def test_the_comparison_catches_a_wrong_gradient_and_tells_which(fault: str) -> None:
    inputs = cast(make_inputs(30, 6, 2), torch.float32)
    wanted = reference_with_grads(inputs)
    for result, place in enumerate((0, 1, 3, 4), start=1):
        with poisoned_memory():
            found = with_grads(mutate_gradient(expert_mlp, place, fault), inputs)
        assert [n for n, pair in enumerate(zip(found, wanted, strict=True)) if not agrees(*pair)] == [result]


@pytest.mark.parametrize("mutant", COMBINE_MUTANTS)
def test_the_comparison_catches_mutants_of_combine(mutant: str) -> None:
    sorting, rows = sort_choices(make_inputs(30, 6, 3)[2], 6), draw(90, 7).float()
    wanted = combine_reference(rows.double(), sorting)
    with poisoned_memory():
        assert agrees(combine(rows, sorting), wanted)
        assert not agrees(COMBINE_MUTANTS[mutant](combine, rows, sorting), wanted)


@pytest.mark.parametrize("tokens,at_work", [(1, 5), (100, 5), (100, 7)])
def test_large_gradients_of_experts_without_a_token_are_zero(tokens: int, at_work: int) -> None:
    inputs = cast(make_inputs(tokens, 12, 2, width=512, inner=256), torch.float32)
    inputs = (*inputs[:2], make_inputs(tokens, at_work, 2)[2], *inputs[3:])
    found, wanted = with_grads(expert_mlp, inputs), reference_with_grads(inputs)
    # The gradient of one token's two weights is two sums of large terms that nearly cancel.
    assert max(relative_error(a, b) for a, b in zip(found, wanted, strict=True)) < 1e-5
    assert float(found[3][at_work:].abs().max()) == float(found[4][at_work:].abs().max()) == 0


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_fresh_zeros_are_zero_and_take_no_memory_until_written(dtype: torch.dtype) -> None:
    before = resident_bytes()
    zeros = fresh_zeros((1 << 9, 1 << 19), dtype)
    zeros[3] = 1
    assert zeros.shape == (1 << 9, 1 << 19) and zeros.dtype == dtype
    assert resident_bytes() - before < 64 << 20
    assert float(zeros[2].abs().max()) == 0 and float(zeros[3].float().mean()) == 1


def resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


@pytest.mark.parametrize("tokens,experts,k", [(30, 6, 3), (30, 3, 3), (30, 6, 1), (0, 6, 2)])
def test_permute_and_combine_equal_their_references(tokens: int, experts: int, k: int) -> None:
    sorting = sort_choices(make_inputs(tokens, experts, k)[2], experts)
    x, y = draw(tokens, 7), draw(tokens * k, 7)
    for function, reference, rows in ((permute, permute_reference, x), (combine, combine_reference, y)):
        found = with_grads(lambda t, f=function: f(t, sorting), (rows,))
        wanted = with_grads(lambda t, f=reference: f(t, sorting), (rows,))
        assert all_agree(found, wanted)


@settings(max_examples=20, deadline=None)
@given(tokens=st.sampled_from([1, 2, 127, 128, 129, 300]), heads=st.sampled_from([(2, 1), (4, 2), (3, 3)]))
def test_attention_equals_the_reference(tokens: int, heads: tuple[int, int]) -> None:
    generator = torch.Generator().manual_seed(tokens)
    shapes = [(tokens, heads[0], 8), (tokens, heads[1], 8), (tokens, heads[1], 8)]
    inputs = tuple(torch.randn(shape, generator=generator, dtype=torch.float64) for shape in shapes)
    found, wanted = with_grads(causal_attention, inputs), with_grads(causal_attention_reference, inputs)  # type: ignore[arg-type]
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
    weights, chosen, _ = router(x)
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


@pytest.mark.parametrize(("tokens", "experts", "k"), [(1, 9, 3), (40, 5, 2), (200, 6, 1), (97, 40, 4)])
def test_rows_that_fill_up_an_expert_add_nothing(
    tokens: int, experts: int, k: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    inputs = make_inputs(tokens, experts, k)
    monkeypatch.setattr(experts_torch, "_even_rows", lambda x: 32)
    with poisoned_memory():
        found = with_grads(expert_mlp, inputs)
    wanted = with_grads(expert_mlp_reference, inputs)
    assert max(relative_error(a, b) for a, b in zip(found, wanted, strict=True)) < 1e-12
