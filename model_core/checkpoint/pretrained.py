"""The folder that a model is used from: stock config.json, safetensors, the tokenizer's files, a manifest.

`load_model` reads what `save_model` wrote and stock Glm4Moe and Qwen3Moe folders whose features our decoder has. It
knows no training.
"""

import json
import shutil
from collections.abc import Callable, Mapping, Set
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import save_file
from torch import Tensor

from model_core.checkpoint.convert import FP32_KEYS, from_stock, stock_names, to_stock
from model_core.checkpoint.files import MANIFEST, MEASURED, write_folder
from model_core.checkpoint.stock_config import from_stock_config, to_stock_config
from model_core.checkpoint.stock_fields import read_values
from model_core.checkpoint.stock_weights import INDEX, WEIGHT_SUFFIXES, WEIGHTS, read_weights
from model_core.config.schema import ModelConfig
from model_core.errors import CheckpointDiskError, CheckpointError
from model_core.models.decoder import Decoder
from model_core.parallel.slices import held_name
from model_core.parallel.team import Team

TRAINING_FILES = ("training_state.safetensors", "progress.json")
_NOT_CARRIED = {MANIFEST, *MEASURED, "config.json", "generation_config.json", *TRAINING_FILES}


def save_model(
    folder: Path,
    config: ModelConfig,
    state: Mapping[str, Tensor],
    *,
    dtype: torch.dtype = torch.float32,
    companions: Path | None = None,
    team: Team | None = None,
) -> str:
    """Write a stock folder at `folder`, whole or not at all; return its digest.

    `state` is our state dict, or of a team each rank's part of it. The routers' weights and correction biases stay fp32
    whatever `dtype` says. The files of `companions` (a tokenizer's folder) are copied in.
    """
    return write_folder(folder, model_writer(config, state, dtype, companions, team or Team()), team)


def model_writer(
    config: ModelConfig, state: Mapping[str, Tensor], dtype: torch.dtype, companions: Path | None, team: Team
) -> Callable[[Path], None]:
    """Return a function that writes config.json, the weights and the companions into an existing folder.

    Of a team every rank writes the weights of its part into a file of its own, and the first one all the rest.

    Raises: CheckpointError when the parts together are not the whole model.
    """
    stock = {name: _as_stored(name, tensor, dtype) for name, tensor in to_stock(config, state).items()}
    size_bytes = sum(tensor.numel() * tensor.element_size() for tensor in stock.values())
    parts = team.gather((part_name(WEIGHTS, team), sorted(stock), size_bytes))
    weight_map = {name: file for file, names, _ in parts for name in names}
    wanted = len(stock_names(config))
    if len(weight_map) != wanted:
        raise CheckpointError(f"{len(weight_map)} weights would be saved; the model has {wanted}")

    def fill(part: Path) -> None:
        save_tensors(stock, part / part_name(WEIGHTS, team))
        if team.rank == 0:
            if companions is not None:
                copy_companions(companions, part)
            _write_json(part / "config.json", to_stock_config(config, str(dtype).removeprefix("torch.")))
            ends = {"pad_token_id": config.pad_token_id, "eos_token_id": config.eos_token_id, "do_sample": False}
            _write_json(part / "generation_config.json", ends)
            if team.size > 1:
                metadata = {"total_size": sum(size for _, _, size in parts)}
                _write_json(part / INDEX, {"metadata": metadata, "weight_map": weight_map})

    return fill


def save_tensors(tensors: Mapping[str, Tensor], path: Path) -> None:
    """Write a safetensors file.

    Raises: CheckpointDiskError when there is no room or no right to.
    """
    try:
        save_file(dict(tensors), path, metadata={"format": "pt"})
    except SafetensorError as error:
        raise CheckpointDiskError(f"{path} cannot be written: {error}") from error


def part_name(name: str, team: Team) -> str:
    """Return what this rank's part of a file is called, as transformers calls it; of one process it is the file."""
    stem, dot, ending = name.rpartition(".")
    return f"{stem}-{team.rank + 1:05d}-of-{team.size:05d}{dot}{ending}" if team.size > 1 else name


def copy_companions(source: Path, target: Path) -> None:
    """Copy the files of a model's or a tokenizer's folder that do not depend on the weights, as their results do."""
    for path in sorted(source.iterdir()):
        if path.is_file() and path.name not in _NOT_CARRIED and not path.name.endswith(WEIGHT_SUFFIXES):
            shutil.copyfile(path, target / path.name)


def read_config(folder: Path) -> ModelConfig:
    """Return the model configuration of a stock folder.

    Raises: CheckpointError when there is none or it is of another architecture.
    """
    return from_stock_config(read_values(folder))


def load_state(folder: Path, *, check: bool = True) -> Mapping[str, Tensor]:
    """Return our state dict of a stock folder, dtypes kept; the manifest is checked first where there is one.

    A tensor, of the experts also a slice, is read when it is asked for. `check=False` is for who has checked it.

    Raises: CheckpointError when files are missing, altered, or do not fit the configuration.
    """
    return from_stock(read_config(folder), read_weights(folder, check=check))


@torch.no_grad()
def load_weights(model: Decoder, state: Mapping[str, Tensor]) -> None:
    """Copy our state dict into a model, one tensor after the other, of the experts those that the model holds.

    Raises: CheckpointError naming a tensor that is missing, of another shape, or not the model's.
    """
    own = model.state_dict()
    check_known(state.keys(), own.keys())
    for name, tensor in own.items():
        held = held_name(name, model.held_experts, model.config.num_experts)
        found = state.get(held)
        if found is None or found.shape != tensor.shape:
            shape = "missing" if found is None else tuple(found.shape)
            raise CheckpointError(
                f"the weights are of another model: {held} is {shape}; this one needs {tuple(tensor.shape)}"
            )
        tensor.copy_(found)


def check_known(saved: Set[str], own: Set[str]) -> None:
    """Check that a model has all the tensors that were saved.

    Raises: CheckpointError naming the first that it has not.
    """
    unknown = saved - own
    if unknown:
        raise CheckpointError(f"the weights are of another model: this one has no {min(unknown)}")


def load_folder(model: Decoder, folder: Path, *, check: bool = True) -> None:
    """Copy the weights of a stock folder into a model, as `load_weights` does.

    Raises: CheckpointError when the folder is incomplete, altered, or holds other weights than its config.json says.
    """
    state = load_state(folder, check=check)
    try:
        load_weights(model, state)
    except CheckpointError as error:
        raise CheckpointError(f"the weights of {folder} do not fit its config.json: {error}") from error


def load_model(folder: Path, *, dtype: torch.dtype = torch.float32) -> Decoder:
    """Return the model of a stock folder, in evaluation mode, its routers in fp32.

    Raises: CheckpointError when the folder is incomplete, altered, or of another architecture.
    """
    model = Decoder(read_config(folder))
    load_folder(model, folder)
    return model.to(dtype).eval()


def _as_stored(name: str, tensor: Tensor, dtype: torch.dtype) -> Tensor:
    return tensor.to(torch.float32 if name.endswith(FP32_KEYS) else dtype)


def _write_json(path: Path, values: dict[str, Any]) -> None:
    path.write_text(json.dumps(values, indent=1, sort_keys=True) + "\n")
