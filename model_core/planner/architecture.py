"""What an architecture weighs and computes: parameters by part, operations a token, bytes of key-value cache.

It covers what the planner's models share: grouped-query or latent attention, gated feed-forward layers, dense or
mixture-of-experts, prediction layers for further tokens. It knows no hardware and no parallelism.
"""

from dataclasses import dataclass

from model_core.config.schema import ModelConfig
from model_core.errors import ConfigError


@dataclass(frozen=True)
class LatentAttention:
    """The ranks and head widths of multi-head latent attention. Source: DeepSeek-V2, arXiv 2405.04434, section 2.1."""

    query_rank: int
    key_value_rank: int
    plain_dim: int
    rotary_dim: int
    value_dim: int


@dataclass(frozen=True)
class Architecture:
    """A decoder. `num_experts` 0 makes every layer dense; `head_dim` counts only without latent attention.

    `nodes_per_token` limits the nodes that a token's experts stand on, 0 for no limit. `prediction_layers` are extra
    layers that predict further tokens in training and are not part of the published parameter counts.
    """

    name: str
    vocab_size: int
    hidden_size: int
    num_layers: int
    num_heads: int
    num_kv_heads: int
    head_dim: int
    max_positions: int
    num_dense_layers: int = 0
    dense_intermediate_size: int = 0
    num_experts: int = 0
    num_experts_per_token: int = 0
    num_shared_experts: int = 0
    moe_intermediate_size: int = 0
    latent: LatentAttention | None = None
    nodes_per_token: int = 0
    prediction_layers: int = 0
    head_norms: bool = False

    def __post_init__(self) -> None:
        if self.num_experts == 0 and self.num_dense_layers != self.num_layers:
            raise ConfigError(
                f"{self.name} has no experts and {self.num_dense_layers} dense layers; "
                f"all of its {self.num_layers} layers must be dense"
            )
        if self.num_experts == 0 and self.prediction_layers:
            raise ConfigError(
                f"{self.name} has {self.prediction_layers} prediction layers and no experts; such a layer has experts"
            )

    @property
    def num_moe_layers(self) -> int:
        """The number of layers with experts."""
        return self.num_layers - self.num_dense_layers

    @property
    def key_dim(self) -> int:
        """The width of a query or key head."""
        return self.latent.plain_dim + self.latent.rotary_dim if self.latent else self.head_dim

    @property
    def value_dim(self) -> int:
        """The width of a value head."""
        return self.latent.value_dim if self.latent else self.head_dim


def from_model_config(name: str, config: ModelConfig) -> Architecture:
    """Return the planner's view of a model of this project."""
    return Architecture(
        name=name,
        vocab_size=config.vocab_size,
        hidden_size=config.hidden_size,
        num_layers=config.num_layers,
        num_heads=config.num_heads,
        num_kv_heads=config.num_kv_heads,
        head_dim=config.head_dim,
        max_positions=config.max_positions,
        num_dense_layers=config.num_dense_layers,
        dense_intermediate_size=config.dense_intermediate_size,
        num_experts=config.num_experts,
        num_experts_per_token=config.num_experts_per_token,
        num_shared_experts=int(config.shared_expert),
        moe_intermediate_size=config.moe_intermediate_size,
        head_norms=config.qk_norm,
    )


def split_attention_parameters(model: Architecture) -> int:
    """Return the attention weights of a layer that tensor parallelism divides."""
    width, heads = model.hidden_size, model.num_heads
    output = heads * model.value_dim * width
    if model.latent:
        queries = model.latent.query_rank * heads * model.key_dim
        keys_values = model.latent.key_value_rank * heads * (model.latent.plain_dim + model.latent.value_dim)
        return queries + keys_values + output
    return width * heads * model.head_dim + 2 * width * model.num_kv_heads * model.head_dim + output


def whole_attention_parameters(model: Architecture) -> int:
    """Return the attention weights of a layer that every tensor rank holds: down-projections and norms."""
    if model.latent:
        query_rank, key_value_rank = model.latent.query_rank, model.latent.key_value_rank
        down = model.hidden_size * (query_rank + key_value_rank + model.latent.rotary_dim)
        return down + query_rank + key_value_rank
    return 2 * model.head_dim if model.head_norms else 0


def expert_parameters(model: Architecture) -> int:
    """Return the weights of one expert."""
    return 3 * model.hidden_size * model.moe_intermediate_size


def router_parameters(model: Architecture) -> int:
    """Return the weights of one router; its correction bias is state and not counted."""
    return model.hidden_size * model.num_experts


def dense_mlp_parameters(model: Architecture) -> int:
    """Return the weights of a dense layer's feed-forward."""
    return 3 * model.hidden_size * model.dense_intermediate_size


def layer_parameters(model: Architecture, *, moe: bool, experts: int) -> int:
    """Return the weights of a layer of which `experts` routed experts are counted."""
    shared = split_attention_parameters(model) + whole_attention_parameters(model) + 2 * model.hidden_size
    if not moe:
        return shared + dense_mlp_parameters(model)
    return shared + (experts + model.num_shared_experts) * expert_parameters(model) + router_parameters(model)


def total_parameters(model: Architecture) -> int:
    """Return all weights, both embeddings included, without the extra prediction layers."""
    dense = model.num_dense_layers * layer_parameters(model, moe=False, experts=0)
    moe = model.num_moe_layers * layer_parameters(model, moe=True, experts=model.num_experts)
    return 2 * model.vocab_size * model.hidden_size + model.hidden_size + dense + moe


def active_parameters(model: Architecture) -> int:
    """Return the weights that take part in one token; the embedding is a look-up and not counted, the head is."""
    dense = model.num_dense_layers * layer_parameters(model, moe=False, experts=0)
    moe = model.num_moe_layers * layer_parameters(model, moe=True, experts=model.num_experts_per_token)
    return model.vocab_size * model.hidden_size + model.hidden_size + dense + moe


@dataclass(frozen=True)
class LayerFlops:
    """Forward operations of one token in one layer, by the kind of kernel that does them."""

    dense: float
    experts: float
    scores: float


def layer_flops(model: Architecture, *, moe: bool, sequence_length: int) -> LayerFlops:
    """Return the forward operations of a token: two a weight, and causal attention over half the sequence on average.

    Source: Kaplan et al. 2020, arXiv 2001.08361, section 2.1; the causal half as in DeepSeek-AI 2025, arXiv 2505.09343.
    """
    dense = 2 * (split_attention_parameters(model) + whole_attention_parameters(model))
    experts = 0
    if moe:
        dense += 2 * (router_parameters(model) + model.num_shared_experts * expert_parameters(model))
        experts = 2 * model.num_experts_per_token * expert_parameters(model)
    else:
        dense += 2 * dense_mlp_parameters(model)
    scores = sequence_length * model.num_heads * (model.key_dim + model.value_dim)
    return LayerFlops(float(dense), float(experts), float(scores))


def head_flops(model: Architecture) -> float:
    """Return the forward operations of a token in the output head."""
    return 2.0 * model.vocab_size * model.hidden_size


def joining_parameters(model: Architecture) -> int:
    """Return what a prediction layer has beside a layer: the matrix that joins two states, and three norms.

    Source: DeepSeek-V3, arXiv 2412.19437, section 2.2.
    """
    return 2 * model.hidden_size**2 + 3 * model.hidden_size


def train_flops_per_token(model: Architecture, sequence_length: int) -> float:
    """Return the operations of one training token, three times the forward ones, without recomputation."""
    total = head_flops(model)
    for moe, count in ((False, model.num_dense_layers), (True, model.num_moe_layers + model.prediction_layers)):
        if count:
            flops = layer_flops(model, moe=moe, sequence_length=sequence_length)
            total += count * (flops.dense + flops.experts + flops.scores)
    # A prediction layer joins two states by one matrix of width 2D to D and shares the head.
    total += model.prediction_layers * (4.0 * model.hidden_size**2 + head_flops(model))
    return 3 * total


def kv_cache_bytes_per_token(model: Architecture, bytes_per_value: int = 2) -> int:
    """Return the key-value cache of one token of one sequence, over all layers.

    Source: for latent attention, DeepSeek-V2, arXiv 2405.04434, table 1: the compressed vector and one rotary key.
    """
    if model.latent:
        values = model.latent.key_value_rank + model.latent.rotary_dim
    else:
        values = model.num_kv_heads * (model.key_dim + model.value_dim)
    return model.num_layers * values * bytes_per_value
