"""The expert feed-forward over the Triton kernels: gather and activation fused into grouped products.

Kept for the backward: the inputs and the products before the activation. Nothing is added atomically, so gradients
repeat to the bit. The plain form is `experts.expert_mlp_reference`.

Legend: T tokens, K choices a token, S = T x K sorted choices, E experts, D model width, I expert width, J = 2 x I.
"""

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from model_core.kernels.grouped import multiply, outer, swiglu_backward, swiglu_up
from model_core.kernels.rows import combine
from model_core.ops.sorting import Sorting


class ExpertMLPTriton(torch.autograd.Function):
    """The operation of this module; arguments as of `experts.expert_mlp`."""

    @staticmethod
    def forward(
        ctx: Any, x_TD: Tensor, weights_TK: Tensor, gate_up_EJD: Tensor, down_EDI: Tensor, sorting: Sorting, keep: bool
    ) -> Tensor:
        counts_E, order_S, places_TK = sorting
        hidden_SI, h_SJ = swiglu_up(x_TD, gate_up_EJD, weights_TK, counts_E, order_S, keep=keep)
        if keep:
            ctx.save_for_backward(x_TD, weights_TK, gate_up_EJD, down_EDI, *sorting, h_SJ)
        return combine(multiply(hidden_SI, down_EDI.transpose(1, 2), counts_E), places_TK)

    @staticmethod
    @once_differentiable  # type: ignore[untyped-decorator]
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor, None, None]:
        x_TD, weights_TK, gate_up_EJD, down_EDI, counts_E, order_S, places_TK, h_SJ = ctx.saved_tensors
        choices = weights_TK.shape[1]
        grad_h_SJ, weighted_SI, grad_weights_S = swiglu_backward(
            grads[0], down_EDI, h_SJ, weights_TK, counts_E, order_S
        )
        grad_down_EDI = outer(grads[0], weighted_SI, counts_E, order_S, choices, gather_a=True)
        grad_gate_up_EJD = outer(grad_h_SJ, x_TD, counts_E, order_S, choices)
        grad_x_TD = combine(multiply(grad_h_SJ, gate_up_EJD, counts_E), places_TK)
        return grad_x_TD, grad_weights_S[places_TK], grad_gate_up_EJD, grad_down_EDI, None, None
