"""Texts as sets of hashed runs of letters, the same for every spacing and punctuation of a text.

Vectorized: a text of a thousand syllables is hashed in some microseconds. Knows nothing of what the sets are for.
"""

import re
from typing import Final

import numpy as np
import numpy.typing as npt

Hashes = npt.NDArray[np.uint64]

_NOT_LETTERS: Final = re.compile(r"[\W_]+")
_BASE: Final = np.uint64(0x9E3779B97F4A7C15)
# Source: the finalizer of SplitMix64 (Steele, Lea and Flood 2014): every input bit changes half the output bits.
_MIX: Final = ((np.uint64(30), np.uint64(0xBF58476D1CE4E5B9)), (np.uint64(27), np.uint64(0x94D049BB133111EB)))
_LAST: Final = np.uint64(31)


def compact(text: str) -> str:
    """Return the letters and digits of a text in lower case, nothing between them."""
    return _NOT_LETTERS.sub("", text.lower())


def window_hashes(letters: str, window: int) -> Hashes:
    """Return a 64-bit hash of each run of `window` letters, in order [len - window + 1]; none when too short."""
    codes = np.frombuffer(letters.encode("utf-32-le", "surrogatepass"), dtype=np.uint32).astype(np.uint64)
    count = len(codes) - window + 1
    if count < 1:
        return np.empty(0, dtype=np.uint64)
    hashes = np.zeros(count, dtype=np.uint64)
    for shift in range(window):
        hashes = hashes * _BASE + codes[shift : shift + count]
    for shift_bits, factor in _MIX:
        hashes = (hashes ^ (hashes >> shift_bits)) * factor
    return hashes ^ (hashes >> _LAST)
