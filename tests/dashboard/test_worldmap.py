"""Where places are on the map."""

import pytest

from downstream_node.dashboard import worldmap
from downstream_node.status.reports import Point


def point(farmers: int, online: int, lat: float = 0.0, lon: float = 0.0) -> Point:
    """A place."""
    return Point(lat=lat, lon=lon, farmers=farmers, online=online)


@pytest.mark.parametrize(
    ("latitude", "length", "distance"),
    [
        # Of Patterson's table, which the polynomial follows closely but for the poles.
        pytest.param(0, 1.0, 0.0, id="equator"),
        pytest.param(30, 0.9570, 0.3720, id="30 degrees"),
        pytest.param(60, 0.8196, 0.7346, id="60 degrees"),
    ],
)
def test_projection_follows_its_table(latitude: float, length: float, distance: float) -> None:
    """Parallels have their length in parts of the equator, and their distance in the pole's."""
    equator, pole = worldmap.unit_x(180, 0), worldmap.unit_y(90)
    assert worldmap.unit_x(180, latitude) / equator == pytest.approx(length, abs=0.005)
    assert worldmap.unit_y(latitude) / pole == pytest.approx(distance, abs=0.005)


def test_corners_of_the_map() -> None:
    """The map is as wide as the equator and as high as the part of the world that it shows."""
    assert worldmap.project(0, -180)[0] == 0
    assert worldmap.project(0, 180)[0] == worldmap.WIDTH
    assert worldmap.project(worldmap.NORTH, 0) == (worldmap.WIDTH / 2, 0)
    assert worldmap.project(worldmap.SOUTH, 0)[1] == pytest.approx(worldmap.HEIGHT, abs=0.1)


def test_north_is_up_and_east_is_right() -> None:
    """Berlin is right of and above Lima."""
    berlin, lima = worldmap.project(52.5, 13.4), worldmap.project(-12.0, -77.0)
    assert berlin[0] > lima[0]
    assert berlin[1] < lima[1]


@pytest.mark.parametrize("latitude", [-90, 90])
def test_poles_are_at_the_edge(latitude: float) -> None:
    """Who farms at a pole is drawn at the edge of the map, not outside."""
    assert 0 <= worldmap.project(latitude, 0)[1] <= worldmap.HEIGHT


def test_area_is_in_proportion_to_farmers() -> None:
    """Four times as many farmers make a ring of twice the radius."""
    assert worldmap.radius(16, 16) == 2 * worldmap.radius(4, 16)


@pytest.mark.parametrize(
    ("farmers", "most", "expected"),
    [
        pytest.param(0, 10, 0, id="nobody"),
        pytest.param(1, 1, worldmap.ONE_FARMER, id="one"),
        pytest.param(1000, 1000, worldmap.LARGEST, id="the largest"),
        pytest.param(1, 1000, worldmap.SMALLEST, id="one beside a thousand"),
    ],
)
def test_radii_have_limits(farmers: int, most: int, expected: float) -> None:
    """No disc hides a continent, and none is too small to be seen."""
    assert worldmap.radius(farmers, most) == expected


def test_filled_part_is_who_is_online() -> None:
    """A quarter of the farmers online fills a quarter of the area: half of the radius."""
    (disc,) = worldmap.discs([point(16, 4)])
    assert disc.filled == disc.ring / 2


def test_nobody_online_fills_nothing() -> None:
    """A place without anybody online is a ring only."""
    (disc,) = worldmap.discs([point(3, 0)])
    assert disc.filled == 0


def test_small_places_lie_on_top() -> None:
    """What is drawn last is on top."""
    discs = worldmap.discs([point(1, 1), point(9, 9), point(4, 4)])
    assert [disc.farmers for disc in discs] == [9, 4, 1]
