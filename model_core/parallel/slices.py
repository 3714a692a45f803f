"""Names of slices: `layers.1.mlp.down_EDI@4:8` are rows 4 to 7 of that tensor. It knows no processes and no files."""

from collections import defaultdict
from collections.abc import Mapping

import torch
from torch import Tensor

from model_core.errors import CheckpointError

_MARK = "@"


def slice_name(name: str, start: int, stop: int) -> str:
    """Return the name of rows `start` to `stop` of a tensor."""
    return f"{name}{_MARK}{start}:{stop}"


def split_name(name: str) -> tuple[str, int]:
    """Return the name of the whole tensor and the first row of the slice; 0 for a whole one."""
    whole, _, rows = name.partition(_MARK)
    return whole, int(rows.partition(":")[0] or 0)


def join_slices(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the whole tensors; slices are joined in their order.

    Raises: CheckpointError when a slice is missing.
    """
    parts: defaultdict[str, list[tuple[int, Tensor]]] = defaultdict(list)
    for name, tensor in tensors.items():
        whole, start = split_name(name)
        parts[whole].append((start, tensor))
    return {name: _joined(name, sorted(pieces, key=lambda piece: piece[0])) for name, pieces in parts.items()}


def _joined(name: str, pieces: list[tuple[int, Tensor]]) -> Tensor:
    if len(pieces) == 1 and pieces[0][0] == 0:
        return pieces[0][1]
    end = 0
    for start, tensor in pieces:
        if start != end:
            raise CheckpointError(f"rows {end} to {start} of {name} are missing")
        end += tensor.shape[0]
    return torch.cat([tensor for _, tensor in pieces])
