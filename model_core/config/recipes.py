"""The recipes: Python functions that each return the full configuration of a run, looked up by name.

They know no data and no hardware; numbers that were measured stand in docs/training.md.
"""

from collections.abc import Callable
from dataclasses import replace

from model_core.config.schema import DataConfig, ModelConfig, ParallelConfig, RunConfig, TrainConfig
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
    """Return the first course of the summarizer that ships, from random weights on two cores."""
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


def summarizer_mini_second() -> RunConfig:
    """Return the second course, which makes the summarizer that ships out of the first one's: at half the rates."""
    first = summarizer_mini()
    return replace(
        first,
        name="summarizer_mini_second",
        train=replace(first.train, max_steps=700, lr=1.5e-3, muon_lr=2.5e-3, decay_share=0.55, wire_copying=False),
        data=replace(first.data, substitute_share=0.4, thin_share=0.15, reading_weight=0.6),
        out="runs/summarizer-mini-second",
        init="runs/summarizer-mini/export",
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
            # Everything else on the machine runs beside it: two threads that wait for each other are ten times slower.
            threads=1,
        ),
        data=DataConfig(eval_examples=16),
        init="pretrained/summarizer-mini",
    )


def finetune_mini() -> RunConfig:
    """Return the run that teaches a pretrained mini model to summarize: the loss is the summary's alone."""
    return RunConfig(
        name="finetune_mini",
        model=_mini_model(),
        train=TrainConfig(
            max_steps=1000,
            tokens_per_step=8192,
            tokens_per_micro_batch=4096,
            lr=1e-3,
            muon_lr=2e-3,
            schedule="cosine",
            transcript_loss_weight=0.0,
            ema_decay=0.98,
            threads=1,
        ),
        data=DataConfig(substitute_share=0.7),
        out="runs/finetune-mini",
        init="runs/pretrain-mini/export",
    )


def pretrain_mini() -> RunConfig:
    """Return the run that pretrains the mini model on refined text, from random weights on two cores."""
    return RunConfig(
        name="pretrain_mini",
        model=_mini_model(),
        train=TrainConfig(
            objective="text",
            max_steps=2000,
            tokens_per_step=8192,
            tokens_per_micro_batch=4096,
            lr=3e-3,
            warmup_steps=40,
            spike_threshold=8.0,
            threads=1,
        ),
        data=DataConfig(tokens="var/tokens"),
        out="runs/pretrain-mini",
    )


def continue_mini() -> RunConfig:
    """Return the run that goes on pretraining a finished mini model on other text, more gently."""
    first = pretrain_mini()
    return replace(
        first,
        name="continue_mini",
        train=replace(first.train, max_steps=500, lr=3e-4, muon_lr=5e-4, schedule="cosine"),
        out="runs/continue-mini",
        init="runs/pretrain-mini/export",
    )


def pretrain_1b() -> RunConfig:
    """Return a pretraining run for a server of GPUs: 7.6 billion weights, 1.2 of them at work on a token."""
    return RunConfig(
        name="pretrain_1b",
        model=ModelConfig(
            vocab_size=65_536,
            hidden_size=2048,
            num_layers=24,
            num_heads=16,
            num_kv_heads=4,
            head_dim=128,
            dense_intermediate_size=8192,
            moe_intermediate_size=768,
            num_experts=64,
            num_experts_per_token=6,
            max_positions=4096,
        ),
        train=_large_scale(max_steps=50_000, tokens_per_step=2**21, tokens_per_micro_batch=2**14, lr=4e-4),
        data=DataConfig(tokens="var/tokens", tokenizer="var/tokenizer"),
        parallel=ParallelConfig(expert_parallel=8),
        out="runs/pretrain-1b",
    )


def pretrain_500b() -> RunConfig:
    """Return a pretraining run for a cluster: this project's architecture at the widths of A.X K1.

    Source: SKT's A.X K1, arXiv 2601.09200, for the widths.
    """
    return RunConfig(
        name="pretrain_500b",
        model=ModelConfig(
            vocab_size=163_840,
            hidden_size=7168,
            num_layers=61,
            num_heads=64,
            num_kv_heads=8,
            head_dim=128,
            dense_intermediate_size=18_432,
            moe_intermediate_size=2048,
            num_experts=192,
            num_experts_per_token=8,
            max_positions=16_384,
        ),
        # 1,024 micro batches: one for each GPU of the reference cluster.
        train=_large_scale(max_steps=600_000, tokens_per_step=2**24, tokens_per_micro_batch=2**14, lr=2e-4),
        data=DataConfig(tokens="var/tokens", tokenizer="var/tokenizer"),
        parallel=ParallelConfig(expert_parallel=64, zero_stage=3),
        out="runs/pretrain-500b",
    )


def _large_scale(*, max_steps: int, tokens_per_step: int, tokens_per_micro_batch: int, lr: float) -> TrainConfig:
    """Return how a model of billions of weights is pretrained on GPUs."""
    return TrainConfig(
        objective="text",
        max_steps=max_steps,
        tokens_per_step=tokens_per_step,
        tokens_per_micro_batch=tokens_per_micro_batch,
        lr=lr,
        optimizer="adamw",
        weight_decay=0.1,
        warmup_steps=2000,
        decay_share=0.2,
        precision="bf16",
        device="cuda",
        activation_checkpointing=True,
        spike_threshold=8.0,
        eval_every=1000,
        checkpoint_every=1000,
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
    recipe.__name__: recipe
    for recipe in (
        summarizer_mini,
        summarizer_mini_second,
        summarizer_demo_retrain,
        pretrain_mini,
        continue_mini,
        finetune_mini,
        pretrain_1b,
        pretrain_500b,
        tiny_test,
    )
}


def get_recipe(name: str) -> RunConfig:
    """Return the configuration of the recipe called `name`.

    Raises: ConfigError when there is none.
    """
    try:
        return RECIPES[name]()
    except KeyError:
        raise ConfigError(f"there is no recipe {name!r}; there are {', '.join(sorted(RECIPES))}") from None
