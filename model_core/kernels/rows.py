"""Rows between the order of the tokens and the order of the experts: permute them there, sum them back.

Each output element is written by one program in a fixed order of terms. It knows no products and no gradients.

Legend: T tokens, K choices a token, S = T x K sorted choices, D row width.
"""

import triton
import triton.language as tl
from torch import Tensor

from model_core.kernels.launch import accumulator

_BLOCK_ROWS, _BLOCK_WIDTH = 16, 128


def permute(x_TD: Tensor, order_S: Tensor, choices: int) -> Tensor:
    """Return the row of each sorted choice's token, (S, D)."""
    x_TD = x_TD.contiguous()
    y_SD = x_TD.new_empty(order_S.shape[0], x_TD.shape[1])
    if y_SD.numel():
        _permute[_grid(y_SD)](x_TD, order_S, y_SD, *y_SD.shape, K=choices, ROWS=_BLOCK_ROWS, WIDTH=_BLOCK_WIDTH)
    return y_SD


def combine(y_SD: Tensor, places_TK: Tensor) -> Tensor:
    """Return the sum over each token's choices of its rows, (T, D), added up in fp32 (fp64 for fp64)."""
    y_SD = y_SD.contiguous()
    x_TD = y_SD.new_empty(places_TK.shape[0], y_SD.shape[1])
    if x_TD.numel():
        _combine[_grid(x_TD)](
            y_SD, places_TK, x_TD, *x_TD.shape,
            K=places_TK.shape[1], ACC=accumulator(y_SD.dtype), ROWS=_BLOCK_ROWS, WIDTH=_BLOCK_WIDTH,
        )  # fmt: skip
    return x_TD


def _grid(out: Tensor) -> tuple[int, int]:
    return triton.cdiv(out.shape[0], _BLOCK_ROWS), triton.cdiv(out.shape[1], _BLOCK_WIDTH)


@triton.jit
def _permute(x_TD, order_S, y_SD, num_rows, width, K: tl.constexpr, ROWS: tl.constexpr, WIDTH: tl.constexpr):
    s = tl.program_id(0) * ROWS + tl.arange(0, ROWS)
    d = tl.program_id(1) * WIDTH + tl.arange(0, WIDTH)
    mask = (s < num_rows)[:, None] & (d < width)[None, :]
    token = tl.load(order_S + s, mask=s < num_rows, other=0) // K
    x = tl.load(x_TD + token[:, None] * width + d[None, :], mask=mask)
    tl.store(y_SD + s[:, None].to(tl.int64) * width + d[None, :], x, mask=mask)


@triton.jit
def _combine(
    y_SD, places_TK, x_TD, num_rows, width, K: tl.constexpr, ACC: tl.constexpr, ROWS: tl.constexpr, WIDTH: tl.constexpr
):
    t = tl.program_id(0) * ROWS + tl.arange(0, ROWS)
    d = tl.program_id(1) * WIDTH + tl.arange(0, WIDTH)
    mask = (t < num_rows)[:, None] & (d < width)[None, :]
    total = tl.zeros((ROWS, WIDTH), dtype=ACC)
    for k in tl.static_range(K):
        place = tl.load(places_TK + t.to(tl.int64) * K + k, mask=t < num_rows, other=0)
        total += tl.load(y_SD + place[:, None] * width + d[None, :], mask=mask, other=0.0).to(ACC)
    tl.store(x_TD + t[:, None].to(tl.int64) * width + d[None, :], total.to(x_TD.dtype.element_ty), mask=mask)
