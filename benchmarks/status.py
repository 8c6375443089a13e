"""Status pages with more and more farmers.

    python -m benchmarks.status [--database SQLite] [--farmers 100 10000 100000]

First without the cache of pages, so that each costs its SQL. Then with it: readers who have the
page already, and what they cost those who answer.
"""

import argparse
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from sqlalchemy import insert

from benchmarks.harness import (
    V1,
    Client,
    Served,
    at_once,
    databases,
    machine,
    print_table,
    scratch,
    served,
)
from benchmarks.node import CHUNK, Farmer, measure_round, next_window, take_and_keep
from benchmarks.readers import Crowd, rate
from downstream_node.addresses import base58
from downstream_node.addresses.models import Address
from downstream_node.chunks.maker import make_chunks
from downstream_node.farmers.models import Farmer as FarmerRow
from downstream_node.status.listing import SORTS

V2 = "/api/downstream/v2/status"
PAGES = {
    f"{V1}/status/list/by/d/uptime/25": "v1 list by uptime, 25",
    f"{V1}/status/list/online/by/d/size/25": "v1 list online by size, 25",
    f"{V1}/status/list/by/heartbeats/25/3": "v1 list by heartbeats, page 3",
    f"{V1}/status/list/25": "v1 list by id, 25",
    f"{V1}/status/show/{1:020x}": "v1 one farmer",
    f"{V2}/totals": "v2 totals",
    **{
        f"{V2}/farmers?sort={sort}&order=desc": f"v2 farmers by {sort}, 25, with their count"
        for sort in sorted(SORTS)
    },
    f"{V2}/farmers?sort=uptime&min_uptime=50&country=Country+7": "v2 farmers filtered, 25",
    f"{V2}/farmers/{1:020x}": "v2 one farmer",
    f"{V2}/places": "v2 places",
    "/": "front page, HTML",
}
REQUESTS = 40
READS = 1000
"""Status requests a second beside the answers."""
ROWS_AT_ONCE = 1000
CLIENTS = 4
CONTRACTS = 500
"""Of each client, and in each request."""
TURNS = 5
HOUR = 3_600_000


def fill(node: Served, farmers: int, first: int) -> None:
    """Add *farmers* farmers, numbered from *first*, who have farmed for a while."""
    address = base58.encode(b"\0" + first.to_bytes(20, "big"))
    now = node.node.clock.peek()
    with node.node.database.writing() as connection:
        connection.execute(insert(Address).values(address=address, balance=0))
        for start in range(first, first + farmers, ROWS_AT_ONCE):
            numbers = range(start, min(start + ROWS_AT_ONCE, first + farmers))
            connection.execute(insert(FarmerRow), [row(number, address, now) for number in numbers])


def row(number: int, address: str, now: int) -> dict[str, Any]:
    """Farmer *number*: a tenth of them is offline, uptimes are spread."""
    covered = HOUR * (number % 97) // 100
    return {
        "farmer_id": f"{number:020x}",
        "token_hash": number.to_bytes(32, "big"),
        "address": address,
        "ip_hash": f"{number:032x}",
        "joined": now - HOUR,
        "country": f"Country {number % 40}",
        "heartbeats": number * 7919 % 5000,
        "contracts": 10,
        "size": 32768 * (number % 50),
        "last_due": now,
        "first_answer": now - HOUR,
        "covered": covered,
        "covered_until": now - HOUR if number % 10 == 0 else now + HOUR,
        "stretch_began": now - HOUR,
        "last_answer": now - number % 1000,
        "waited": number * 7919 % 5000 * (number % 600),
        "day_heartbeats": 0,
    }


def repeated(client: Client, path: str) -> list[Callable[[], bytes]]:
    """The same request REQUESTS times."""
    headers = {"Accept": "text/html"} if path == "/" else {"Accept": "*/*"}
    return [partial(client.get_from_root, path, headers)] * REQUESTS


def measure_readers(name: str, uri: str, folder: Path) -> list[list[object]]:
    """What readers cost: 304 a second at best, and answers a second with and without readers."""
    with served(uri, folder) as node:
        list(make_chunks(node.node, [CHUNK] * CONTRACTS * CLIENTS, workers=2))
        farmers = [Farmer(node, 1 + number) for number in range(CLIENTS)]
        take_and_keep(farmers, CONTRACTS)
        path = f"{V2}/farmers?sort=uptime&order=desc"
        unchanged, share = rate(node.port, path)
        alone, beside, reads = [], [], []
        # In turns: other work on the machine then falls on both.
        for _ in range(TURNS):
            alone.append(answers_per_second(node, farmers))
            with Crowd(node.port, path, READS) as crowd:
                beside.append(answers_per_second(node, farmers))
            reads.append(crowd.per_second)
    ratio = median(beside) / median(alone)
    return [[name, unchanged, share, median(alone), median(reads), median(beside), ratio]]


def answers_per_second(node: Served, farmers: list[Farmer]) -> float:
    """One round of answers, 500 a request, all farmers at once."""
    _, answered, total = measure_round(farmers, CONTRACTS)
    next_window(node)
    return total / answered.seconds


def measure(name: str, uri: str, folder: Path, sizes: list[int]) -> list[list[object]]:
    """The rows of one database."""
    rows: list[list[object]] = []
    with served(uri, folder, STATUS_MAX_AGE=0) as node:
        there = 0
        for farmers in sizes:
            fill(node, farmers - there, first=there + 1)
            there = farmers
            client = node.client()
            for path, what in PAGES.items():
                load = at_once([partial(repeated, client, path)])
                rows.append([name, farmers, what, load.percentile(50), load.percentile(95)])
    return rows


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Status pages with more and more farmers.")
    parser.add_argument("--database", action="append", help="only this one (repeatable)")
    parser.add_argument("--farmers", type=int, nargs="*", default=[100, 10_000, 100_000])
    options = parser.parse_args()
    print(f"{machine()}; gunicorn, 2 workers of 4 threads, one client.")
    with scratch() as folder:
        chosen = {
            name: uri
            for name, uri in databases(folder).items()
            if not options.database or name in options.database
        }
        rows = [
            row
            for name, uri in chosen.items()
            for row in measure(name, uri, folder, options.farmers)
        ]
        header = ["database", "farmers", "page", "p50 ms", "p95 ms"]
        print_table("Status pages, none from the cache", header, rows)
        rows = [row for name, uri in chosen.items() for row in measure_readers(name, uri, folder)]
    header = ["database", "reads/s at best", "of them 304", "answers/s alone", "reads/s beside"]
    print_table("Readers", [*header, "answers/s beside them", "ratio"], rows)


if __name__ == "__main__":
    main()
