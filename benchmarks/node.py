"""The node over HTTP with gunicorn: /chunk, /challenge and /answer on each database.

    python -m benchmarks.node [--database MariaDB] [--contracts 500] [--growth 1000 100000 1000000]

Clients prepare their requests before the clock starts. Windows are moved on by shifting the
start of all contracts by one interval, so that the same contracts are answered again.
"""

import argparse
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from statistics import median

import msgspec
from sqlalchemy import text, update

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
from downstream_node.addresses import base58
from downstream_node.chunks.maker import make_chunks
from downstream_node.chunks.stream import stream
from downstream_node.contracts.models import Contract

CHUNK = 32768
PER_REQUEST = 10
BATCHES = (1, 100, 500)
CLIENTS = (1, 4)
ROUNDS = 5
SINGLES = 200
"""Requests of each client at one contract a request."""
EMPTY_REQUESTS = 500


@dataclass
class Farmer:
    """One farmer on a connection of its own."""

    served: Served
    number: int
    held: dict[str, dict[str, object]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Join."""
        self.client: Client = self.served.client()
        address = base58.encode(b"\0" + self.number.to_bytes(20, "big"))
        self.token = decoded(self.client.get(f"/new/{address}"))["token"]

    def takes(self, contracts: int) -> list[Callable[[], bytes]]:
        """Requests for *contracts* contracts, PER_REQUEST at a time."""
        path = f"/chunk/{self.token}/{PER_REQUEST * CHUNK}"
        return [partial(self.client.get, path) for _ in range(contracts // PER_REQUEST)]

    def keep(self, answers: list[bytes]) -> None:
        """Remember the contracts of /chunk's answers."""
        for answer in answers:
            self.held |= {chunk["file_hash"]: chunk for chunk in decoded(answer)["chunks"]}

    def asks(self, names: list[str], batch: int) -> list[Callable[[], bytes]]:
        """Requests for the challenges of *names*, *batch* at a time."""
        return self.posts("challenge", "hashes", names, batch)

    def answers(self, names: list[str], batch: int) -> list[Callable[[], bytes]]:
        """Requests that answer the challenges of *names*, *batch* at a time."""
        body = msgspec.json.encode({"hashes": names})
        entries = decoded(self.client.post(f"/challenge/{self.token}", body))["challenges"]
        proofs = [self.prove(entry["file_hash"], entry["challenge"]) for entry in entries]
        return self.posts("answer", "proofs", proofs, batch)

    def prove(self, name: str, challenge: object) -> object:
        """One item of /answer."""
        chunk = self.held[name]
        data = stream(str(chunk["seed"]), 0, CHUNK)
        proof = self.served.node.scheme.prove(data, chunk["tag"], challenge)
        return {"file_hash": name, "proof": proof}

    def posts(
        self, route: str, key: str, items: list[str] | list[object], batch: int
    ) -> list[Callable[[], bytes]]:
        """Prepared POSTs of *items*, *batch* at a time."""
        return [
            partial(
                self.client.post,
                f"/{route}/{self.token}",
                msgspec.json.encode({key: items[start : start + batch]}),
            )
            for start in range(0, len(items), batch)
        ]


def next_window(served_node: Served) -> None:
    """Let one interval pass for all contracts of the farmers that this program plays."""
    statement = update(Contract).values(started=Contract.started - Contract.interval)
    statement = statement.where(Contract.answered_through >= 0)
    served_node.node.database.write(lambda connection: connection.execute(statement))


def take_and_keep(farmers: list[Farmer], contracts: int) -> Load:
    """All farmers take their contracts at once, and remember them."""
    kept: list[tuple[Farmer, bytes]] = []

    def requests(farmer: Farmer) -> list[Callable[[], bytes]]:
        def keeping(request: Callable[[], bytes]) -> bytes:
            answer = request()
            kept.append((farmer, answer))
            return answer

        return [partial(keeping, request) for request in farmer.takes(contracts)]

    load = at_once([partial(requests, farmer) for farmer in farmers])
    for farmer, answer in kept:
        farmer.keep([answer])
    return load


def measure_round(farmers: list[Farmer], batch: int) -> tuple[Load, Load, int]:
    """All farmers ask for and answer their challenges once; loads and contracts in all."""
    names = {
        farmer.number: list(farmer.held)[: SINGLES if batch == 1 else None] for farmer in farmers
    }
    total = sum(len(chosen) for chosen in names.values())
    for farmer in farmers:
        farmer.client.reconnect()
    asked = at_once([partial(farmer.asks, names[farmer.number], batch) for farmer in farmers])
    answered = at_once([partial(farmer.answers, names[farmer.number], batch) for farmer in farmers])
    accepted = sum(answer.count(b'"status":"ok"') for answer in answered.answers)
    if accepted != total:
        raise RuntimeError(f"{accepted} of {total} answers accepted")
    # Those that a round of single requests left out would expire: answer them, too.
    for farmer in farmers:
        rest = [name for name in farmer.held if name not in set(names[farmer.number])]
        for request in farmer.answers(rest, 500) if rest else []:
            request()
    return asked, answered, total


def measure(name: str, uri: str, folder: Path, contracts: int) -> list[list[object]]:
    """The rows of one database."""
    rows: list[list[object]] = []
    with served(uri, folder) as node:
        list(make_chunks(node.node, [CHUNK] * contracts * sum(CLIENTS), workers=2))
        number = 1
        for clients in CLIENTS:
            farmers = [Farmer(node, number + index) for index in range(clients)]
            number += clients
            load = at_once([partial(empty_requests, farmer) for farmer in farmers])
            rate = EMPTY_REQUESTS * clients / load.seconds
            rows.append([name, "the bare mount, no work", clients, "", rate, *latency(load)])
            load = take_and_keep(farmers, contracts)
            rate = contracts * clients / load.seconds
            rows.append([name, "/chunk", clients, PER_REQUEST, rate, *latency(load)])
            for batch in BATCHES:
                rows += measure_batches(name, node, farmers, batch)
        rows.append(
            [name, "memory per worker, MB", "", "", node.memory_per_worker() / 1e6, "", "", ""]
        )
    return rows


def empty_requests(farmer: Farmer) -> list[Callable[[], bytes]]:
    """Requests that cost the server and the client only: what is possible at best."""
    return [partial(farmer.client.get, "")] * EMPTY_REQUESTS


def measure_batches(
    name: str, node: Served, farmers: list[Farmer], batch: int
) -> list[list[object]]:
    """/challenge and /answer at one size of batch: medians of some rounds."""
    rounds = []
    for _ in range(ROUNDS):
        rounds.append(measure_round(farmers, batch))
        next_window(node)
    rows: list[list[object]] = []
    loads = {"/challenge": [row[0] for row in rounds], "/answer": [row[1] for row in rounds]}
    total = rounds[0][2]
    for route, of_route in loads.items():
        rate = total / median(load.seconds for load in of_route)
        worst = max(of_route, key=lambda load: load.percentile(99))
        rows.append([name, route, len(farmers), batch, rate, *latency(worst)])
    return rows


def latency(load: Load) -> list[object]:
    """Median, 95th and 99th percentile of the requests, in milliseconds."""
    return [load.percentile(50), load.percentile(95), load.percentile(99)]


COLUMNS = (
    "file_hash, farmer, seed, size, scheme, commitment, challenges, started, {interval}, "
    "answered_through"
)
CONSTANTS = "256, :now, 36000000, 0"
FILL = {
    "sqlite": (
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count}) "
        f"INSERT INTO contracts ({COLUMNS}) SELECT randomblob(32), {{farmer}}, "
        f"lower(hex(randomblob(16))), 32768, 'Merkle', randomblob(32), {CONSTANTS} FROM n"
    ),
    "mysql": (
        f"INSERT INTO contracts ({COLUMNS}) SELECT UNHEX(SHA2(CONCAT('{{farmer}}-', seq), 256)), "
        "{farmer}, MD5(CONCAT('{farmer}-', seq)), 32768, 'Merkle', UNHEX(SHA2(seq, 256)), "
        f"{CONSTANTS} FROM seq_1_to_{{count}}"
    ),
    "postgresql": (
        f"INSERT INTO contracts ({COLUMNS}) SELECT sha256(('{{farmer}}-' || i)::bytea), "
        "{farmer}, md5('{farmer}-' || i), 32768, 'Merkle', sha256(i::text::bytea), "
        f"{CONSTANTS} FROM generate_series(1, {{count}}) AS i"
    ),
}
"""Contracts that are out with somebody else, made inside the database."""
PER_OTHER_FARMER = 1000
OTHERS = 10_000_000
"""Their numbers begin here."""


def fill(node: Served, contracts: int, first: int) -> None:
    """Put *contracts* contracts of other farmers into the database."""
    database = node.node.database
    interval = "`interval`" if database.dialect == "mysql" else "interval"
    for number in range(first, first + max(1, contracts // PER_OTHER_FARMER)):
        Farmer(node, OTHERS + number)
        count = min(contracts, PER_OTHER_FARMER)
        with database.writing() as connection:
            farmer = connection.execute(text("SELECT MAX(id) FROM farmers")).scalar_one()
            statement = FILL[database.dialect].format(interval=interval, count=count, farmer=farmer)
            connection.execute(text(statement), {"now": node.node.clock.peek()})


def measure_growth(name: str, uri: str, folder: Path, sizes: list[int]) -> list[list[object]]:
    """The same load with more and more contracts of others in the database."""
    rows: list[list[object]] = []
    with served(uri, folder) as node:
        contracts = 200
        list(make_chunks(node.node, [CHUNK] * contracts * 4 * len(sizes), workers=2))
        out = 0
        for index, size in enumerate(sizes):
            fill(node, size - out, first=out // PER_OTHER_FARMER)
            out = size
            farmers = [Farmer(node, 1 + 4 * index + number) for number in range(4)]
            load = take_and_keep(farmers, contracts)
            asked, answered, total = measure_round(farmers, 100)
            rates = [contracts * 4 / load.seconds, total / asked.seconds, total / answered.seconds]
            rows.append([name, size, *rates])
    return rows


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--database", action="append", help="only this one (repeatable)")
    parser.add_argument("--contracts", type=int, default=500, help="contracts of each client")
    parser.add_argument("--growth", type=int, nargs="*", default=[1000, 100_000, 1_000_000])
    options = parser.parse_args()
    print(f"{machine()}; gunicorn, 2 workers of 4 threads; load and database on the same cores.")
    with scratch() as folder:
        chosen = {
            name: uri
            for name, uri in databases(folder).items()
            if not options.database or name in options.database
        }
        rows = [
            row
            for name, uri in chosen.items()
            for row in measure(name, uri, folder, options.contracts)
        ]
        header = [
            "database",
            "route",
            "clients",
            "a request",
            "contracts/s",
            "p50 ms",
            "p95 ms",
            "p99 ms",
        ]
        print_table("The node over HTTP", header, rows)
        if options.growth:
            grown = [
                row
                for name, uri in chosen.items()
                for row in measure_growth(name, uri, folder, options.growth)
            ]
            header = ["database", "contracts out", "/chunk, contracts/s", "/challenge", "/answer"]
            print_table("Growth: 4 clients, 10 chunks and 100 contracts a request", header, grown)


if __name__ == "__main__":
    main()
