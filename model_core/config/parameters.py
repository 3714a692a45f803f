"""How many weights a model has, and how many of them take part in one token. Arithmetic on configurations alone."""

from model_core.config.schema import ModelConfig


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
