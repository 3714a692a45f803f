"""Zeros on a CPU that cost nothing where nobody touches them: pages straight from the system.

The usual allocator reuses memory and has to fill it. It knows sizes and no contents.
"""

import mmap
from collections.abc import Sequence
from math import prod

import torch
from torch import Tensor

_LARGE_BYTES = 1 << 20


def fresh_zeros(shape: Sequence[int], dtype: torch.dtype) -> Tensor:
    """Return zeros; of a large tensor only the parts that are written to take memory and time."""
    size_bytes = prod(shape) * dtype.itemsize
    if size_bytes < _LARGE_BYTES or not hasattr(mmap, "MAP_PRIVATE"):  # there is none on Windows
        return torch.zeros(shape, dtype=dtype)
    pages = mmap.mmap(-1, size_bytes, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    return torch.frombuffer(pages, dtype=dtype).view(*shape)
