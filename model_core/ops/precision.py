"""Which matrix products are fast on this machine's CPU. It knows instruction sets, not models."""

from functools import cache

import torch


@cache
def cpu_has_bf16() -> bool:
    """Tell whether the CPU multiplies bf16 matrices itself (AMX or AVX-512 BF16).

    Where it does not, torch emulates them: about four times slower than fp32 on a Xeon with AVX-512 alone.
    """
    return bool(torch.cpu._is_amx_tile_supported())


def fast_cpu_dtype() -> torch.dtype:
    """Return bf16 where the CPU has it, otherwise fp32."""
    return torch.bfloat16 if cpu_has_bf16() else torch.float32
