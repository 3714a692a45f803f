"""The output head and the weighted cross entropy in one operation that never holds all the logits.

Rows of weight zero are left out before the head; the rest go through in chunks, and the gradients are made on the way.
It knows no model. The plain form of the same function is `linear_cross_entropy_reference`.

Legend: T tokens, D model width, V vocabulary.
"""

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional

_CHUNK_TOKENS = 1024


def linear_cross_entropy(
    h_TD: Tensor, head_VD: Tensor, labels_T: Tensor, weights_T: Tensor, compute_dtype: torch.dtype
) -> tuple[Tensor, Tensor]:
    """Return the weighted sum of token losses (a scalar) and the losses themselves, (T,) in fp32, without a gradient.

    The matrix products run in `compute_dtype`, the softmax in fp32 (fp64 for fp64 input). Losses of rows of weight zero
    are 0.
    """
    loss, losses_T = _LinearCrossEntropy.apply(  # type: ignore[no-untyped-call]
        h_TD, head_VD, labels_T, weights_T, compute_dtype
    )
    return loss, losses_T


def linear_cross_entropy_reference(
    h_TD: Tensor, head_VD: Tensor, labels_T: Tensor, weights_T: Tensor
) -> tuple[Tensor, Tensor]:
    """Return what `linear_cross_entropy` returns, by way of all the logits."""
    losses_T = functional.cross_entropy(functional.linear(h_TD, head_VD), labels_T, reduction="none")
    return (losses_T * weights_T).sum(), torch.where(weights_T != 0, losses_T.detach(), 0.0)


class _LinearCrossEntropy(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, h_TD: Tensor, head_VD: Tensor, labels_T: Tensor, weights_T: Tensor, compute_dtype: torch.dtype
    ) -> tuple[Tensor, Tensor]:
        head = head_VD.to(compute_dtype)
        grad_h_TD, grad_head_VD = torch.zeros_like(h_TD), torch.zeros_like(head_VD)
        softmax_dtype = torch.promote_types(compute_dtype, torch.float32)
        losses_T = torch.zeros(h_TD.shape[0], dtype=softmax_dtype, device=h_TD.device)
        for rows in torch.split(torch.nonzero(weights_T)[:, 0], _CHUNK_TOKENS):
            h = h_TD[rows].to(compute_dtype)
            log_probs = functional.log_softmax((h @ head.t()).to(softmax_dtype), dim=-1)
            labels = labels_T[rows, None]
            losses_T[rows] = -log_probs.gather(1, labels)[:, 0]
            if not any(ctx.needs_input_grad[:2]):
                continue
            grad = log_probs.exp_()
            grad.scatter_add_(1, labels, torch.full_like(grad[:, :1], -1.0))
            grad = grad.mul_(weights_T[rows, None]).to(compute_dtype)
            grad_h_TD[rows] = (grad @ head).to(h_TD.dtype)
            grad_head_VD += grad.t() @ h
        ctx.save_for_backward(grad_h_TD, grad_head_VD)
        ctx.mark_non_differentiable(losses_T)
        return (losses_T * weights_T).sum(), losses_T

    @staticmethod
    @once_differentiable  # type: ignore[untyped-decorator]
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, Tensor, None, None, None]:
        grad_h_TD, grad_head_VD = ctx.saved_tensors
        return grad_h_TD * grads[0], grad_head_VD * grads[0], None, None, None
