"""The tensors of safetensors files by name, whole or some rows of them, read when they are asked for.

Who goes on from a checkpoint thereby never holds the whole of its state. It knows no model and checks no digest.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from safetensors import safe_open
from torch import Tensor

from model_core.parallel.slices import join_rows, split_name


class StoredTensors(Mapping[str, Tensor]):
    """What the files hold.

    Raises: CheckpointError when a tensor or a slice is asked for of which rows are missing.
    """

    def __init__(self, paths: Iterable[Path]) -> None:
        # The open files by whole tensor and by the name of the slice that they hold.
        self._files: defaultdict[str, dict[str, Any]] = defaultdict(dict)
        for path in paths:
            file: Any = safe_open(path, "pt")
            for name in file.keys():  # noqa: SIM118 - it is no mapping
                self._files[split_name(name)[0]][name] = file

    def __getitem__(self, name: str) -> Tensor:
        whole, _ = split_name(name)
        if whole not in self._files:
            raise KeyError(name)
        # Mapped, not read: only the rows that are asked for come into memory.
        return join_rows(name, {piece: file.get_tensor(piece) for piece, file in self._files[whole].items()})

    def __iter__(self) -> Iterator[str]:
        return iter(self._files)

    def __len__(self) -> int:
        return len(self._files)
