"""What all kernels share: tile sizes, the numbers a launch needs, and the search for a program's tile.

It knows no operation. Sizes depend on the shapes of the weights and on whether experts have few or many rows on
average, never on the routing itself, so a launch needs no answer from the device.
"""

import os
from typing import Any, NamedTuple

import torch
import triton
import triton.language as tl
from torch import Tensor

# The interpreter multiplies with numpy, which has no bf16.
_INTERPRETED = os.environ.get("TRITON_INTERPRET") == "1"
_FEW_ROWS = 16


class Tiles(NamedTuple):
    """The sizes of a grouped product's tile: rows, columns, steps of the sum, and the warps that share it."""

    rows: int
    columns: int
    depth: int
    warps: int
    stages: int


def choose_tiles(rows: int, experts: int, columns: int, depth: int, dtype: torch.dtype) -> Tiles:
    """Return the tile for `rows` choices over `experts`; narrower where wide elements would not fit."""
    if dtype == torch.float64:
        return Tiles(rows=16, columns=16, depth=16, warps=4, stages=1)
    few = rows <= experts * _FEW_ROWS
    wide = dtype.itemsize == 2
    return Tiles(
        rows=16 if few else 128 if wide else 64,
        columns=min(triton.next_power_of_2(max(columns, 16)), 128 if wide else 64),
        depth=min(triton.next_power_of_2(max(depth, 16)), 64 if wide else 32),
        warps=4 if few or not wide else 8,
        stages=4 if few else 3,
    )


def grouped_grid(rows: int, experts: int, tile_rows: int, columns: int, tile_columns: int) -> tuple[int]:
    """Return the number of programs that is enough for any routing: an expert wastes less than one tile of rows."""
    return ((triton.cdiv(rows, tile_rows) + min(experts, rows)) * triton.cdiv(columns, tile_columns),)


def accumulator(dtype: torch.dtype) -> Any:
    """Return the Triton dtype of sums over `dtype`: fp32, and fp64 for fp64."""
    return tl.float64 if dtype == torch.float64 else tl.float32


def operand(x: Tensor) -> Any:
    """Return the Triton dtype in which elements of `x` enter a product."""
    if x.dtype == torch.float64:
        return tl.float64
    narrow = {torch.bfloat16: tl.bfloat16, torch.float16: tl.float16}.get(x.dtype, tl.float32)
    return tl.float32 if _INTERPRETED else narrow


@triton.jit
def multiply_add(a, b, total):
    """Return ``total + a @ b``. Triton's own product knows no fp64, which gradient checks need."""
    if total.dtype == tl.float64:
        total += tl.sum(a[:, :, None] * b[None, :, :], axis=1)
    else:
        total = tl.dot(a, b, total, input_precision="ieee")
    return total


@triton.jit
def find_tile(tile, counts_E, num_experts, EXPERTS: tl.constexpr, ROWS: tl.constexpr):
    """Return the expert of a tile, its rows in the sorted order, and where the expert's rows end.

    Tiles past the last return an expert of at least `num_experts`.
    """
    e = tl.arange(0, EXPERTS)
    counts = tl.load(counts_E + e, mask=e < num_experts, other=0).to(tl.int32)
    tiles = (counts + ROWS - 1) // ROWS
    # Padding experts have no tiles, so a tile past the last lies past all of them.
    expert = tl.sum((tl.cumsum(tiles, 0) <= tile).to(tl.int32))
    start = tl.sum(tl.where(e < expert, counts, 0))
    end = start + tl.sum(tl.where(e == expert, counts, 0))
    first_tile = tl.sum(tl.where(e < expert, tiles, 0))
    rows = start + (tile - first_tile) * ROWS + tl.arange(0, ROWS)
    return expert, rows, end
