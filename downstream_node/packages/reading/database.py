"""The SQLite of the result, built in memory and given out in pieces.

It is as private as the package itself, so nothing of it may touch a disk in the clear. Hence the
file system of SQLite that is memory (`memdb`, of its own for each connection), no journal, and
temp_store=MEMORY: sorting for an index would otherwise spill into a file in /tmp. Without a
journal there is no rollback, which nobody needs: what fails is thrown away whole.

Rows come in the order in which they stay and indexes are built when all are there, so the pages
are full and a VACUUM would change nothing.
"""

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Protocol, Self

from downstream_node.errors import PackageRefused
from downstream_node.packages.reading.limits import MIB, Limits, Refusal
from downstream_node.packages.reading.tables import INDEXES, TABLES, WRITABLE
from downstream_node.packages.reading.watch import Watch

PAGE = 4096
PIECE = MIB
"""Bytes that are given out at once."""
PRAGMAS = (
    f"page_size = {PAGE}",
    "journal_mode = OFF",
    "synchronous = OFF",
    "temp_store = MEMORY",
    # In KiB. What is beyond goes into the memory file, which is memory as well: more is waste.
    "cache_size = -1024",
)


class Output(Protocol):
    """What takes the result."""

    def write(self, piece: memoryview, /) -> object:
        """Take the next bytes, all of them."""


class ResultDatabase:
    """The result being built. To be closed, as by `with`."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self.rows = dict.fromkeys(TABLES, 0)
        """How many rows each table has."""
        self._connection = sqlite3.connect(
            "file:result?vfs=memdb", uri=True, isolation_level=None, cached_statements=32
        )
        pragmas = (*PRAGMAS, f"max_page_count = {max(1, limits.database_bytes // PAGE)}")
        for statement in (*(f"PRAGMA {pragma}" for pragma in pragmas), "BEGIN"):
            self._connection.execute(statement)
        with self._bounded():
            for name, body in TABLES.items():
                self._connection.execute(f"CREATE TABLE {name} {body}")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def insert(self, table: str, rows: Iterable[tuple[object, ...]]) -> None:
        """Append *rows* to *table*. Raises PackageRefused where the result gets too large."""
        places = ", ".join("?" * WRITABLE[table])
        with self._bounded():
            # The name comes from TABLES, never from a package.
            statement = f"INSERT INTO {table} VALUES ({places})"  # noqa: S608
            self.rows[table] += self._connection.executemany(statement, rows).rowcount

    def fill(self, table: str, statement: str) -> None:
        """Fill *table* by a *statement* of ours that selects from others."""
        with self._bounded():
            self.rows[table] += self._connection.execute(statement).rowcount

    def finish(self) -> None:
        """Build the indexes; nothing is inserted after this. Raises PackageRefused."""
        with self._bounded():
            for name, what in INDEXES.items():
                self._connection.execute(f"CREATE INDEX {name} ON {what}")
            self._connection.execute("COMMIT")

    def size(self) -> int:
        """The size of the file in bytes."""
        pages: int = self._connection.execute("PRAGMA page_count").fetchone()[0]
        return pages * PAGE

    def write(self, output: Output, watch: Watch) -> int:
        """Write the whole file to *output* in pieces; returns its size in bytes."""
        content = memoryview(self._connection.serialize())
        for start in range(0, len(content), PIECE):
            piece = content[start : start + PIECE]
            output.write(piece)
            watch.moved(len(piece))
        return len(content)

    @contextmanager
    def _bounded(self) -> Iterator[None]:
        """Raise PackageRefused where SQLite says that there is no more room."""
        try:
            yield
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_FULL:
                raise
            raise too_large(self._limits) from error


def too_large(limits: Limits) -> PackageRefused:
    """The refusal of a package whose statistics are absurdly large."""
    return PackageRefused(
        Refusal.TOO_MANY_ROWS,
        f"The statistics of this package would have more than {limits.rows} rows"
        f" or {limits.database_bytes} bytes.",
    )
