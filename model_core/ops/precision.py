"""How fast matrix products are here, and which ones on the CPU. It measures them; it knows no models."""

import time
from functools import cache

import torch

_ROWS, _WIDTH, _TRIES = 1024, 512, 5
_WORTH_IT = 1.2


@cache
def cpu_has_bf16() -> bool:
    """Tell whether the CPU multiplies bf16 matrices faster than fp32 ones.

    Instruction sets do not answer that: of two processors with AVX-512 BF16 one did bf16 2.4 times as fast as fp32, the
    other half as fast. Side effect: takes some milliseconds, once, on a processor that has the instructions.
    """
    if not (torch.cpu._is_amx_tile_supported() or torch.cpu._is_avx512_bf16_supported()):
        return False
    cpu = torch.device("cpu")
    return _product_s(cpu, torch.float32) > _WORTH_IT * _product_s(cpu, torch.bfloat16)


@cache
def product_flops(device: torch.device, dtype: torch.dtype) -> float:
    """Return the floating-point operations a second of a large matrix product. Side effect: measures it, once."""
    return 2 * _ROWS * _WIDTH**2 * _scale(device) ** 3 / _product_s(device, dtype)


def _scale(device: torch.device) -> int:
    """Return how many times larger than on a CPU a product must be to fill the device."""
    return 16 if device.type == "cuda" else 1


def _product_s(device: torch.device, dtype: torch.dtype) -> float:
    rows, width = _ROWS * _scale(device), _WIDTH * _scale(device)
    x, weight = (torch.ones(size, width, dtype=dtype, device=device) for size in (rows, width))
    taken_s = []
    for _ in range(_TRIES):
        _wait(device)
        begun = time.perf_counter()
        torch.mm(x, weight)
        _wait(device)
        taken_s.append(time.perf_counter() - begun)
    return min(taken_s)


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def fast_cpu_dtype() -> torch.dtype:
    """Return bf16 where the CPU is faster at it, otherwise fp32."""
    return torch.bfloat16 if cpu_has_bf16() else torch.float32


def fast_dtype(device: torch.device) -> torch.dtype:
    """Return the dtype that the device multiplies fastest: bf16 on a GPU."""
    return torch.bfloat16 if device.type == "cuda" else fast_cpu_dtype()
