"""Sparse upcycling: a dense model of others becomes a mixture of experts that computes the same until it is trained.

Every expert and the shared expert begin as the dense feed-forward, each half as loud: the routed weights sum to 1, so
whichever experts a token goes to, the halves add up to what it was. The routers are drawn at random, and training then
gives each expert other tokens. It knows the stock dense classes and no files.
Source: Komatsuzaki et al. 2023, "Sparse Upcycling", arXiv 2212.05055.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import torch
from torch import Tensor

from model_core.checkpoint.stock_fields import Values, common_fields, demand
from model_core.config.schema import ModelConfig
from model_core.errors import CheckpointError

# Of each dense class: what it must not use, and in what it differs from our decoder's own form.
_DENSE: Final[dict[str, tuple[dict[str, Any], dict[str, bool]]]] = {
    "llama": ({"attention_bias": False, "mlp_bias": False}, {"qk_norm": False}),
    "mistral": ({"sliding_window": None}, {"qk_norm": False}),
    "qwen2": ({"use_sliding_window": False}, {"qk_norm": False, "attention_bias": True}),
    "qwen3": ({"use_sliding_window": False, "attention_bias": False}, {}),
}


@dataclass(frozen=True)
class Upcycling:
    """What a dense model becomes: its first `num_dense_layers` stay, the others get experts as wide as they were."""

    num_experts: int = 8
    num_experts_per_token: int = 2
    num_dense_layers: int = 1
    seed: int = 0


def dense_config(values: Values, target: Upcycling) -> ModelConfig:
    """Return the configuration of a stock dense model, all its layers dense, with the experts it is to get.

    Raises: CheckpointError when it is of another architecture or uses what our decoder has not.
    """
    model_type = values.get("model_type")
    if model_type not in _DENSE:
        known = ", ".join(map(repr, _DENSE))
        raise CheckpointError(f"model_type of the checkpoint is {model_type!r}; upcycling needs one of {known}")
    demands, form = _DENSE[model_type]
    demand(values, {"hidden_act": "silu", **demands})
    common = common_fields(values)
    return ModelConfig(
        **common,
        **form,  # type: ignore[arg-type]
        moe_intermediate_size=common["dense_intermediate_size"],
        num_experts=target.num_experts,
        num_experts_per_token=target.num_experts_per_token,
        num_dense_layers=common["num_layers"],
        partial_rotary_factor=1.0,
    )


def upcycle(
    config: ModelConfig, state: Mapping[str, Tensor], target: Upcycling
) -> tuple[ModelConfig, dict[str, Tensor]]:
    """Return the configuration and the state dict of the mixture made of a dense model's, dtypes kept, routers in fp32.

    Raises: ConfigError when the model has not that many layers to leave dense.
    """
    sparse = replace(config, num_dense_layers=target.num_dense_layers)
    generator = torch.Generator().manual_seed(target.seed)
    result = dict(state)
    for layer in range(sparse.num_dense_layers, sparse.num_layers):
        prefix = f"layers.{layer}.mlp"
        gate, up, down = (result.pop(f"{prefix}.{name}_proj.weight") for name in ("gate", "up", "down"))
        half = down / 2
        result[f"{prefix}.gate_up_EJD"] = torch.cat((gate, up)).repeat(sparse.num_experts, 1, 1)
        result[f"{prefix}.down_EDI"] = half.repeat(sparse.num_experts, 1, 1)
        shared = {"gate": gate, "up": up, "down": half}
        result |= {f"{prefix}.shared.{name}_proj.weight": weight for name, weight in shared.items()}
        router = torch.randn(sparse.num_experts, sparse.hidden_size, generator=generator) * sparse.init_std
        result[f"{prefix}.router.weight"] = router
        result[f"{prefix}.router.correction_bias"] = torch.zeros(sparse.num_experts)
    return sparse, result
