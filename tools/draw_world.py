"""Draw `dashboard/static/world.svg`: the world's land and borders in the dashboard's projection.

python tools/draw_world.py countries-110m.json

The input is TopoJSON of Natural Earth's map 1:110m (public domain, naturalearthdata.com), as the
package `world-atlas` holds it.
"""  # noqa: INP001 - a program, not a package

import json
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Any

from downstream_node.dashboard.worldmap import HEIGHT, SOUTH, WIDTH, project

TARGET = Path(__file__).parents[1] / "downstream_node" / "dashboard" / "static" / "world.svg"
NEAREST = 6
"""Points nearer to each other than this many tenths of a unit are left out."""

Place = tuple[float, float]
"""Longitude and latitude."""
Dot = tuple[int, int]
"""x and y on the map in tenths of a unit."""


def decoded_arcs(topology: dict[str, Any]) -> list[list[Place]]:
    """The lines of *topology*: sums of small steps, scaled and moved."""
    (scale_x, scale_y) = topology["transform"]["scale"]
    (move_x, move_y) = topology["transform"]["translate"]
    found = []
    for arc in topology["arcs"]:
        steps = accumulate(arc, lambda a, b: [a[0] + b[0], a[1] + b[1]])
        found.append([(x * scale_x + move_x, y * scale_y + move_y) for x, y in steps])
    return found


def ring(arcs: list[list[Place]], numbers: list[int]) -> list[Place]:
    """Lines joined to one; a number below 0 is ~n and means line n backwards."""
    points: list[Place] = []
    for number in numbers:
        line = arcs[number] if number >= 0 else arcs[~number][::-1]
        points += line[1:] if points else line
    return points


def rings_of(shape: dict[str, Any]) -> Iterator[list[int]]:
    """The rings of a shape and of all shapes in it, each as numbers of lines."""
    if shape["type"] == "GeometryCollection":
        for inner in shape["geometries"]:
            yield from rings_of(inner)
    elif shape["type"] == "Polygon":
        yield from shape["arcs"]
    elif shape["type"] == "MultiPolygon":
        for polygon in shape["arcs"]:
            yield from polygon


def borders(shape: dict[str, Any]) -> list[int]:
    """The lines that two countries share."""
    used = Counter(max(n, ~n) for numbers in rings_of(shape) for n in numbers)
    return sorted(number for number, times in used.items() if times > 1)


def unwrapped(places: list[Place]) -> list[Place]:
    """*places* without jumps at longitude 180: they go on beyond it."""
    found = [places[0]]
    for longitude, latitude in places[1:]:
        turns = round((found[-1][0] - longitude) / 360)
        found.append((longitude + 360 * turns, latitude))
    return found


def clipped(places: list[Place], limit: float, side: int) -> list[Place]:
    """The part of a ring with longitudes up to *limit* (*side* 1) or from it on (*side* -1)."""
    found: list[Place] = []
    for (x, y), (next_x, next_y) in pairwise([*places, places[0]]):
        if side * (x - limit) <= 0:
            found.append((x, y))
        if (x - limit) * (next_x - limit) < 0:
            found.append((limit, y + (next_y - y) * (limit - x) / (next_x - x)))
    return found


def on_the_map(places: list[Place]) -> Iterator[list[Place]]:
    """A ring cut where it crosses longitude 180, each part moved to where the map shows it."""
    whole = unwrapped(places)
    for moved in (-360, 0, 360):
        shifted = [(longitude + moved, latitude) for longitude, latitude in whole]
        part = clipped(shifted, 180, 1)
        part = clipped(part, -180, -1) if part else part
        if part:
            yield part


def dots(places: Iterable[Place]) -> list[Dot]:
    """*places* on the map, without those too near to the one before; the last one stays."""
    found: list[Dot] = []
    for longitude, latitude in places:
        x, y = project(latitude, longitude)
        dot = (round(x * 10), round(y * 10))
        if not found or max(abs(dot[0] - found[-1][0]), abs(dot[1] - found[-1][1])) >= NEAREST:
            found.append(dot)
    return found


def path(line: list[Dot]) -> str:
    """*line* as a path of relative steps."""
    (x, y), words = line[0], [f"M{line[0][0] / 10:g} {line[0][1] / 10:g}l"]
    for next_x, next_y in line[1:]:
        words.append(f"{(next_x - x) / 10:g} {(next_y - y) / 10:g}")
        x, y = next_x, next_y
    return words[0] + " ".join(words[1:])


def drawing(topology: dict[str, Any]) -> str:
    """The whole map as SVG: one path for the land, one for borders."""
    arcs = decoded_arcs(topology)
    objects = topology["objects"]
    rings = (ring(arcs, numbers) for numbers in rings_of(objects["land"]))
    northern = [places for places in rings if max(latitude for _, latitude in places) > SOUTH]
    seen = [dots(part) for places in northern for part in on_the_map(places)]
    land = "".join(path(line) + "z" for line in seen if len(line) > 2)  # noqa: PLR2004
    lines = (dots(unwrapped(arcs[number])) for number in borders(objects["countries"]))
    inner = "".join(path(line) for line in lines if len(line) > 1)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH:g} {HEIGHT:g}">'
        f'<path id="land" d="{land}"/><path id="borders" fill="none" d="{inner}"/></svg>\n'
    )


if __name__ == "__main__":
    text = drawing(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))
    TARGET.write_text(text, encoding="utf-8")
    sys.stdout.write(f"{TARGET.name}: {len(text)} bytes\n")
