"""A model folder as one GGUF file, for llama.cpp and what is built on it: its `glm4moe` architecture is our decoder.

Weights keep the folder's dtype; vectors and routers are fp32, as llama.cpp wants them. It knows names and keys of that
file, not how a model is used.
"""

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import gguf
import torch
from torch import Tensor

from model_core.checkpoint.convert import from_stock
from model_core.checkpoint.pretrained import read_config
from model_core.checkpoint.stock_weights import read_weights
from model_core.config.schema import ModelConfig
from model_core.data.tokenizer import FILE_NAME, SummaryTokenizer, control_tokens, load_tokenizer
from model_core.errors import CheckpointDiskError, CheckpointError

# Digits alone and words with the blank before them: what our tokenizer's pattern does too. They differ where blanks
# stand in a row and in English contractions. Source: llama.cpp, llama-vocab.cpp.
_PRE_TOKENIZER: Final = "starcoder"
_OUTER: Final = {"token_embd": "embedding", "output_norm": "norm", "output": "head"}
_INNER: Final = {
    "attn_norm.weight": "attention_norm.weight",
    "post_attention_norm.weight": "mlp_norm.weight",
    "attn_output.weight": "attention.o_proj.weight",
    **{f"attn_{part}.weight": f"attention.{part}_proj.weight" for part in "qkv"},
    **{f"attn_{part}.bias": f"attention.{part}_proj.bias" for part in "qkv"},
    **{f"attn_{part}_norm.weight": f"attention.{part}_norm.weight" for part in "qk"},
    **{f"ffn_{part}.weight": f"mlp.{part}_proj.weight" for part in ("gate", "up", "down")},
    **{f"ffn_{part}_shexp.weight": f"mlp.shared.{part}_proj.weight" for part in ("gate", "up", "down")},
    "ffn_gate_inp.weight": "mlp.router.weight",
    "exp_probs_b.bias": "mlp.router.correction_bias",
    "ffn_down_exps.weight": "mlp.down_EDI",
}


def write_gguf(folder: Path, target: Path) -> Path:
    """Write the model of a folder as a GGUF file at `target`, whole or not at all; return its path.

    Raises: CheckpointError when the folder is incomplete or altered, or of another class than Glm4Moe;
    CheckpointDiskError when the file cannot be written; DataError when the folder holds no tokenizer.
    """
    config = read_config(folder)
    if config.router != "sigmoid":
        raise CheckpointError(f"the model of {folder} has a {config.router} router; a GGUF needs the sigmoid one")
    state = from_stock(config, read_weights(folder))
    part = target.with_name(f".{target.name}.part")
    writer = gguf.GGUFWriter(None, gguf.MODEL_ARCH_NAMES[gguf.MODEL_ARCH.GLM4_MOE])
    _add_config(writer, config, folder.name)
    _add_tokenizer(writer, load_tokenizer(folder), config, folder)
    for name, tensor in named_tensors(config, state):
        _add_tensor(writer, name, tensor)
    try:
        _write(writer, part)
        part.rename(target)
    except OSError as error:
        raise CheckpointDiskError(f"{target} cannot be written: {error.strerror}") from error
    finally:
        if part.is_file():
            part.unlink()
    return target


def _write(writer: gguf.GGUFWriter, path: Path) -> None:
    writer.write_header_to_file(path)
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    with path.open("rb") as stream:
        os.fsync(stream.fileno())


def named_tensors(config: ModelConfig, state: Mapping[str, Tensor]) -> Iterator[tuple[str, Tensor]]:
    """Yield the tensors of our state dict under llama.cpp's names."""
    for theirs, ours in _OUTER.items():
        yield f"{theirs}.weight", state[f"{ours}.weight"]
    for layer in range(config.num_layers):
        for theirs, ours in _INNER.items():
            if f"layers.{layer}.{ours}" in state:
                yield f"blk.{layer}.{theirs}", state[f"layers.{layer}.{ours}"]
        if layer >= config.num_dense_layers:
            gate, up = state[f"layers.{layer}.mlp.gate_up_EJD"].chunk(2, dim=1)
            yield f"blk.{layer}.ffn_gate_exps.weight", gate
            yield f"blk.{layer}.ffn_up_exps.weight", up


def _add_tensor(writer: gguf.GGUFWriter, name: str, tensor: Tensor) -> None:
    values = tensor.float().contiguous().numpy()
    if tensor.dtype == torch.bfloat16 and tensor.dim() > 1:
        kind = gguf.GGMLQuantizationType.BF16
        writer.add_tensor(name, gguf.quantize(values, kind), raw_dtype=kind)
    else:
        writer.add_tensor(name, values)


def _add_config(writer: gguf.GGUFWriter, config: ModelConfig, name: str) -> None:
    writer.add_name(name)
    writer.add_vocab_size(config.vocab_size)
    writer.add_context_length(config.max_positions)
    writer.add_embedding_length(config.hidden_size)
    writer.add_block_count(config.num_layers)
    writer.add_feed_forward_length(config.dense_intermediate_size)
    writer.add_head_count(config.num_heads)
    writer.add_head_count_kv(config.num_kv_heads)
    writer.add_key_length(config.head_dim)
    writer.add_value_length(config.head_dim)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_rope_dimension_count(config.rotary_dim)
    writer.add_rope_freq_base(config.rope_theta)
    writer.add_leading_dense_block_count(config.num_dense_layers)
    writer.add_expert_count(config.num_experts)
    writer.add_expert_used_count(config.num_experts_per_token)
    writer.add_expert_feed_forward_length(config.moe_intermediate_size)
    writer.add_expert_shared_count(1)
    writer.add_expert_gating_func(gguf.ExpertGatingFuncType.SIGMOID)
    writer.add_expert_weights_norm(True)
    writer.add_expert_weights_scale(config.routed_scaling_factor)


def _add_tokenizer(writer: gguf.GGUFWriter, tokenizer: SummaryTokenizer, config: ModelConfig, folder: Path) -> None:
    stored = json.loads((folder / FILE_NAME).read_text(encoding="utf-8"))
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(_PRE_TOKENIZER)
    tokens, types = _vocabulary(stored, config.vocab_size)
    writer.add_token_list(tokens)
    writer.add_token_types(types)
    writer.add_token_merges([" ".join(pair) for pair in stored["model"]["merges"]])
    writer.add_eos_token_id(config.eos_token_id)
    writer.add_pad_token_id(config.pad_token_id)
    writer.add_add_bos_token(False)
    settings = folder / "tokenizer_config.json"
    if settings.is_file() and (template := json.loads(settings.read_text(encoding="utf-8")).get("chat_template")):
        writer.add_chat_template(template)


def _vocabulary(stored: Mapping[str, Any], size: int) -> tuple[list[str], list[int]]:
    """Return every id's spelling and kind; ids that the tokenizer leaves free are unused."""
    spelled = {token: text for text, token in stored["model"]["vocab"].items()}
    added = {entry["id"]: entry["content"] for entry in stored["added_tokens"]}
    control = set(control_tokens())
    tokens = [added.get(token, spelled.get(token, f"[UNUSED_{token}]")) for token in range(size)]
    types = []
    for token, text in enumerate(tokens):
        kind = gguf.TokenType.NORMAL if token in spelled else gguf.TokenType.UNUSED
        if token in added:
            kind = gguf.TokenType.CONTROL if text in control else gguf.TokenType.USER_DEFINED
        types.append(int(kind))
    return tokens, types
