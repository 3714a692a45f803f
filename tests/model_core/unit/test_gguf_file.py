"""The GGUF file of a model folder: its keys and tensors, and llama.cpp's own tokens where its binding is installed."""

import json
import urllib.request
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import pytest
import torch
from torch import Tensor

from model_core.checkpoint.__main__ import main
from model_core.checkpoint.gguf_file import write_gguf
from model_core.checkpoint.pretrained import load_model, save_model
from model_core.checkpoint.stock_weights import read_weights
from model_core.config.overrides import override
from model_core.config.recipes import get_recipe
from model_core.data.simulator.expand import CallSimulator
from model_core.data.summary_format import encode_prompt
from model_core.data.tokenizer import load_tokenizer
from model_core.errors import CheckpointError
from model_core.models.cached import CachedDecoder
from model_core.models.decoder import Decoder

SHIPPED = Path("pretrained/summarizer-mini")


def folder_of(path: Path, dtype: torch.dtype, *changes: str) -> Path:
    """A random tiny model with the shipped tokenizer."""
    sizes = ("model.vocab_size=4100", "model.num_layers=3", "model.routed_scaling_factor=1.5")
    config = override(get_recipe("tiny_test"), [*sizes, *changes]).model
    model = Decoder(config)
    model.init_weights(3)
    save_model(path, config, model.state_dict(), dtype=dtype, companions=SHIPPED)
    return path


def read(path: Path) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """The keys and the tensors of a file, in the shapes of PyTorch."""
    reader = gguf.GGUFReader(path)
    tensors = {}
    for tensor in reader.tensors:
        values = gguf.dequantize(tensor.data, tensor.tensor_type)
        tensors[tensor.name] = torch.from_numpy(np.array(values)).reshape(*reversed(tensor.shape.tolist()))
    return {name: field.contents() for name, field in reader.fields.items()}, tensors


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_the_file_holds_the_weights_of_the_folder(tmp_path: Path, dtype: torch.dtype) -> None:
    folder = folder_of(tmp_path / "model", dtype, "model.attention_bias=true")
    _, found = read(write_gguf(folder, tmp_path / "model.gguf"))
    stock = read_weights(folder)
    assert sum(tensor.numel() for tensor in found.values()) == sum(tensor.numel() for tensor in stock.values())
    layer, inside = "model.layers.2", "blk.2"
    pairs = {
        "token_embd.weight": "model.embed_tokens.weight",
        "output.weight": "lm_head.weight",
        "output_norm.weight": "model.norm.weight",
        f"{inside}.attn_norm.weight": f"{layer}.input_layernorm.weight",
        f"{inside}.post_attention_norm.weight": f"{layer}.post_attention_layernorm.weight",
        f"{inside}.attn_q_norm.weight": f"{layer}.self_attn.q_norm.weight",
        f"{inside}.attn_k.bias": f"{layer}.self_attn.k_proj.bias",
        f"{inside}.attn_output.weight": f"{layer}.self_attn.o_proj.weight",
        f"{inside}.ffn_gate_inp.weight": f"{layer}.mlp.gate.weight",
        f"{inside}.exp_probs_b.bias": f"{layer}.mlp.gate.e_score_correction_bias",
        f"{inside}.ffn_up_shexp.weight": f"{layer}.mlp.shared_experts.up_proj.weight",
        "blk.0.ffn_down.weight": "model.layers.0.mlp.down_proj.weight",
    }
    for theirs, ours in pairs.items():
        assert torch.equal(found[theirs], stock[ours].float()), theirs
    for part in ("gate", "up", "down"):
        experts = torch.stack([stock[f"{layer}.mlp.experts.{number}.{part}_proj.weight"] for number in range(4)])
        assert torch.equal(found[f"{inside}.ffn_{part}_exps.weight"], experts.float())


def test_the_keys_say_what_the_model_is(tmp_path: Path) -> None:
    keys, _ = read(write_gguf(folder_of(tmp_path / "model", torch.bfloat16), tmp_path / "model.gguf"))
    wanted = {
        "general.architecture": "glm4moe",
        "glm4moe.block_count": 3,
        "glm4moe.attention.head_count_kv": 2,
        "glm4moe.attention.key_length": 8,
        "glm4moe.rope.dimension_count": 4,
        "glm4moe.leading_dense_block_count": 1,
        "glm4moe.expert_count": 4,
        "glm4moe.expert_used_count": 2,
        "glm4moe.expert_shared_count": 1,
        "glm4moe.expert_gating_func": 2,
        "glm4moe.expert_weights_norm": True,
        "glm4moe.expert_weights_scale": 1.5,
        "tokenizer.ggml.model": "gpt2",
        "tokenizer.ggml.pre": "starcoder",
        "tokenizer.ggml.add_bos_token": False,
    }
    assert {name: keys[name] for name in wanted} == wanted
    tokenizer = load_tokenizer(SHIPPED)
    tokens, types = keys["tokenizer.ggml.tokens"], keys["tokenizer.ggml.token_type"]
    assert len(tokens) == len(types) == 4100 and types[4096:] == [gguf.TokenType.UNUSED] * 4
    for name, kind in (("<|endoftext|>", gguf.TokenType.CONTROL), ("<|L12|>", gguf.TokenType.USER_DEFINED)):
        assert tokens[tokenizer.token_id(name)] == name and types[tokenizer.token_id(name)] == kind
    assert keys["tokenizer.chat_template"].startswith("{%-")


def test_a_softmax_router_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    changes = ("model.router=softmax", "model.shared_expert=false", "model.partial_rotary_factor=1")
    folder = folder_of(tmp_path / "model", torch.float32, *changes, "model.routed_scaling_factor=1")
    assert main(["gguf", str(folder), str(tmp_path / "model.gguf")]) == 2
    assert "has a softmax router" in capsys.readouterr().err
    assert not (tmp_path / "model.gguf").exists()


def test_a_place_that_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "model", torch.float32)
    (tmp_path / "file").write_text("")
    with pytest.raises(CheckpointError, match="cannot be written"):
        write_gguf(folder, tmp_path / "file" / "model.gguf")
    assert {path.name for path in tmp_path.iterdir()} == {"model", "file"}


class Llama:
    """A GGUF file in llama.cpp, cache in fp32, asked over its own server on this machine."""

    def __init__(self, binding: Any, path: Path) -> None:
        params = binding.CommonParams()
        params.model.path, params.n_ctx, params.n_parallel, params.n_gpu_layers = str(path), 1024, 1, 0
        params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 1
        params.cache_type_k = params.cache_type_v = binding.ggml_type.GGML_TYPE_F32
        params.flash_attn_type = binding.llama_flash_attn_type.LLAMA_FLASH_ATTN_TYPE_DISABLED
        self._server = binding.Server(params)

    def ask(self, path: str, question: dict[str, Any]) -> list[int]:
        """Post a question and return the tokens of the answer."""
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(self._server.listening_address + path, json.dumps(question).encode(), headers)
        with urllib.request.urlopen(request, timeout=120) as answer:
            tokens: list[int] = json.load(answer)["tokens"]
        return tokens


@pytest.fixture(scope="module")
def llama(tmp_path_factory: pytest.TempPathFactory) -> Llama:
    """The shipped summarizer in llama.cpp."""
    binding = pytest.importorskip("xllamacpp", reason="llama.cpp is missing: pip install xllamacpp")
    return Llama(binding, write_gguf(SHIPPED, tmp_path_factory.mktemp("gguf") / "model.gguf"))


def test_llama_cpp_writes_the_same_tokens(llama: Llama) -> None:
    decoder, tokenizer, simulator = (
        CachedDecoder(load_model(SHIPPED)),
        load_tokenizer(SHIPPED),
        CallSimulator("test", 8),
    )
    every = torch.arange(decoder.config.vocab_size)
    for number in range(3):
        prompt = encode_prompt(tokenizer, simulator.call(number).lines[:12])
        cache = decoder.new_cache(1, len(prompt) + 24)
        ours, ids = [], prompt
        for _ in range(24):
            ids = [int(decoder.logits(decoder.read([ids], cache)[-1], every).argmax())]
            ours += ids
        wanted = {"prompt": prompt, "n_predict": 24, "samplers": ["top_k"], "top_k": 1, "return_tokens": True}
        assert llama.ask("/completion", wanted) == ours


def test_llama_cpp_reads_text_as_our_tokenizer_does(llama: Llama) -> None:
    simulator, tokenizer = CallSimulator("test", 9), load_tokenizer(SHIPPED)
    for line in (line for number in range(10) for line in simulator.call(number).lines):
        text = " " + line.text
        found = llama.ask("/tokenize", {"content": text, "add_special": False, "parse_special": False})
        assert found == tokenizer.encode_text(text)
