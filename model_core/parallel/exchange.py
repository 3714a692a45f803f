"""Expert parallelism: each rank holds a slice of the experts, and rows travel to their experts and back.

A row travels with its weight, so that a rank computes for others exactly what one process would compute: the same
operation on the same stacked weights, the weight in fp32 and applied before the product is rounded. Nothing is padded
or dropped, and every rank takes part in every exchange, also with no row at all. It knows no optimizer.

Legend: T tokens, K choices a token, S = T x K sorted choices, R received rows, P ranks of the group, E experts, L
experts of a rank, D model width, J = 2 x expert width, I expert width.
"""

from typing import Any

import torch
from torch import Tensor, distributed
from torch.autograd.function import once_differentiable

from model_core.config.schema import ModelConfig
from model_core.models.decoder import Decoder
from model_core.models.moe import MoE
from model_core.ops.experts import expert_mlp, product_dtype
from model_core.ops.permute import combine, permute
from model_core.ops.sorting import Sorting, sort_choices
from model_core.parallel.team import Team


def new_decoder(config: ModelConfig, team: Team) -> Decoder:
    """Return a model, its matrices not yet drawn, that holds this rank's experts and lets rows travel to the others."""
    model = Decoder(config, team.held_experts(config.num_experts))
    for layer in model.layers if team.grid.expert > 1 else ():
        if isinstance(layer.mlp, MoE):
            layer.mlp.experts = ExpertExchange(team)
    return model


class ExpertExchange:
    """`expert_mlp` over experts that are spread over the ranks of the expert group; call it on all of them at once."""

    def __init__(self, team: Team) -> None:
        self._group = team.expert_group
        self._ranks = team.grid.expert

    def __call__(
        self,
        x_TD: Tensor,
        weights_TK: Tensor,
        experts_TK: Tensor,
        gate_up_LJD: Tensor,
        down_LDI: Tensor,
        *,
        sorting: Sorting | None = None,
    ) -> Tensor:
        """Return the weighted sum over each token's experts; `experts_TK` count over all ranks' experts."""
        local = gate_up_LJD.shape[0]
        sorting = sorting or sort_choices(experts_TK, self._ranks * local)
        sent_PL = sorting.counts_E.view(self._ranks, local)
        received_PL = torch.empty_like(sent_PL)
        distributed.all_to_all_single(received_PL, sent_PL.contiguous(), group=self._group)
        sent, received = sent_PL.sum(dim=1).tolist(), received_PL.sum(dim=1).tolist()
        x_SD = permute(x_TD.to(product_dtype(x_TD)), sorting)
        x_RD = _exchange(x_SD, sent, received, self._group)
        weights_R = _exchange(weights_TK.reshape(-1)[sorting.order_S], sent, received, self._group)
        experts_R = torch.arange(local, device=x_TD.device).repeat(self._ranks).repeat_interleave(received_PL.flatten())
        y_RD = expert_mlp(x_RD, weights_R[:, None], experts_R[:, None], gate_up_LJD, down_LDI)
        return combine(_exchange(y_RD, received, sent, self._group), sorting)


def _exchange(rows: Tensor, sent: list[int], received: list[int], group: Any) -> Tensor:
    """Send `sent[p]` rows to rank p and return the `received[p]` rows of each, in the order of the ranks."""
    result: Tensor = _Exchange.apply(rows, sent, received, group)  # type: ignore[no-untyped-call]
    return result


class _Exchange(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, rows: Tensor, sent: list[int], received: list[int], group: Any) -> Tensor:
        ctx.sent, ctx.received, ctx.group = sent, received, group
        return _all_to_all(rows, sent, received, group)

    @staticmethod
    @once_differentiable  # type: ignore[untyped-decorator]
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None, None, None]:
        return _all_to_all(grads[0], ctx.received, ctx.sent, ctx.group), None, None, None


def _all_to_all(rows: Tensor, sent: list[int], received: list[int], group: Any) -> Tensor:
    result = rows.new_empty(sum(received), *rows.shape[1:])
    distributed.all_to_all_single(result, rows.contiguous(), received, sent, group=group)
    return result
