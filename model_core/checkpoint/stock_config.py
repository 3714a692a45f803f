"""The config.json of the stock classes Glm4Moe and Qwen3Moe, written and read; it knows no weights and no files."""

from typing import Any, Final

from model_core.checkpoint.stock_fields import Values, common_fields, demand, field, rope
from model_core.config.schema import ModelConfig
from model_core.errors import CheckpointError

# What a model must be for the stock class to say it.
_GLM_FORM: Final = {"shared_expert": True}
_QWEN_FORM: Final = {
    "shared_expert": False,
    "qk_norm": True,
    "attention_bias": False,
    "partial_rotary_factor": 1.0,
    "routed_scaling_factor": 1.0,
}
_GLM_DEMANDS: Final = {
    "hidden_act": "silu",
    "n_group": 1,
    "topk_group": 1,
    "n_shared_experts": 1,
    "norm_topk_prob": True,
}
_QWEN_DEMANDS: Final = {
    "hidden_act": "silu",
    "norm_topk_prob": True,
    "decoder_sparse_step": 1,
    "attention_bias": False,
    "use_sliding_window": False,
}


def to_stock_config(config: ModelConfig, dtype: str) -> dict[str, Any]:
    """Return the config.json of the stock class that computes this model; `dtype` is the weights' ("bfloat16").

    A sigmoid router is a Glm4MoeForCausalLM's, a softmax router a Qwen3MoeForCausalLM's.

    Raises: CheckpointError when neither class can say it.
    """
    glm = config.router == "sigmoid"
    name, form = ("Glm4MoeForCausalLM", _GLM_FORM) if glm else ("Qwen3MoeForCausalLM", _QWEN_FORM)
    for feature, wanted in form.items():
        if getattr(config, feature) != wanted:
            raise CheckpointError(f"model.{feature} is {getattr(config, feature)!r}; a stock {name} needs {wanted!r}")
    return _to_common(config, dtype) | {"architectures": [name]} | (_to_glm(config) if glm else _to_qwen(config))


def _to_common(config: ModelConfig, dtype: str) -> dict[str, Any]:
    return {
        "vocab_size": config.vocab_size,
        "hidden_size": config.hidden_size,
        "intermediate_size": config.dense_intermediate_size,
        "num_hidden_layers": config.num_layers,
        "num_attention_heads": config.num_heads,
        "num_key_value_heads": config.num_kv_heads,
        "head_dim": config.head_dim,
        "rope_theta": config.rope_theta,
        "rope_scaling": None,
        "hidden_act": "silu",
        "max_position_embeddings": config.max_positions,
        "initializer_range": config.init_std,
        "rms_norm_eps": config.rms_norm_eps,
        "tie_word_embeddings": False,
        "attention_bias": config.attention_bias,
        "attention_dropout": 0.0,
        "moe_intermediate_size": config.moe_intermediate_size,
        "num_experts_per_tok": config.num_experts_per_token,
        "norm_topk_prob": True,
        "use_cache": True,
        "pad_token_id": config.pad_token_id,
        "eos_token_id": config.eos_token_id,
        "torch_dtype": dtype,
    }


def _to_glm(config: ModelConfig) -> dict[str, Any]:
    return {
        "model_type": "glm4_moe",
        "partial_rotary_factor": config.partial_rotary_factor,
        "use_qk_norm": config.qk_norm,
        "n_routed_experts": config.num_experts,
        "n_shared_experts": 1,
        "n_group": 1,
        "topk_group": 1,
        "routed_scaling_factor": config.routed_scaling_factor,
        "first_k_dense_replace": config.num_dense_layers,
        "num_nextn_predict_layers": 0,
    }


def _to_qwen(config: ModelConfig) -> dict[str, Any]:
    return {
        "model_type": "qwen3_moe",
        "num_experts": config.num_experts,
        "decoder_sparse_step": 1,
        "mlp_only_layers": list(range(config.num_dense_layers)),
        "use_sliding_window": False,
    }


def from_stock_config(values: Values) -> ModelConfig:
    """Return the model configuration of a stock Glm4Moe or Qwen3Moe config.json.

    Raises: CheckpointError when it is of another architecture or uses what our decoder has not.
    """
    model_type = values.get("model_type")
    if model_type == "glm4_moe":
        return _from_glm(values)
    if model_type == "qwen3_moe":
        return _from_qwen(values)
    raise CheckpointError(f"model_type of the checkpoint is {model_type!r}; this model needs 'glm4_moe' or 'qwen3_moe'")


def _from_glm(values: Values) -> ModelConfig:
    demand(values, _GLM_DEMANDS)
    return ModelConfig(
        **common_fields(values),
        moe_intermediate_size=field(values, "moe_intermediate_size"),
        num_experts=field(values, "n_routed_experts"),
        num_experts_per_token=field(values, "num_experts_per_tok"),
        num_dense_layers=field(values, "first_k_dense_replace"),
        partial_rotary_factor=rope(values).get("partial_rotary_factor", 0.5),
        routed_scaling_factor=field(values, "routed_scaling_factor"),
        qk_norm=bool(values.get("use_qk_norm", False)),
        attention_bias=bool(values.get("attention_bias", False)),
    )


def _from_qwen(values: Values) -> ModelConfig:
    demand(values, _QWEN_DEMANDS)
    dense = sorted(values.get("mlp_only_layers") or [])
    if dense != list(range(len(dense))):
        raise CheckpointError(f"mlp_only_layers of the checkpoint is {dense!r}; this model needs the first layers only")
    # transformers 5 writes the number of experts under another name than 4 does.
    experts = "num_local_experts" if "num_local_experts" in values else "num_experts"
    return ModelConfig(
        **common_fields(values),
        moe_intermediate_size=field(values, "moe_intermediate_size"),
        num_experts=field(values, experts),
        num_experts_per_token=field(values, "num_experts_per_tok"),
        num_dense_layers=len(dense),
        partial_rotary_factor=1.0,
        router="softmax",
        shared_expert=False,
    )
