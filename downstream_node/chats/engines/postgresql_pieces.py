"""Where the new messages of an import go: one table for each month, a piece of the archive.

It gets its indexes when it is full and becomes a partition of its month at the end of the import.
That takes 40 us a message; rows that go into existing indexes take 120 us and more. So only the few
of a small import are moved into the month's last piece. Attaching a partition takes no lock that
readers feel, and nothing is ever detached.
"""

from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

from downstream_node.chats.engines.postgresql_blocks import Gathering
from downstream_node.chats.engines.postgresql_months import bounds_of, name_of, piece_name
from downstream_node.chats.engines.postgresql_pool import Connection, run
from downstream_node.chats.places import Place

LARGE = 10_000
"""Messages of a month that make a piece of their own."""
MOST_WAITING = 32
"""Batches that wait for the server while it makes an index; 1 MB each or so."""
COLUMNS = (
    "place, piece, id, channel, author, kind, edited, exported, deleted, reply_to, fingerprint, "
    "marks, content, extras, folded, stems, terms"
)


def escaped(text: str) -> str:
    """*text* as one column of COPY's text form."""
    text = text.replace("\\", "\\\\").replace("\n", "\\n")
    return text.replace("\r", "\\r").replace("\t", "\\t")


def number(value: int | None) -> str:
    """*value* as one column of COPY's text form."""
    return "\\N" if value is None else str(value)


class Piece:
    """The table that takes what an import has for one month."""

    def __init__(
        self,
        connection: Connection,
        month: int,
        channel: int,
        submit: Callable[[Callable[[], None]], None],
    ) -> None:
        """*submit* has work on *connection* done, later and in order."""
        self._connection = connection
        self.month = month
        [(self.number,)] = run(
            connection,
            "INSERT INTO chat_pieces (month) VALUES (%s) RETURNING number",
            [month],
        )
        self.name = piece_name(month, self.number)
        self.rows = 0
        self._lowest: int | None = None
        self._highest: int | None = None
        self._has_key = False
        self._has_indexes = False
        run(connection, f"CREATE TABLE {self.name} (LIKE chat_messages)")
        self.gathering = Gathering(connection, submit, self.number, channel)

    def may_have(self, places: Sequence[Place]) -> bool:
        """Whether any of *places* can be here: exports are in order, so hardly ever."""
        if self._lowest is None or self._highest is None:
            return False
        return max(places) >= self._lowest and min(places) <= self._highest

    def expect(self, places: Sequence[Place]) -> None:
        """Know that rows with these places are on their way here."""
        self.rows += len(places)
        self._lowest = min(places) if self._lowest is None else min(self._lowest, *places)
        self._highest = max(places) if self._highest is None else max(self._highest, *places)

    def copy(self, lines: str) -> None:
        """Take rows in COPY's text form; frozen, so that nobody need ask whether they are seen."""
        statement = f"COPY {self.name} ({COLUMNS}) FROM STDIN WITH (FREEZE)"
        with self._connection.cursor().copy(statement) as copy:
            copy.write(lines)

    def make_key(self) -> None:
        """Make the index by place, if it is not there yet."""
        if not self._has_key:
            self._has_key = True
            run(self._connection, f"ALTER TABLE {self.name} ADD PRIMARY KEY (place, piece)")

    def make_indexes(self) -> None:
        """Make the indexes, if they are not there yet."""
        if self._has_indexes:
            return
        self._has_indexes = True
        self.make_key()
        for index in (
            "(channel, place)",
            "(id) WHERE id <> place",
            "USING gin (terms)",
            "USING gin (folded gin_trgm_ops)",
        ):
            run(self._connection, f"CREATE INDEX ON {self.name} {index}")

    def become_partition(self) -> None:
        """Be a part of the archive from the commit on."""
        self.make_indexes()
        run(self._connection, f"ANALYZE {self.name}")
        parent = f"chat_messages_{name_of(self.month)}"
        [(exists,)] = run(self._connection, "SELECT to_regclass(%s) IS NOT NULL", [parent])
        if not exists:
            run(
                self._connection,
                f"CREATE TABLE {parent} (LIKE chat_messages, PRIMARY KEY (place, piece)) "
                "PARTITION BY LIST (piece)",
            )
        run(
            self._connection,
            f"ALTER TABLE {parent} ATTACH PARTITION {self.name} FOR VALUES IN ({self.number})",
        )
        if not exists:
            first, beyond = bounds_of(self.month)
            run(
                self._connection,
                f"ALTER TABLE chat_messages ATTACH PARTITION {parent} "
                f"FOR VALUES FROM ({first}) TO ({beyond})",
            )

    def move_into(self, other: int) -> None:
        """Give all rows to the month's piece *other*."""
        name = piece_name(self.month, other)
        columns = COLUMNS.replace("piece", str(other))
        run(
            self._connection,
            f"INSERT INTO {name} ({COLUMNS}) SELECT {columns} FROM {self.name}",  # noqa: S608
        )
        # What waits in the lists of the indexes is looked through by every search.
        run(
            self._connection,
            "SELECT gin_clean_pending_list(i.indexrelid) FROM pg_index i "
            "JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_am a ON a.oid = c.relam "
            "WHERE i.indrelid = %s::regclass AND a.amname = 'gin'",
            [name],
        )
        self.drop()

    def drop(self) -> None:
        """Forget it all."""
        run(self._connection, f"DROP TABLE {self.name}")
        run(self._connection, "DELETE FROM chat_pieces WHERE number = %s", [self.number])


class Pipeline:
    """Runs the work of a connection one after the other, beside the thread that reads the export.

    So one processor reads messages while the other makes indexes of those before.
    """

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, "chats-import")
        self._waiting: deque[Future[None]] = deque()

    def submit(self, work: Callable[[], None]) -> None:
        """Have *work* run after all before it. Raises what went wrong with an earlier one."""
        while len(self._waiting) >= MOST_WAITING or (self._waiting and self._waiting[0].done()):
            self._waiting.popleft().result()
        self._waiting.append(self._thread.submit(work))

    def wait(self) -> None:
        """Until all is done: from now on the connection is the caller's."""
        while self._waiting:
            self._waiting.popleft().result()

    def stop(self) -> None:
        """End the thread; what has not begun is not done."""
        self._thread.shutdown(cancel_futures=True)
