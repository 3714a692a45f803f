"""Which matrix products are fast on this machine's CPU. It measures them; it knows no models."""

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
    return _product_s(torch.float32) > _WORTH_IT * _product_s(torch.bfloat16)


def _product_s(dtype: torch.dtype) -> float:
    rows, weight = torch.ones(_ROWS, _WIDTH, dtype=dtype), torch.ones(_WIDTH, _WIDTH, dtype=dtype)
    taken_s = []
    for _ in range(_TRIES):
        begun = time.perf_counter()
        torch.mm(rows, weight)
        taken_s.append(time.perf_counter() - begun)
    return min(taken_s)


def fast_cpu_dtype() -> torch.dtype:
    """Return bf16 where the CPU is faster at it, otherwise fp32."""
    return torch.bfloat16 if cpu_has_bf16() else torch.float32
