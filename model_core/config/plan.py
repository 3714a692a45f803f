"""The size and cost of a model by arithmetic alone: parameters, memory, floating-point operations.

It knows configurations only; nothing is allocated or timed here.
"""

from dataclasses import dataclass

from model_core.config.schema import ModelConfig, RunConfig


@dataclass(frozen=True)
class Plan:
    """What a run will need. Bytes are for one process; FLOPs are for one training token, without attention scores."""

    total_parameters: int
    active_parameters: int
    weights_bytes: int
    optimizer_bytes: int
    export_bytes: int
    train_flops_per_token: int
    total_train_flops: int


def attention_parameters(model: ModelConfig) -> int:
    """Return the weights of one attention block, with its two head norms and its biases where it has them."""
    query = model.hidden_size * model.num_heads * model.head_dim
    key_value = 2 * model.hidden_size * model.num_kv_heads * model.head_dim
    norms = 2 * model.head_dim if model.qk_norm else 0
    biases = (model.num_heads + 2 * model.num_kv_heads) * model.head_dim if model.attention_bias else 0
    return 2 * query + key_value + norms + biases


def expert_parameters(model: ModelConfig) -> int:
    """Return the weights of one expert."""
    return 3 * model.hidden_size * model.moe_intermediate_size


def total_parameters(model: ModelConfig) -> int:
    """Return all trained weights; the correction bias of the routers is state and not counted."""
    return _parameters(model, model.num_experts)


def active_parameters(model: ModelConfig) -> int:
    """Return the weights that take part in one token, the embedding row counted as the whole table is not."""
    embedding = model.vocab_size * model.hidden_size
    return _parameters(model, model.num_experts_per_token) - embedding


def _parameters(model: ModelConfig, experts: int) -> int:
    norms = model.num_layers * 2 * model.hidden_size + model.hidden_size
    dense = model.num_dense_layers * 3 * model.hidden_size * model.dense_intermediate_size
    router = model.num_experts * model.hidden_size
    experts += model.shared_expert
    moe = (model.num_layers - model.num_dense_layers) * (experts * expert_parameters(model) + router)
    attention = model.num_layers * attention_parameters(model)
    return 2 * model.vocab_size * model.hidden_size + norms + dense + moe + attention


def plan(run: RunConfig) -> Plan:
    """Return the memory and FLOP plan of a run.

    Six operations a weight and token, two forward and four backward. Source: Kaplan et al. 2020, section 2.1.
    """
    total = total_parameters(run.model)
    flops = 6 * active_parameters(run.model)
    states = 2 + (run.train.ema_decay > 0)
    return Plan(
        total_parameters=total,
        active_parameters=active_parameters(run.model),
        weights_bytes=4 * total,
        optimizer_bytes=4 * states * total,
        export_bytes=2 * total,
        train_flops_per_token=flops,
        total_train_flops=flops * run.train.tokens_per_step * run.train.max_steps,
    )
