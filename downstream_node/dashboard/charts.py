"""Geometry of the small charts: from numbers to coordinates of SVG, nothing else."""

from collections.abc import Callable, Iterator, Sequence
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


# Trends with gaps and a band


@dataclass(frozen=True, slots=True)
class Span:
    """One point of a trend, with the bounds of its band if it has one."""

    value: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Trend:
    """A line with gaps and the band around it, as paths; *band* is "" if there is none."""

    line: str
    band: str
    top: float
    """The value at the upper edge."""


def trend(
    spans: Sequence[Span | None], width: float, height: float, margin: float = 3.0
) -> Trend | None:
    """A line through *spans*, at equal distances from left to right; None leaves a gap.

    0 is always in the picture. None if there is no point at all.
    """
    known = [span for span in spans if span is not None]
    if not known:
        return None
    values = [
        0.0,
        *(
            bound
            for span in known
            for bound in (span.value, span.low, span.high)
            if bound is not None
        ),
    ]
    top, bottom = max(values), min(values)
    scale = (height - 2 * margin) / ((top - bottom) or 1.0)
    step = (width - 2 * margin) / max(1, len(spans) - 1)

    def at(x: float, value: float) -> str:
        return f"{round(x, 1):g} {round(height - margin - (value - bottom) * scale, 1):g}"

    lines, bands = [], []
    for first, run in runs(spans):
        places = [margin + (first + number) * step for number in range(len(run))]
        dots = [at(x, span.value) for x, span in zip(places, run, strict=True)]
        # A line without length is drawn as a dot: its ends are round.
        lines.append("M" + " L".join(dots if len(dots) > 1 else dots * 2))
        bands.append(band(run, places, step, at))
    return Trend("".join(lines), "".join(bands), top)


def band(
    run: Sequence[Span],
    places: Sequence[float],
    step: float,
    at: Callable[[float, float], str],
) -> str:
    """The surface between the bounds of *run*, "" if one of its points has none."""
    bounds = [
        (x, span.low, span.high)
        for x, span in zip(places, run, strict=True)
        if span.low is not None and span.high is not None
    ]
    if len(bounds) < len(run):
        return ""
    if len(bounds) == 1:
        # One point alone has a band as wide as what stands for a day.
        ((x, low, high),) = bounds
        bounds = [(x - step / 3, low, high), (x + step / 3, low, high)]
    upper = [at(x, high) for x, _, high in bounds]
    lower = [at(x, low) for x, low, _ in reversed(bounds)]
    return "M" + " L".join(upper + lower) + "Z"


def runs(spans: Sequence[Span | None]) -> Iterator[tuple[int, list[Span]]]:
    """The stretches of *spans* without a gap, each with the number of its first."""
    first, run = 0, list[Span]()
    for number, span in enumerate(spans):
        if span is not None:
            first = first if run else number
            run.append(span)
        elif run:
            yield first, run
            run = []
    if run:
        yield first, run
