"""The grouped kernels behind `expert_mlp`, against the fp64 reference, forward and backward."""

from functools import partial

import pytest
import torch
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from model_core.ops.experts import expert_mlp, expert_mlp_reference
from tests.model_core.comparison import (
    GRADIENT_FAULTS,
    Inputs,
    agrees,
    all_agree,
    cast,
    make_inputs,
    mutate,
    mutate_gradient,
    poisoned_memory,
    reference_with_grads,
    with_grads,
)
from tests.model_core.kernels.conftest import INTERPRETED

kernels = partial(expert_mlp, backend="triton")


def on(device: str, inputs: Inputs) -> Inputs:
    x, weights, chosen, gate_up, down = (tensor.to(device) for tensor in inputs)
    return x, weights, chosen, gate_up, down


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize(
    "tokens,experts,k,width,inner", [(1, 3, 2, 7, 5), (37, 5, 2, 20, 18), (70, 3, 1, 33, 17), (3, 9, 4, 16, 16)]
)
def test_values_and_gradients(
    device: str, dtype: torch.dtype, tokens: int, experts: int, k: int, width: int, inner: int
) -> None:
    inputs = on(device, cast(make_inputs(tokens, experts, k, width=width, inner=inner), dtype))
    found, wanted = with_grads(kernels, inputs), reference_with_grads(inputs)
    assert len(found) == 5
    assert all_agree(found, wanted)


def test_bf16(device: str) -> None:
    inputs = on(device, cast(make_inputs(40, 5, 2, width=40, inner=24), torch.bfloat16))
    found, wanted = with_grads(kernels, inputs), reference_with_grads(inputs)
    assert agrees(found[0], wanted[0])
    if not INTERPRETED:  # the interpreter cuts bf16 off where a GPU rounds, which doubles the error
        assert all_agree(found, wanted)


# The interpreter is slow: few examples, the same every time.
@settings(max_examples=6, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    dtype=st.sampled_from([torch.float64, torch.float32]),
    tokens=st.integers(0, 24),
    sizes=st.integers(1, 5).flatmap(lambda experts: st.tuples(st.just(experts), st.integers(1, experts))),
    choice=st.floats(0, 1),
    widths=st.tuples(st.integers(1, 20), st.integers(1, 20)),
)
@example(dtype=torch.float32, tokens=0, sizes=(4, 2), choice=1.0, widths=(6, 5))
@example(dtype=torch.float32, tokens=40, sizes=(4, 1), choice=1.0, widths=(6, 5))
@example(dtype=torch.float32, tokens=40, sizes=(3, 3), choice=1.0, widths=(6, 5))
def test_any_shape_and_routing(
    device: str, dtype: torch.dtype, tokens: int, sizes: tuple[int, int], choice: float, widths: tuple[int, int]
) -> None:
    experts, at_work = sizes
    k = max(1, round(choice * at_work))
    made = make_inputs(tokens, experts, k, width=widths[0], inner=widths[1], at_work=at_work)
    inputs = on(device, cast(made, dtype))
    with poisoned_memory():
        found = with_grads(kernels, inputs)
    # Sums of few terms may nearly cancel, and keep fewer digits then.
    assert all_agree(found, reference_with_grads(inputs), 1e-10 if dtype == torch.float64 else 1e-5)
    assert float(found[3][at_work:].abs().sum()) == float(found[4][at_work:].abs().sum()) == 0


def test_gradcheck(device: str) -> None:
    x, weights, chosen, gate_up, down = (
        t.requires_grad_() if t.is_floating_point() else t for t in on(device, make_inputs(3, 2, 1, width=3, inner=2))
    )
    assert torch.autograd.gradcheck(kernels, (x, weights, chosen, gate_up, down), fast_mode=True)


def test_every_buffer_is_overwritten_and_runs_repeat_to_the_bit(device: str) -> None:
    inputs = on(device, cast(make_inputs(37, 6, 2, width=20, inner=18), torch.float32))
    inputs = (*inputs[:2], inputs[2] % 3, *inputs[3:])
    clean = with_grads(kernels, inputs)
    with poisoned_memory():
        poisoned = with_grads(kernels, inputs)
    assert all(torch.equal(a, b) for a, b in zip(clean, poisoned, strict=True))


@torch.no_grad()
def test_a_token_does_not_depend_on_its_batch_or_its_place_in_it(device: str) -> None:
    x, weights, chosen, gate_up, down = on(device, cast(make_inputs(40, 3, 2, width=20, inner=18), torch.float32))
    whole = kernels(x, weights, chosen, gate_up, down)
    shuffled = torch.randperm(40, generator=torch.Generator().manual_seed(1)).to(device)
    again = kernels(x[shuffled], weights[shuffled], chosen[shuffled], gate_up, down)
    part = kernels(x[:30], weights[:30], chosen[:30], gate_up, down)
    assert torch.equal(again, whole[shuffled])
    assert torch.equal(part, whole[:30])


@pytest.mark.parametrize("mutant", ["zero", "swapped", "dropped", "padding"])
def test_the_comparison_catches_mutants(device: str, mutant: str) -> None:
    inputs = on(device, cast(make_inputs(20, 4, 2), torch.float32))
    wanted = expert_mlp_reference(*cast(inputs, torch.float64))
    with poisoned_memory():
        assert agrees(kernels(*inputs), wanted)
        assert not agrees(mutate(kernels, mutant)(*inputs), wanted)


# Each fault in another gradient; every one in each is tested with the CPU's operations.
@pytest.mark.parametrize("fault,place,result", zip(GRADIENT_FAULTS, (0, 1, 3, 4), (1, 2, 3, 4), strict=True))
def test_the_comparison_catches_a_wrong_gradient_and_tells_which(
    device: str, fault: str, place: int, result: int
) -> None:
    inputs = on(device, cast(make_inputs(12, 3, 2), torch.float32))
    with poisoned_memory():
        found = with_grads(mutate_gradient(kernels, place, fault), inputs)
    pairs = zip(found, reference_with_grads(inputs), strict=True)
    assert [n for n, pair in enumerate(pairs) if not agrees(*pair)] == [result]


@pytest.mark.gpu
@pytest.mark.skipif(INTERPRETED or not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("tokens", [1, 64, 4096])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_real_sizes(tokens: int, dtype: torch.dtype) -> None:
    inputs = on("cuda", cast(make_inputs(tokens, 64, 8, width=256, inner=128), dtype))
    found, wanted = with_grads(kernels, inputs), reference_with_grads(inputs)
    assert all_agree(found, wanted)
