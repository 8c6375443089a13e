"""Geometry of the small charts: from numbers to coordinates of SVG, nothing else."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

GOOD = 99.0
FAIR = 90.0
"""Uptime in per cent from which a bar is shown as good, as fair."""

BarState = Literal["good", "fair", "bad", "none", "down"]

SHARES: dict[BarState, float] = {"good": 1.0, "fair": 0.7, "bad": 0.4, "none": 0.12, "down": 0.24}
"""Heights of bars: states differ by more than their colour."""


@dataclass(frozen=True, slots=True)
class Area:
    """A line over time and the surface below it, as paths."""

    line: str
    surface: str


@dataclass(frozen=True, slots=True)
class Column:
    """One column; *value* None: not known, nothing is drawn."""

    x: float
    y: float
    width: float
    height: float
    value: float | None


@dataclass(frozen=True, slots=True)
class BarShape:
    """One bar of a row of heartbeat bars."""

    x: float
    y: float
    width: float
    height: float
    state: BarState


def bar_state(uptime: float | None, node_down: float) -> BarState:
    """How a bar is shown: by uptime in per cent, or why there is none."""
    if uptime is None:
        return "down" if node_down > 0 else "none"
    if uptime >= GOOD:
        return "good"
    return "fair" if uptime >= FAIR else "bad"


def bars(states: Sequence[BarState], width: float, height: float, gap: float) -> list[BarShape]:
    """A row of bars over *width*, *gap* apart, standing on the bottom line."""
    step = (width + gap) / max(1, len(states))
    shapes: list[BarShape] = []
    for number, state in enumerate(states):
        tall = round(height * SHARES[state], 2)
        x, y = round(number * step, 2), round(height - tall, 2)
        shapes.append(BarShape(x, y, round(step - gap, 2), tall, state))
    return shapes


def heights(values: Sequence[float], height: float) -> list[float]:
    """The y of each of *values*: 0 at the bottom, the largest at the top."""
    top = max(values, default=0.0)
    return [round(height - (height * value / top if top > 0 else 0.0), 2) for value in values]


def area(values: Sequence[float], width: float, height: float, margin: float = 2.0) -> Area | None:
    """A line through *values* from left to right; None with fewer than two of them.

    *margin* stays free above and below, for the line's own thickness.
    """
    if len(values) < 2:  # noqa: PLR2004 - a line has two ends
        return None
    step = width / (len(values) - 1)
    ys = [y + margin for y in heights(values, height - 2 * margin)]
    points = [f"{round(number * step, 2):g} {round(y, 2):g}" for number, y in enumerate(ys)]
    line = "M" + " L".join(points)
    surface = f"{line} L{width:g} {height:g} L0 {height:g} Z"
    return Area(line, surface)


def columns(
    values: Sequence[float | None], width: float, height: float, gap: float
) -> list[Column]:
    """One column for each of *values* over *width*; what is above 0 is at least one unit high."""
    step = (width + gap) / max(1, len(values))
    known = [value or 0.0 for value in values]
    found: list[Column] = []
    for number, (value, y) in enumerate(zip(values, heights(known, height), strict=True)):
        top = min(y, height - 1) if value else height
        x, tall = round(number * step, 2), round(height - top, 2)
        found.append(Column(x, round(top, 2), round(step - gap, 2), tall, value))
    return found
