"""The expert feed-forward of a mixture-of-experts layer: each token through its chosen experts, weighted and summed.

Tokens are sorted by expert so that every expert works on one contiguous slice of rows; nothing is padded or dropped and
empty experts cost nothing. Sums run in a fixed order, so results repeat to the bit. It knows no router: the choice and
its weights come in. The plain form of the same function is `expert_mlp_reference`.

Legend: T tokens, K choices a token, S = T x K sorted choices, E experts, D model width, I expert width.
"""

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional

# Below this many choices the sort costs more than it saves.
_FEW_CHOICES = 8


def expert_mlp(x_TD: Tensor, weights_TK: Tensor, experts_TK: Tensor, gate_up_EJD: Tensor, down_EDI: Tensor) -> Tensor:
    """Return the weighted sum over each token's experts of ``down(silu(gate(x)) * up(x))``.

    Shapes: `gate_up_EJD` holds gate over up, J = 2 x I. `experts_TK` are int64 indices, no two alike in a row. Under
    autocast the matrices are cast to its dtype; the result has the dtype of `x_TD` after that cast.
    """
    dtype = _compute_dtype(x_TD)
    x_TD, gate_up_EJD, down_EDI = x_TD.to(dtype), gate_up_EJD.to(dtype), down_EDI.to(dtype)
    weights_TK = weights_TK.to(dtype)
    if not torch.is_grad_enabled() and experts_TK.numel() <= _FEW_CHOICES:
        return _few_tokens(x_TD, weights_TK, experts_TK, gate_up_EJD, down_EDI)
    result: Tensor = _ExpertMLP.apply(x_TD, weights_TK, experts_TK, gate_up_EJD, down_EDI)  # type: ignore[no-untyped-call]
    return result


def expert_mlp_reference(
    x_TD: Tensor, weights_TK: Tensor, experts_TK: Tensor, gate_up_EJD: Tensor, down_EDI: Tensor
) -> Tensor:
    """Return what `expert_mlp` returns, by the definition: every expert on every token, then a masked sum."""
    gate_TEI, up_TEI = torch.einsum("td,ejd->tej", x_TD, gate_up_EJD).chunk(2, dim=-1)
    y_TED = torch.einsum("tei,edi->ted", functional.silu(gate_TEI) * up_TEI, down_EDI)
    weights_TE = torch.zeros_like(y_TED[..., 0]).scatter(1, experts_TK, weights_TK)
    return torch.einsum("te,ted->td", weights_TE, y_TED)


def _compute_dtype(x: Tensor) -> torch.dtype:
    kind = x.device.type
    return torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else x.dtype


def _few_tokens(x_TD: Tensor, weights_TK: Tensor, experts_TK: Tensor, gate_up_EJD: Tensor, down_EDI: Tensor) -> Tensor:
    rows = []
    for x_D, weights_K, experts in zip(x_TD, weights_TK, experts_TK.tolist(), strict=True):
        hidden_KI = torch.stack([_swiglu(torch.mv(gate_up_EJD[expert], x_D)) for expert in experts])
        hidden_KI = hidden_KI * weights_K[:, None]
        y_KD = [torch.mv(down_EDI[expert], hidden_I) for expert, hidden_I in zip(experts, hidden_KI, strict=True)]
        rows.append(torch.stack(y_KD).sum(dim=0))
    return torch.stack(rows)


def _swiglu(h_J: Tensor) -> Tensor:
    gate, up = h_J.chunk(2, dim=-1)
    return functional.silu(gate) * up


class _ExpertMLP(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, x_TD: Tensor, weights_TK: Tensor, experts_TK: Tensor, gate_up_EJD: Tensor, down_EDI: Tensor
    ) -> Tensor:
        tokens, choices = experts_TK.shape
        order_S = torch.argsort(experts_TK.reshape(-1), stable=True)
        ends = torch.bincount(experts_TK.reshape(-1), minlength=gate_up_EJD.shape[0]).cumsum(0).tolist()
        x_SD = x_TD[order_S // choices]
        h_SJ = x_SD.new_empty(x_SD.shape[0], gate_up_EJD.shape[1])
        for expert, start, end in _slices(ends):
            torch.mm(x_SD[start:end], gate_up_EJD[expert].t(), out=h_SJ[start:end])
        weights_S1 = weights_TK.reshape(-1)[order_S, None]
        weighted_SI = _swiglu(h_SJ).mul_(weights_S1)
        y_SD = torch.empty_like(x_SD)
        for expert, start, end in _slices(ends):
            torch.mm(weighted_SI[start:end], down_EDI[expert].t(), out=y_SD[start:end])
        ctx.save_for_backward(x_TD, h_SJ, weights_S1, order_S, gate_up_EJD, down_EDI)
        ctx.ends = ends
        ctx.choices = choices
        return _combine(y_SD, order_S, tokens, choices)

    @staticmethod
    @once_differentiable  # type: ignore[untyped-decorator]
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, Tensor, None, Tensor, Tensor]:
        x_TD, h_SJ, weights_S1, order_S, gate_up_EJD, down_EDI = ctx.saved_tensors
        token_S = order_S // ctx.choices
        grad_y_SD, x_SD = grads[0][token_S], x_TD[token_S]
        gate_SI, up_SI = h_SJ.chunk(2, dim=-1)
        sigmoid_SI = torch.sigmoid(gate_SI)
        silu_SI = gate_SI * sigmoid_SI
        hidden_SI = silu_SI * up_SI
        weighted_SI = hidden_SI * weights_S1
        grad_weighted_SI = torch.empty_like(weighted_SI)
        grad_gate_up_EJD, grad_down_EDI = torch.zeros_like(gate_up_EJD), torch.zeros_like(down_EDI)
        for expert, start, end in _slices(ctx.ends):
            torch.mm(grad_y_SD[start:end], down_EDI[expert], out=grad_weighted_SI[start:end])
            torch.mm(grad_y_SD[start:end].t(), weighted_SI[start:end], out=grad_down_EDI[expert])
        grad_weights_S = (grad_weighted_SI * hidden_SI).sum(dim=-1)
        grad_hidden_SI = grad_weighted_SI.mul_(weights_S1)
        grad_h_SJ = torch.empty_like(h_SJ)
        inner = h_SJ.shape[1] // 2
        grad_h_SJ[:, inner:] = grad_hidden_SI * silu_SI
        grad_h_SJ[:, :inner] = grad_hidden_SI * up_SI * (sigmoid_SI + silu_SI * (1 - sigmoid_SI))
        grad_x_SD = torch.empty_like(x_SD)
        for expert, start, end in _slices(ctx.ends):
            torch.mm(grad_h_SJ[start:end], gate_up_EJD[expert], out=grad_x_SD[start:end])
            torch.mm(grad_h_SJ[start:end].t(), x_SD[start:end], out=grad_gate_up_EJD[expert])
        grad_x_TD = _combine(grad_x_SD, order_S, x_TD.shape[0], ctx.choices)
        grad_weights = torch.empty_like(grad_weights_S)
        grad_weights[order_S] = grad_weights_S
        return grad_x_TD, grad_weights.view(-1, ctx.choices), None, grad_gate_up_EJD, grad_down_EDI


def _slices(ends: list[int]) -> list[tuple[int, int, int]]:
    starts = [0, *ends[:-1]]
    return [(expert, start, end) for expert, (start, end) in enumerate(zip(starts, ends, strict=True)) if end > start]


def _combine(y_SD: Tensor, order_S: Tensor, tokens: int, choices: int) -> Tensor:
    place_S = torch.empty_like(order_S)
    place_S[order_S] = torch.arange(order_S.shape[0], device=order_S.device)
    return y_SD[place_S].view(tokens, choices, -1).sum(dim=1)
