"""Parameter counts and operations: against published models, and against this project's own modules."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from model_core.config.schema import ModelConfig
from model_core.errors import ConfigError
from model_core.models.decoder import Decoder
from model_core.planner.architecture import (
    Architecture,
    active_parameters,
    from_model_config,
    kv_cache_bytes_per_token,
    total_parameters,
    train_flops_per_token,
)
from model_core.planner.catalog import get_architecture, get_config, own_configs

# Billions of parameters as the models' authors give them: total, and active where they say so.
PUBLISHED = (
    ("deepseek-v3", 671, 37),
    ("ax-k1", 519, 33),
    ("kimi-k2", 1040, 32.6),
    ("qwen3-235b-a22b", 235, 22),
    ("qwen3-30b-a3b", 30.5, 3.3),
    ("mixtral-8x7b", 46.7, 12.9),
    ("mixtral-8x22b", 141, 39),
    ("glm-4.5", 355, 32),
    ("llama-3.1-70b", 70.6, None),
    ("llama-3.1-405b", 405, None),
)


@pytest.mark.parametrize(("name", "total", "active"), PUBLISHED)
def test_counts_are_the_published_ones(name: str, total: float, active: float | None) -> None:
    model = get_architecture(name)
    assert total_parameters(model) / 1e9 == pytest.approx(total, rel=0.015)
    if active:
        # Some count the embedding as active, some do not: up to 0.6 billion of 3.3 for the smallest.
        with_table = active_parameters(model) + model.vocab_size * model.hidden_size
        assert active_parameters(model) / 1e9 <= active * 1.03
        assert with_table / 1e9 >= active * 0.97


@settings(max_examples=8, deadline=None)
@given(
    layers=st.integers(2, 5),
    dense=st.integers(0, 5),
    experts=st.integers(3, 9),
    width=st.sampled_from((16, 48)),
    groups=st.sampled_from((1, 2, 4)),
    inner=st.integers(4, 40),
)
def test_own_counts_are_those_of_the_modules(
    layers: int, dense: int, experts: int, width: int, groups: int, inner: int
) -> None:
    config = ModelConfig(
        vocab_size=101,
        hidden_size=width,
        num_layers=layers,
        num_heads=4,
        num_kv_heads=groups,
        head_dim=8,
        dense_intermediate_size=inner * 3,
        moe_intermediate_size=inner,
        num_experts=experts,
        num_experts_per_token=2,
        max_positions=64,
        num_dense_layers=min(dense, layers),
    )
    with torch.device("meta"):
        held = sum(parameter.numel() for parameter in Decoder(config).parameters())
    assert total_parameters(from_model_config("own", config)) == held


def test_own_500b_model_is_of_the_class_that_is_planned_for() -> None:
    model = get_architecture("pretrain_500b")
    assert total_parameters(model) / 1e9 == pytest.approx(520, abs=3)
    assert active_parameters(model) / 1e9 == pytest.approx(33.5, abs=0.5)


def test_operations_are_six_for_an_active_weight_and_attention_besides() -> None:
    model = get_architecture("llama-3.1-405b")
    # Norms are weights that no product reads: 0.01 % of this model.
    assert train_flops_per_token(model, 1) == pytest.approx(6 * active_parameters(model), rel=1e-3)
    attention = train_flops_per_token(model, 8192) - train_flops_per_token(model, 1)
    # Two products of 2 x heads x head width a pair, forward and twice backward, over half of the pairs.
    assert attention == pytest.approx(3 * 4 * 126 * 128 * 128 * 8191 / 2)


def test_latent_cache_is_as_small_as_published() -> None:
    # Source: DeepSeek-AI 2025, arXiv 2505.09343, table 1: 70.272, 327.680 (Qwen-2.5 72B) and 516.096 KB a token.
    assert kv_cache_bytes_per_token(get_architecture("deepseek-v3")) == 70_272
    assert kv_cache_bytes_per_token(get_architecture("llama-3.1-405b")) == 516_096


def test_a_dense_model_cannot_have_layers_that_are_not() -> None:
    with pytest.raises(ConfigError, match="all of its 4 layers must be dense"):
        Architecture("odd", 8, 8, 4, 1, 1, 8, 8, num_dense_layers=3)
    with pytest.raises(ConfigError, match="prediction layers"):
        Architecture("odd", 8, 8, 4, 1, 1, 8, 8, num_dense_layers=4, prediction_layers=1)


def test_names_that_are_not_there_are_refused_with_those_that_are() -> None:
    with pytest.raises(ConfigError, match="deepseek-v3"):
        get_architecture("gpt-7")
    with pytest.raises(ConfigError, match="pretrain_500b"):
        get_config("deepseek-v3")
    assert "summarizer_mini" in own_configs()
