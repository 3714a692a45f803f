"""The wiring for copying: a model that was never trained goes on with what it has seen."""

from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from model_core.config.recipes import get_recipe
from model_core.errors import ConfigError
from model_core.models.copying import wire_copying
from model_core.models.decoder import Decoder

CONFIG = replace(get_recipe("summarizer_mini").model, vocab_size=1024)


def _decoder(seed: int) -> Decoder:
    model = Decoder(CONFIG)
    model.init_weights(seed)
    return model.eval()


def _share_repeated(model: Decoder, ids: torch.Tensor) -> float:
    """Return how many tokens of the second half are foretold from the one before them; the halves are alike."""
    half = ids.shape[1] // 2
    with torch.no_grad():
        guesses = model(ids)[:, half:-1].argmax(-1)
    return float((guesses == ids[:, half + 1 :]).float().mean())


@given(st.integers(0, 10_000), st.integers(20, 80))
@settings(max_examples=8, deadline=None)
def test_a_wired_model_repeats_any_tokens_it_has_seen(seed: int, length: int) -> None:
    ids = torch.randint(CONFIG.vocab_size, (2, length), generator=torch.Generator().manual_seed(seed)).repeat(1, 2)
    model = _decoder(seed)
    assert _share_repeated(model, ids) < 0.2
    wire_copying(model, seed)
    assert _share_repeated(model, ids) > 0.9


def test_a_model_without_room_is_refused() -> None:
    with pytest.raises(ConfigError, match="channels for tokens"):
        wire_copying(Decoder(replace(CONFIG, hidden_size=128)), 0)
