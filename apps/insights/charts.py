"""Charts as plain geometry for server-made SVG: columns by day, rows by kind, one bar of parts.

The page writes the numbers beside them as text and as a table, so the drawing itself says nothing new. Knows numbers
only.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from apps.core.charts import Tick

WIDTH, HEIGHT = 720, 200
_LEFT, _TOP, _BOTTOM = 40, 12, 32
_MAX_GRID = 4


@dataclass(frozen=True)
class Column:
    """One column; coordinates in SVG units, as text that no locale changes."""

    x: str
    y: str
    width: str
    height: str
    label: str
    value: int


@dataclass(frozen=True)
class Columns:
    columns: tuple[Column, ...]
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    width: int = WIDTH
    height: int = HEIGHT
    left: int = _LEFT
    bottom: int = HEIGHT - _BOTTOM


def columns(values: Sequence[tuple[str, int]]) -> Columns:
    """Return the columns of (label, count) pairs from left to right; the axis begins at zero and counts in wholes."""
    step = _step(max((value for _, value in values), default=0))
    grid = max(1, -(-max((value for _, value in values), default=0) // step))
    room, scale = (WIDTH - _LEFT) / max(1, len(values)), (HEIGHT - _TOP - _BOTTOM) / (grid * step)
    base = HEIGHT - _BOTTOM
    drawn = tuple(
        Column(
            x=f"{_LEFT + index * room + room * 0.14:.1f}",
            y=f"{base - value * scale:.1f}",
            width=f"{room * 0.72:.1f}",
            height=f"{value * scale:.1f}",
            label=label,
            value=value,
        )
        for index, (label, value) in enumerate(values)
    )
    named = sorted({0, (len(values) - 1) // 2, len(values) - 1}) if values else []
    return Columns(
        columns=drawn,
        x_ticks=tuple(Tick(round(_LEFT + (index + 0.5) * room, 1), values[index][0]) for index in named),
        y_ticks=tuple(Tick(round(base - n * step * scale, 1), f"{n * step:,}") for n in range(grid + 1)),
    )


def _step(most: int) -> int:
    """Return the smallest of 1, 2, 5, 10, 20, … that needs no more than a few lines up to `most`."""
    size = 1
    while True:
        for factor in (1, 2, 5):
            if most <= factor * size * _MAX_GRID:
                return factor * size
        size *= 10


@dataclass(frozen=True)
class Part:
    """A share of a whole: `name` chooses its colour, `x` and `width` are of a bar 100 units wide."""

    name: str
    label: str
    value: float
    share: float
    x: str
    width: str


def parts(values: Sequence[tuple[str, str, float]]) -> tuple[Part, ...]:
    """Return (name, label, value) triples as the parts of one bar, in their order."""
    total, at = sum(value for _, _, value in values), 0.0
    made = []
    for name, label, value in values:
        share = value / total if total else 0.0
        made.append(Part(name, label, value, share, f"{at * 100:.2f}", f"{share * 100:.2f}"))
        at += share
    return tuple(made)


def rows(values: Sequence[tuple[str, str, int]]) -> tuple[Part, ...]:
    """Return (name, label, count) triples as rows, the greatest first; the longest bar takes the whole width."""
    total, most = sum(value for _, _, value in values), max((value for _, _, value in values), default=0)
    ranked = sorted(values, key=lambda row: -row[2])
    return tuple(
        Part(name, label, value, value / total if total else 0.0, "0", f"{value / most * 100 if most else 0:.2f}")
        for name, label, value in ranked
    )
