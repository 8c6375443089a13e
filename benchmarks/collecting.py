"""Measures over HTTP with gunicorn: one by one, in batches, and results page by page.

python tests/servers.py --durable -- python -m benchmarks.collecting [--database SQLite]
"""

import argparse
from collections.abc import Callable
from functools import partial
from pathlib import Path

import msgspec

from benchmarks.harness import (
    Client,
    Load,
    Served,
    at_once,
    databases,
    decoded,
    machine,
    print_table,
    scratch,
    served,
)
from downstream_node.measures import aggregating, redefining, tokens

ORG = "bench"
NAME = "bench-daily"
DEFINITION = {
    "name": NAME,
    "org": ORG,
    "group1_key": "place",
    "group2_key": "kind",
    "aggregation_period": "day",
    "execution_frequency": "day",
    "aggregation_threshold": 1,
    "with_quartiles": True,
}
V1 = "/api/measures/v1"
CLIENTS = 4
SINGLES = 250
"""Requests of each client with one measure."""
BATCH = 5000
BATCHES = 3
"""Requests of each client with BATCH measures."""
PLACES = 1000
KINDS = 14
DAYS = 14
"""PLACES times KINDS cells in all, PLACES on each day."""
PAGE = 200
"""What a page has if nobody asks for another size."""


def measure(number: int) -> dict[str, object]:
    """Measure *number*: spread over the days and the cells of each."""
    return {
        "measureName": NAME,
        "value": number % 97,
        "startDate": f"2026-11-{number // (PLACES * KINDS // DAYS) % DAYS + 1:02}",
        "group1": {"place": f"place {number % PLACES}"},
        "group2": {"kind": f"kind {number // PLACES % KINDS}"},
    }


def prepared(node: Served) -> dict[str, str]:
    """The definition and a token; the headers of a request."""
    now = node.node.wall_clock()
    with node.node.database.writing() as connection:
        redefining.load(connection, [DEFINITION])
        token = tokens.create(connection, ORG, now)
    return {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}


def posts(
    client: Client, path: str, bodies: list[object], headers: dict[str, str]
) -> list[Callable[[], bytes]]:
    """Prepared POSTs."""
    encoded = [msgspec.json.encode(body) for body in bodies]
    return [partial(client.post_to_root, path, body, headers) for body in encoded]


def singles(node: Served, headers: dict[str, str], first: int) -> list[Callable[[], bytes]]:
    """The requests of one client, one measure each."""
    bodies: list[object] = [measure(number) for number in range(first, first + SINGLES)]
    return posts(node.client(), "/measure", bodies, headers)


def batches(node: Served, headers: dict[str, str], first: int) -> list[Callable[[], bytes]]:
    """The requests of one client, BATCH measures each."""
    starts = range(first, first + BATCH * BATCHES, BATCH)
    bodies: list[object] = [
        {"measures": [measure(number) for number in range(start, start + BATCH)]}
        for start in starts
    ]
    return posts(node.client(), f"{V1}/measures", bodies, headers)


def measure_one(name: str, uri: str, folder: Path) -> list[list[object]]:
    """The rows of one database."""
    with served(uri, folder, JOBS=False) as node:
        headers = prepared(node)
        single = at_once(
            [partial(singles, node, headers, SINGLES * client) for client in range(CLIENTS)]
        )
        each = BATCH * BATCHES
        batched = at_once(
            [partial(batches, node, headers, each * client) for client in range(CLIENTS)]
        )
        counted = aggregating.aggregate(node.node, NAME, force=True)
        expected = CLIENTS * (SINGLES + each)
        if counted != expected:
            raise RuntimeError(f"{counted} of {expected} measures counted")
        pages = at_once([partial(walk, node, headers)])
        cells = sum(len(decoded(page)["aggregates"]) for page in pages.answers)
    return [
        row(name, "one by one", CLIENTS * SINGLES / single.seconds, single),
        row(name, f"batches of {BATCH:,}", CLIENTS * each / batched.seconds, batched),
        row(name, f"{cells:,} results in pages of {PAGE}", cells / pages.seconds, pages),
    ]


def row(name: str, what: str, rate: float, load: Load) -> list[object]:
    """One line of the table."""
    return [name, what, rate, load.percentile(50), load.percentile(95)]


def walk(node: Served, headers: dict[str, str]) -> list[Callable[[], bytes]]:
    """Requests for all pages of the results, each made when the one before has come."""
    client = node.client()
    base = f"{V1}/measures/{NAME}/aggregates?limit={PAGE}"
    state = {"path": base}

    def page() -> bytes:
        answer = client.get_from_root(state["path"], headers)
        following = decoded(answer)["next"]
        state["path"] = f"{base}&cursor={following}"
        return answer

    return [page] * (PLACES * KINDS // PAGE)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Measures over HTTP.")
    parser.add_argument("--database", action="append", help="only this one (repeatable)")
    options = parser.parse_args()
    print(f"{machine()}; gunicorn, 2 workers of 4 threads; {CLIENTS} clients.")
    with scratch() as folder:
        rows = [
            one
            for name, uri in databases(folder).items()
            if not options.database or name in options.database
            for one in measure_one(name, uri, folder)
        ]
    print_table("Measures over HTTP", ["database", "what", "a second", "p50 ms", "p95 ms"], rows)


if __name__ == "__main__":
    main()
