"""Memory on a CPU: zeros that cost nothing where nobody touches them, and freed memory that a training keeps.

It knows sizes and no contents.
"""

import ctypes
import mmap
import platform
from collections.abc import Sequence
from math import prod

import torch
from torch import Tensor

_LARGE_BYTES = 1 << 20
# Numbers of settings of `mallopt`, malloc.h of the GNU C library.
_M_TRIM_THRESHOLD, _M_MMAP_MAX = -1, -4
_LARGEST_INT = 2**31 - 1


def keep_freed_memory() -> None:
    """Have this process keep the memory it frees, where the C library is GNU's.

    Large tensors are otherwise given back to the system and come again a page at a time, each page a fault: a third
    of the time of a step whose gradients are hundreds of megabytes.
    """
    if platform.libc_ver()[0] == "glibc":
        library = ctypes.CDLL(None)
        library.mallopt(_M_MMAP_MAX, 0)
        library.mallopt(_M_TRIM_THRESHOLD, _LARGEST_INT)


def fresh_zeros(shape: Sequence[int], dtype: torch.dtype, device: torch.device | str = "cpu") -> Tensor:
    """Return zeros; of a large tensor on the CPU only the parts that are written to take memory and time.

    Its pages come straight from the system: the usual allocator reuses memory and has to fill it.
    """
    size_bytes = prod(shape) * dtype.itemsize
    from_system = torch.device(device).type == "cpu" and hasattr(mmap, "MAP_PRIVATE")  # there is none on Windows
    if size_bytes < _LARGE_BYTES or not from_system:
        return torch.zeros(shape, dtype=dtype, device=device)
    pages = mmap.mmap(-1, size_bytes, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    return torch.frombuffer(pages, dtype=dtype).view(*shape)
