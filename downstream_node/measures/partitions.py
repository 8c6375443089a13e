"""Raw measures in parts of a week each, on PostgreSQL: a part that nobody needs goes at once.

A part is dropped only when it is over, all in it is counted, and nothing in it may still be asked
for quartiles; so the guarantees are those of a purge. It is for nodes with many measures: each
look-up by id asks all parts.
"""

import re
from dataclasses import dataclass

from sqlalchemy import Connection, select, text, update
from sqlalchemy.sql.elements import TextClause

from downstream_node.database import batched, is_among
from downstream_node.errors import NoPartitions
from downstream_node.measures import definitions
from downstream_node.measures.models import Cell, MeasureDefinition
from downstream_node.measures.periods import DAY, date_of, period_end
from downstream_node.measures.purging import purge_old
from downstream_node.node import Node

WEEKS_AHEAD = 8
"""Parts that are made before they are needed. What comes later still is kept in one of its own."""
INDEXES = ("ix_raw_measures_waiting", "ix_raw_measures_cell", "ix_raw_measures_arrived")
LOCK = text("LOCK TABLE raw_measures IN ACCESS EXCLUSIVE MODE")
# Who waits longer would hold up all that come after; the transaction is tried again.
SHORTLY = text("SET LOCAL lock_timeout = '2s'")
KIND = text("SELECT relkind FROM pg_class WHERE oid = 'raw_measures'::regclass")
PARTS = text(
    "SELECT child.relname, pg_get_expr(child.relpartbound, child.oid) FROM pg_inherits "
    "JOIN pg_class AS child ON child.oid = inhrelid WHERE inhparent = 'raw_measures'::regclass"
)
CONVERSION = (
    *(f"ALTER INDEX {name} RENAME TO {name}_before" for name in INDEXES),
    "ALTER TABLE raw_measures RENAME TO raw_measures_before",
    "ALTER TABLE raw_measures_before DROP CONSTRAINT pk_raw_measures",
    "ALTER TABLE raw_measures_before ADD PRIMARY KEY (id, arrived)",
    (
        "CREATE TABLE raw_measures (LIKE raw_measures_before INCLUDING DEFAULTS, "
        "CONSTRAINT pk_raw_measures PRIMARY KEY (id, arrived)) PARTITION BY RANGE (arrived)"
    ),
    "ALTER SEQUENCE raw_measures_id_seq OWNED BY raw_measures.id",
    (
        "ALTER TABLE raw_measures ADD CONSTRAINT fk_raw_measures_definition "
        "FOREIGN KEY (definition) REFERENCES measure_definitions (id)"
    ),
    (
        "ALTER TABLE raw_measures ADD CONSTRAINT fk_raw_measures_cell "
        "FOREIGN KEY (cell) REFERENCES measure_cells (id)"
    ),
    "CREATE INDEX ix_raw_measures_waiting ON raw_measures (definition, id) WHERE cell IS NULL",
    "CREATE INDEX ix_raw_measures_cell ON raw_measures (cell) WHERE cell IS NOT NULL",
    "CREATE INDEX ix_raw_measures_arrived ON raw_measures USING brin (arrived)",
    "CREATE TABLE raw_measures_other PARTITION OF raw_measures DEFAULT",
)


@dataclass(frozen=True, slots=True)
class Kept:
    """How many parts were made, how many dropped, and which are old but still needed."""

    made: int
    dropped: int
    left: list[str]


def convert(node: Node) -> None:
    """Have raw measures in parts from now on; those that are there become the first part.

    One transaction, in which the table is read once and nobody else gets to it. Raises NoPartitions
    where there are none, or the table has them already.
    """
    require_postgresql(node)
    now = node.wall_clock()
    node.database.write(lambda connection: convert_in(connection, now))


def require_postgresql(node: Node) -> None:
    """Raise NoPartitions on another database."""
    if node.database.dialect != "postgresql":
        raise NoPartitions("Only on PostgreSQL are raw measures kept in parts.")


def convert_in(connection: Connection, now: int) -> None:
    """Do what `convert` says within a transaction."""
    connection.execute(SHORTLY)
    connection.execute(LOCK)
    if is_partitioned(connection):
        raise NoPartitions("Raw measures are in parts already.")
    for statement in CONVERSION:
        connection.execute(text(statement))
    until = period_end("week", now)
    attach = f"ATTACH PARTITION raw_measures_before FOR VALUES FROM (MINVALUE) TO ({until:d})"
    connection.execute(text(f"ALTER TABLE raw_measures {attach}"))
    make_ahead(connection, now)


def is_partitioned(connection: Connection) -> bool:
    """Whether raw measures are in parts."""
    return str(connection.execute(KIND).scalar_one()) == "p"


def keep(node: Node, days: int) -> Kept:
    """Make the parts of the next weeks, and drop those of which all came *days* ago or earlier.

    To be called once a week or more often. Raises NoPartitions where there are none.
    """
    require_postgresql(node)
    if not node.database.read(is_partitioned):
        raise NoPartitions("Raw measures are not in parts: convert them first.")
    now = node.wall_clock()
    made = node.database.write(lambda connection: make_ahead(connection, now))
    for row in node.database.read(definitions.all_of):
        if row.with_quartiles:
            # Into the sketches of their cells, which takes them one by one.
            purge_old(node, row, days)
    old = node.database.read(lambda connection: parts_until(connection, now - days * DAY))
    left = [
        name
        for name in old
        if not node.database.write(
            lambda connection, name=name: drop(connection, name, now)  # type: ignore[misc]
        )
    ]
    return Kept(made, len(old) - len(left), left)


def make_ahead(connection: Connection, now: int) -> int:
    """Make the parts of the next WEEKS_AHEAD weeks that are missing; how many.

    Not the one of this week, which is in the first part if the conversion was in it.
    """
    there = {name for name, _ in connection.execute(PARTS)}
    begin, made = period_end("week", now), 0
    for _ in range(WEEKS_AHEAD):
        end = period_end("week", begin)
        name = f"raw_measures_{date_of(begin):%Y_%m_%d}"
        if name not in there:
            values = f"FOR VALUES FROM ({begin:d}) TO ({end:d})"
            connection.execute(text(f"CREATE TABLE {name} PARTITION OF raw_measures {values}"))
            made += 1
        begin = end
    return made


def parts_until(connection: Connection, until: int) -> list[str]:
    """The parts in which all arrived at *until* or before, oldest first."""
    ends = {
        name: int(found[1])
        for name, bounds in connection.execute(PARTS)
        if (found := re.search(r"TO \('?(-?\d+)'?\)", bounds))
    }
    return sorted((name for name, end in ends.items() if end <= until + 1), key=ends.__getitem__)


def drop(connection: Connection, name: str, now: int) -> bool:
    """Drop the part *name*, and stamp the cells that counted it; False if it is still needed.

    That is where something in it is not counted, or belongs to a definition with quartiles.
    """
    connection.execute(SHORTLY)
    # First the definitions, as whoever counts does: with_quartiles stays what it is.
    connection.execute(select(MeasureDefinition.id).with_for_update(read=True)).all()
    connection.execute(LOCK)
    if connection.execute(needed(name)).scalar():
        return False
    counted = f"SELECT DISTINCT cell FROM {name} ORDER BY cell"  # noqa: S608 - the name is ours
    for some in batched(connection.execute(text(counted)).scalars().all()):
        among = is_among(connection, Cell.id, some)
        connection.execute(select(Cell.id).where(among).order_by(Cell.id).with_for_update()).all()
        # Without a sketch: what it would hold is only a part of what was there.
        connection.execute(update(Cell).where(among).values(last_purged=now, sketch=None))
    connection.execute(text(f"DROP TABLE {name}"))
    return True


def needed(name: str) -> TextClause:
    """The question whether anything in the part *name* is still needed."""
    return text(
        f"SELECT EXISTS (SELECT FROM {name} JOIN measure_definitions "  # noqa: S608 - ours
        f"ON measure_definitions.id = {name}.definition WHERE cell IS NULL OR with_quartiles)"
    )
