"""Our decoder against the stock Glm4MoeForCausalLM: one folder, the same logits, the same greedy tokens."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from transformers import Glm4MoeForCausalLM

from model_core.checkpoint.convert import from_stock, to_stock
from model_core.checkpoint.pretrained import load_model, save_model
from model_core.checkpoint.stock_config import from_stock_config, to_stock_config
from model_core.config.recipes import get_recipe
from model_core.data.tokenizer import END_OF_TEXT, USER
from model_core.errors import CheckpointError
from model_core.models.decoder import Decoder
from tests.model_core.comparison import relative_error
from tests.model_core.stock import check_logits, greedy_tokens, stock_greedy_tokens

SHIPPED = Path(__file__).parents[3] / "pretrained" / "summarizer-mini"


def make_model(seed: int = 3) -> Decoder:
    model = Decoder(replace(get_recipe("tiny_test").model, max_positions=512))
    model.init_weights(seed)
    for router in model.routers():
        router.correction_bias.uniform_(-0.1, 0.1, generator=torch.Generator().manual_seed(seed))
    # Larger than at the start of training, so that a wrong layer shows in the logits.
    for parameter in model.parameters():
        if parameter.dim() > 1:
            parameter.data *= 8
    return model.eval()


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
    check_logits(ours, stock, ids)


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
    found = greedy_tokens(ours, [5, 6, 7, 8], 256)
    assert found == stock_greedy_tokens(stock, [5, 6, 7, 8], 256)
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


def test_a_model_moved_to_bf16_keeps_its_router_and_goes_on_balancing() -> None:
    model = make_model().to(torch.bfloat16)
    router = next(model.routers())
    before = router.correction_bias.clone()
    router.load += torch.tensor([9, 0, 0, 0])
    router.update_bias(1e-3)
    assert router.correction_bias.dtype == router.weight.dtype == torch.float32
    # A step of a thousandth would be lost in bf16.
    assert torch.allclose(router.correction_bias - before, torch.tensor([-1e-3, 1e-3, 1e-3, 1e-3]), atol=1e-7)


def saved(folder: Path) -> Path:
    model = make_model()
    save_model(folder, model.config, model.state_dict(), dtype=torch.bfloat16)
    return folder


@pytest.mark.parametrize("shipped", [True, False])
def test_a_folder_keeps_the_contract_with_stock_servers(tmp_path: Path, shipped: bool) -> None:
    folder = SHIPPED if shipped else saved(tmp_path / "model")
    values = json.loads((folder / "config.json").read_text())
    assert values["architectures"] == ["Glm4MoeForCausalLM"]
    assert values["n_group"] == values["topk_group"] == values["n_shared_experts"] == 1
    assert values["partial_rotary_factor"] == 0.5
    assert values["head_dim"] > 0
    assert values["num_nextn_predict_layers"] == 0
    assert values["tie_word_embeddings"] is False
    weights = load_file(folder / "model.safetensors")
    assert not torch.equal(weights["lm_head.weight"], weights["model.embed_tokens.weight"])
    mixtures = range(values["first_k_dense_replace"], values["num_hidden_layers"])
    biases = {f"model.layers.{layer}.mlp.gate.e_score_correction_bias" for layer in mixtures}
    assert {name for name in weights if name.endswith("e_score_correction_bias")} == biases
    assert {weights[name].dtype for name in biases} == {torch.float32}
    _, report = Glm4MoeForCausalLM.from_pretrained(folder, output_loading_info=True)
    assert not any(report.values())


def test_the_shipped_tokenizer_reserves_the_tokens_that_servers_look_for() -> None:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(SHIPPED)
    assert {END_OF_TEXT, USER} <= set(tokenizer.all_special_tokens)
    assert tokenizer.eos_token_id == json.loads((SHIPPED / "config.json").read_text())["eos_token_id"]
    assert [len(tokenizer(token).input_ids) for token in (END_OF_TEXT, USER)] == [1, 1]


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


@pytest.mark.parametrize("change", [{"shared_expert": False}, {"router": "softmax"}])
def test_what_no_stock_class_computes_is_not_saved(tmp_path: Path, change: dict[str, str | bool]) -> None:
    model = Decoder(replace(get_recipe("tiny_test").model, **change))  # type: ignore[arg-type]
    with pytest.raises(CheckpointError, match=r"model\.shared_expert is (True|False); a stock"):
        save_model(tmp_path / "model", model.config, model.state_dict())
    assert not (tmp_path / "model").exists()


def test_an_altered_weight_is_found_before_anything_loads(tmp_path: Path) -> None:
    model = make_model()
    save_model(tmp_path / "model", model.config, model.state_dict())
    path = tmp_path / "model" / "model.safetensors"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(CheckpointError, match="altered"):
        load_model(tmp_path / "model")
