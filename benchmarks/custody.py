"""How fast files go into custody and come out, beside what the machine does with the same bytes.

    python -m benchmarks.custody [--megabytes 256]

All in one run, one round of each after the other, on one file system; the median of the rounds.
The ratio is the time of the plain way to ours: 1 means that custody costs nothing. Custody hashes
all bytes twice: the whole, and blocks of 1 MiB.
"""

import argparse
import hashlib
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.harness import machine, print_table, recreate, scratch
from downstream_node import schema, settings
from downstream_node.app import build
from downstream_node.clock import monotonic
from downstream_node.custody import service
from downstream_node.node import Node

MIB = 1 << 20
ROUNDS = 5
CLAIM: dict[str, Any] = {
    "source": "operator",
    "name": "a file",
    "media_type": "application/octet-stream",
    "redundancy": 0,
    "visibility": "private",
}


def new_node(folder: Path) -> Node:
    """A node on a new, empty SQLite database, with its files below *folder*."""
    uri = f"sqlite:///{folder / 'bench.db'}"
    recreate(uri)
    places = {
        "SQLALCHEMY_DATABASE_URI": uri,
        "MASTER_KEY_PATH": str(folder / "master.key"),
        "FILES_PATH": str(folder / "files"),
    }
    app = build(settings.checked(places))
    node = app.extensions["downstream"]
    schema.migrate(app, node)
    assert isinstance(node, Node)  # noqa: S101 - put there by build
    return node


def pieces(path: Path) -> Iterator[bytes]:
    """The bytes of the file at *path*, in pieces of 1 MiB."""
    with path.open("rb") as file:
        yield from service.pieces(file)


class Runs:
    """All ways to do it, each on a file of its own in each round."""

    def __init__(self, folder: Path, megabytes: int) -> None:
        self.folder = folder
        self.node = new_node(folder)
        self.source = folder / "source"
        self.round = 0
        self.megabytes = megabytes

    def next_round(self) -> None:
        """Another content, so that nothing is there already."""
        self.round += 1
        with self.source.open("wb") as file:
            for number in range(self.megabytes):
                file.write(hashlib.shake_128(b"%d %d" % (self.round, number)).digest(MIB))

    def take_in(self) -> None:
        """Into custody."""
        stored = service.take_in(self.node, pieces(self.source), reference=str(self.round), **CLAIM)
        self.sha256 = stored.sha256

    def write_plainly(self) -> None:
        """The same bytes hashed once, written and synced."""
        digest = hashlib.sha256()
        with (self.folder / "plain").open("wb", buffering=0) as file:
            for piece in pieces(self.source):
                digest.update(piece)
                file.write(piece)
            os.fsync(file.fileno())

    def copy(self) -> None:
        """What cp does: neither hashed nor synced."""
        shutil.copyfile(self.source, self.folder / "copy")

    def read(self) -> None:
        """Out of custody: every block and the whole are checked."""
        for _ in service.read(self.node, self.sha256):
            pass

    def read_plainly(self) -> None:
        """The same bytes read and hashed once."""
        digest = hashlib.sha256()
        for piece in pieces(self.source):
            digest.update(piece)

    def read_only(self) -> None:
        """The same bytes read and not hashed."""
        for _ in pieces(self.source):
            pass


def seconds(work: Callable[[], None]) -> float:
    """How long *work* takes."""
    began = monotonic()
    work()
    return monotonic() - began


def measure(runs: Runs, ways: dict[str, Callable[[], None]]) -> dict[str, float]:
    """Seconds of each way: the median of the rounds."""
    taken: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(ROUNDS):
        runs.next_round()
        for name, work in ways.items():
            taken[name].append(seconds(work))
        service.remove(runs.node, runs.sha256, "measured")
    return {name: median(values) for name, values in taken.items()}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description="Files into custody and out of it.")
    parser.add_argument("--megabytes", type=int, default=256, help="size of the file (MiB)")
    options = parser.parse_args()
    print(machine())
    with scratch() as folder:
        runs = Runs(folder, options.megabytes)
        ways: dict[str, Callable[[], None]] = {
            "take_in": runs.take_in,
            "write + SHA-256 + fsync": runs.write_plainly,
            "cp": runs.copy,
            "read, verified": runs.read,
            "read + SHA-256": runs.read_plainly,
            "read": runs.read_only,
        }
        taken = measure(runs, ways)
        runs.node.database.dispose()
    rows: list[list[object]] = []
    for number, (name, value) in enumerate(taken.items()):
        ours = taken["take_in" if number < len(ways) // 2 else "read, verified"]
        rows.append([name, options.megabytes / value, value / ours])
    print_table(f"A file of {options.megabytes} MiB", ["way", "MiB/s", "its time to ours"], rows)


if __name__ == "__main__":
    main()
