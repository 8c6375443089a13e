"""Where a place is on the map of the world: the Natural Earth projection, and sizes of points.

The projection is Patterson's, as the polynomial of Šavrič, Jenny, Patterson, Petrovič and Hurni,
"A Polynomial Equation for the Natural Earth Projection" (2011). Antarctica is cut off.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import pi, radians, sqrt

from downstream_node.status.reports import Point

WIDTH = 960.0
"""Of the map, in units of its drawing."""
NORTH = 83.7
SOUTH = -56.5
"""Degrees of latitude at which the map ends."""

SMALLEST = 3.0
LARGEST = 26.0
"""Radii, in units of the drawing."""
ONE_FARMER = 6.0
"""Radius of one farmer where the largest place leaves room for it."""


def unit_x(longitude: float, latitude: float) -> float:
    """The projection's x for degrees, from about -2.74 to 2.74."""
    square = radians(latitude) ** 2
    fourth = square * square
    inner = -0.013791 + fourth * (0.003971 * square - 0.001529 * fourth)
    return radians(longitude) * (0.8707 - 0.131979 * square + fourth * inner)


def unit_y(latitude: float) -> float:
    """The projection's y for degrees, from about -1.42 to 1.42, growing to the north."""
    square = radians(latitude) ** 2
    fourth = square * square
    inner = -0.044475 + 0.028874 * square - 0.005916 * fourth
    return radians(latitude) * (1.007226 + square * (0.015085 + fourth * inner))


SCALE = WIDTH / (2 * 0.8707 * pi)
HEIGHT = round(SCALE * (unit_y(NORTH) - unit_y(SOUTH)), 1)


def project(latitude: float, longitude: float) -> tuple[float, float]:
    """(x, y) on the map; a place north or south of it is drawn at its edge."""
    seen = min(NORTH, max(SOUTH, latitude))
    x = WIDTH / 2 + SCALE * unit_x(longitude, seen)
    y = SCALE * (unit_y(NORTH) - unit_y(seen))
    return round(x, 1), round(y, 1)


def radius(farmers: int, most: int) -> float:
    """The radius of a disc for *farmers*, where the largest place has *most*.

    Areas are in proportion to farmers, but for places that would be too small to be seen.
    """
    if farmers <= 0:
        return 0.0
    unit = min(ONE_FARMER, LARGEST / sqrt(max(1, most)))
    return round(max(SMALLEST, unit * sqrt(farmers)), 1)


@dataclass(frozen=True, slots=True)
class Disc:
    """One place: a ring for all of its farmers, filled as far as they are online."""

    x: float
    y: float
    ring: float
    filled: float
    farmers: int
    online: int


def disc(point: Point, most: int) -> Disc:
    """The disc of *point*, where the largest place has *most* farmers."""
    x, y = project(point.lat, point.lon)
    ring = radius(point.farmers, most)
    filled = round(ring * sqrt(point.online / point.farmers), 1) if point.farmers else 0.0
    return Disc(x, y, ring, filled, point.farmers, point.online)


def discs(points: Sequence[Point]) -> list[Disc]:
    """The discs of *points*, large ones first, so that small ones lie on top."""
    most = max((point.farmers for point in points), default=1)
    return sorted((disc(point, most) for point in points), key=lambda one: -one.farmers)
