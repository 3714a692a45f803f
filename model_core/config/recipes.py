"""The recipes: Python functions that each return the full configuration of a run, looked up by name.

They know no data and no hardware; numbers that were measured stand in docs/training.md.
"""

from collections.abc import Callable

from model_core.config.schema import DataConfig, ModelConfig, RunConfig, TrainConfig
from model_core.errors import ConfigError


def _mini_model() -> ModelConfig:
    return ModelConfig(
        vocab_size=4096,
        hidden_size=192,
        num_layers=4,
        num_heads=4,
        num_kv_heads=2,
        head_dim=48,
        dense_intermediate_size=512,
        moe_intermediate_size=128,
        num_experts=16,
        num_experts_per_token=2,
        max_positions=2048,
    )


def summarizer_mini() -> RunConfig:
    """Return the run that makes the summarizer that ships, from random weights on two cores."""
    return RunConfig(
        name="summarizer_mini",
        model=_mini_model(),
        train=TrainConfig(
            max_steps=2050,
            tokens_per_step=8192,
            tokens_per_micro_batch=4096,
            lr=3e-3,
            muon_lr=5e-3,
            warmup_steps=40,
            ema_decay=0.98,
            wire_copying=True,
            decay_share=0.35,
            threads=1,
        ),
        data=DataConfig(drill_share=0.7, drill_until=5_000, substitute_share=0.7),
        out="runs/summarizer-mini",
    )


def summarizer_demo_retrain() -> RunConfig:
    """Return the short run that retrains the shipped summarizer on approved summaries in under eight minutes."""
    return RunConfig(
        name="summarizer_demo_retrain",
        model=_mini_model(),
        train=TrainConfig(
            max_steps=60,
            tokens_per_step=8192,
            tokens_per_micro_batch=4096,
            lr=3e-4,
            muon_lr=5e-4,
            warmup_steps=5,
            decay_share=0.7,
            log_every=1,
            eval_every=20,
            checkpoint_every=20,
        ),
        data=DataConfig(eval_examples=16),
        init="pretrained/summarizer-mini",
    )


def tiny_test() -> RunConfig:
    """Return a run of seconds, for tests."""
    return RunConfig(
        name="tiny_test",
        model=ModelConfig(
            vocab_size=512,
            hidden_size=32,
            num_layers=2,
            num_heads=4,
            num_kv_heads=2,
            head_dim=8,
            dense_intermediate_size=64,
            moe_intermediate_size=16,
            num_experts=4,
            num_experts_per_token=2,
            max_positions=256,
        ),
        train=TrainConfig(
            max_steps=20,
            tokens_per_step=512,
            tokens_per_micro_batch=256,
            lr=3e-3,
            warmup_steps=2,
            precision="fp32",
            log_every=1,
            eval_every=10,
            checkpoint_every=5,
            threads=1,
        ),
        data=DataConfig(eval_examples=4, prefetch_steps=2),
    )


RECIPES: dict[str, Callable[[], RunConfig]] = {
    recipe.__name__: recipe for recipe in (summarizer_mini, summarizer_demo_retrain, tiny_test)
}


def get_recipe(name: str) -> RunConfig:
    """Return the configuration of the recipe called `name`.

    Raises: ConfigError when there is none.
    """
    try:
        return RECIPES[name]()
    except KeyError:
        raise ConfigError(f"there is no recipe {name!r}; there are {', '.join(sorted(RECIPES))}") from None
