"""How long aggregation takes, by cells and with quartiles, and how long results take to read.

    python tests/servers.py --durable -- python -m benchmarks.measures [--database SQLite]

Beside each figure stands that of the aggregator that the document describes, as measured on the
same kind of machine.
"""

import argparse
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

from flask import Flask
from sqlalchemy import insert

from benchmarks.harness import databases, machine, print_table, recreate, scratch
from downstream_node import schema, settings
from downstream_node.app import build
from downstream_node.clock import monotonic
from downstream_node.database import batched
from downstream_node.measures import aggregating, purging, results
from downstream_node.measures.cells import cell_key
from downstream_node.measures.models import MeasureDefinition, RawMeasure
from downstream_node.measures.periods import DAY
from downstream_node.node import Node

CELLS = (112, 13_990)
FIRST = 100_000
MORE = (10_000, 1_000)
PAGE = 500
START = 1_800_000_000_000 // DAY * DAY
DAYS = 14
"""Days over which the cells are spread, as in the original's measurement."""

ORIGINAL = {
    (112, False, FIRST): "0.23-0.54",
    (112, True, FIRST): "0.25-0.78",
    (13_990, False, FIRST): "3.4-8.9",
    (13_990, True, FIRST): "4.5-5.3",
    (112, False, 10_000): "0.05-0.13",
    (112, True, 10_000): "3.0-3.5",
    (13_990, False, 10_000): "3.0-4.6",
    (13_990, True, 10_000): "348",
    (13_990, True, 1_000): "17.5",
}
"""Seconds of the original on PostgreSQL."""


def made(database: str, folder: Path) -> tuple[Flask, Node]:
    """A node on an empty database."""
    recreate(database)
    values = {"SQLALCHEMY_DATABASE_URI": database, "MASTER_KEY_PATH": str(folder / "master.key")}
    app = build(settings.checked(values))
    node: Node = app.extensions["downstream"]
    schema.migrate(app, node)
    return app, node


def define(node: Node, name: str, *, with_quartiles: bool) -> int:
    """Store a definition; its id."""
    row = {"name": name, "org": "bench", "group1_key": "device", "with_quartiles": with_quartiles}
    with node.database.writing() as connection:
        done = connection.execute(insert(MeasureDefinition).values(**row, aggregation_threshold=1))
        return int(done.inserted_primary_key[0])  # type: ignore[index]


def fill(node: Node, definition: int, cells: int, count: int, chance: Random) -> None:
    """Store *count* raw measures, each in one of *cells* cells."""
    rows = raw_measures(definition, cells, count, chance)
    with node.database.writing() as connection:
        for some in batched(rows):
            connection.execute(insert(RawMeasure), some)


def raw_measures(
    definition: int, cells: int, count: int, chance: Random
) -> Iterator[dict[str, Any]]:
    """*count* raw measures, each in one of *cells* cells."""
    for _ in range(count):
        cell = chance.randrange(cells)
        start, group = START + cell % DAYS * DAY, f'"{cell // DAYS}"'
        yield {
            "definition": definition,
            "value": round(chance.uniform(0, 100), 2),
            "start": start,
            "arrived": 0,
            "created_by": "app",
            "group1": group,
            "cell_key": cell_key(start, "app", group, None, None),
        }


def seconds(work: Callable[[], object]) -> float:
    """How long *work* takes."""
    began = monotonic()
    work()
    return monotonic() - began


def measure_runs(node: Node) -> list[list[Any]]:
    """Rows of the table: aggregation of many measures, then of some more."""
    table: list[list[Any]] = []
    for cells in CELLS:
        for quartiles in (False, True):
            name = f"{cells} {quartiles}"
            chance = Random(cells)  # noqa: S311 - the same measures each time
            definition = define(node, name, with_quartiles=quartiles)
            for count in (FIRST, *MORE):
                fill(node, definition, cells, count, chance)
                took = seconds(partial(aggregating.aggregate, node, name, force=True))
                original = ORIGINAL.get((cells, quartiles, count), "")
                words = "yes" if quartiles else "no"
                table.append(
                    [cells, words, count if count == FIRST else f"{count:+,}", took, original]
                )
    return table


def measure_reads(node: Node) -> list[list[Any]]:
    """Rows of the table: a page of results, all of them page by page, and a purge."""
    name = f"{CELLS[1]} True"
    definition = results.definition_of(node, name)
    find = partial(results.aggregates, node, definition, 0, START + DAYS * DAY)
    find(limit=PAGE)
    pages, after = [], None
    while True:
        began = monotonic()
        page = find(after=after, limit=PAGE)
        pages.append(monotonic() - began)
        if len(page) < PAGE:
            break
        after = page[-1].order_key
    return [
        [f"first page of {PAGE}", pages[0]],
        ["slowest page", max(pages)],
        [f"all {CELLS[1]:,} in {len(pages)} pages", sum(pages)],
        [f"all {CELLS[1]:,} at once", seconds(find)],
        [f"purge of {FIRST + sum(MORE):,} into sketches", seconds(lambda: purge(node, name))],
    ]


def purge(node: Node, name: str) -> None:
    """Purge all there is; all seem to have arrived long ago."""
    if purging.purge(node, name, days=0) != FIRST + sum(MORE):
        raise RuntimeError("not all measures were purged")


def run(database: str, uri: str, folder: Path) -> None:
    """Print the tables of one database."""
    _, node = made(uri, folder)
    header = ["cells", "quartiles", "measures", "seconds", "the original"]
    print_table(f"Aggregation, {database}", header, measure_runs(node))
    print_table(f"Results, {database}", ["what", "seconds"], measure_reads(node))
    node.close()


def main() -> None:
    """Measure on the databases that are there, or on one of them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--database", help="SQLite, MariaDB or PostgreSQL; all that are there")
    chosen = parser.parse_args().database
    print(machine())
    with scratch() as folder:
        for database, uri in databases(folder).items():
            if chosen in {None, database}:
                run(database, uri, folder)


if __name__ == "__main__":
    main()
