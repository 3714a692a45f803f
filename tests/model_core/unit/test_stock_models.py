"""Models of others as a beginning: folders that transformers wrote are read, adopted and upcycled, logits compared."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open
from torch import nn
from transformers import (
    AutoModelForCausalLM,
    Glm4MoeConfig,
    Glm4MoeForCausalLM,
    LlamaConfig,
    MistralConfig,
    Qwen2Config,
    Qwen3Config,
    Qwen3MoeConfig,
    Qwen3MoeForCausalLM,
)
from transformers.modeling_utils import PreTrainedModel

from model_core.checkpoint.__main__ import main
from model_core.checkpoint.files import verify_folder
from model_core.checkpoint.pretrained import load_model, read_config, save_model
from model_core.checkpoint.stock_weights import INDEX
from tests.model_core.comparison import relative_error
from tests.model_core.stock import check_logits, logits_in_double

SIZES: dict[str, Any] = {
    "vocab_size": 160,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 16,
    "max_position_embeddings": 256,
    "initializer_range": 0.3,
    "eos_token_id": 2,
    "pad_token_id": 0,
}
EXPERTS = {"moe_intermediate_size": 24, "num_experts_per_tok": 2, "norm_topk_prob": True}
GLM = {**SIZES, **EXPERTS, "n_routed_experts": 6, "partial_rotary_factor": 0.5}
QWEN = {**SIZES, **EXPERTS, "num_experts": 6}
MIXTURES: dict[str, Callable[[], Any]] = {
    "glm": lambda: Glm4MoeConfig(**GLM, use_qk_norm=True, routed_scaling_factor=2.5),
    "glm with biases, no norms": lambda: Glm4MoeConfig(**GLM, attention_bias=True, first_k_dense_replace=2),
    "qwen": lambda: Qwen3MoeConfig(**QWEN, rope_theta=1e6),
    "qwen with a dense layer": lambda: Qwen3MoeConfig(**QWEN, mlp_only_layers=[0], tie_word_embeddings=True),
}
DENSE: dict[str, Callable[[], Any]] = {
    "llama": lambda: LlamaConfig(**SIZES),
    "mistral": lambda: MistralConfig(**SIZES, sliding_window=None),
    "qwen2": lambda: Qwen2Config(**SIZES, tie_word_embeddings=True),
    "qwen3": lambda: Qwen3Config(**SIZES),
}
IDS = torch.randint(SIZES["vocab_size"], (3, 120), generator=torch.Generator().manual_seed(1))


def make_stock(config: Any, folder: Path, **saving: Any) -> PreTrainedModel:
    """Write a stock folder of random weights, none of them as it would begin; return the model."""
    torch.manual_seed(5)
    stock: PreTrainedModel = AutoModelForCausalLM.from_config(config).eval()
    for name, tensor in stock.state_dict().items():
        if "norm" in name:
            nn.init.uniform_(tensor, 0.5, 1.5)
        elif name.endswith("bias"):
            nn.init.normal_(tensor, std=0.2)
    stock.save_pretrained(folder, **saving)
    return stock


@pytest.mark.parametrize("name", MIXTURES)
def test_a_stock_mixture_is_adopted_and_given_back(tmp_path: Path, name: str) -> None:
    stock = make_stock(MIXTURES[name](), tmp_path / "stock")
    check_logits(load_model(tmp_path / "stock"), stock, IDS)
    assert main(["adopt", str(tmp_path / "stock"), str(tmp_path / "ours")]) == 0
    verify_folder(tmp_path / "ours")
    back, report = type(stock).from_pretrained(tmp_path / "ours", dtype=torch.float32, output_loading_info=True)
    assert not any(report.values())
    with torch.no_grad():
        assert torch.equal(back.eval()(IDS).logits, stock(IDS).logits)
    assert not back.config.tie_word_embeddings


@pytest.mark.parametrize("name", DENSE)
@pytest.mark.parametrize("dense_layers", [0, 1, 3])
def test_an_upcycled_model_computes_what_the_dense_one_did(tmp_path: Path, name: str, dense_layers: int) -> None:
    stock = make_stock(DENSE[name](), tmp_path / "stock")
    command = ["upcycle", str(tmp_path / "stock"), str(tmp_path / "ours"), "--num-experts", "5"]
    assert main([*command, "--num-dense-layers", str(dense_layers)]) == 0
    check_logits(load_model(tmp_path / "ours"), stock, IDS)
    back, report = Glm4MoeForCausalLM.from_pretrained(tmp_path / "ours", dtype=torch.float32, output_loading_info=True)
    assert not any(report.values())
    assert relative_error(logits_in_double(back.eval(), IDS), logits_in_double(stock, IDS)) <= 1e-12
    assert read_config(tmp_path / "ours").num_dense_layers == dense_layers


def test_upcycled_experts_part_when_they_are_trained(tmp_path: Path) -> None:
    make_stock(DENSE["qwen3"](), tmp_path / "stock")
    assert main(["upcycle", str(tmp_path / "stock"), str(tmp_path / "ours"), "--num-experts", "4"]) == 0
    model = load_model(tmp_path / "ours").train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    for _ in range(5):
        loss = nn.functional.cross_entropy(model(IDS)[:, :-1].flatten(0, 1), IDS[:, 1:].flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    experts = model.get_parameter("layers.2.mlp.down_EDI")
    assert len({tuple(expert.flatten().tolist()) for expert in experts}) == 4


def test_a_sharded_folder_is_read_and_its_shards_are_not_carried_over(tmp_path: Path) -> None:
    stock = make_stock(MIXTURES["glm"](), tmp_path / "stock", max_shard_size="40KB")
    assert (tmp_path / "stock" / INDEX).is_file()
    (tmp_path / "stock" / "tokenizer.json").write_text("{}")
    assert main(["adopt", str(tmp_path / "stock"), str(tmp_path / "ours")]) == 0
    check_logits(load_model(tmp_path / "ours"), stock, IDS)
    assert {path.name for path in (tmp_path / "ours").iterdir()} == {
        *("MANIFEST.json", "config.json", "generation_config.json", "model.safetensors", "tokenizer.json")
    }


def test_a_bf16_folder_stays_bf16_with_fp32_routers(tmp_path: Path) -> None:
    stock = make_stock(MIXTURES["qwen"](), tmp_path / "fp32")
    stock.to(torch.bfloat16).save_pretrained(tmp_path / "stock")
    assert main(["adopt", str(tmp_path / "stock"), str(tmp_path / "ours")]) == 0
    with safe_open(tmp_path / "ours" / "model.safetensors", "pt") as weights:
        dtypes = {name: weights.get_tensor(name).dtype for name in weights.keys()}  # noqa: SIM118
    assert {dtype for name, dtype in dtypes.items() if name.endswith("mlp.gate.weight")} == {torch.float32}
    assert {dtype for name, dtype in dtypes.items() if not name.endswith("mlp.gate.weight")} == {torch.bfloat16}


@pytest.mark.parametrize("name", ["glm", "qwen"])
def test_settings_are_read_where_transformers_5_writes_them(tmp_path: Path, name: str) -> None:
    stock = make_stock(MIXTURES[name](), tmp_path / "stock")
    path = tmp_path / "stock" / "config.json"
    values = json.loads(path.read_text())
    moved = {field: values.pop(field) for field in ("rope_theta", "partial_rotary_factor") if field in values}
    renamed = {"num_local_experts": values.pop("num_experts")} if "num_experts" in values else {}
    path.write_text(json.dumps({"rope_parameters": {"rope_type": "default", **moved}} | values | renamed))
    check_logits(load_model(tmp_path / "stock"), stock, IDS)


def test_a_softmax_router_has_no_bias_to_move(tmp_path: Path) -> None:
    stock = make_stock(MIXTURES["qwen"](), tmp_path / "stock")
    model = load_model(tmp_path / "stock").train()
    model(IDS)
    for router in model.routers():
        assert int(router.load.sum()) == IDS.numel() * 2
        router.update_bias(0.5)
    save_model(tmp_path / "ours", model.config, model.state_dict())
    assert isinstance(stock, Qwen3MoeForCausalLM)
    check_logits(load_model(tmp_path / "ours"), stock, IDS)


REFUSED: list[tuple[str, str, dict[str, Any], str]] = [
    ("adopt", "glm", {"n_group": 2}, "n_group of the checkpoint is 2; this model needs 1"),
    ("adopt", "glm", {"topk_group": 2}, "topk_group of the checkpoint is 2"),
    ("adopt", "glm", {"n_shared_experts": 2}, "n_shared_experts of the checkpoint is 2"),
    ("adopt", "glm", {"norm_topk_prob": False}, "norm_topk_prob of the checkpoint is False"),
    ("adopt", "glm", {"hidden_act": "gelu"}, "hidden_act of the checkpoint is 'gelu'"),
    ("adopt", "glm", {"rope_scaling": {"rope_type": "yarn", "factor": 4.0}}, "rope_type of the checkpoint is 'yarn'"),
    ("adopt", "glm", {"model_type": "deepseek_v3"}, "model_type of the checkpoint is 'deepseek_v3'"),
    ("adopt", "glm", {"num_experts_per_tok": None}, "lacks 'num_experts_per_tok'"),
    ("adopt", "glm", {"num_experts_per_tok": 6}, "model.num_experts_per_token is 6"),
    ("adopt", "glm", {"n_routed_experts": 7}, "lacks the weight 'model.layers.1.mlp.experts.6.gate_proj.weight'"),
    ("adopt", "qwen", {"norm_topk_prob": False}, "norm_topk_prob of the checkpoint is False"),
    ("adopt", "qwen", {"decoder_sparse_step": 2}, "decoder_sparse_step of the checkpoint is 2"),
    ("adopt", "qwen", {"mlp_only_layers": [1]}, "mlp_only_layers of the checkpoint is [1]"),
    ("adopt", "qwen", {"attention_bias": True}, "attention_bias of the checkpoint is True"),
    ("adopt", "qwen", {"use_sliding_window": True}, "use_sliding_window of the checkpoint is True"),
    ("upcycle", "llama", {"mlp_bias": True}, "mlp_bias of the checkpoint is True"),
    ("upcycle", "llama", {"attention_bias": True}, "attention_bias of the checkpoint is True"),
    ("upcycle", "llama", {"rope_scaling": {"rope_type": "llama3"}}, "rope_type of the checkpoint is 'llama3'"),
    ("upcycle", "mistral", {"sliding_window": 64}, "sliding_window of the checkpoint is 64"),
    ("upcycle", "qwen3", {"use_sliding_window": True}, "use_sliding_window of the checkpoint is True"),
    ("upcycle", "glm", {}, "model_type of the checkpoint is 'glm4_moe'; upcycling needs one of 'llama'"),
]


@pytest.fixture(scope="module")
def stocks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("stocks")
    for name in ("glm", "qwen"):
        make_stock(MIXTURES[name](), root / name)
    for name in ("llama", "mistral", "qwen3"):
        make_stock(DENSE[name](), root / name)
    return root


@pytest.mark.parametrize("command,name,changes,message", REFUSED)
def test_what_our_decoder_has_not_is_refused_by_field_and_value(
    stocks: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    command: str,
    name: str,
    changes: dict[str, Any],
    message: str,
) -> None:
    shutil.copytree(stocks / name, tmp_path / "stock")
    path = tmp_path / "stock" / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
    assert main([command, str(tmp_path / "stock"), str(tmp_path / "ours")]) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "ours").exists()


@pytest.mark.parametrize(
    "broken,message",
    [
        (lambda folder: (folder / "config.json").unlink(), "has no config.json"),
        (lambda folder: (folder / "config.json").write_text("[1]"), "config.json cannot be read"),
        (lambda folder: (folder / "model.safetensors").unlink(), "model.safetensors cannot be read"),
        (lambda folder: (folder / "model.safetensors").write_bytes(b"PK"), "model.safetensors cannot be read"),
        (lambda folder: (folder / INDEX).write_text('{"weight_map": []}'), "index.json cannot be read"),
    ],
)
def test_a_broken_folder_is_refused(
    stocks: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], broken: Callable[[Path], None], message: str
) -> None:
    shutil.copytree(stocks / "glm", tmp_path / "stock")
    broken(tmp_path / "stock")
    assert main(["adopt", str(tmp_path / "stock"), str(tmp_path / "ours")]) == 2
    assert message in capsys.readouterr().err


def test_a_folder_that_exists_is_not_replaced(stocks: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "mine").write_text("precious")
    assert main(["adopt", str(stocks / "glm"), str(tmp_path)]) == 2
    assert "exists already" in capsys.readouterr().err
    assert (tmp_path / "mine").read_text() == "precious"


@pytest.mark.slow
def test_an_adopted_model_is_trained_on_by_a_recipe_of_another_shape(tmp_path: Path) -> None:
    shipped = Path(__file__).parents[3] / "pretrained" / "summarizer-mini"
    large = {**QWEN, "vocab_size": 4200, "max_position_embeddings": 4096}
    make_stock(Qwen3MoeConfig(**large), tmp_path / "stock")
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copyfile(shipped / name, tmp_path / "stock" / name)
    assert main(["adopt", str(tmp_path / "stock"), str(tmp_path / "ours")]) == 0
    settings = ("model.max_positions=2048", "train.tokens_per_micro_batch=2048", "train.tokens_per_step=2048")
    changes = [
        part for setting in (*settings, "train.max_steps=2", "data.eval_examples=1") for part in ("--set", setting)
    ]
    begin = ["--init", str(tmp_path / "ours"), "--model-of-init", "--out", str(tmp_path / "run")]
    command = [sys.executable, "-m", "model_core.training", "--recipe", "tiny_test", *begin, *changes]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"})
    assert done.returncode == 0, done.stderr
    trained, report = Qwen3MoeForCausalLM.from_pretrained(tmp_path / "run" / "export", output_loading_info=True)
    assert not any(report.values())
    assert trained.config.max_position_embeddings == 2048
    before = load_model(tmp_path / "ours").head.weight
    assert not torch.equal(load_model(tmp_path / "run" / "export").head.weight, before)
