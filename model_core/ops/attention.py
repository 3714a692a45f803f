"""Causal grouped-query attention for training on a CPU in bf16, in blocks of query rows.

The library's own kernel loses most of its time in the bf16 backward there; this one is six batched matrix products a
block, over the keys that the block can see and no others. It knows no positions and no cache. The plain form of the
same function is `causal_attention_reference`.

Legend: T tokens, H query heads, G key-value heads, R = H / G, C head width, b query rows of a block.
"""

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional

_BLOCK_ROWS = 128


def causal_attention(q_THC: Tensor, k_TGC: Tensor, v_TGC: Tensor) -> Tensor:
    """Return the attended values (T, H, C) of one document; head h reads key-value head h // R."""
    y: Tensor = _CausalAttention.apply(q_THC, k_TGC, v_TGC)  # type: ignore[no-untyped-call]
    return y


def causal_attention_reference(q_THC: Tensor, k_TGC: Tensor, v_TGC: Tensor) -> Tensor:
    """Return what `causal_attention` returns, by the library's kernel."""
    repeats = q_THC.shape[1] // k_TGC.shape[1]
    k_THC, v_THC = (x.repeat_interleave(repeats, dim=1) for x in (k_TGC, v_TGC))
    # A batch of one: the library's fused kernels take four dimensions only.
    q, k, v = (x.transpose(0, 1)[None] for x in (q_THC, k_THC, v_THC))
    return functional.scaled_dot_product_attention(q, k, v, is_causal=True)[0].transpose(0, 1)


class _CausalAttention(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, q_THC: Tensor, k_TGC: Tensor, v_TGC: Tensor) -> Tensor:
        k_GTC, v_GTC = (x.transpose(0, 1).contiguous() for x in (k_TGC, v_TGC))
        y_THC = torch.empty_like(q_THC)
        probs = []
        for start, end in _blocks(q_THC.shape[0]):
            q_GbC = _group(q_THC[start:end] * q_THC.shape[2] ** -0.5, k_GTC.shape[0])
            scores = torch.bmm(q_GbC, k_GTC[:, :end].transpose(1, 2))
            scores.view(*scores.shape[:1], -1, end - start, end)[..., start:] += _future(end - start, scores)
            probs.append(torch.softmax(scores, dim=-1))
            y_THC[start:end] = _ungroup(torch.bmm(probs[-1], v_GTC[:, :end]), q_THC.shape[1])
        ctx.save_for_backward(q_THC, k_GTC, v_GTC, *probs)
        return y_THC

    @staticmethod
    @once_differentiable  # type: ignore[untyped-decorator]
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        q_THC, k_GTC, v_GTC, *probs = ctx.saved_tensors
        scale = q_THC.shape[2] ** -0.5
        grad_q_THC = torch.empty_like(q_THC)
        grad_k_GTC, grad_v_GTC = torch.zeros_like(k_GTC), torch.zeros_like(v_GTC)
        for (start, end), prob in zip(_blocks(q_THC.shape[0]), probs, strict=True):
            grad_y = _group(grads[0][start:end], k_GTC.shape[0])
            grad_v_GTC[:, :end] += torch.bmm(prob.transpose(1, 2), grad_y)
            grad_prob = torch.bmm(grad_y, v_GTC[:, :end].transpose(1, 2))
            grad_scores = torch._softmax_backward_data(grad_prob, prob, -1, prob.dtype)
            grad_q_THC[start:end] = _ungroup(torch.bmm(grad_scores, k_GTC[:, :end]), q_THC.shape[1]) * scale
            q_GbC = _group(q_THC[start:end] * scale, k_GTC.shape[0])
            grad_k_GTC[:, :end] += torch.bmm(grad_scores.transpose(1, 2), q_GbC)
        return grad_q_THC, grad_k_GTC.transpose(0, 1), grad_v_GTC.transpose(0, 1)


def _blocks(tokens: int) -> list[tuple[int, int]]:
    return [(start, min(start + _BLOCK_ROWS, tokens)) for start in range(0, tokens, _BLOCK_ROWS)]


def _group(x_bHC: Tensor, groups: int) -> Tensor:
    rows, heads, width = x_bHC.shape
    return x_bHC.transpose(0, 1).reshape(groups, heads // groups * rows, width)


def _ungroup(x_GbC: Tensor, heads: int) -> Tensor:
    return x_GbC.view(heads, -1, x_GbC.shape[2]).transpose(0, 1)


def _future(rows: int, like: Tensor) -> Tensor:
    return torch.full((rows, rows), float("-inf"), dtype=like.dtype, device=like.device).triu_(1)
