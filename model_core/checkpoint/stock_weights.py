"""The weights of a stock folder as they are stored: one safetensors file or several with an index, nothing pickled.

It knows the files and one of transformers' habits, the output head that is stored once with the embedding; it knows no
architecture.
"""

import json
from pathlib import Path
from typing import Final

from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from model_core.checkpoint.files import MANIFEST, verify_folder
from model_core.checkpoint.stock_fields import read_values
from model_core.errors import CheckpointError

WEIGHTS: Final = "model.safetensors"
INDEX: Final = f"{WEIGHTS}.index.json"
# Files of other writers that hold weights or list them.
WEIGHT_SUFFIXES: Final = (".safetensors", ".index.json", ".bin", ".pt", ".pth", ".gguf")
_HEAD, _EMBEDDING = "lm_head.weight", "model.embed_tokens.weight"


def read_weights(folder: Path, *, check: bool = True) -> dict[str, Tensor]:
    """Return the stock state dict of a folder, dtypes kept; the manifest is checked first where there is one.

    `check=False` is for who has checked it. A head that is tied to the embedding comes as a copy of it.

    Raises: CheckpointError when files are missing, altered or cannot be read.
    """
    if check and (folder / MANIFEST).is_file():
        verify_folder(folder)
    weights = {name: tensor for path in _files(folder) for name, tensor in _load(path).items()}
    if read_values(folder).get("tie_word_embeddings") and _EMBEDDING in weights:
        weights[_HEAD] = weights[_EMBEDDING].clone()
    return weights


def _files(folder: Path) -> list[Path]:
    index = folder / INDEX
    if not index.is_file():
        return [folder / WEIGHTS]
    try:
        names = set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values())
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise CheckpointError(f"{index} cannot be read: {error}") from error
    # Files beside the index only: it was written by others.
    return [folder / Path(name).name for name in sorted(names)]


def _load(path: Path) -> dict[str, Tensor]:
    try:
        weights: dict[str, Tensor] = load_file(path)
    except (OSError, SafetensorError) as error:
        raise CheckpointError(f"{path} cannot be read: {error}") from error
    return weights
