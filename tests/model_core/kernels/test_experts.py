"""The grouped kernels behind `expert_mlp`, against the fp64 reference, forward and backward."""

from functools import partial

import pytest
import torch

from model_core.ops.experts import expert_mlp, expert_mlp_reference
from tests.model_core.comparison import (
    Inputs,
    agrees,
    cast,
    make_inputs,
    mutate,
    poisoned_memory,
    reference_with_grads,
    with_grads,
)
from tests.model_core.kernels.conftest import INTERPRETED

kernels = partial(expert_mlp, backend="triton")


def on(device: str, inputs: Inputs) -> Inputs:
    x, weights, chosen, gate_up, down = (tensor.to(device) for tensor in inputs)
    return x, weights, chosen, gate_up, down


def one_expert(inputs: Inputs) -> Inputs:
    return (*inputs[:2], torch.full_like(inputs[2], 3), *inputs[3:])


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
    assert all(agrees(a, b) for a, b in zip(found, wanted, strict=True))


def test_bf16(device: str) -> None:
    inputs = on(device, cast(make_inputs(40, 5, 2, width=40, inner=24), torch.bfloat16))
    found, wanted = with_grads(kernels, inputs), reference_with_grads(inputs)
    assert agrees(found[0], wanted[0])
    if not INTERPRETED:  # the interpreter cuts bf16 off where a GPU rounds, which doubles the error
        assert all(agrees(a, b) for a, b in zip(found, wanted, strict=True))


def test_all_tokens_to_one_expert_and_the_others_empty(device: str) -> None:
    inputs = on(device, cast(one_expert(make_inputs(40, 4, 1)), torch.float32))
    found, wanted = with_grads(kernels, inputs), reference_with_grads(inputs)
    assert all(agrees(a, b) for a, b in zip(found, wanted, strict=True))
    assert float(found[3][:3].abs().max()) == 0


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


@pytest.mark.parametrize("mutant", ["zero", "swapped", "dropped", "nan"])
def test_the_comparison_catches_mutants(device: str, mutant: str) -> None:
    inputs = on(device, cast(make_inputs(20, 4, 2), torch.float32))
    wanted = expert_mlp_reference(*cast(inputs, torch.float64))
    assert agrees(kernels(*inputs), wanted)
    assert not agrees(mutate(kernels, mutant)(*inputs), wanted)


@pytest.mark.gpu
@pytest.mark.skipif(INTERPRETED or not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("tokens", [1, 64, 4096])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_real_sizes(tokens: int, dtype: torch.dtype) -> None:
    inputs = on("cuda", cast(make_inputs(tokens, 64, 8, width=256, inner=128), dtype))
    found, wanted = with_grads(kernels, inputs), reference_with_grads(inputs)
    assert all(agrees(a, b) for a, b in zip(found, wanted, strict=True))
