"""The expert feed-forward from plain torch calls, for training and decoding on a CPU.

The sorted choices are worked off in groups of whole experts whose intermediate rows stay in the cache, a matrix product
an expert; the rows of a token are then summed by the library's embedding bag, which reads each row once and always in
the same order. Kept for the backward: the inputs and the products before the activation. The plain form is
`experts.expert_mlp_reference`.

Legend: T tokens, K choices a token, S = T x K sorted choices, n rows of a group, E experts, D model width, I expert
width, J = 2 x I.
"""

from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional

from model_core.ops.memory import fresh_zeros
from model_core.ops.sorting import Sorting

# A group ends at the expert that fills this many rows: fewer calls where experts have few rows each.
_GROUP_ROWS = 256


class _Group(NamedTuple):
    """Neighbouring experts that are not empty, the rows of each, and where all their rows lie in the sorted order."""

    experts: list[int]
    counts: list[int]
    rows: slice


class _Layout(NamedTuple):
    """The token and the weight of each row, the rows of each expert, and where a token's choices lie."""

    token_S: Tensor
    weights_S1: Tensor
    counts_E: Tensor
    places_TK: Tensor


def expert_mlp_few(
    x_TD: Tensor, weights_TK: Tensor, experts_TK: Tensor, gate_up_EJD: Tensor, down_EDI: Tensor
) -> Tensor:
    """Return the same for a handful of tokens, a matrix-vector product a choice and no sort; without gradients."""
    y_TD = torch.zeros_like(x_TD)
    h_KJ = x_TD.new_empty(experts_TK.shape[1], gate_up_EJD.shape[1])
    hidden_KI = x_TD.new_empty(experts_TK.shape[1], down_EDI.shape[2])
    for x_D, weights_K, y_D, experts in zip(x_TD, weights_TK, y_TD, experts_TK.tolist(), strict=True):
        for expert, h_J in zip(experts, h_KJ.unbind(0), strict=True):
            torch.mv(gate_up_EJD[expert], x_D, out=h_J)
        _swiglu(h_KJ, out=hidden_KI).mul_(weights_K[:, None])
        for expert, hidden_I in zip(experts, hidden_KI.unbind(0), strict=True):
            y_D.addmv_(down_EDI[expert], hidden_I)
    return y_TD


class ExpertMLPTorch(torch.autograd.Function):
    """The operation for many tokens; arguments as of `experts.expert_mlp`, `keep` when a backward may follow."""

    @staticmethod
    def forward(
        ctx: Any, x_TD: Tensor, weights_TK: Tensor, gate_up_EJD: Tensor, down_EDI: Tensor, sorting: Sorting, keep: bool
    ) -> Tensor:
        token_S, weights_S1, counts_E, places_TK = _layout(weights_TK, sorting, _even_rows(x_TD))
        groups = _groups(counts_E.tolist())
        (gate_up, width), inner = gate_up_EJD.shape[1:], down_EDI.shape[2]
        y_SD = x_TD.new_empty(token_S.shape[0], width)
        h_SJ = x_TD.new_empty(token_S.shape[0] if keep else 0, gate_up)
        buffers = _buffers(x_TD, groups, width, gate_up, inner)
        for experts, counts, rows in groups:
            x_nD, h_nJ, hidden_nI = (buffer[: sum(counts)] for buffer in buffers)
            h_nJ = h_SJ[rows] if keep else h_nJ
            torch.index_select(x_TD, 0, token_S[rows], out=x_nD)
            _multiply(x_nD, [gate_up_EJD[expert].t() for expert in experts], counts, out=h_nJ)
            _swiglu(h_nJ, out=hidden_nI).mul_(weights_S1[rows])
            _multiply(hidden_nI, [down_EDI[expert].t() for expert in experts], counts, out=y_SD[rows])
        if keep:
            ctx.save_for_backward(x_TD, weights_TK, gate_up_EJD, down_EDI, *sorting, h_SJ)
        return functional.embedding_bag(places_TK, y_SD, mode="sum")

    @staticmethod
    @once_differentiable  # type: ignore[untyped-decorator]
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor, None, None]:
        x_TD, weights_TK, gate_up_EJD, down_EDI, *sorted_tensors, h_SJ = ctx.saved_tensors
        sorting = Sorting(*sorted_tensors)
        token_S, weights_S1, counts_E, places_TK = _layout(weights_TK, sorting, _even_rows(x_TD))
        grad_y_TD = grads[0].contiguous()
        all_counts = counts_E.tolist()
        groups = _groups(all_counts)
        (gate_up, width), inner = gate_up_EJD.shape[1:], down_EDI.shape[2]
        grad_gate_up_EJD, grad_down_EDI = (_gradients(m, all_counts) for m in (gate_up_EJD, down_EDI))
        grad_x_SD = x_TD.new_empty(token_S.shape[0], width)
        grad_weights_S = torch.empty_like(weights_S1[:, 0])
        buffers = _buffers(x_TD, groups, width, width, gate_up, inner, inner, inner)
        for experts, counts, rows in groups:
            x_nD, grad_y_nD, grad_h_nJ, grad_hidden_nI, *hidden = (buffer[: sum(counts)] for buffer in buffers)
            torch.index_select(x_TD, 0, token_S[rows], out=x_nD)
            torch.index_select(grad_y_TD, 0, token_S[rows], out=grad_y_nD)
            _multiply(grad_y_nD, [down_EDI[expert] for expert in experts], counts, out=grad_hidden_nI)
            weighted_nI = _swiglu_backward(
                h_SJ[rows], weights_S1[rows], grad_hidden_nI, hidden, grad_h_nJ, grad_weights_S[rows]
            )
            _multiply(grad_h_nJ, [gate_up_EJD[expert] for expert in experts], counts, out=grad_x_SD[rows])
            _multiply_by_transpose(grad_y_nD, weighted_nI, counts, [grad_down_EDI[expert] for expert in experts])
            _multiply_by_transpose(grad_h_nJ, x_nD, counts, [grad_gate_up_EJD[expert] for expert in experts])
        grad_x_TD = functional.embedding_bag(places_TK, grad_x_SD, mode="sum")
        return grad_x_TD, grad_weights_S[places_TK], grad_gate_up_EJD, grad_down_EDI, None, None


def _even_rows(x: Tensor) -> int:
    # A CPU's products of less than fp32 are compiled anew for every number of rows: 3 ms where the product takes 0.1.
    return 32 if x.device.type == "cpu" and x.dtype in (torch.bfloat16, torch.float16) else 1


def _layout(weights_TK: Tensor, sorting: Sorting, even_rows: int) -> _Layout:
    """Return the rows in the order of the experts, each expert's filled up to a multiple of `even_rows`.

    What fills up is the expert's last row again, with no weight: it adds nothing to any gradient.
    """
    counts_E, order_S, places_TK = sorting
    weights = weights_TK.reshape(-1)
    if even_rows > 1:
        even_E = (counts_E + even_rows - 1) // even_rows * even_rows
        starts_E = counts_E.cumsum(0) - counts_E
        shifts_E = even_E.cumsum(0) - even_E - starts_E
        expert_S = torch.repeat_interleave(even_E)
        within_S = torch.arange(expert_S.shape[0]) - (starts_E + shifts_E)[expert_S]
        last_S = counts_E[expert_S] - 1
        places_TK = places_TK + torch.repeat_interleave(shifts_E, counts_E)[places_TK]
        order_S = order_S[starts_E[expert_S] + torch.minimum(within_S, last_S)]
        weights_S1 = (weights[order_S] * (within_S <= last_S))[:, None]
        counts_E = even_E
    else:
        weights_S1 = weights[order_S, None]
    token_S = torch.div(order_S, weights_TK.shape[1], rounding_mode="floor")
    return _Layout(token_S, weights_S1, counts_E, places_TK)


def _buffers(like: Tensor, groups: list[_Group], *widths: int) -> list[Tensor]:
    """Return room for the rows of the largest group, a buffer a width: the same memory each time stays in the cache."""
    most = max((sum(group.counts) for group in groups), default=0)
    return [like.new_empty(most, width) for width in widths]


def _groups(counts: list[int]) -> list[_Group]:
    groups, start, end = [], 0, 0
    experts: list[int] = []
    for expert, count in enumerate(counts):
        if count:
            experts.append(expert)
            end += count
        if experts and (end - start >= _GROUP_ROWS or expert == len(counts) - 1):
            groups.append(_Group(experts, [counts[index] for index in experts], slice(start, end)))
            start, experts = end, []
    return groups


def _gradients(matrices: Tensor, counts: list[int]) -> Tensor:
    """Return memory for the gradients of all experts' matrices, zero for experts without a token."""
    if 2 * counts.count(0) > len(counts):
        return fresh_zeros(matrices.shape, matrices.dtype, matrices.device)
    grads = torch.empty_like(matrices)
    for expert, count in enumerate(counts):
        if count == 0:
            grads[expert].zero_()
    return grads


def _multiply(a: Tensor, matrices: list[Tensor], counts: list[int], *, out: Tensor) -> None:
    for rows, matrix, out_rows in zip(torch.split(a, counts), matrices, torch.split(out, counts), strict=True):
        torch.mm(rows, matrix, out=out_rows)


def _multiply_by_transpose(a: Tensor, b: Tensor, counts: list[int], outs: list[Tensor]) -> None:
    for a_rows, b_rows, out in zip(torch.split(a, counts), torch.split(b, counts), outs, strict=True):
        torch.mm(a_rows.t(), b_rows, out=out)


def _swiglu(h_nJ: Tensor, *, out: Tensor) -> Tensor:
    gate_nI, up_nI = h_nJ.chunk(2, dim=-1)
    torch.ops.aten.silu.out(gate_nI, out=out)
    return out.mul_(up_nI)


def _swiglu_backward(
    h_nJ: Tensor,
    weights_n1: Tensor,
    grad_hidden_nI: Tensor,
    hidden: list[Tensor],
    grad_h_nJ: Tensor,
    grad_weights_n: Tensor,
) -> Tensor:
    """Return the weighted hidden rows again. Side effects: fills the last two with gradients, uses up the others."""
    gate_nI, up_nI = h_nJ.chunk(2, dim=-1)
    grad_gate_nI, grad_up_nI = grad_h_nJ.chunk(2, dim=-1)
    silu_nI, weighted_nI = hidden
    torch.ops.aten.silu.out(gate_nI, out=silu_nI)
    torch.mul(silu_nI, up_nI, out=weighted_nI)
    torch.mul(grad_hidden_nI, weighted_nI, out=grad_up_nI)
    torch.sum(grad_up_nI, dim=-1, dtype=grad_weights_n.dtype, out=grad_weights_n)
    weighted_nI.mul_(weights_n1)
    grad_hidden_nI.mul_(weights_n1)
    torch.mul(grad_hidden_nI, silu_nI, out=grad_up_nI)
    torch.ops.aten.silu_backward.grad_input(grad_hidden_nI.mul_(up_nI), gate_nI, grad_input=grad_gate_nI)
    return weighted_nI
