"""Texts that say the same: exactly (but for spacing and punctuation) or nearly (MinHash over syllable shingles).

The index keeps the first of equal texts and lives in memory, about 2 KB a kept text. Knows no files and no order but
the one in which texts are added.
"""

import hashlib
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from datasketch import MinHash, MinHashLSH

from model_core.data.refinery.settings import DuplicateLimits
from model_core.data.refinery.shingles import compact, window_hashes

Signature = npt.NDArray[np.uint32]
_SCHEME: Final = "affine32"

_LOW_32 = np.uint64(0xFFFFFFFF)


@dataclass(frozen=True)
class Fingerprint:
    """What the index has to know of a text: the digest of its letters and its MinHash signature [permutations]."""

    digest: bytes
    signature: Signature


class Fingerprinter:
    """Make fingerprints; all of one index have to come from the same limits."""

    def __init__(self, limits: DuplicateLimits) -> None:
        self._shingle = limits.shingle
        self._empty = MinHash(num_perm=limits.permutations, hashfunc=int, scheme=_SCHEME)

    def fingerprint(self, text: str) -> Fingerprint:
        """Return the fingerprint of a text; blanks, punctuation and case make no difference."""
        letters = compact(text)
        hashes = window_hashes(letters, min(self._shingle, max(len(letters), 1)))
        sketch = self._empty.copy()
        if len(hashes):
            sketch.update_batch(np.unique(hashes & _LOW_32).tolist())
        digest = hashlib.blake2b(letters.encode("utf-8", "surrogatepass"), digest_size=16).digest()
        return Fingerprint(digest, np.asarray(sketch.hashvalues, dtype=np.uint32))


@dataclass(frozen=True)
class Duplicate:
    """Why a text repeats an earlier one: `reason` is "exact_duplicate" or "near_duplicate"."""

    reason: str
    original: int
    similarity: float


class DuplicateIndex:
    """The texts kept so far."""

    def __init__(self, limits: DuplicateLimits) -> None:
        self._limits = limits
        self._by_digest: dict[bytes, int] = {}
        self._signatures: dict[int, Signature] = {}
        # More weight on what is not missed: candidates are checked against their whole signatures below.
        self._lsh = MinHashLSH(threshold=limits.threshold, num_perm=limits.permutations, weights=(0.3, 0.7))

    def add(self, key: int, fingerprint: Fingerprint) -> Duplicate | None:
        """Keep a text under a number of its own, or return which earlier one it repeats."""
        original = self._by_digest.get(fingerprint.digest)
        if original is not None:
            return Duplicate("exact_duplicate", original, 1.0)
        sketch = MinHash(hashvalues=fingerprint.signature, scheme=_SCHEME, hashfunc=int)
        near = self._nearest(sketch, fingerprint.signature)
        if near is not None:
            return near
        self._by_digest[fingerprint.digest] = key
        self._signatures[key] = fingerprint.signature
        self._lsh.insert(key, sketch)
        return None

    def _nearest(self, sketch: MinHash, signature: Signature) -> Duplicate | None:
        best: Duplicate | None = None
        for key in sorted(self._lsh.query(sketch)):
            similarity = float(np.mean(self._signatures[key] == signature))
            if similarity >= self._limits.threshold and (best is None or similarity > best.similarity):
                best = Duplicate("near_duplicate", key, similarity)
        return best
