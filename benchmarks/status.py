"""Status pages with more and more farmers.

python -m benchmarks.status [--database SQLite] [--farmers 100 10000 100000]
"""

import argparse
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import insert

from benchmarks.harness import Served, at_once, databases, machine, print_table, scratch, served
from downstream_node.addresses import base58
from downstream_node.addresses.models import Address
from downstream_node.farmers.models import Farmer

PAGES = {
    "/status/list/by/d/uptime/25": "by uptime, 25",
    "/status/list/online/by/d/size/25": "online by size, 25",
    "/status/list/by/heartbeats/25/3": "by heartbeats, page 3",
    "/status/list/25": "by id, 25",
    f"/status/show/{1:020x}": "one farmer",
}
REQUESTS = 40
ROWS_AT_ONCE = 1000
HOUR = 3_600_000


def fill(node: Served, farmers: int, first: int) -> None:
    """Add *farmers* farmers, numbered from *first*, who have farmed for a while."""
    address = base58.encode(b"\0" + first.to_bytes(20, "big"))
    now = node.node.clock.peek()
    with node.node.database.writing() as connection:
        connection.execute(insert(Address).values(address=address, balance=0))
        for start in range(first, first + farmers, ROWS_AT_ONCE):
            numbers = range(start, min(start + ROWS_AT_ONCE, first + farmers))
            connection.execute(insert(Farmer), [row(number, address, now) for number in numbers])


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
    }


def repeated(request: Callable[[], bytes]) -> list[Callable[[], bytes]]:
    """The same request REQUESTS times."""
    return [request] * REQUESTS


def measure(name: str, uri: str, folder: Path, sizes: list[int]) -> list[list[object]]:
    """The rows of one database."""
    rows: list[list[object]] = []
    with served(uri, folder) as node:
        there = 0
        for farmers in sizes:
            fill(node, farmers - there, first=there + 1)
            there = farmers
            client = node.client()
            for path, what in PAGES.items():
                load = at_once([partial(repeated, partial(client.get, path))])
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
        rows = [
            row
            for name, uri in databases(folder).items()
            if not options.database or name in options.database
            for row in measure(name, uri, folder, options.farmers)
        ]
    print_table("Status pages", ["database", "farmers", "page", "p50 ms", "p95 ms"], rows)


if __name__ == "__main__":
    main()
