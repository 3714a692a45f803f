"""The expert feed-forward of a mixture-of-experts layer: each token through its chosen experts, weighted and summed.

One public function; which implementation runs is `backend`'s choice. It knows no router: the choice and its weights
come in. The plain form of the same function is `expert_mlp_reference`.

Legend: T tokens, K choices a token, E experts, D model width, I expert width, J = 2 x I.
"""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

from model_core.ops.backend import Backend, choose_backend
from model_core.ops.experts_torch import ExpertMLPTorch, expert_mlp_few
from model_core.ops.sorting import Sorting, sort_choices

# Below this many choices the sort costs more than it saves.
_FEW_CHOICES = 8


def expert_mlp(
    x_TD: Tensor,
    weights_TK: Tensor,
    experts_TK: Tensor,
    gate_up_EJD: Tensor,
    down_EDI: Tensor,
    *,
    sorting: Sorting | None = None,
    backend: Backend | None = None,
) -> Tensor:
    """Return the weighted sum over each token's experts of ``down(silu(gate(x)) * up(x))``.

    Shapes: `gate_up_EJD` holds gate over up. `experts_TK` are int64 indices, no two alike in a row; `sorting` is their
    sorting where the router made one. Under autocast the matrices are cast to its dtype; the result has the dtype of
    `x_TD` after that cast. The weights are applied in their own dtype, before the product is rounded.
    """
    dtype = product_dtype(x_TD)
    x_TD, gate_up_EJD, down_EDI = x_TD.to(dtype), gate_up_EJD.to(dtype), down_EDI.to(dtype)
    chosen = choose_backend(x_TD.device.type, backend)
    few = experts_TK.numel() <= _FEW_CHOICES
    if chosen == "torch" and few and not torch.is_grad_enabled():
        return expert_mlp_few(x_TD, weights_TK, experts_TK, gate_up_EJD, down_EDI)
    sorting = sorting or sort_choices(experts_TK, gate_up_EJD.shape[0])
    # A function's own `needs_input_grad` says yes under no_grad too.
    keep = torch.is_grad_enabled()
    apply: Callable[..., Tensor] = ExpertMLPTorch.apply
    if chosen == "triton":
        # Imported here: triton is not installed on every machine that runs the model.
        from model_core.ops.experts_triton import ExpertMLPTriton

        apply = ExpertMLPTriton.apply
    return apply(x_TD, weights_TK, gate_up_EJD, down_EDI, sorting, keep)


def expert_mlp_reference(
    x_TD: Tensor, weights_TK: Tensor, experts_TK: Tensor, gate_up_EJD: Tensor, down_EDI: Tensor
) -> Tensor:
    """Return what `expert_mlp` returns, by the definition: every expert on every token, then a masked sum."""
    gate_TEI, up_TEI = torch.einsum("td,ejd->tej", x_TD, gate_up_EJD).chunk(2, dim=-1)
    y_TED = torch.einsum("tei,edi->ted", functional.silu(gate_TEI) * up_TEI, down_EDI)
    weights_TE = torch.zeros_like(y_TED[..., 0]).scatter(1, experts_TK, weights_TK)
    return torch.einsum("te,ted->td", weights_TE, y_TED)


def product_dtype(x: Tensor) -> torch.dtype:
    """Return the dtype of the matrix products with `x`: autocast's where it is on, else its own."""
    kind = x.device.type
    return torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else x.dtype
