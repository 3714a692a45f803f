"""The two names of every weight: ours, with stacked experts, and the stock classes', with a key an expert.

It maps state dicts both ways and touches no files. Glm4Moe, Qwen3Moe and the dense classes name alike what they share.
"""

from collections.abc import Mapping

import torch
from torch import Tensor

from model_core.config.schema import ModelConfig
from model_core.errors import CheckpointError
from model_core.parallel.slices import split_name

_OUTER = {
    "embedding.weight": "model.embed_tokens.weight",
    "norm.weight": "model.norm.weight",
    "head.weight": "lm_head.weight",
}
_NORMS = {"attention_norm.weight": "input_layernorm.weight", "mlp_norm.weight": "post_attention_layernorm.weight"}
_MLP = ("gate_proj.weight", "up_proj.weight", "down_proj.weight")
FP32_KEYS = ("mlp.gate.weight", "mlp.gate.e_score_correction_bias")


def simple_names(config: ModelConfig) -> dict[str, str]:
    """Return our name of each weight that is stored as it is, mapped to its stock name."""
    attention = _attention_names(config)
    dense, moe = {f"mlp.{name}": f"mlp.{name}" for name in _MLP}, _moe_names(config)
    names = dict(_OUTER)
    for layer in range(config.num_layers):
        inner = _NORMS | attention | (dense if layer < config.num_dense_layers else moe)
        names |= {f"layers.{layer}.{ours}": f"model.layers.{layer}.{stock}" for ours, stock in inner.items()}
    return names


def _attention_names(config: ModelConfig) -> dict[str, str]:
    parts = [f"{name}_proj.weight" for name in "qkvo"]
    parts += [f"{name}_norm.weight" for name in "qk" if config.qk_norm]
    parts += [f"{name}_proj.bias" for name in "qkv" if config.attention_bias]
    return {f"attention.{part}": f"self_attn.{part}" for part in parts}


def _moe_names(config: ModelConfig) -> dict[str, str]:
    names = {"mlp.router.weight": "mlp.gate.weight"}
    if config.router == "sigmoid":
        names["mlp.router.correction_bias"] = "mlp.gate.e_score_correction_bias"
    if config.shared_expert:
        names |= {f"mlp.shared.{name}": f"mlp.shared_experts.{name}" for name in _MLP}
    return names


def to_stock(config: ModelConfig, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the stock state dict of our state dict, or of a part of it with slices of experts, dtypes kept."""
    simple = simple_names(config)
    result: dict[str, Tensor] = {}
    for name, tensor in state.items():
        whole, first = split_name(name)
        if whole in simple:
            result[simple[whole]] = tensor
        else:
            result |= _expert_weights(whole, tensor, first)
    return {name: tensor.contiguous() for name, tensor in result.items()}


def stock_count(config: ModelConfig) -> int:
    """Return the number of tensors in the stock state dict."""
    experts = (config.num_layers - config.num_dense_layers) * config.num_experts
    return len(simple_names(config)) + experts * len(_MLP)


def _expert_weights(name: str, tensor: Tensor, first: int) -> dict[str, Tensor]:
    """Return the weights of experts `first`, `first` + 1, ... by their stock names."""
    _, layer, _, kind = name.split(".")
    parts = {"gate_up_EJD": ("gate_proj", "up_proj"), "down_EDI": ("down_proj",)}[kind]
    return {
        f"{_expert_prefix(int(layer), expert)}.{part}.weight": matrix
        for expert, matrices in enumerate(tensor, first)
        for part, matrix in zip(parts, matrices.chunk(len(parts)), strict=True)
    }


def from_stock(config: ModelConfig, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return our state dict of a stock state dict; weights that our decoder has not are left out.

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
