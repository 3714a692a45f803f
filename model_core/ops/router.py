"""The routers: which experts a token goes to, with what weights, and for the sigmoid one the choices sorted by expert.

Everything is computed in fp32 (fp64 for fp64 input), whatever autocast says. It knows no experts and no load balance:
the correction bias comes in. The plain form of `route` is `route_reference`; `route_softmax` is plain anywhere.
Source: DeepSeek-V3, arXiv 2412.19437, section 2.1.2.

Legend: T tokens, K choices a token, E experts, D model width.
"""

from contextlib import AbstractContextManager, nullcontext
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional

from model_core.ops.backend import Backend, choose_backend
from model_core.ops.sorting import Sorting

# Keeps the division finite when all scores of a token underflow; the stock class adds the same.
_EPS = 1e-20


class Routing(NamedTuple):
    """The weights and the experts of each token, and their sorting where it came with the choice."""

    weights_TK: Tensor
    experts_TK: Tensor
    sorting: Sorting | None


def route(
    x_TD: Tensor, weight_ED: Tensor, bias_E: Tensor, choices: int, scale: float, *, backend: Backend | None = None
) -> Routing:
    """Return each token's `choices` best experts by sigmoid score plus bias, with weights that sum to `scale`.

    The bias takes part in the choice and not in the weights. The order of a token's experts is not specified.
    """
    with _without_autocast(x_TD.device.type):
        dtype = torch.promote_types(x_TD.dtype, torch.float32)
        x_TD, weight_ED = x_TD.to(dtype), weight_ED.to(dtype)
        if choose_backend(x_TD.device.type, backend) == "torch":
            return route_reference(x_TD, weight_ED, bias_E, choices, scale)
        weights_TK, experts_TK, *sorting = _Route.apply(  # type: ignore[no-untyped-call]
            x_TD, weight_ED, bias_E, choices, scale
        )
        return Routing(weights_TK, experts_TK, Sorting(*sorting))


def route_reference(x_TD: Tensor, weight_ED: Tensor, bias_E: Tensor, choices: int, scale: float) -> Routing:
    """Return what `route` returns, by the definition, without a sorting."""
    scores_TE = functional.linear(x_TD, weight_ED).sigmoid()
    experts_TK = torch.topk(scores_TE.detach() + bias_E, choices, dim=-1, sorted=False).indices
    scores_TK = scores_TE.gather(1, experts_TK)
    return Routing(scores_TK / (scores_TK.sum(dim=-1, keepdim=True) + _EPS) * scale, experts_TK, None)


def route_softmax(x_TD: Tensor, weight_ED: Tensor, choices: int, scale: float) -> Routing:
    """Return each token's `choices` most probable experts, with their probabilities made to sum to `scale`.

    A softmax of the chosen logits is the chosen probabilities over their sum. Source: Qwen3, arXiv 2505.09388.
    """
    with _without_autocast(x_TD.device.type):
        dtype = torch.promote_types(x_TD.dtype, torch.float32)
        logits_TE = functional.linear(x_TD.to(dtype), weight_ED.to(dtype))
        logits_TK, experts_TK = torch.topk(logits_TE, choices, dim=-1, sorted=False)
        return Routing(logits_TK.softmax(dim=-1) * scale, experts_TK, None)


def _without_autocast(device_type: str) -> AbstractContextManager[Any]:
    # Entering autocast takes as long as the products of a single token, so only where there is something to leave.
    return torch.autocast(device_type, enabled=False) if torch.is_autocast_enabled(device_type) else nullcontext()


class _Route(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, x_TD: Tensor, weight_ED: Tensor, bias_E: Tensor, choices: int, scale: float
    ) -> tuple[Tensor, ...]:
        # Imported here: triton is not installed on every machine that runs the model.
        from model_core.kernels.router import route as route_on_device

        routed = route_on_device(x_TD, weight_ED, bias_E, choices, scale, _EPS)
        ctx.save_for_backward(x_TD, weight_ED, routed.scores_TK, routed.experts_TK)
        ctx.scale = scale
        others = (routed.experts_TK, routed.counts_E, routed.order_S, routed.places_TK)
        ctx.mark_non_differentiable(*others)
        return routed.weights_TK, *others

    @staticmethod
    @once_differentiable  # type: ignore[untyped-decorator]
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, Tensor, None, None, None]:
        x_TD, weight_ED, scores_TK, experts_TK = ctx.saved_tensors
        sum_T1 = scores_TK.sum(dim=-1, keepdim=True) + _EPS
        grad_TK = grads[0] * (ctx.scale / sum_T1)
        grad_TK = grad_TK - (grad_TK * scores_TK).sum(dim=-1, keepdim=True) / sum_T1
        grad_logits_TE = x_TD.new_zeros(x_TD.shape[0], weight_ED.shape[0])
        grad_logits_TE.scatter_(1, experts_TK, grad_TK * scores_TK * (1 - scores_TK))
        return grad_logits_TE @ weight_ED, grad_logits_TE.t() @ x_TD, None, None, None
