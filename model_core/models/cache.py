"""The key-value cache of batched decoding: preallocated, one length a sequence.

What stands past a sequence's length is never read, and overwritten by what follows. It knows shapes, not the model.

Legend: L layers, B sequences, S cache slots, N new tokens of all sequences, G key-value heads, C head width.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from model_core.config.schema import ModelConfig
from model_core.errors import ConfigError
from model_core.ops.memory import fresh_zeros


class KVCache:
    """Keys and values of up to `max_len` tokens for each of `batch` sequences. `lengths` are Python integers."""

    def __init__(
        self,
        config: ModelConfig,
        batch: int,
        max_len: int,
        *,
        dtype: torch.dtype = torch.float32,
        device: torch.device | str = "cpu",
    ) -> None:
        shape = (config.num_layers, batch, config.num_kv_heads, max_len, config.head_dim)
        self.keys_LBGSC = fresh_zeros(shape, dtype, device)
        self.values_LBGSC = fresh_zeros(shape, dtype, device)
        self.lengths = [0] * batch

    @property
    def max_len(self) -> int:
        """The number of slots of a sequence."""
        return self.keys_LBGSC.shape[3]

    def require(self, counts: Sequence[int]) -> None:
        """Check that each sequence has room for its count of new tokens.

        Raises: ConfigError when one would pass its last slot.
        """
        longest = max(length + count for length, count in zip(self.lengths, counts, strict=True))
        if longest > self.max_len:
            raise ConfigError(f"the cache would hold {longest} tokens; its limit is {self.max_len}")

    def write(
        self, layer: int, rows_N: Tensor, positions_N: Tensor, keys_NGC: Tensor, values_NGC: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Write new keys and values of a layer into their slots; return all of the layer, (B, G, S, C).

        Lengths move by `advance`, after the last layer.
        """
        keys_BGSC, values_BGSC = self.keys_LBGSC[layer], self.values_LBGSC[layer]
        keys_BGSC.transpose(1, 2)[rows_N, positions_N] = keys_NGC
        values_BGSC.transpose(1, 2)[rows_N, positions_N] = values_NGC
        return keys_BGSC, values_BGSC

    def advance(self, counts: Sequence[int]) -> None:
        """Lengthen each sequence by its count of new tokens."""
        self.lengths = [length + count for length, count in zip(self.lengths, counts, strict=True)]

    def truncate(self, lengths: Sequence[int]) -> None:
        """Forget what stands past the given lengths."""
        self.lengths = [min(old, new) for old, new in zip(self.lengths, lengths, strict=True)]

    def copy(self, source: int, target: int, length: int) -> None:
        """Make the first `length` tokens of sequence `source` all that sequence `target` holds."""
        for tensor in (self.keys_LBGSC, self.values_LBGSC):
            tensor[:, target, :, :length] = tensor[:, source, :, :length]
        self.lengths[target] = length

    def select(self, rows: Sequence[int]) -> None:
        """Keep the given sequences, in the given order; one named twice is copied."""
        index = torch.tensor(list(rows), device=self.keys_LBGSC.device)
        self.keys_LBGSC = self.keys_LBGSC[:, index]
        self.values_LBGSC = self.values_LBGSC[:, index]
        self.lengths = [self.lengths[row] for row in rows]
