"""Memory for large tensors on a CPU that live as long as one step, straight from the system in huge pages.

The usual allocator gives such memory back each time, and the system then hands it out again page by page of 4 kB, which
can take longer than filling it; a page that nobody touches costs nothing either way. It knows sizes and no contents.
"""

import mmap
from collections.abc import Sequence
from math import prod

import torch
from torch import Tensor

_LARGE_BYTES = 4 << 20
_HUGE_PAGES = getattr(mmap, "MADV_HUGEPAGE", None)  # Linux alone has them


def fresh_zeros(shape: Sequence[int], dtype: torch.dtype) -> Tensor:
    """Return zeros; of a large tensor only the parts that are written to take memory and time."""
    large = prod(shape) * dtype.itemsize >= _LARGE_BYTES
    return _fresh(shape, dtype) if large and _HUGE_PAGES is not None else torch.zeros(shape, dtype=dtype)


def fresh_empty(shape: Sequence[int], dtype: torch.dtype) -> Tensor:
    """Return a tensor to be written to throughout."""
    large = prod(shape) * dtype.itemsize >= _LARGE_BYTES
    return _fresh(shape, dtype) if large and _HUGE_PAGES is not None else torch.empty(shape, dtype=dtype)


def _fresh(shape: Sequence[int], dtype: torch.dtype) -> Tensor:
    pages = mmap.mmap(-1, prod(shape) * dtype.itemsize, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    pages.madvise(mmap.MADV_HUGEPAGE)
    return torch.frombuffer(pages, dtype=dtype).view(*shape)
