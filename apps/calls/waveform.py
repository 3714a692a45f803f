"""The waveform of a recording as SVG geometry, one lane a channel. Knows peaks, not sound."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

LANE_HEIGHT = 40
MAX_BARS = 480
# Quiet lines must still show: the loudest peak fills the lane, and no bar is thinner than this many units.
_MIN_BAR = 1.0


@dataclass(frozen=True)
class Lane:
    """One channel: an SVG path of vertical bars, and the party it belongs to ("" when both speak on it)."""

    path: str
    party: str


@dataclass(frozen=True)
class Waveform:
    """All lanes in a box of `width` by `height` units."""

    lanes: tuple[Lane, ...]
    width: int
    height: int


def draw(peaks: Sequence[Sequence[float]], *, party_each: bool, swapped: bool = False) -> Waveform | None:
    """Return the lanes for `peaks` (0 to 1, a list a channel); None when there are none.

    `party_each` tells that every channel carries one party, A first unless `swapped`; otherwise the loudest of them is
    drawn as one lane.
    """
    channels = [list(channel) for channel in peaks if channel]
    if not channels:
        return None
    if not party_each:
        channels = [[max(values) for values in zip(*channels, strict=False)]]
    bars = [_thinned(channel) for channel in channels]
    loudest = max((max(channel) for channel in bars), default=0.0) or 1.0
    parties = "BA" if swapped else "AB"
    lanes = tuple(
        Lane(_path(channel, loudest, index * LANE_HEIGHT), parties[index : index + 1] if party_each else "")
        for index, channel in enumerate(bars)
    )
    return Waveform(lanes, len(bars[0]), LANE_HEIGHT * len(lanes))


def _thinned(channel: Sequence[float]) -> list[float]:
    count = min(MAX_BARS, len(channel))
    edges = [round(index * len(channel) / count) for index in range(count + 1)]
    return [max(channel[start:stop]) for start, stop in pairwise(edges)]


def _path(channel: Sequence[float], loudest: float, top: int) -> str:
    middle = top + LANE_HEIGHT / 2
    reach = LANE_HEIGHT / 2 - 3
    parts = []
    for index, peak in enumerate(channel):
        half = max(_MIN_BAR, peak / loudest * reach)
        parts.append(f"M{index}.5 {middle - half:.1f}V{middle + half:.1f}")
    return "".join(parts)
