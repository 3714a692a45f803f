"""Which steps to leave out: those whose loss stands far above the recent ones.

The measure is robust: median and median absolute deviation, so that a spike does not hide the next one.
"""

from typing import Final

import torch
from torch import Tensor

_WINDOW: Final = 64
_FEWEST: Final = 16
# Makes the median absolute deviation of a normal distribution its standard deviation. Source: Rousseeuw and Croux 1993.
_NORMAL: Final = 1.4826
# A deviation is at least this share of the median: losses that hardly differ are no reason to leave out a step.
_LEAST: Final = 0.02


class SpikeGuard:
    """The recent losses. `history` (N,) is the whole state, oldest first; a `threshold` of 0 lets everything pass."""

    def __init__(self, threshold: float) -> None:
        self.history = torch.zeros(0)
        self._threshold = threshold

    def limit(self) -> float:
        """Return the loss above which a step is left out; infinite while too few are known."""
        if not self._threshold or len(self.history) < _FEWEST:
            return float("inf")
        median = self.history.median()
        deviation = _NORMAL * (self.history - median).abs().median()
        return float(median + self._threshold * deviation.maximum(_LEAST * median))

    def add(self, loss: float) -> None:
        """Remember the loss of a step, left out or not: a level that stays high is no spike for long."""
        self.history = torch.cat((self.history, torch.tensor([loss])))[-_WINDOW:].clone()

    def restore(self, history: Tensor) -> None:
        """Take over a saved history."""
        self.history = history.clone()
