"""Names of slices: `layers.1.mlp.down_EDI@4:8` are rows 4 to 7 of that tensor. It knows no processes and no files."""

from collections import defaultdict
from collections.abc import Iterable, Mapping

import torch
from torch import Tensor

from model_core.errors import CheckpointError
from model_core.models.moe import EXPERT_PARAMETERS

_MARK = "@"


def slice_name(name: str, rows: range) -> str:
    """Return the name of some rows of a tensor."""
    return f"{name}{_MARK}{rows.start}:{rows.stop}"


def held_name(name: str, held: range, num_experts: int) -> str:
    """Return the name of what a holder of some experts has of a parameter: a slice where experts are stacked."""
    is_slice = name.endswith(EXPERT_PARAMETERS) and len(held) < num_experts
    return slice_name(name, held) if is_slice else name


def split_name(name: str) -> tuple[str, range | None]:
    """Return the name of the whole tensor and the rows of the slice; None for a whole one."""
    whole, mark, rows = name.partition(_MARK)
    return whole, range(*map(int, rows.split(":"))) if mark else None


def join_slices(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the whole tensors; slices are joined in their order.

    Raises: CheckpointError when a slice is missing.
    """
    parts: defaultdict[str, dict[str, Tensor]] = defaultdict(dict)
    for name, tensor in tensors.items():
        parts[split_name(name)[0]][name] = tensor
    return {whole: join_rows(whole, pieces) for whole, pieces in parts.items()}


def join_rows(name: str, pieces: Mapping[str, Tensor]) -> Tensor:
    """Return a tensor, or the slice of it that `name` says, out of the pieces of it by their names.

    Raises: CheckpointError when rows are missing.
    """
    whole, wanted = split_name(name)
    if wanted is None and whole in pieces:
        return pieces[whole]
    end, parts = wanted.start if wanted else 0, []
    for rows, tensor in sorted(_by_rows(pieces), key=lambda piece: piece[0].start):
        kept = range(max(rows.start, wanted.start), min(rows.stop, wanted.stop)) if wanted else rows
        if kept:
            _check_gap(whole, end, kept.start)
            parts.append(tensor[kept.start - rows.start : kept.stop - rows.start])
            end = kept.stop
    _check_gap(whole, end, wanted.stop if wanted else end)
    return parts[0] if len(parts) == 1 else torch.cat(parts)


def _by_rows(pieces: Mapping[str, Tensor]) -> Iterable[tuple[range, Tensor]]:
    return ((split_name(name)[1] or range(tensor.shape[0]), tensor) for name, tensor in pieces.items())


def _check_gap(name: str, end: int, start: int) -> None:
    if start != end:
        raise CheckpointError(f"rows {end} to {start} of {name} are missing")
