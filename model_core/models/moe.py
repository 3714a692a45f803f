"""The mixture-of-experts feed-forward: a router in fp32, stacked experts, a shared expert where the model has one.

A sigmoid router's load is balanced without an auxiliary loss: a correction bias, which takes part in the choice and not
in the weights, moves by a fixed step towards the experts that got too few tokens. It knows no optimizer: `update_bias`
is called after a step. Source: Wang et al. 2024, arXiv 2408.15664; DeepSeek-V3, arXiv 2412.19437, section 2.1.2.

Legend: T tokens, D model width, E experts, K choices, J = 2 x expert width, I expert width.
"""

from collections.abc import Callable
from typing import Self

import torch
from torch import Tensor, nn

from model_core.config.schema import ModelConfig
from model_core.models.layers import SwiGLU
from model_core.ops.experts import expert_mlp
from model_core.ops.router import Routing, route, route_softmax
from model_core.ops.sorting import sort_choices

# The parameters that stack experts, an expert a row.
EXPERT_PARAMETERS = ("gate_up_EJD", "down_EDI")


class Router(nn.Module):
    """Choose each token's experts. Its weight and bias stay in fp32 whatever dtype the model is moved to.

    `counting` is off while a layer is computed again for its backward pass: no choice counts twice.
    """

    correction_bias: Tensor
    load: Tensor

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.top_k = config.num_experts_per_token
        self.scale = config.routed_scaling_factor
        self.kind = config.router
        self.counting = True
        self.weight = nn.Parameter(torch.empty(config.num_experts, config.hidden_size))
        balanced = config.router == "sigmoid"
        self.register_buffer("correction_bias", torch.zeros(config.num_experts), persistent=balanced)
        self.register_buffer("load", torch.zeros(config.num_experts, dtype=torch.int64), persistent=False)

    def forward(self, x_TD: Tensor) -> Routing:
        """Return the weights (T, K), fp32, summing to the scaling factor, and the indices (T, K) of the experts.

        Side effects: while training, counts the choices in `load`.
        """
        if self.kind == "softmax":
            routing = route_softmax(x_TD, self.weight, self.top_k, self.scale)
        else:
            routing = route(x_TD, self.weight, self.correction_bias, self.top_k, self.scale)
        if self.training:
            sorting = routing.sorting or sort_choices(routing.experts_TK, self.load.shape[0])
            if self.counting:
                self.load += sorting.counts_E
            routing = routing._replace(sorting=sorting)
        return routing

    @torch.no_grad()
    def update_bias(self, rate: float) -> None:
        """Move the bias, if this kind has one, by `rate` towards the experts with less than the mean load.

        Side effects: begins a new count.
        """
        if self.kind == "sigmoid":
            load = self.load.float()
            self.correction_bias += rate * torch.sign(load.mean() - load)
        self.load.zero_()

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        # `model.to(bfloat16)` would round the bias to steps larger than its own update rate: follow devices only.
        def move(tensor: Tensor) -> Tensor:
            moved = fn(tensor)
            return moved if moved.dtype == tensor.dtype else tensor.to(moved.device)

        super()._apply(move, recurse)  # type: ignore[no-untyped-call]
        return self


class MoE(nn.Module):
    """The routed experts' weighted sum, plus the shared expert where there is one. It holds `held` experts, or all.

    `experts` computes the sum of a token's choices; a run over several processes, which each hold some, puts its
    exchange there.
    """

    def __init__(self, config: ModelConfig, held: int | None = None) -> None:
        super().__init__()
        width, inner = config.hidden_size, config.moe_intermediate_size
        held = config.num_experts if held is None else held
        self.router = Router(config)
        self.gate_up_EJD = nn.Parameter(torch.empty(held, 2 * inner, width))
        self.down_EDI = nn.Parameter(torch.empty(held, width, inner))
        self.shared = SwiGLU(width, inner) if config.shared_expert else None
        self.experts: Callable[..., Tensor] = expert_mlp

    def forward(self, x_BTD: Tensor) -> Tensor:
        """Return the transformed rows."""
        x_TD = x_BTD.flatten(0, 1)
        weights_TK, experts_TK, sorting = self.router(x_TD)
        y_TD = self.experts(x_TD, weights_TK, experts_TK, self.gate_up_EJD, self.down_EDI, sorting=sorting)
        y_BTD: Tensor = y_TD.view_as(x_BTD)
        return y_BTD if self.shared is None else y_BTD + self.shared(x_BTD)
