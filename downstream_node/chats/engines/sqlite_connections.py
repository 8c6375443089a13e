"""Connections to the file of an archive in SQLite, and what its errors mean."""

import sqlite3
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import Connection, create_engine
from sqlalchemy.exc import DBAPIError

from downstream_node.chats import schema
from downstream_node.clock import monotonic
from downstream_node.errors import ArchiveUnavailable, Busy, DownstreamError

WAIT_SECONDS = 600.0
"""How long an import waits for another one: longer than the largest takes."""
SEARCH_SECONDS = 10.0
"""How long one question may take, as with the other engines: it holds a worker for so long."""
STEPS = 100_000
"""Instructions of SQLite, some milliseconds of them, after which it looks at the clock. Python has
to be free for that, so more often would cost time where several threads search."""
TOO_BUSY = "The archive is too busy to answer this now. Please try again, or search for less."
PRAGMAS = (
    # Of a file that is made now. An import writes a few hundred megabytes, each page by itself.
    "PRAGMA page_size = 16384",
    # As the node's own database: a commit that was told of survives a power cut.
    "PRAGMA synchronous = FULL",
    "PRAGMA wal_autocheckpoint = 2500",
    # An import leaves a log as large as itself; once it is copied, the space is given back.
    "PRAGMA journal_size_limit = 67108864",
    # Pages of index that a search reads again and again, in KiB; the system caches the rest.
    "PRAGMA cache_size = -16384",
)
BUSY_CODES = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
PRIMARY = 0xFF
"""The bits of an extended error code that tell the kind of error."""


class Connections:
    """Connections to one file. One is used by one thread at a time; the idle ones are kept."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._idle: deque[sqlite3.Connection] = deque()

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """A connection that sees one state of the archive, whatever is imported meanwhile.

        Raises Busy if what is done with it takes longer than SEARCH_SECONDS, ArchiveUnavailable.
        """
        with explained(self.path):
            connection = self._taken()
            until = monotonic() + SEARCH_SECONDS
            connection.set_progress_handler(lambda: monotonic() > until, STEPS)
            try:
                connection.execute("BEGIN")
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                connection.close()
                raise
            self._idle.append(connection)

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """A connection that alone may write; committed at the end, unless it was rolled back.

        Raises Busy if another one writes for longer than WAIT_SECONDS, ArchiveUnavailable.
        """
        with explained(self.path):
            connection = opened(self.path)
            try:
                connection.execute("BEGIN IMMEDIATE")
                yield connection
                if connection.in_transaction:
                    connection.execute("COMMIT")
            finally:
                # Closing rolls back what was not committed.
                connection.close()

    def prepare(self) -> None:
        """Make the file and its schema, or bring the schema up to date.

        Raises ArchiveUnavailable for a file that is something else.
        """
        with explained(self.path):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            engine = create_engine("sqlite://", creator=lambda: opened(self.path, create=True))
            try:
                with engine.connect() as connection:
                    self._migrate(connection)
            finally:
                engine.dispose()

    def _migrate(self, connection: Connection) -> None:
        # Asked first, so that an archive that is up to date can be opened during an import.
        if schema.is_current(connection):
            return
        connection.exec_driver_sql("PRAGMA journal_mode = WAL")
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        tables = connection.exec_driver_sql("SELECT name FROM sqlite_master").scalars().all()
        if tables and schema.VERSION_TABLE not in tables:
            raise ArchiveUnavailable(
                f"{self.path} is a database of something else: CHATS_ARCHIVE has to name a file "
                "of its own."
            )
        schema.upgrade(connection)
        connection.commit()

    def close(self) -> None:
        """Close the idle ones."""
        while self._idle:
            self._idle.pop().close()

    def _taken(self) -> sqlite3.Connection:
        try:
            return self._idle.pop()
        except IndexError:
            return opened(self.path)


def opened(path: Path, *, create: bool = False) -> sqlite3.Connection:
    """A new connection to the file; transactions are begun by us, not by the driver."""
    mode = "rwc" if create else "rw"
    connection = sqlite3.connect(
        f"file:{quote(str(path.absolute()))}?mode={mode}",
        uri=True,
        timeout=WAIT_SECONDS,
        isolation_level=None,
        # Threads hand connections on, and never use one at the same time.
        check_same_thread=False,
    )
    for pragma in PRAGMAS:
        connection.execute(pragma)
    return connection


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """What goes wrong with the file at *path* becomes an error of ours.

    Raises Busy if another connection has it locked for too long, or if reading takes too long,
    else ArchiveUnavailable.
    """
    try:
        yield
    except sqlite3.DatabaseError as error:
        raise error_of(error, path) from error
    except DBAPIError as error:
        if isinstance(error.orig, sqlite3.DatabaseError):
            raise error_of(error.orig, path) from error
        raise
    except OSError as error:
        raise ArchiveUnavailable(f"The archive {path} cannot be made: {error}.") from error


def error_of(error: sqlite3.DatabaseError, path: Path) -> DownstreamError:
    """What *error* of SQLite means for who asked."""
    code = getattr(error, "sqlite_errorcode", 0) & PRIMARY
    if code == sqlite3.SQLITE_INTERRUPT:
        return Busy(TOO_BUSY)
    if code in BUSY_CODES:
        return Busy("The archive takes another import. Please try again later.")
    return ArchiveUnavailable(f"The archive {path} cannot be used: {error}.")
