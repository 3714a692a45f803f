"""Line charts as SVG text, readable on light and dark pages, for the benchmarks beside it. It measures nothing."""

from collections.abc import Mapping, Sequence
from xml.sax.saxutils import escape

Points = Sequence[tuple[float, float]]

# Told apart by colour blind readers too, on white and on near-black. Source: Okabe and Ito 2008.
_COLOURS = ("#e69f00", "#0091d5", "#009e73", "#cc79a7")
_WIDTH, _HEIGHT, _LEFT, _RIGHT, _TOP, _BOTTOM = 480, 320, 52, 12, 34, 46
_GREY = "#808080"


def line_charts(panels: Mapping[str, Mapping[str, Points]], y_title: str) -> str:
    """Return charts side by side, one a panel: the title of its x axis, and the points of each line by its name."""
    ys = [y for lines in panels.values() for points in lines.values() for _, y in points]
    low, high = min(ys), max(ys)
    margin = (high - low) * 0.05 or 1.0
    drawn = [_panel(x_title, lines, (low - margin, high + margin), y_title) for x_title, lines in panels.items()]
    drawn = [f'<g transform="translate({number * _WIDTH} 0)">{panel}</g>' for number, panel in enumerate(drawn)]
    width = _WIDTH * len(panels)
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {_HEIGHT}" width="{width}" height="{_HEIGHT}"'
    return f'{head} font-family="sans-serif" font-size="12" fill="{_GREY}">\n' + "\n".join(drawn) + "\n</svg>\n"


def _panel(x_title: str, lines: Mapping[str, Points], y_range: tuple[float, float], y_title: str) -> str:
    most = max(x for points in lines.values() for x, _ in points)
    low, high = y_range

    def place(x: float, y: float) -> tuple[float, float]:
        across, up = x / most, (y - low) / (high - low)
        right, bottom = _WIDTH - _RIGHT, _HEIGHT - _BOTTOM
        return _LEFT + across * (right - _LEFT), bottom - up * (bottom - _TOP)

    parts = [_text(_LEFT, _TOP - 16, y_title, "start"), _text(_WIDTH / 2, _HEIGHT - 8, x_title, "middle")]
    for share in (0, 0.25, 0.5, 0.75, 1):
        x, bottom = place(most * share, low)
        _, y = place(0, low + (high - low) * share)
        parts.append(_text(x, bottom + 18, f"{most * share:,.0f}", "middle"))
        parts.append(_text(_LEFT - 6, y + 4, f"{low + (high - low) * share:.2f}", "end"))
        parts.append(f'<path d="M{_LEFT} {y:.1f}H{_WIDTH - _RIGHT}" stroke="{_GREY}" stroke-opacity=".25"/>')
    for number, (name, points) in enumerate(lines.items()):
        colour = _COLOURS[number % len(_COLOURS)]
        path = "L".join("{:.1f} {:.1f}".format(*place(x, y)) for x, y in points)
        parts.append(f'<path d="M{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts.append(_text(_WIDTH - _RIGHT - 4, _TOP + 14 + 16 * number, name, "end", colour))
    return "".join(parts)


def _text(x: float, y: float, text: str, anchor: str, colour: str = _GREY) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour}">{escape(text)}</text>'
