"""Line charts as plain geometry for a server-made SVG: no script draws, and a screen reader gets the table beside it.

Knows numbers only, nothing of training.
"""

from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 720, 240
_LEFT, _RIGHT, _TOP, _BOTTOM = 60, 12, 12, 28


@dataclass(frozen=True)
class Tick:
    """A mark on an axis at `at` SVG units."""

    at: float
    label: str


@dataclass(frozen=True)
class Chart:
    """A polyline in SVG units with its ticks; `last` is the end of the line."""

    points: str
    smooth: str
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    last: tuple[float, float]
    width: int = WIDTH
    height: int = HEIGHT
    left: int = _LEFT
    right: int = WIDTH - _RIGHT
    bottom: int = HEIGHT - _BOTTOM


def line_chart(values: Sequence[tuple[int, float]]) -> Chart | None:
    """Return the chart of (step, value) pairs in order of steps; None without a finite value."""
    finite = [(step, value) for step, value in values if value == value and abs(value) != float("inf")]
    if not finite:
        return None
    steps, heights = [step for step, _ in finite], [value for _, value in finite]
    x_low, x_high = min(steps), max(max(steps), min(steps) + 1)
    y_low, y_high = _widened(min(heights), max(heights))

    def x_of(step: float) -> float:
        return round(_LEFT + (step - x_low) / (x_high - x_low) * (WIDTH - _LEFT - _RIGHT), 1)

    def y_of(value: float) -> float:
        return round(_TOP + (y_high - value) / (y_high - y_low) * (HEIGHT - _TOP - _BOTTOM), 1)

    return Chart(
        points=_polyline([(x_of(step), y_of(value)) for step, value in finite]),
        smooth=_polyline([(x_of(step), y_of(value)) for step, value in zip(steps, _averaged(heights), strict=True)]),
        x_ticks=tuple(Tick(x_of(step), f"{step:,}") for step in sorted({x_low, round((x_low + x_high) / 2), x_high})),
        y_ticks=tuple(Tick(y_of(y), f"{y:.2f}") for y in (y_low, (y_low + y_high) / 2, y_high)),
        last=(x_of(steps[-1]), y_of(heights[-1])),
    )


def _widened(low: float, high: float) -> tuple[float, float]:
    margin = (high - low) * 0.08 or max(abs(high) * 0.1, 0.1)
    return low - margin, high + margin


def _polyline(points: Sequence[tuple[float, float]]) -> str:
    return " ".join(f"{x},{y}" for x, y in points)


def _averaged(values: Sequence[float]) -> list[float]:
    """Return the centred averages of `values`: unlike a running average they do not lag behind what falls."""
    most = max(1, len(values) // 12)
    averages = []
    for index in range(len(values)):
        reach = min(most, index, len(values) - 1 - index)
        window = values[index - reach : index + reach + 1]
        averages.append(sum(window) / len(window))
    return averages
