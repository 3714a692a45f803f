"""Batches of documents to pretrain on: rows of token shards in an order drawn anew for each pass over them.

A row's documents are kept apart as packed examples are; one that a row or the model's context cuts goes on as a
document of its own. All tokens are learned. The batch of a step depends on its index alone. It knows no text.

Legend: T tokens of a row.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from model_core.data.batches import StepBatch
from model_core.data.packing import PackedBatch
from model_core.data.text.shards import TokenShards
from model_core.errors import DataError


@dataclass(frozen=True)
class TextBatchMaker:
    """Make the batch of a step from token shards; the last `held_out_rows` rows are never among them. Picklable."""

    shards: TokenShards
    max_tokens: int
    tokens_per_micro_batch: int
    micro_batches: int
    held_out_rows: int
    seed: int

    def step(self, index: int, rank: int = 0, size: int = 1) -> StepBatch:
        """Return this rank's part of the batch whose first row is number `index`, counted over all passes."""
        numbers = range(index + rank, index + self.micro_batches, size)
        batches = tuple(self._row(self._place(number)) for number in numbers)
        documents = sum(int(batch.document_ids[-1]) + 1 for batch in batches)
        weight = float(self.micro_batches * self.tokens_per_micro_batch)
        return StepBatch(batches, index + self.micro_batches, documents, 0, weight)

    def held_out(self) -> list[PackedBatch]:
        """Return the rows that are held out."""
        return [self._row(self._trained_rows + offset) for offset in range(self.held_out_rows)]

    @property
    def _trained_rows(self) -> int:
        rows = self.shards.rows(self.tokens_per_micro_batch)
        if rows <= self.held_out_rows:
            raise DataError(
                f"{self.shards.folder} holds {rows} rows of {self.tokens_per_micro_batch} tokens; "
                f"it must hold more than the {self.held_out_rows} that are held out"
            )
        return rows - self.held_out_rows

    def _place(self, index: int) -> int:
        rows = self._trained_rows
        return int(_order(self.seed, index // rows, rows)[index % rows])

    def _row(self, number: int) -> PackedBatch:
        return pack_row(self.shards.row(number, self.tokens_per_micro_batch), self.shards.end_of_text, self.max_tokens)


@lru_cache(maxsize=2)
def _order(seed: int, epoch: int, rows: int) -> NDArray[np.int64]:
    """Return the order of one pass: 8 bytes a row."""
    return np.random.default_rng((seed, epoch)).permutation(rows)


def pack_row(ids: NDArray[np.int64], end_of_text: int, max_tokens: int) -> PackedBatch:
    """Return the row of T + 1 ids, its documents apart and none longer than `max_tokens`, every token learned."""
    read = ids[:-1]
    places = np.arange(len(read))
    opens = (read == end_of_text) | (places == 0)
    positions = (places - np.maximum.accumulate(np.where(opens, places, 0))) % max_tokens
    return PackedBatch(
        ids=read,
        labels=ids[1:],
        answers=np.ones(len(read), np.bool_),
        weights=np.ones(len(read), np.float32),
        positions=positions,
        document_ids=np.cumsum(positions == 0) - 1,
    )
