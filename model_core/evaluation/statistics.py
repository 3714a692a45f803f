"""Ratios over calls with their confidence intervals. It knows numbers, not what they count."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np

RESAMPLES: Final = 1000
SEED: Final = 20


@dataclass(frozen=True)
class Measure:
    """A ratio with its 95 % interval; `count` is what stands below the line."""

    value: float
    low: float
    high: float
    count: float


def ratio(pairs: Iterable[tuple[float, float]]) -> Measure | None:
    """Return the sum of the firsts over the sum of the seconds, one pair a call; None when there is nothing to count.

    The interval is the percentile bootstrap over calls. Source: Efron and Tibshirani 1993, chapter 13.
    """
    pairs_N2 = np.array(list(pairs), dtype=np.float64).reshape(-1, 2)
    total = pairs_N2.sum(axis=0)
    if total[1] == 0:
        return None
    drawn = np.random.default_rng(SEED).integers(len(pairs_N2), size=(RESAMPLES, len(pairs_N2)))
    sums_R2 = pairs_N2[drawn].sum(axis=1)
    ratios = sums_R2[sums_R2[:, 1] > 0]
    low, high = np.percentile(ratios[:, 0] / ratios[:, 1], [2.5, 97.5])
    return Measure(float(total[0] / total[1]), float(low), float(high), float(total[1]))
