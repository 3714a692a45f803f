"""A summarizer of a few thousand random weights, as tests need one of what stands around a model."""

from pathlib import Path

from model_core.checkpoint.pretrained import save_model
from model_core.config.schema import ModelConfig
from model_core.data.tokenizer import SummaryTokenizer
from model_core.inference.lexicon import Lexicon
from model_core.models.decoder import Decoder

LEXICON = Lexicon(("문의함", "예정"), ("문의",), ("을",), ("이", "은"), ("고객",))


def save_tiny_model(folder: Path, tokenizer: SummaryTokenizer, *, max_positions: int = 2048) -> Path:
    """Write a model with its tokenizer and lexicon under `folder`; return the model's own folder in it."""
    companions, saved = folder / "companions", folder / "tiny"
    tokenizer.save(companions)
    LEXICON.save(companions)
    config = _config(tokenizer.vocab_size, max_positions)
    model = Decoder(config)
    model.init_weights(3)
    save_model(saved, config, model.state_dict(), companions=companions)
    return saved


def _config(vocab_size: int, max_positions: int) -> ModelConfig:
    return ModelConfig(
        vocab_size=vocab_size,
        hidden_size=32,
        num_layers=2,
        num_heads=2,
        num_kv_heads=1,
        head_dim=16,
        dense_intermediate_size=32,
        moe_intermediate_size=16,
        num_experts=4,
        num_experts_per_token=2,
        max_positions=max_positions,
        init_std=0.4,
    )
