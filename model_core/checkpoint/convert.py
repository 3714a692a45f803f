"""The two names of every weight: ours, with stacked experts, and the stock classes', with a key an expert.

It maps state dicts both ways and touches no files. Glm4Moe, Qwen3Moe and the dense classes name alike what they share.
"""

from collections.abc import Iterator, Mapping

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
_EXPERT_PARTS = {"gate_up_EJD": ("gate_proj", "up_proj"), "down_EDI": ("down_proj",)}
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
        whole, rows = split_name(name)
        if whole in simple:
            result[simple[whole]] = tensor
        else:
            result |= _expert_weights(whole, tensor, rows or range(config.num_experts))
    return {name: tensor.contiguous() for name, tensor in result.items()}


def stock_names(config: ModelConfig) -> list[str]:
    """Return the names of the stock state dict."""
    experts = range(config.num_experts)
    stacked = [stock for name in _stacked_names(config) for expert in experts for stock in _expert_names(name, expert)]
    return [*simple_names(config).values(), *stacked]


def _stacked_names(config: ModelConfig) -> list[str]:
    """Return our names of the stacked experts."""
    layers = range(config.num_dense_layers, config.num_layers)
    return [f"layers.{layer}.mlp.{kind}" for layer in layers for kind in _EXPERT_PARTS]


def _expert_names(name: str, expert: int) -> list[str]:
    """Return the stock names of what one expert has in a stack."""
    prefix, _, kind = name.rpartition(".")
    return [f"model.{prefix}.experts.{expert}.{part}.weight" for part in _EXPERT_PARTS[kind]]


def _expert_weights(name: str, tensor: Tensor, experts: range) -> dict[str, Tensor]:
    """Return the weights of a stack of these experts by their stock names."""
    return {
        stock: matrix
        for expert, matrices in zip(experts, tensor, strict=True)
        for names in (_expert_names(name, expert),)
        for stock, matrix in zip(names, matrices.chunk(len(names)), strict=True)
    }


def from_stock(config: ModelConfig, state: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
    """Return our state dict of a stock state dict; weights that our decoder has not are left out.

    A tensor is made when it is asked for, of the experts also a slice, so that nobody need hold all of them.

    Raises: CheckpointError naming the first weight that is missing.
    """
    for name in stock_names(config):
        if name not in state:
            raise CheckpointError(f"the checkpoint lacks the weight {name!r}")
    return _FromStock(config, state)


class _FromStock(Mapping[str, Tensor]):
    def __init__(self, config: ModelConfig, state: Mapping[str, Tensor]) -> None:
        self._state = state
        self._simple = simple_names(config)
        self._stacked = set(_stacked_names(config))
        self._experts = range(config.num_experts)

    def __getitem__(self, name: str) -> Tensor:
        if name in self._simple:
            return self._state[self._simple[name]]
        whole, rows = split_name(name)
        if whole not in self._stacked:
            raise KeyError(name)
        names = (_expert_names(whole, expert) for expert in rows or self._experts)
        return torch.stack([torch.cat([self._state[stock] for stock in parts]) for parts in names])

    def __iter__(self) -> Iterator[str]:
        return iter((*self._simple, *self._stacked))

    def __len__(self) -> int:
        return len(self._simple) + len(self._stacked)
