"""The one place that knows how SQLite, MariaDB/MySQL and PostgreSQL differ.

Feature code gets a `Database` and asks it for reading or writing; it writes portable
SQLAlchemy Core and never names a dialect.
"""

import json
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

from flask import Flask
from flask_migrate import Migrate
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import (
    BigInteger,
    BindParameter,
    ColumnElement,
    Connection,
    Double,
    Engine,
    Executable,
    Insert,
    Integer,
    LargeBinary,
    MetaData,
    Row,
    Select,
    String,
    Subquery,
    bindparam,
    case,
    create_engine,
    event,
    literal,
    text,
)
from sqlalchemy.dialects import mysql, postgresql
from sqlalchemy.dialects.mysql import insert as mysql_insert
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError
from sqlalchemy.orm import DeclarativeBase, InstrumentedAttribute
from sqlalchemy.types import NullType, TypeEngine

from downstream_node.clock import monotonic, pause
from downstream_node.errors import Busy, DownstreamError

MIGRATIONS = str(Path(__file__).parent / "migrations")

SQLITE_PRAGMAS = (
    "PRAGMA journal_mode = WAL",
    # In WAL mode NORMAL can lose the last commits on a power cut; FULL syncs each commit,
    # and what the node has acknowledged must be durable.
    "PRAGMA synchronous = FULL",
    "PRAGMA busy_timeout = 10000",
    "PRAGMA foreign_keys = ON",
    # At the default of 1,000 pages the p95 of a batch of 500 rows is four times higher.
    "PRAGMA wal_autocheckpoint = 10000",
)

MYSQL_SCHEMES = ("mysql", "mariadb")
DEADLOCK_CODES = {1205, 1213}
"""MySQL's lock wait timeout and deadlock; both roll the transaction back."""
SERIALISATION_STATES = {"40001", "40P01", "55P03"}
"""PostgreSQL's serialisation failure, deadlock and lock not available."""
MOST_TRIES = 10
RETRY_FOR_SECONDS = 30.0
RETRY_PAUSE = 0.005
MOST_PARAMETERS = 5000

AnyRow: TypeAlias = Row[*tuple[Any, ...]]
"""A row whose columns the type does not name."""

Number = ColumnElement[int] | InstrumentedAttribute[int]

Item = TypeVar("Item")
Result = TypeVar("Result")


class Base(DeclarativeBase):
    """Base of all models; constraints get the same names on every database."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


db = SQLAlchemy(model_class=Base)
migrate = Migrate(directory=MIGRATIONS)

# SQLite counts rows up only in a column that is exactly INTEGER.
RowId = BigInteger().with_variant(Integer, "sqlite")


def fixed_bytes(length: int) -> TypeEngine[bytes]:
    """Exactly *length* bytes; indexable on MySQL, where a BLOB would need a prefix length."""
    return LargeBinary(length).with_variant(mysql.BINARY(length), *MYSQL_SCHEMES)


def exact_text(length: int) -> TypeEngine[str]:
    """At most *length* ASCII characters, compared and sorted byte by byte.

    MySQL's default collation takes "1Abc" and "1aBC" for the same Bitcoin address.
    """
    return (
        String(length)
        .with_variant(mysql.VARCHAR(length, charset="ascii", collation="ascii_bin"), *MYSQL_SCHEMES)
        .with_variant(postgresql.VARCHAR(length, collation="C"), "postgresql")
    )


def large_bytes() -> TypeEngine[bytes]:
    """Up to 16 MiB of bytes."""
    return LargeBinary().with_variant(mysql.MEDIUMBLOB(), *MYSQL_SCHEMES)


class Conflict(DownstreamError):
    """Somebody else changed the rows between reading and writing; read again and retry."""


class Connections:
    """Open connections of one engine that nobody uses, the one used last on top.

    SQLAlchemy's pool keeps the driver's connections, but makes its own object around one anew
    for each use; that takes longer than a small SELECT.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._idle: deque[Connection] = deque()

    @contextmanager
    def borrowed(self) -> Iterator[Connection]:
        """A connection for one use; it is kept for the next unless an exception passes."""
        connection = self._last_used() or self.engine.connect()
        try:
            yield connection
        except BaseException:
            connection.close()
            raise
        self._idle.append(connection)

    def _last_used(self) -> Connection | None:
        try:
            return self._idle.pop()
        except IndexError:
            return None

    def close(self) -> None:
        """Give those that nobody uses back to SQLAlchemy's pool."""
        while self._idle:
            self._idle.pop().close()


class Database:
    """Reading and writing on one database, with bounded retries of what may be retried."""

    def __init__(self, writer: Engine, reader: Engine) -> None:
        self.writer = writer
        self._writers = Connections(writer)
        self._readers = Connections(reader)

    @property
    def dialect(self) -> str:
        """sqlite, mysql (MariaDB too) or postgresql."""
        return self.writer.dialect.name

    def dispose(self) -> None:
        """Close all connections."""
        for connections in (self._writers, self._readers):
            connections.close()
        # The pools come last: on SQLite both engines have one in common.
        for connections in (self._writers, self._readers):
            connections.engine.dispose()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection on which each SELECT stands alone: no transaction, no locks."""
        with self._readers.borrowed() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """One transaction, committed at the end, rolled back on any exception.

        SQLite takes the write lock at once (see `begin_immediate`): upgrading a read
        transaction later fails without waiting when somebody else wrote in between.
        """
        with self._writers.borrowed() as connection, connection.begin():
            yield connection

    def read(self, work: Callable[[Connection], Result]) -> Result:
        """What *work* returns, which only reads; run again if the connection was stale."""

        def once() -> Result:
            with self.reading() as connection:
                return work(connection)

        return self.retrying(once)

    def write(self, work: Callable[[Connection], Result]) -> Result:
        """What *work* returns, run in one transaction, again if the database asks for it."""

        def once() -> Result:
            with self.writing() as connection:
                return work(connection)

        return self.retrying(once)

    def insert(self, statement: Insert, rows: Sequence[Mapping[str, Any]]) -> None:
        """Insert *rows* as a transaction of its own, again if the database asks for it.

        A single row goes without BEGIN and COMMIT: two round trips less.
        """
        if len(rows) == 1:
            self.read(lambda connection: connection.execute(statement, rows[0]))
        else:
            self.write(lambda connection: connection.execute(statement, rows))

    def retrying(self, work: Callable[[], Result]) -> Result:
        """What *work* returns; run again after a Conflict, deadlock or lock wait timeout.

        Raises Busy after MOST_TRIES or RETRY_FOR_SECONDS. *work* must write at most once,
        at its end.
        """
        give_up = monotonic() + RETRY_FOR_SECONDS
        for attempt in range(1, MOST_TRIES + 1):
            try:
                return work()
            except Conflict:
                pass
            except DBAPIError as error:
                # A unique key that somebody else took first is a race like any other, once.
                raced = isinstance(error, IntegrityError) and attempt == 1
                if not raced and not is_transient(error):
                    raise
            if monotonic() > give_up:
                break
            pause(attempt * RETRY_PAUSE)
        raise Busy("The node is too busy to take this now. Please try again.")


def insert_missing(connection: Connection, model: type[Base], **values: Any) -> None:  # noqa: ANN401
    """Insert one row unless its key is there already."""
    dialect = connection.dialect.name
    if dialect == "postgresql":
        connection.execute(postgresql_insert(model).values(values).on_conflict_do_nothing())
    elif dialect == "sqlite":
        connection.execute(sqlite_insert(model).values(values).on_conflict_do_nothing())
    else:
        connection.execute(mysql_insert(model).values(values).prefix_with("IGNORE"))


def insert_missing_from(
    connection: Connection,
    model: type[Base],
    columns: Sequence[str],
    query: Select[*tuple[Any, ...]],
) -> None:
    """Insert what *query* selects into *columns*, without the rows whose key is there already.

    The query must have a WHERE: SQLite would read what follows as part of its joins.
    """
    dialect = connection.dialect.name
    if dialect == "postgresql":
        into: Executable = (
            postgresql_insert(model).from_select(columns, query).on_conflict_do_nothing()
        )
    elif dialect == "sqlite":
        into = sqlite_insert(model).from_select(columns, query).on_conflict_do_nothing()
    else:
        into = mysql_insert(model).from_select(columns, query).prefix_with("IGNORE")
    connection.execute(into)


def table_of(
    connection: Connection, columns: Mapping[str, type[int | float]], rows: Iterable[Sequence[Any]]
) -> Subquery:
    """*rows* of numbers as a table to join with, however many: they travel as one parameter.

    On PostgreSQL as one for each column. An UPDATE of many rows by executemany would be a round
    trip for each of them.
    """
    types = {name: BigInteger if kind is int else Double for name, kind in columns.items()}
    listed = [list(row) for row in rows]
    names = list(enumerate(columns.items()))
    if connection.dialect.name == "postgresql":
        # The planner knows the length of arrays; of JSON it expects 100 rows, and joins badly.
        arrays = ", ".join(
            f"CAST(:numbers_{name} AS {'bigint' if kind is int else 'double precision'}[])"
            for _, (name, kind) in names
        )
        source = f"SELECT * FROM unnest({arrays}) AS item ({', '.join(columns)})"  # noqa: S608
        values = [
            array_of(f"numbers_{name}", (row[n] for row in listed))
            for n, name in enumerate(columns)
        ]
        return text(source).bindparams(*values).columns(**types).subquery()
    if connection.dialect.name == "sqlite":
        picked = ", ".join(f"json_extract(value, '$[{n}]') AS {name}" for n, (name, _) in names)
        # The limit has the table made once, with an index where it helps. Else SQLite may read
        # the JSON anew for each row that it joins.
        source = f"SELECT {picked} FROM json_each(:numbers) LIMIT -1"  # noqa: S608 - names are ours
    else:
        picked = ", ".join(
            f"{name} {'BIGINT' if kind is int else 'DOUBLE'} PATH '$[{n}]'"
            for n, (name, kind) in names
        )
        source = f"SELECT * FROM JSON_TABLE(:numbers, '$[*]' COLUMNS ({picked})) AS item"  # noqa: S608
    return text(source).bindparams(numbers=json.dumps(listed)).columns(**types).subquery()


def array_of(name: str, numbers: Iterable[float | None]) -> BindParameter[Any]:
    """An array of *numbers* as PostgreSQL reads it; the driver takes ten times as long to write it.

    Without a type: the statement's own cast says which it is, so that the planner knows the length.
    """
    return texts_in_array(name, ("NULL" if number is None else repr(number) for number in numbers))


def texts_in_array(name: str, texts: Iterable[str]) -> BindParameter[Any]:
    """An array of what the *texts* stand for in one."""
    return bindparam(name, "{" + ",".join(texts) + "}", NullType())


def is_among(
    connection: Connection, column: InstrumentedAttribute[Any], keys: Sequence[int | bytes]
) -> ColumnElement[bool]:
    """Whether *column* is one of the *keys*, all of one kind, MOST_PARAMETERS at most.

    Where it can be, they are one parameter: to write thousands takes longer than to find them.
    """
    dialect = connection.dialect.name
    numbers = [key for key in keys if isinstance(key, int)]
    if dialect == "postgresql":
        kind = "bigint" if numbers else "bytea"
        # Bytes as hex: PostgreSQL reads it so, in quotes and with its backslash doubled.
        hexed = (rf'"\\x{key.hex()}"' for key in keys if isinstance(key, bytes))
        array = array_of("keys", numbers) if numbers else texts_in_array("keys", hexed)
        return column.bool_op("=")(text(f"ANY (CAST(:keys AS {kind}[]))").bindparams(array))
    if dialect == "sqlite" and numbers:
        found = text("SELECT value FROM json_each(:keys)").bindparams(keys=json.dumps(numbers))
        return column.in_(found.columns(value=BigInteger))
    return column.in_(keys)


def json_number(connection: Connection, column: str, field: str) -> str:
    """SQL for the number in *field* of the JSON object in *column*; both are names of ours."""
    dialect = connection.dialect.name
    if dialect == "postgresql":
        return f"CAST(CAST({column} AS json) ->> '{field}' AS double precision)"
    if dialect == "sqlite":
        return f"json_extract({column}, '$.{field}')"
    return f"CAST(JSON_VALUE({column}, '$.{field}') AS DOUBLE)"


def greater(left: Number, right: Number | int) -> ColumnElement[int]:
    """The greater of two numbers; the function for it has another name on each database."""
    other = literal(right, BigInteger) if isinstance(right, int) else right
    return case((left > other, left), else_=other)


def batched(items: Iterable[Item]) -> Iterator[list[Item]]:
    """*items* in lists that fit one statement: a driver takes so many parameters and no more."""
    rest = iter(items)
    while some := list(islice(rest, MOST_PARAMETERS)):
        yield some


def is_transient(error: DBAPIError) -> bool:
    """Whether the same transaction may well succeed when it is run again.

    A connection that the server closed meanwhile is one such case: the pool replaces all its
    connections when it meets the first. To ask before each use would cost every request a
    round trip.
    """
    original = error.orig
    if error.connection_invalidated:
        return True
    if original is None:
        return False
    if getattr(original, "sqlstate", None) in SERIALISATION_STATES:
        return True
    if isinstance(error, OperationalError) and "locked" in str(original):
        return True
    return bool(original.args) and original.args[0] in DEADLOCK_CODES


def absolute_uri(uri: str) -> str:
    """*uri* with a relative SQLite path made absolute from the working directory.

    Flask-SQLAlchemy would start it at Flask's instance folder, where nobody looks.
    """
    url = make_url(uri)
    if url.get_backend_name() != "sqlite" or url.database in (None, "", ":memory:"):
        return uri
    return url.set(database=str(Path(str(url.database)).absolute())).render_as_string(
        hide_password=False
    )


def engine_options(uri: str) -> dict[str, Any]:
    """Options of the writing engine for the database of *uri*."""
    if make_url(uri).get_backend_name() == "sqlite":
        return {"max_overflow": -1, "hide_parameters": True}
    return {
        # READ COMMITTED: guarded updates see what others committed; InnoDB takes no gap locks.
        "isolation_level": "READ COMMITTED",
        # As many as there are threads; more than that nobody asks for.
        "max_overflow": -1,
        # What is in a statement is somebody's: an error in the log or on a page names none of it.
        "hide_parameters": True,
        # Every transaction is ended by `Database.writing`; the pool need not do it once more.
        "pool_reset_on_return": None,
    }


def prepare(app: Flask, uri: str) -> Database:
    """Bind Flask-SQLAlchemy and the migrations to *uri*; opens no connection yet."""
    app.config["SQLALCHEMY_DATABASE_URI"] = absolute_uri(uri)
    app.config["SQLALCHEMY_ENGINE_OPTIONS"] = engine_options(uri)
    make_folder(absolute_uri(uri))
    db.init_app(app)
    migrate.init_app(app, db, directory=MIGRATIONS)
    with app.app_context():
        writer = db.engine
    return Database(writer, reader_beside(writer))


def reader_beside(writer: Engine) -> Engine:
    """An engine whose connections stay in autocommit, so that a read is one round trip."""
    if writer.dialect.name == "sqlite":
        event.listen(writer, "connect", set_pragmas)
        event.listen(writer, "begin", begin_immediate)
        return writer.execution_options(reading=True)
    options = engine_options(writer.url.render_as_string(hide_password=False))
    options |= {"isolation_level": "AUTOCOMMIT", "skip_autocommit_rollback": True}
    return create_engine(writer.url, **options)


def make_folder(uri: str) -> None:
    """Make the folder of an SQLite file: SQLite itself would only say "unable to open"."""
    url = make_url(uri)
    if url.get_backend_name() == "sqlite" and url.database not in {None, "", ":memory:"}:
        Path(str(url.database)).parent.mkdir(parents=True, exist_ok=True)


def set_pragmas(connection: Any, _record: object) -> None:  # noqa: ANN401 - a DBAPI connection
    """Set up a new SQLite connection; transactions are begun by us, not by the driver."""
    connection.isolation_level = None
    for pragma in SQLITE_PRAGMAS:
        connection.execute(pragma)


def begin_immediate(connection: Connection) -> None:
    """Begin SQLite write transactions with the write lock, and readers with none."""
    if not connection.get_execution_options().get("reading"):
        connection.exec_driver_sql("BEGIN IMMEDIATE")
