"""Documents as token ids on disk, in shards that are mapped into memory and read by row.

A shard is one run of ids in which each document opens with the end-of-text token, so that every id has a next one to
predict. A shard's digest is checked before the first of its ids is used. It knows no text and no batch.
"""

from collections.abc import Sequence
from functools import cached_property
from itertools import accumulate
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from model_core.data.refinery.shards import read_manifest, sha256_of
from model_core.errors import DataError

MANIFEST: Final = "manifest.json"


class TokenShards:
    """The token shards of a folder; a pickled one carries the folder's name alone."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        found = read_manifest(folder / MANIFEST)
        if found is None:
            raise DataError(f"{folder} holds no complete token shards: {MANIFEST} is missing, or files of it are")
        self._manifest: dict[str, Any] = found
        self._opened: dict[int, NDArray[np.unsignedinteger[Any]]] = {}

    def __reduce__(self) -> tuple[type["TokenShards"], tuple[Path]]:
        return TokenShards, (self.folder,)

    @cached_property
    def _names(self) -> Sequence[str]:
        return sorted(self._manifest["files"])

    @property
    def end_of_text(self) -> int:
        """The id that opens each document."""
        return int(self._manifest["end_of_text"])

    @property
    def tokens(self) -> int:
        """The number of ids."""
        return int(self._manifest["tokens"])

    @property
    def documents(self) -> int:
        """The number of documents."""
        return int(self._manifest["documents"])

    def check_tokenizer(self, file: Path) -> None:
        """Raise DataError unless the shards were made with the tokenizer of this file."""
        if sha256_of(file) != self._manifest["tokenizer_sha256"]:
            raise DataError(f"{self.folder} was made with another tokenizer than {file}")

    def rows(self, length: int) -> int:
        """Return the number of rows of `length` ids; a shard's last ids that fill no row are left out."""
        return self._ends(length)[-1]

    def row(self, index: int, length: int) -> NDArray[np.int64]:
        """Return the `length` ids of a row and the one after them.

        Raises: DataError when the shard it lies in was altered.
        """
        ends = self._ends(length)
        shard = int(np.searchsorted(ends, index, side="right"))
        start = (index - (ends[shard - 1] if shard else 0)) * length
        return np.asarray(self._shard(shard)[start : start + length + 1], np.int64)

    def _ends(self, length: int) -> list[int]:
        """Return for each shard the rows up to its end."""
        width = np.dtype(self._manifest["dtype"]).itemsize
        sizes = (self._manifest["files"][name] // width for name in self._names)
        return list(accumulate(max(0, size - 1) // length for size in sizes))

    def _shard(self, number: int) -> NDArray[np.unsignedinteger[Any]]:
        if number not in self._opened:
            path = self.folder / self._names[number]
            if sha256_of(path) != self._manifest["sha256"][path.name]:
                raise DataError(f"{path} was altered: its SHA-256 is not the one in {MANIFEST}")
            self._opened[number] = np.memmap(path, dtype=self._manifest["dtype"], mode="r")
        return self._opened[number]
