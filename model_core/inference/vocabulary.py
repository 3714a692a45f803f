"""The tokens of a tokenizer as the grammar needs them: text tokens in a byte trie, structure tokens by name.

It knows spellings and ids, and nothing of what may follow what.
"""

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from model_core.data.call import CATEGORIES, OUTCOMES, SENTIMENTS, VALUE_CLOSE, VALUE_OPEN
from model_core.data.tokenizer import MAX_LINES, SummaryTokenizer
from model_core.inference.trie import ByteTrie

Ids = npt.NDArray[np.int64]


def as_ids(tokens: Iterable[int]) -> Ids:
    """Return token ids as an index array."""
    return np.fromiter(tokens, dtype=np.int64)


class Vocabulary:
    """Ids ready for masks; made once a tokenizer."""

    def __init__(self, tokenizer: SummaryTokenizer) -> None:
        self.tokenizer = tokenizer
        spelled = enumerate(tokenizer.token_bytes)
        self.text = ByteTrie((raw, token) for token, raw in spelled if raw)
        self.value_open = tokenizer.token_id(VALUE_OPEN)
        self.value_close = tokenizer.token_id(VALUE_CLOSE)
        self.lines = as_ids(tokenizer.structure_id(f"L{number}") for number in range(1, MAX_LINES + 1))
        self.categories = self._codes(CATEGORIES)
        self.outcomes = self._codes(OUTCOMES)
        self.sentiments = self._codes(SENTIMENTS)

    def section(self, name: str) -> int:
        """Return the id of a section token."""
        return self.tokenizer.structure_id(name)

    def _codes(self, codes: Iterable[str]) -> Ids:
        return as_ids(self.tokenizer.structure_id(code) for code in codes)
