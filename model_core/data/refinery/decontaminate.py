"""Training texts that hold what the model will be tested on, found by runs of syllables they share.

An index of evaluation texts, small enough to go to every worker. Spacing and punctuation make no difference. Knows
nothing of where the texts come from: give it what the training texts have gone through too (spelling, placeholders).
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from model_core.data.refinery.settings import ContaminationLimits
from model_core.data.refinery.shingles import Hashes, compact, window_hashes


@dataclass(frozen=True)
class _Windows:
    """The hashed runs of one length: sorted hashes with the item each belongs to, and each item's number of runs."""

    hashes: Hashes
    items: npt.NDArray[np.int64]


class EvaluationIndex:
    """What must not be trained on. `ignored` counts the items too short to be told from everyday speech."""

    def __init__(self, texts: Iterable[str], limits: ContaminationLimits) -> None:
        self._limits = limits
        by_window: dict[int, list[tuple[int, Hashes]]] = {}
        sizes: list[int] = []
        self.ignored = 0
        for text in texts:
            letters = compact(text)
            window = min(limits.window, len(letters))
            if window < limits.min_window:
                self.ignored += 1
                continue
            hashes = np.unique(window_hashes(letters, window))
            by_window.setdefault(window, []).append((len(sizes), hashes))
            sizes.append(len(hashes))
        self.items = len(sizes)
        self._sizes = np.array(sizes, dtype=np.int64)
        self._windows = {window: _sorted(rows) for window, rows in by_window.items()}

    def overlap(self, text: str) -> tuple[float, float]:
        """Return the largest share of an evaluation item that a text holds, and the share of the text that is covered.

        Both are shares of runs of syllables, 0 to 1.
        """
        letters = compact(text)
        item_share = text_share = 0.0
        for window, known in self._windows.items():
            hashes = window_hashes(letters, window)
            if not len(hashes):
                continue
            first = np.searchsorted(known.hashes, hashes, side="left")
            last = np.searchsorted(known.hashes, hashes, side="right")
            hit = last > first
            if not hit.any():
                continue
            # A run that a text repeats counts once for the item, every time for the text.
            spans = {(int(low), int(high)) for low, high in zip(first[hit], last[hit], strict=True)}
            items = np.concatenate([known.items[low:high] for low, high in spans])
            found = np.bincount(items, minlength=self.items)
            item_share = max(item_share, float((found / self._sizes).max()))
            text_share = max(text_share, float(hit.mean()))
        return item_share, text_share

    def contaminated(self, text: str) -> bool:
        """Tell whether a text holds too much of an evaluation item, or consists too much of them."""
        item_share, text_share = self.overlap(text)
        return item_share >= self._limits.max_item_share or text_share >= self._limits.max_text_share


def _sorted(rows: list[tuple[int, Hashes]]) -> _Windows:
    hashes = np.concatenate([row for _, row in rows])
    items = np.repeat([item for item, _ in rows], [len(row) for _, row in rows]).astype(np.int64)
    order = np.argsort(hashes, kind="stable")
    return _Windows(hashes[order], items[order])
