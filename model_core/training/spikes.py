"""Which steps to leave out: those whose loss or gradient norm stands far above the recent ones.

The measure is robust: median and median absolute deviation, so that a spike does not hide the next one. It knows
numbers, not what they measure.
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
    """The recent values of some measures.

    `history` (N, M) is the whole state: the last steps' M measures, oldest first.
    """

    def __init__(self, measures: int, threshold: float) -> None:
        self.history = torch.zeros(0, measures)
        self._threshold = threshold

    def limits(self) -> list[float]:
        """Return the value of each measure above which it is a spike; infinite while too few are known."""
        if not self._threshold or len(self.history) < _FEWEST:
            return [float("inf")] * self.history.shape[1]
        median = self.history.median(dim=0).values
        deviation = _NORMAL * (self.history - median).abs().median(dim=0).values
        limits: list[float] = (median + self._threshold * deviation.maximum(_LEAST * median)).tolist()
        return limits

    def add(self, values: list[float]) -> None:
        """Remember the values of a step, left out or not: a level that stays high is no spike for long."""
        self.history = torch.cat((self.history, torch.tensor([values])))[-_WINDOW:].contiguous()

    def restore(self, history: Tensor) -> None:
        """Take over a saved history."""
        self.history = history.clone()
