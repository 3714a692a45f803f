"""Examples laid end to end in one row of tokens, each with its own positions and document number.

Nothing is padded: a row is as long as its documents, and the model keeps documents apart by their numbers. It knows
token ids and loss weights, not what they spell; arrays are NumPy's, so a worker process needs no torch.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class EncodedExample:
    """The ids of a prompt and its answer, end to end; the first `prompt_tokens` are the prompt's.

    `weights` weigh the losses of the answer's tokens.
    """

    ids: tuple[int, ...]
    prompt_tokens: int
    weights: tuple[float, ...]

    @property
    def input_tokens(self) -> int:
        """The tokens that the model reads: all but the last, which is only predicted."""
        return len(self.ids) - 1

    def total_weight(self, transcript_weight: float) -> float:
        """Return the sum of the weights of its losses."""
        return transcript_weight * (self.prompt_tokens - 1) + sum(self.weights)


@dataclass(frozen=True)
class PackedBatch:
    """One row of packed documents, each array of shape (T,).

    `labels` are the next tokens, `answers` says which of them are an answer's and not a prompt's. `weights` weigh their
    losses: at most 1 for the answer's tokens, the transcript's weight for the prompt's. `positions` restart at 0 with
    every document.
    """

    ids: NDArray[np.int64]
    labels: NDArray[np.int64]
    answers: NDArray[np.bool_]
    weights: NDArray[np.float32]
    positions: NDArray[np.int64]
    document_ids: NDArray[np.int64]

    @property
    def tokens(self) -> int:
        """The number of tokens read."""
        return int(self.ids.shape[0])

    @property
    def attended_pairs(self) -> int:
        """The number of pairs of a token and one that it may look at, itself among them."""
        return int((self.positions + 1).sum())


def pack(examples: Sequence[EncodedExample], transcript_weight: float) -> PackedBatch:
    """Return one row that holds all `examples`, in order."""
    lengths = [example.input_tokens for example in examples]
    weights = [
        np.asarray([transcript_weight] * (example.prompt_tokens - 1) + [*example.weights], np.float32)
        for example in examples
    ]
    return PackedBatch(
        ids=np.concatenate([np.asarray(example.ids[:-1], np.int64) for example in examples]),
        labels=np.concatenate([np.asarray(example.ids[1:], np.int64) for example in examples]),
        answers=np.concatenate([np.arange(example.input_tokens) >= example.prompt_tokens - 1 for example in examples]),
        weights=np.concatenate(weights),
        positions=np.concatenate([np.arange(length) for length in lengths]),
        document_ids=np.repeat(np.arange(len(examples)), lengths),
    )
