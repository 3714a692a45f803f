"""Our decoder against the stock Glm4MoeForCausalLM: one folder, the same logits, the same greedy tokens."""

from pathlib import Path

import pytest
import torch
from transformers import Glm4MoeForCausalLM

from model_core.checkpoint.convert import from_stock, from_stock_config, to_stock, to_stock_config
from model_core.checkpoint.pretrained import load_model, save_model
from model_core.config.recipes import get_recipe
from model_core.errors import CheckpointError
from model_core.models.cache import KVCache
from model_core.models.decoder import Decoder


def make_model(seed: int = 3) -> Decoder:
    model = Decoder(get_recipe("tiny_test").model)
    model.init_weights(seed)
    for router in model.routers():
        router.correction_bias.uniform_(-0.1, 0.1, generator=torch.Generator().manual_seed(seed))
    # Larger than at the start of training, so that a wrong layer shows in the logits.
    for parameter in model.parameters():
        if parameter.dim() > 1:
            parameter.data *= 8
    return model.eval()


def relative_error(found: torch.Tensor, wanted: torch.Tensor) -> float:
    return float((found - wanted).norm() / wanted.norm())


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[Decoder, Glm4MoeForCausalLM]:
    model = make_model()
    folder = tmp_path_factory.mktemp("stock") / "model"
    save_model(folder, model.config, model.state_dict())
    return load_model(folder), Glm4MoeForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()


@torch.no_grad()
def test_logits_are_those_of_the_stock_class(pair: tuple[Decoder, Glm4MoeForCausalLM]) -> None:
    ours, stock = pair
    ids = torch.randint(0, ours.config.vocab_size, (3, 200), generator=torch.Generator().manual_seed(1))
    assert relative_error(ours(ids), stock(ids).logits) <= 1e-6


@torch.no_grad()
def test_a_wrong_bias_shows_in_the_logits(pair: tuple[Decoder, Glm4MoeForCausalLM]) -> None:
    ours, stock = pair
    ids = torch.randint(0, ours.config.vocab_size, (1, 100), generator=torch.Generator().manual_seed(1))
    other = make_model()
    next(other.routers()).correction_bias.zero_()
    assert relative_error(other(ids), stock(ids).logits) > 1e-3


@torch.no_grad()
def test_greedy_tokens_are_those_of_the_stock_class(pair: tuple[Decoder, Glm4MoeForCausalLM]) -> None:
    ours, stock = pair
    prompt = torch.arange(5, 9)[None]
    wanted = stock.generate(prompt, max_length=256, min_length=256, do_sample=False, eos_token_id=None, pad_token_id=0)[
        0
    ].tolist()
    cache = KVCache(ours.config, 1, 256)
    found = prompt[0].tolist()
    logits = ours(prompt, cache=cache)
    while len(found) < 256:
        found.append(int(logits[0, -1].argmax()))
        logits = ours(torch.tensor([[found[-1]]]), cache=cache) if len(found) < 256 else logits
    assert found == wanted
    assert len(set(found)) > 5


def test_the_bf16_folder_keeps_routers_in_fp32(tmp_path: Path) -> None:
    model = make_model()
    save_model(tmp_path / "model", model.config, model.state_dict(), dtype=torch.bfloat16)
    loaded = load_model(tmp_path / "model", dtype=torch.bfloat16)
    for ours, wanted in zip(loaded.routers(), model.routers(), strict=True):
        assert ours.correction_bias.dtype == ours.weight.dtype == torch.float32
        assert torch.equal(ours.correction_bias, wanted.correction_bias)
        assert torch.equal(ours.weight, wanted.weight)
    assert loaded.head.weight.dtype == torch.bfloat16


def test_state_and_config_survive_the_round_trip() -> None:
    model = make_model()
    assert from_stock_config(to_stock_config(model.config, "float32")) == model.config
    state = model.state_dict()
    back = from_stock(model.config, to_stock(model.config, state))
    assert back.keys() == state.keys()
    assert all(torch.equal(back[name], state[name]) for name in state)


def test_another_architecture_is_refused() -> None:
    values = to_stock_config(get_recipe("tiny_test").model, "float32")
    with pytest.raises(CheckpointError, match="'llama'"):
        from_stock_config(values | {"model_type": "llama"})
    with pytest.raises(CheckpointError, match="n_group"):
        from_stock_config(values | {"n_group": 4})


def test_an_altered_weight_is_found_before_anything_loads(tmp_path: Path) -> None:
    model = make_model()
    save_model(tmp_path / "model", model.config, model.state_dict())
    path = tmp_path / "model" / "model.safetensors"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(CheckpointError, match="altered"):
        load_model(tmp_path / "model")
