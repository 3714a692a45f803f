"""The key-value cache of batched decoding: preallocated, one length a sequence.

Prompts of different lengths share a batch by right padding: the padded tail is written past a sequence's length, never
read, and overwritten by what follows. It knows shapes, not the model.

Legend: L layers, B sequences, S cache slots, T new tokens, H key-value heads, C head width.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from model_core.config.schema import ModelConfig
from model_core.errors import ConfigError


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
        shape = (config.num_layers, batch, max_len, config.num_kv_heads, config.head_dim)
        self.keys_LBSHC = torch.zeros(shape, dtype=dtype, device=device)
        self.values_LBSHC = torch.zeros(shape, dtype=dtype, device=device)
        self.lengths = [0] * batch

    @property
    def max_len(self) -> int:
        """The number of slots of a sequence."""
        return self.keys_LBSHC.shape[2]

    def positions(self, tokens: int) -> Tensor:
        """Return the positions (B, T) that the next `tokens` tokens of each sequence take.

        Raises: ConfigError when they pass the last slot.
        """
        if max(self.lengths) + tokens > self.max_len:
            raise ConfigError(f"the cache would hold {max(self.lengths) + tokens} tokens; its limit is {self.max_len}")
        starts_B = torch.tensor(self.lengths, device=self.keys_LBSHC.device)
        return starts_B[:, None] + torch.arange(tokens, device=starts_B.device)

    def append(self, layer: int, keys_BTHC: Tensor, values_BTHC: Tensor) -> tuple[Tensor, Tensor]:
        """Write new keys and values of a layer after each sequence's length; return all of them, (B, S', H, C).

        S' is the longest length with the new tokens. Lengths move by `advance`, after the last layer.
        """
        tokens = keys_BTHC.shape[1]
        longest = max(self.lengths) + tokens
        keys, values = self.keys_LBSHC[layer], self.values_LBSHC[layer]
        if self.is_even():
            keys[:, longest - tokens : longest] = keys_BTHC
            values[:, longest - tokens : longest] = values_BTHC
        else:
            rows_B1 = torch.arange(len(self.lengths), device=keys.device)[:, None]
            positions_BT = self.positions(tokens)
            keys[rows_B1, positions_BT] = keys_BTHC.to(keys.dtype)
            values[rows_B1, positions_BT] = values_BTHC.to(values.dtype)
        return keys[:, :longest], values[:, :longest]

    def advance(self, counts: Sequence[int]) -> None:
        """Lengthen each sequence by its count of real new tokens."""
        self.lengths = [length + count for length, count in zip(self.lengths, counts, strict=True)]

    def truncate(self, lengths: Sequence[int]) -> None:
        """Forget what stands past the given lengths."""
        self.lengths = [min(old, new) for old, new in zip(self.lengths, lengths, strict=True)]

    def select(self, rows: Sequence[int]) -> None:
        """Keep the given sequences, in the given order; one named twice is copied."""
        index = torch.tensor(list(rows), device=self.keys_LBSHC.device)
        self.keys_LBSHC = self.keys_LBSHC[:, index]
        self.values_LBSHC = self.values_LBSHC[:, index]
        self.lengths = [self.lengths[row] for row in rows]

    def is_even(self) -> bool:
        """Return whether all sequences are equally long."""
        return min(self.lengths) == max(self.lengths)

    def mask(self, tokens: int) -> Tensor | None:
        """Return which slots the next `tokens` tokens may look at, (B, 1, T, S') of booleans; None when all may."""
        if tokens == 1 and self.is_even():
            return None
        slots_S = torch.arange(max(self.lengths) + tokens, device=self.keys_LBSHC.device)
        return (slots_S <= self.positions(tokens)[..., None])[:, None]
