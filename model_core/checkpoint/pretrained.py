"""The folder that a model is used from: stock config.json, one safetensors file, the tokenizer's files, a manifest.

`load_model` reads what `save_model` wrote and stock Glm4Moe and Qwen3Moe folders whose features our decoder has. It
knows no training.
"""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import save_file
from torch import Tensor

from model_core.checkpoint.convert import FP32_KEYS, from_stock, to_stock
from model_core.checkpoint.files import MANIFEST, write_folder
from model_core.checkpoint.stock_config import from_stock_config, to_stock_config
from model_core.checkpoint.stock_fields import read_values
from model_core.checkpoint.stock_weights import WEIGHT_SUFFIXES, WEIGHTS, read_weights
from model_core.config.schema import ModelConfig
from model_core.errors import CheckpointError, CheckpointWriteError
from model_core.models.decoder import Decoder

TRAINING_FILES = ("training_state.safetensors", "progress.json")
MODEL_CARD = "README.md"
_NOT_CARRIED = {MANIFEST, MODEL_CARD, "config.json", "generation_config.json", *TRAINING_FILES}


def save_model(
    folder: Path,
    config: ModelConfig,
    state: Mapping[str, Tensor],
    *,
    dtype: torch.dtype = torch.float32,
    companions: Path | None = None,
) -> str:
    """Write a stock folder at `folder`, whole or not at all; return its digest.

    `state` is our state dict. The routers' weights and correction biases stay fp32 whatever `dtype` says. The files of
    `companions` (a tokenizer's folder) are copied in.
    """

    def fill(part: Path) -> None:
        if companions is not None:
            copy_companions(companions, part)
        write_model(part, config, state, dtype)

    return write_folder(folder, fill)


def write_model(part: Path, config: ModelConfig, state: Mapping[str, Tensor], dtype: torch.dtype) -> None:
    """Write config.json, generation_config.json and the weights into an existing folder."""
    stock = {name: _as_stored(name, tensor, dtype) for name, tensor in to_stock(config, state).items()}
    save_tensors(stock, part / WEIGHTS)
    _write_json(part / "config.json", to_stock_config(config, str(dtype).removeprefix("torch.")))
    ends = {"pad_token_id": config.pad_token_id, "eos_token_id": config.eos_token_id, "do_sample": False}
    _write_json(part / "generation_config.json", ends)


def save_tensors(tensors: Mapping[str, Tensor], path: Path) -> None:
    """Write a safetensors file.

    Raises: CheckpointWriteError when there is no room or no right to.
    """
    try:
        save_file(dict(tensors), path, metadata={"format": "pt"})
    except SafetensorError as error:
        raise CheckpointWriteError(f"{path} cannot be written: {error}") from error


def copy_companions(source: Path, target: Path) -> None:
    """Copy the files of a model's or a tokenizer's folder that do not depend on the weights."""
    for path in sorted(source.iterdir()):
        if path.is_file() and path.name not in _NOT_CARRIED and not path.name.endswith(WEIGHT_SUFFIXES):
            shutil.copyfile(path, target / path.name)


def read_config(folder: Path) -> ModelConfig:
    """Return the model configuration of a stock folder.

    Raises: CheckpointError when there is none or it is of another architecture.
    """
    return from_stock_config(read_values(folder))


def load_state(folder: Path) -> dict[str, Tensor]:
    """Return our state dict, in fp32, of a stock folder; the manifest is checked first where there is one.

    Raises: CheckpointError when files are missing, altered, or do not fit the configuration.
    """
    weights = read_weights(folder)
    return {name: tensor.float() for name, tensor in from_stock(read_config(folder), weights).items()}


def load_model(folder: Path, *, dtype: torch.dtype = torch.float32) -> Decoder:
    """Return the model of a stock folder, in evaluation mode, its routers in fp32.

    Raises: CheckpointError when the folder is incomplete, altered, or of another architecture.
    """
    model = Decoder(read_config(folder))
    try:
        model.load_state_dict(load_state(folder))
    except RuntimeError as error:
        raise CheckpointError(f"the weights of {folder} do not fit its config.json: {error}") from error
    return model.to(dtype).eval()


def _as_stored(name: str, tensor: Tensor, dtype: torch.dtype) -> Tensor:
    return tensor.to(torch.float32 if name.endswith(FP32_KEYS) else dtype)


def _write_json(path: Path, values: dict[str, Any]) -> None:
    path.write_text(json.dumps(values, indent=1, sort_keys=True) + "\n")
