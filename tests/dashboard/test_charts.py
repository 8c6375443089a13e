"""Coordinates of the small charts."""

import re

import pytest

from downstream_node.dashboard import charts


@pytest.mark.parametrize(
    ("uptime", "node_down", "expected"),
    [
        pytest.param(100.0, 0.0, "good", id="all"),
        pytest.param(99.0, 0.0, "good", id="on the upper threshold"),
        pytest.param(98.99, 0.0, "fair", id="just below it"),
        pytest.param(90.0, 0.0, "fair", id="on the lower threshold"),
        pytest.param(89.99, 0.0, "bad", id="just below that"),
        pytest.param(0.0, 0.0, "bad", id="nothing"),
        pytest.param(None, 0.0, "none", id="nothing expected"),
        pytest.param(None, 3600.0, "down", id="the node was down all the time"),
        pytest.param(100.0, 60.0, "good", id="the node was down for a while"),
    ],
)
def test_states_of_bars(uptime: float | None, node_down: float, expected: str) -> None:
    """A farmer is judged by its uptime; where there is none, the bar says why."""
    assert charts.bar_state(uptime, node_down) == expected


def test_bars_fill_the_width() -> None:
    """The first bar begins at 0, the last one ends at the width, gaps between them."""
    row = charts.bars(["good"] * 4, width=100, height=20, gap=4)
    assert [bar.x for bar in row] == [0, 26, 52, 78]
    assert row[-1].x + row[-1].width == 100


def test_states_differ_in_height() -> None:
    """Bars can be told apart without their colours, and all stand on the same line."""
    row = charts.bars(list(charts.SHARES), width=100, height=20, gap=0)
    assert len({bar.height for bar in row}) == len(charts.SHARES)
    assert {round(bar.y + bar.height, 6) for bar in row} == {20}


def test_no_bars() -> None:
    """No values, no bars."""
    assert charts.bars([], 100, 20, 2) == []


def test_area() -> None:
    """The line goes from edge to edge; 0 is at the bottom, the largest value at the top."""
    area = charts.area([0, 5, 10], width=100, height=44, margin=2)
    assert area is not None
    assert area.line == "M0 42 L50 22 L100 2"
    assert area.surface == "M0 42 L50 22 L100 2 L100 44 L0 44 Z"


def test_area_of_zeros() -> None:
    """A network in which nothing happens is a flat line at the bottom."""
    area = charts.area([0, 0], width=10, height=14, margin=2)
    assert area is not None
    assert area.line == "M0 12 L10 12"


@pytest.mark.parametrize("values", [[], [3.0]])
def test_area_needs_two_values(values: list[float]) -> None:
    """One value makes no line."""
    assert charts.area(values, 100, 20) is None


def test_columns() -> None:
    """The largest is as high as the chart; what is not known is not drawn."""
    found = charts.columns([5, None, 10], width=32, height=20, gap=1)
    assert [(one.x, one.y, one.height) for one in found] == [(0, 10, 10), (11, 20, 0), (22, 0, 20)]
    assert found[1].value is None


def test_small_columns_are_seen() -> None:
    """One heartbeat beside a million is still there; none at all is not."""
    one, none, _ = charts.columns([1, 0, 1_000_000], width=30, height=20, gap=0)
    assert (one.height, none.height) == (1, 0)


# Trends


def test_trend_goes_from_edge_to_edge() -> None:
    """The first point is at the left, the last at the right, 0 at the bottom, the most on top."""
    found = charts.trend([charts.Span(0), charts.Span(5), charts.Span(10)], 106, 56, margin=3)
    assert found is not None
    assert (found.line, found.band, found.top) == ("M3 53 L53 28 L103 3", "", 10)


def test_trend_has_gaps() -> None:
    """Where a point is not known the line is broken; a point alone is a dot."""
    found = charts.trend([charts.Span(1), charts.Span(1), None, charts.Span(1)], 106, 56)
    assert found is not None
    assert re.findall("M[^M]*", found.line) == ["M3 3 L36.3 3", "M103 3 L103 3"]


def test_trend_with_a_band() -> None:
    """The band goes along the upper bounds and back along the lower ones."""
    spans = [charts.Span(5, 0, 10), charts.Span(5, 5, 5)]
    found = charts.trend(spans, 106, 56)
    assert found is not None
    assert found.band == "M3 3 L103 28 L103 28 L3 53Z"


def test_a_band_of_one_day_has_a_width() -> None:
    """A day alone is visible, too."""
    found = charts.trend([None, charts.Span(5, 0, 10), None], 106, 56)
    assert found is not None
    assert found.band == "M36.3 3 L69.7 3 L69.7 53 L36.3 53Z"


def test_a_band_needs_both_bounds() -> None:
    """Points without quartiles have no band."""
    found = charts.trend([charts.Span(5, 0, None), charts.Span(5, 1, 9)], 106, 56)
    assert found is not None
    assert found.band == ""


def test_trend_below_zero() -> None:
    """Negative values lie below the line of 0."""
    found = charts.trend([charts.Span(-10), charts.Span(10)], 106, 56)
    assert found is not None
    assert found.line == "M3 53 L103 3"


def test_trend_of_nothing() -> None:
    """Without a point there is no picture; of zeros there is one."""
    assert charts.trend([None, None], 106, 56) is None
    flat = charts.trend([charts.Span(0), charts.Span(0)], 106, 56)
    assert flat is not None
    assert flat.line == "M3 53 L103 53"
