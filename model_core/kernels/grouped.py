"""Products of every expert's rows with its matrix in one launch, the gather and the activation fused in.

Rows are the choices sorted by expert; a program finds its expert from the counts, so no expert is padded, an empty one
costs nothing forward, and the host never waits for the routing. Sums run over the depth in a fixed order inside one
program and nothing is added atomically. It knows no gradients as such: the backward's products are functions like the
others.

Legend: T tokens, K choices a token, S = T x K sorted choices, E experts, D model width, I expert width, J = 2 x I,
C columns and R depth of a general product.
"""

import torch
import triton
import triton.language as tl
from torch import Tensor

from model_core.kernels.launch import accumulator, choose_tiles, find_tile, grouped_grid, multiply_add, operand


def swiglu_up(
    x_TD: Tensor, gate_up_EJD: Tensor, weights_TK: Tensor, counts_E: Tensor, order_S: Tensor, *, keep: bool
) -> tuple[Tensor, Tensor | None]:
    """Return ``silu(gate(x)) * up(x) * weight`` of each sorted choice, (S, I), and gate and up themselves if `keep`."""
    rows, (experts, double, width) = order_S.shape[0], gate_up_EJD.shape
    inner = double // 2
    hidden_SI = x_TD.new_empty(rows, inner)
    h_SJ = x_TD.new_empty(rows, double) if keep else None
    tiles = choose_tiles(rows, experts, inner, width, x_TD.dtype)
    if rows:
        _swiglu_up[grouped_grid(rows, experts, tiles.rows, inner, tiles.columns)](
            x_TD.contiguous(), gate_up_EJD.contiguous(), weights_TK.contiguous(), counts_E, order_S,
            hidden_SI, hidden_SI if h_SJ is None else h_SJ, experts,
            width=width, inner=inner, K=weights_TK.shape[1], KEEP=keep, ACC=accumulator(x_TD.dtype),
            OPERAND=operand(x_TD), EXPERTS=triton.next_power_of_2(experts),
            ROWS=tiles.rows, COLUMNS=tiles.columns, DEPTH=tiles.depth,
            num_warps=tiles.warps, num_stages=tiles.stages,
        )  # fmt: skip
    return hidden_SI, h_SJ


def multiply(a_SR: Tensor, matrices_ERC: Tensor, counts_E: Tensor) -> Tensor:
    """Return each row times its expert's matrix, (S, C). `matrices_ERC` may be a transposed view."""
    (rows, depth), (experts, _, columns) = a_SR.shape, matrices_ERC.shape
    out_SC = a_SR.new_empty(rows, columns)
    tiles = choose_tiles(rows, experts, columns, depth, a_SR.dtype)
    if rows:
        _multiply[grouped_grid(rows, experts, tiles.rows, columns, tiles.columns)](
            a_SR.contiguous(), matrices_ERC, counts_E, out_SC, experts, *matrices_ERC.stride(),
            depth=depth, columns=columns, ACC=accumulator(a_SR.dtype), OPERAND=operand(a_SR),
            EXPERTS=triton.next_power_of_2(experts), ROWS=tiles.rows, COLUMNS=tiles.columns, DEPTH=tiles.depth,
            num_warps=tiles.warps, num_stages=tiles.stages,
        )  # fmt: skip
    return out_SC


def swiglu_backward(
    grad_y_TD: Tensor, down_EDI: Tensor, h_SJ: Tensor, weights_TK: Tensor, counts_E: Tensor, order_S: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Return the gradient of gate and up (S, J), the weighted hidden rows again (S, I), and the weights' gradient (S,).

    The product with `down`, the activation's derivative and the sums for the weights are one launch.
    """
    rows, (experts, width, inner) = order_S.shape[0], down_EDI.shape
    tiles = choose_tiles(rows, experts, inner, width, h_SJ.dtype)
    parts = triton.cdiv(inner, tiles.columns)
    grad_h_SJ, weighted_SI = torch.empty_like(h_SJ), h_SJ.new_empty(rows, inner)
    # Each tile of columns writes its own share of a row's sum; the shares are added in their order.
    shares_SP = weights_TK.new_empty(rows, parts)
    if rows:
        _swiglu_backward[grouped_grid(rows, experts, tiles.rows, inner, tiles.columns)](
            grad_y_TD.contiguous(), down_EDI.contiguous(), h_SJ, weights_TK.contiguous(), counts_E, order_S,
            grad_h_SJ, weighted_SI, shares_SP, experts, parts,
            width=width, inner=inner, K=weights_TK.shape[1], ACC=accumulator(h_SJ.dtype), OPERAND=operand(h_SJ),
            EXPERTS=triton.next_power_of_2(experts), ROWS=tiles.rows, COLUMNS=tiles.columns, DEPTH=tiles.depth,
            num_warps=tiles.warps, num_stages=tiles.stages,
        )  # fmt: skip
    return grad_h_SJ, weighted_SI, shares_SP.sum(dim=1)


def outer(a: Tensor, b: Tensor, counts_E: Tensor, order_S: Tensor, choices: int, *, gather_a: bool = False) -> Tensor:
    """Return the sum over each expert's rows of a's row times b's row, (E, columns of a, columns of b).

    One of the two is (S, ...), the other (T, ...) and gathered by token: `a` if `gather_a`, otherwise `b`. Experts
    without rows get zeros.
    """
    (experts,), m, n = counts_E.shape, a.shape[1], b.shape[1]
    out = a.new_empty(experts, m, n)
    tiles = choose_tiles(order_S.shape[0], 0, n, order_S.shape[0], a.dtype)
    side = min(tiles.rows, triton.next_power_of_2(max(m, 16)))
    _outer[(experts, triton.cdiv(m, side), triton.cdiv(n, tiles.columns))](
        a.contiguous(), b.contiguous(), counts_E, order_S, out, experts, m, n,
        K=choices, GATHER_A=gather_a, ACC=accumulator(a.dtype), OPERAND=operand(a),
        EXPERTS=triton.next_power_of_2(experts), ROWS=side, COLUMNS=tiles.columns, DEPTH=tiles.depth,
        num_warps=tiles.warps, num_stages=tiles.stages,
    )  # fmt: skip
    return out


@triton.jit
def _swiglu_up(
    x_TD, gate_up_EJD, weights_TK, counts_E, order_S, hidden_SI, h_SJ, num_experts,
    width: tl.constexpr, inner: tl.constexpr, K: tl.constexpr, KEEP: tl.constexpr, ACC: tl.constexpr,
    OPERAND: tl.constexpr, EXPERTS: tl.constexpr, ROWS: tl.constexpr, COLUMNS: tl.constexpr, DEPTH: tl.constexpr,
):  # fmt: skip
    column_tiles = tl.cdiv(inner, COLUMNS)
    expert, s, end = find_tile(tl.program_id(0) // column_tiles, counts_E, num_experts, EXPERTS, ROWS)
    if expert >= num_experts:
        return
    real = s < end
    choice = tl.load(order_S + s, mask=real, other=0)
    i = tl.program_id(0) % column_tiles * COLUMNS + tl.arange(0, COLUMNS)
    x_rows = x_TD + (choice // K)[:, None] * width
    gate_columns = gate_up_EJD + expert.to(tl.int64) * 2 * inner * width + i[None, :] * width
    gate, up = tl.zeros((ROWS, COLUMNS), dtype=ACC), tl.zeros((ROWS, COLUMNS), dtype=ACC)
    for start in range(0, width, DEPTH):
        d = start + tl.arange(0, DEPTH)
        x = tl.load(x_rows + d[None, :], mask=real[:, None] & (d < width)[None, :], other=0.0).to(OPERAND)
        mask = (i < inner)[None, :] & (d < width)[:, None]
        w = tl.load(gate_columns + d[:, None], mask=mask, other=0.0).to(OPERAND)
        gate = multiply_add(x, w, gate)
        w = tl.load(gate_columns + inner * width + d[:, None], mask=mask, other=0.0).to(OPERAND)
        up = multiply_add(x, w, up)
    mask = real[:, None] & (i < inner)[None, :]
    weight = tl.load(weights_TK + choice, mask=real, other=0.0).to(ACC)
    hidden = gate / (1.0 + tl.exp(-gate)) * up * weight[:, None]
    rows = s[:, None].to(tl.int64)
    tl.store(hidden_SI + rows * inner + i[None, :], hidden.to(hidden_SI.dtype.element_ty), mask=mask)
    if KEEP:
        at = h_SJ + rows * 2 * inner + i[None, :]
        tl.store(at, gate.to(h_SJ.dtype.element_ty), mask=mask)
        tl.store(at + inner, up.to(h_SJ.dtype.element_ty), mask=mask)


@triton.jit
def _multiply(
    a_SR, matrices_ERC, counts_E, out_SC, num_experts, stride_e, stride_r, stride_c,
    depth: tl.constexpr, columns: tl.constexpr, ACC: tl.constexpr, OPERAND: tl.constexpr,
    EXPERTS: tl.constexpr, ROWS: tl.constexpr, COLUMNS: tl.constexpr, DEPTH: tl.constexpr,
):  # fmt: skip
    column_tiles = tl.cdiv(columns, COLUMNS)
    expert, s, end = find_tile(tl.program_id(0) // column_tiles, counts_E, num_experts, EXPERTS, ROWS)
    if expert >= num_experts:
        return
    c = tl.program_id(0) % column_tiles * COLUMNS + tl.arange(0, COLUMNS)
    rows = s[:, None].to(tl.int64)
    matrix = matrices_ERC + expert.to(tl.int64) * stride_e + c[None, :] * stride_c
    total = tl.zeros((ROWS, COLUMNS), dtype=ACC)
    for start in range(0, depth, DEPTH):
        r = start + tl.arange(0, DEPTH)
        a = tl.load(a_SR + rows * depth + r[None, :], mask=(s < end)[:, None] & (r < depth)[None, :], other=0.0)
        b = tl.load(matrix + r[:, None] * stride_r, mask=(r < depth)[:, None] & (c < columns)[None, :], other=0.0)
        total = multiply_add(a.to(OPERAND), b.to(OPERAND), total)
    mask = (s < end)[:, None] & (c < columns)[None, :]
    tl.store(out_SC + rows * columns + c[None, :], total.to(out_SC.dtype.element_ty), mask=mask)


@triton.jit
def _swiglu_backward(
    grad_y_TD, down_EDI, h_SJ, weights_TK, counts_E, order_S, grad_h_SJ, weighted_SI, shares_SP,
    num_experts, parts,
    width: tl.constexpr, inner: tl.constexpr, K: tl.constexpr, ACC: tl.constexpr, OPERAND: tl.constexpr,
    EXPERTS: tl.constexpr, ROWS: tl.constexpr, COLUMNS: tl.constexpr, DEPTH: tl.constexpr,
):  # fmt: skip
    part = tl.program_id(0) % parts
    expert, s, end = find_tile(tl.program_id(0) // parts, counts_E, num_experts, EXPERTS, ROWS)
    if expert >= num_experts:
        return
    real = s < end
    choice = tl.load(order_S + s, mask=real, other=0)
    i = part * COLUMNS + tl.arange(0, COLUMNS)
    grad_rows = grad_y_TD + (choice // K)[:, None] * width
    down = down_EDI + expert.to(tl.int64) * width * inner + i[None, :]
    grad_hidden = tl.zeros((ROWS, COLUMNS), dtype=ACC)
    for start in range(0, width, DEPTH):
        d = start + tl.arange(0, DEPTH)
        g = tl.load(grad_rows + d[None, :], mask=real[:, None] & (d < width)[None, :], other=0.0)
        w = tl.load(down + d[:, None] * inner, mask=(d < width)[:, None] & (i < inner)[None, :], other=0.0)
        grad_hidden = multiply_add(g.to(OPERAND), w.to(OPERAND), grad_hidden)
    mask = real[:, None] & (i < inner)[None, :]
    rows = s[:, None].to(tl.int64)
    at = rows * 2 * inner + i[None, :]
    gate = tl.load(h_SJ + at, mask=mask, other=0.0).to(ACC)
    up = tl.load(h_SJ + at + inner, mask=mask, other=0.0).to(ACC)
    weight = tl.load(weights_TK + choice, mask=real, other=0.0).to(ACC)[:, None]
    sigmoid = 1.0 / (1.0 + tl.exp(-gate))
    silu = gate * sigmoid
    share = tl.sum(grad_hidden * silu * up, axis=1)
    tl.store(shares_SP + s.to(tl.int64) * parts + part, share.to(shares_SP.dtype.element_ty), mask=real)
    dtype: tl.constexpr = h_SJ.dtype.element_ty
    tl.store(weighted_SI + rows * inner + i[None, :], (silu * up * weight).to(dtype), mask=mask)
    grad_hidden *= weight
    grad_gate = grad_hidden * up * (sigmoid + silu * (1.0 - sigmoid))
    tl.store(grad_h_SJ + at, grad_gate.to(dtype), mask=mask)
    tl.store(grad_h_SJ + at + inner, (grad_hidden * silu).to(dtype), mask=mask)


@triton.jit
def _outer(
    a_ptr, b_ptr, counts_E, order_S, out, num_experts, m, n,
    K: tl.constexpr, GATHER_A: tl.constexpr, ACC: tl.constexpr, OPERAND: tl.constexpr,
    EXPERTS: tl.constexpr, ROWS: tl.constexpr, COLUMNS: tl.constexpr, DEPTH: tl.constexpr,
):  # fmt: skip
    expert = tl.program_id(0)
    e = tl.arange(0, EXPERTS)
    counts = tl.load(counts_E + e, mask=e < num_experts, other=0).to(tl.int32)
    begin = tl.sum(tl.where(e < expert, counts, 0))
    end = begin + tl.sum(tl.where(e == expert, counts, 0))
    i = tl.program_id(1) * ROWS + tl.arange(0, ROWS)
    j = tl.program_id(2) * COLUMNS + tl.arange(0, COLUMNS)
    total = tl.zeros((ROWS, COLUMNS), dtype=ACC)
    for start in range(begin, end, DEPTH):
        s = start + tl.arange(0, DEPTH)
        real = s < end
        token = tl.load(order_S + s, mask=real, other=0) // K
        a_rows = token if GATHER_A else s.to(tl.int64)
        b_rows = s.to(tl.int64) if GATHER_A else token
        a = tl.load(a_ptr + a_rows[None, :] * m + i[:, None], mask=real[None, :] & (i < m)[:, None], other=0.0)
        b = tl.load(b_ptr + b_rows[:, None] * n + j[None, :], mask=real[:, None] & (j < n)[None, :], other=0.0)
        total = multiply_add(a.to(OPERAND), b.to(OPERAND), total)
    at = expert.to(tl.int64) * m * n + i[:, None] * n + j[None, :]
    tl.store(out + at, total.to(out.dtype.element_ty), mask=(i < m)[:, None] & (j < n)[None, :])
