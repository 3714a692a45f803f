"""Every kernel through Triton's compiler and NVIDIA's assembler for an H200, on a machine that has none.

The operations run on tensors without data, so that shapes and tile sizes are those of a real launch; a launch ends with
the compiled kernel. What the kernels compute is tested by the others of this folder.
"""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from torch import Tensor

from model_core.kernels.rows import permute
from model_core.ops.experts_triton import ExpertMLPTriton
from model_core.ops.router import _Route
from model_core.ops.sorting import Sorting

triton = pytest.importorskip("triton")
_SHARED_BYTES = 227 << 10  # what a block may use on sm_90
_GROUPED = {"_swiglu_up", "_multiply", "_swiglu_backward", "_outer"}


class _Device:
    """Stands for the GPU: the compiler asks what to compile for, and nothing is launched."""

    def get_current_target(self) -> Any:
        return triton.backends.compiler.GPUTarget("cuda", 90, 32)

    def get_current_device(self) -> str:
        return "sm_90 that is not there"

    def get_current_stream(self, device: str) -> int:
        return 0


@pytest.fixture
def compiled(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[tuple[str, Any]]]:
    """Yield the list to which every launch adds its kernel's name and the compiled kernel."""
    jit = triton.runtime.jit.JITFunction
    launch = jit.run
    kernels: list[tuple[str, Any]] = []

    def compile_only(self: Any, *args: Any, grid: Any, warmup: bool, **kwargs: Any) -> None:
        kernels.append((self.__name__, launch(self, *args, grid=grid, warmup=True, **kwargs)))

    monkeypatch.setattr(jit, "run", compile_only)
    triton.runtime.driver.set_active(_Device())
    yield kernels
    triton.runtime.driver.reset_active()


def empty(*shape: int, dtype: torch.dtype) -> Tensor:
    return torch.empty(shape, dtype=dtype, device="meta")


def run_experts(tokens: int, experts: int, k: int, width: int, inner: int, dtype: torch.dtype, *, train: bool) -> None:
    x, weights = empty(tokens, width, dtype=dtype), empty(tokens, k, dtype=torch.float32)
    gate_up, down = empty(experts, 2 * inner, width, dtype=dtype), empty(experts, width, inner, dtype=dtype)
    sizes = ((experts,), (tokens * k,), (tokens, k))
    sorting = Sorting(*(empty(*size, dtype=torch.int64) for size in sizes))
    for tensor in (x, weights, gate_up, down):
        tensor.requires_grad_(train)
    apply: Callable[..., Tensor] = ExpertMLPTriton.apply
    y = apply(x, weights, gate_up, down, sorting, train)
    if train:
        y.sum().backward()
        permute(x.detach(), sorting.order_S, k)


def check(compiled: list[tuple[str, Any]]) -> None:
    for name, kernel in compiled:
        assert kernel.asm["cubin"], name
        assert kernel.metadata.shared <= _SHARED_BYTES, f"{name} wants {kernel.metadata.shared} bytes of shared memory"


@pytest.mark.parametrize("tokens,train", [(32768, True), (1, False), (128, False)])
def test_experts_in_bf16_use_the_tensor_cores(compiled: list[tuple[str, Any]], tokens: int, train: bool) -> None:
    run_experts(tokens, 128, 8, 4096, 1024, torch.bfloat16, train=train)
    check(compiled)
    grouped = {name for name, _ in compiled} & _GROUPED
    assert grouped == (_GROUPED if train else {"_swiglu_up", "_multiply"})
    unit = "wgmma" if tokens * 8 > 16 * 128 else "mma.sync"
    assert all(unit in kernel.asm["ptx"] for name, kernel in compiled if name in _GROUPED)


def test_experts_in_fp32(compiled: list[tuple[str, Any]]) -> None:
    run_experts(2048, 64, 8, 256, 128, torch.float32, train=True)
    check(compiled)
    assert {name for name, _ in compiled} == _GROUPED | {"_combine", "_permute"}


@pytest.mark.parametrize("k", [1, 8])
@pytest.mark.parametrize("tokens,kernels", [(32, ["_choose"]), (32768, ["_choose", "_sum_blocks", "_place"])])
def test_the_router(compiled: list[tuple[str, Any]], tokens: int, k: int, kernels: list[str]) -> None:
    x, weight, bias = (empty(*shape, dtype=torch.float32) for shape in ((tokens, 4096), (128, 4096), (128,)))
    _Route.apply(x, weight, bias, k, 1.0)  # type: ignore[no-untyped-call]
    check(compiled)
    assert [name for name, _ in compiled] == kernels
