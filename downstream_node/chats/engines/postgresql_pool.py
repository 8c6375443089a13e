"""Connections to PostgreSQL: one for each thread that reads at the same time."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeAlias, TypeVar

import psycopg
from psycopg import IsolationLevel, errors
from sqlalchemy.engine import make_url

from downstream_node.errors import ArchiveUnavailable, Busy

Row: TypeAlias = tuple[Any, ...]
Connection: TypeAlias = psycopg.Connection[Row]
Result = TypeVar("Result")

READING = """
SET statement_timeout = '10s';
SET lock_timeout = '5s';
SET jit = off;
SET plan_cache_mode = force_custom_plan;
SET enable_seqscan = off;
SET random_page_cost = 1.1;
SET work_mem = '64MB';
SET effective_io_concurrency = 0;
"""
"""Of a reader's session: no search holds a connection for minutes, compiling takes longer than the
search, and where the planner has a choice it takes an index."""
CONNECT_SECONDS = 10
TOO_BUSY = "The archive is too busy to answer this now. Please try again, or search for less."


def run(connection: Connection, statement: str, values: Sequence[object] = ()) -> list[Row]:
    """The rows of one statement, if it has any; its text is made of our own words alone."""
    cursor = connection.execute(statement, values or None)
    return cursor.fetchall() if cursor.description else []


class Connections:
    """Open connections for reading, the one used last on top; each SELECT stands alone."""

    def __init__(self, uri: str) -> None:
        self.address = make_url(uri).set(drivername="postgresql")
        self._idle: deque[Connection] = deque()

    def connected(self) -> Connection:
        """A new connection in autocommit. Raises ArchiveUnavailable."""
        try:
            return psycopg.connect(
                self.address.render_as_string(hide_password=False),
                autocommit=True,
                connect_timeout=CONNECT_SECONDS,
            )
        except psycopg.OperationalError as error:
            # The driver's text names the host and the user, never the password.
            raise ArchiveUnavailable("The database of the archive does not answer.") from error

    def read(self, work: Callable[[Connection], Result]) -> Result:
        """What *work* returns, which only reads; once more if the connection had been cut.

        Raises Busy if it takes too long, ArchiveUnavailable if the server does not answer.
        """
        try:
            return self._read_once(work)
        except (psycopg.OperationalError, errors.UndefinedTable):
            # The server was restarted, or a piece was replaced while the statement was planned.
            self.close()
        try:
            return self._read_once(work)
        except psycopg.OperationalError as error:
            raise ArchiveUnavailable("The database of the archive does not answer.") from error

    def _read_once(self, work: Callable[[Connection], Result]) -> Result:
        with self._borrowed() as connection:
            try:
                return work(connection)
            except (errors.QueryCanceled, errors.LockNotAvailable) as error:
                raise Busy(TOO_BUSY) from error

    @contextmanager
    def _borrowed(self) -> Iterator[Connection]:
        """A connection for one use, kept for the next one unless an exception passes."""
        try:
            connection = self._idle.pop()
        except IndexError:
            connection = self.connected()
            connection.execute(READING)
            # What reads in several statements begins a transaction, and sees one archive.
            connection.isolation_level = IsolationLevel.REPEATABLE_READ
        try:
            yield connection
        except BaseException:
            connection.close()
            raise
        self._idle.append(connection)

    def close(self) -> None:
        """Close those that nobody uses."""
        while self._idle:
            self._idle.pop().close()
