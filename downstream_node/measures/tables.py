"""Tables of measures as a whole, for operators: shown, and emptied.

Names are looked up and never pasted: a table is one of ours or none.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import Connection, Table, delete, func, select

from downstream_node.database import Base
from downstream_node.errors import NotAllowed
from downstream_node.measures.models import (
    BudgetEntry,
    Cell,
    CellContributor,
    MeasureDefinition,
    MeasureReceipt,
    MeasureToken,
    QuarantinedMeasure,
    RawMeasure,
    Release,
)

# Each after those that refer to it, so that rows can go in this order.
MODELS: tuple[type[Base], ...] = (
    BudgetEntry,
    Release,
    CellContributor,
    RawMeasure,
    QuarantinedMeasure,
    MeasureReceipt,
    MeasureToken,
    Cell,
    MeasureDefinition,
)
TABLES: Mapping[str, Table] = {model.__tablename__: model.__table__ for model in MODELS}  # type: ignore[misc]
ALONE = {QuarantinedMeasure.__tablename__, MeasureReceipt.__tablename__, MeasureToken.__tablename__}
"""Tables that nothing else is worked out from."""
MOST_SHOWN = 100


def table_named(name: str) -> Table:
    """The table *name*. Raises NotAllowed if it is none of ours."""
    table = TABLES.get(name)
    if table is None:
        raise NotAllowed(f"There is no table of measures called {name[:50]!r}: {', '.join(TABLES)}")
    return table


def shown(connection: Connection, name: str) -> tuple[int, list[dict[str, Any]]]:
    """How many rows the table *name* has, and the first MOST_SHOWN of them, bytes as hex."""
    table = table_named(name)
    count = int(connection.execute(select(func.count()).select_from(table)).scalar_one())
    rows = connection.execute(select(table).order_by(*table.primary_key).limit(MOST_SHOWN))
    return count, [dict(plain(row._mapping)) for row in rows]  # noqa: SLF001 - SQLAlchemy's name


def plain(row: Mapping[Any, Any]) -> Iterator[tuple[str, Any]]:
    """The columns of *row* as JSON can hold them."""
    for name, value in row.items():
        yield str(name), value.hex() if isinstance(value, bytes) else value


def reset(connection: Connection, name: str) -> int:
    """Delete all rows of the table *name*; how many. Raises NotAllowed where others need them.

    Without its raw measures a cell has wrong quartiles; without its release, its budget or its
    contributors, what was given out before could be subtracted from what is given out next.
    """
    table = table_named(name)
    if name not in ALONE:
        raise NotAllowed(
            f"{name} is not emptied alone, since other tables hang together with it: use "
            "`table reset-all`, `purge` or `delete-aggregations-from-date`."
        )
    return connection.execute(delete(table)).rowcount


def reset_all(connection: Connection) -> dict[str, int]:
    """Delete all rows of all tables of measures; how many, by table."""
    return {name: connection.execute(delete(table)).rowcount for name, table in TABLES.items()}
