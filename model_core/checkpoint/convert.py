"""The two names of every weight: ours, with stacked experts, and the stock Glm4Moe's, with a key an expert.

It maps state dicts and configurations both ways and touches no files.
"""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from model_core.config.schema import ModelConfig
from model_core.errors import CheckpointError

_OUTER = {
    "embedding.weight": "model.embed_tokens.weight",
    "norm.weight": "model.norm.weight",
    "head.weight": "lm_head.weight",
}
_INNER = {
    "attention_norm.weight": "input_layernorm.weight",
    "mlp_norm.weight": "post_attention_layernorm.weight",
    **{f"attention.{name}.weight": f"self_attn.{name}.weight" for name in ("q_proj", "k_proj", "v_proj", "o_proj")},
    **{f"attention.{name}.weight": f"self_attn.{name}.weight" for name in ("q_norm", "k_norm")},
}
_DENSE = {f"mlp.{name}.weight": f"mlp.{name}.weight" for name in ("gate_proj", "up_proj", "down_proj")}
_MOE = {
    "mlp.router.weight": "mlp.gate.weight",
    "mlp.router.correction_bias": "mlp.gate.e_score_correction_bias",
    **{
        f"mlp.shared.{name}.weight": f"mlp.shared_experts.{name}.weight"
        for name in ("gate_proj", "up_proj", "down_proj")
    },
}
FP32_KEYS = ("mlp.gate.weight", "mlp.gate.e_score_correction_bias")


def simple_names(config: ModelConfig) -> dict[str, str]:
    """Return our name of each weight that is stored as it is, mapped to its stock name."""
    names = dict(_OUTER)
    for layer in range(config.num_layers):
        inner = _INNER | (_DENSE if layer < config.num_dense_layers else _MOE)
        names |= {f"layers.{layer}.{ours}": f"model.layers.{layer}.{stock}" for ours, stock in inner.items()}
    return names


def to_stock(config: ModelConfig, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the stock Glm4Moe state dict of our state dict, dtypes kept."""
    result = {stock: state[ours] for ours, stock in simple_names(config).items()}
    for layer in range(config.num_dense_layers, config.num_layers):
        gate_EID, up_EID = state[f"layers.{layer}.mlp.gate_up_EJD"].chunk(2, dim=1)
        down_EDI = state[f"layers.{layer}.mlp.down_EDI"]
        for expert in range(config.num_experts):
            prefix = _expert_prefix(layer, expert)
            result[f"{prefix}.gate_proj.weight"] = gate_EID[expert]
            result[f"{prefix}.up_proj.weight"] = up_EID[expert]
            result[f"{prefix}.down_proj.weight"] = down_EDI[expert]
    return {name: tensor.contiguous() for name, tensor in result.items()}


def from_stock(config: ModelConfig, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return our state dict of a stock Glm4Moe state dict.

    Raises: CheckpointError naming the first weight that is missing.
    """
    try:
        result = {ours: state[stock] for ours, stock in simple_names(config).items()}
        for layer in range(config.num_dense_layers, config.num_layers):
            prefixes = [_expert_prefix(layer, expert) for expert in range(config.num_experts)]
            gate_up = [torch.cat((state[f"{p}.gate_proj.weight"], state[f"{p}.up_proj.weight"])) for p in prefixes]
            result[f"layers.{layer}.mlp.gate_up_EJD"] = torch.stack(gate_up)
            result[f"layers.{layer}.mlp.down_EDI"] = torch.stack([state[f"{p}.down_proj.weight"] for p in prefixes])
    except KeyError as error:
        raise CheckpointError(f"the checkpoint lacks the weight {error.args[0]!r}") from None
    return result


def _expert_prefix(layer: int, expert: int) -> str:
    return f"model.layers.{layer}.mlp.experts.{expert}"


def to_stock_config(config: ModelConfig, dtype: str) -> dict[str, Any]:
    """Return the config.json of a stock Glm4MoeForCausalLM; `dtype` is the weights' ("bfloat16", "float32")."""
    return {
        "architectures": ["Glm4MoeForCausalLM"],
        "model_type": "glm4_moe",
        "vocab_size": config.vocab_size,
        "hidden_size": config.hidden_size,
        "intermediate_size": config.dense_intermediate_size,
        "num_hidden_layers": config.num_layers,
        "num_attention_heads": config.num_heads,
        "num_key_value_heads": config.num_kv_heads,
        "head_dim": config.head_dim,
        "partial_rotary_factor": config.partial_rotary_factor,
        "rope_theta": config.rope_theta,
        "rope_scaling": None,
        "hidden_act": "silu",
        "max_position_embeddings": config.max_positions,
        "initializer_range": config.init_std,
        "rms_norm_eps": config.rms_norm_eps,
        "tie_word_embeddings": False,
        "attention_bias": False,
        "attention_dropout": 0.0,
        "use_qk_norm": True,
        "moe_intermediate_size": config.moe_intermediate_size,
        "num_experts_per_tok": config.num_experts_per_token,
        "n_routed_experts": config.num_experts,
        "n_shared_experts": 1,
        "n_group": 1,
        "topk_group": 1,
        "norm_topk_prob": True,
        "routed_scaling_factor": config.routed_scaling_factor,
        "first_k_dense_replace": config.num_dense_layers,
        "num_nextn_predict_layers": 0,
        "use_cache": True,
        "pad_token_id": config.pad_token_id,
        "eos_token_id": config.eos_token_id,
        "torch_dtype": dtype,
    }


def from_stock_config(values: Mapping[str, Any]) -> ModelConfig:
    """Return the model configuration of a stock Glm4Moe config.json.

    Raises: CheckpointError when it is of another architecture or uses what our decoder has not.
    """
    demands = {
        "model_type": "glm4_moe",
        "n_group": 1,
        "topk_group": 1,
        "n_shared_experts": 1,
        "norm_topk_prob": True,
        "use_qk_norm": True,
        "attention_bias": False,
        "tie_word_embeddings": False,
        "rope_scaling": None,
    }
    for name, wanted in demands.items():
        if values.get(name) != wanted:
            raise CheckpointError(f"{name} of the checkpoint is {values.get(name)!r}; this model needs {wanted!r}")
    return ModelConfig(
        vocab_size=values["vocab_size"],
        hidden_size=values["hidden_size"],
        num_layers=values["num_hidden_layers"],
        num_heads=values["num_attention_heads"],
        num_kv_heads=values["num_key_value_heads"],
        head_dim=values["head_dim"],
        dense_intermediate_size=values["intermediate_size"],
        moe_intermediate_size=values["moe_intermediate_size"],
        num_experts=values["n_routed_experts"],
        num_experts_per_token=values["num_experts_per_tok"],
        max_positions=values["max_position_embeddings"],
        num_dense_layers=values["first_k_dense_replace"],
        partial_rotary_factor=values["partial_rotary_factor"],
        rope_theta=values["rope_theta"],
        rms_norm_eps=values["rms_norm_eps"],
        routed_scaling_factor=values["routed_scaling_factor"],
        init_std=values["initializer_range"],
        pad_token_id=values["pad_token_id"],
        eos_token_id=values["eos_token_id"],
    )
