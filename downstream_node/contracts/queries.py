"""Set-based SQL over contracts.

Lock order everywhere: IP address, address, farmer, contracts by id; chunks are never waited for.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Integer,
    Row,
    bindparam,
    cast,
    delete,
    func,
    insert,
    select,
    update,
)

from downstream_node.chunks.models import Chunk
from downstream_node.clock import Instant
from downstream_node.contracts.lifecycle import Schedule
from downstream_node.contracts.models import Contract
from downstream_node.database import Conflict, batched, greater


class StoredContract(NamedTuple):
    """One contract as judging and verifying need it."""

    id: int
    file_hash: bytes
    scheme: str
    commitment: bytes
    schedule: Schedule
    closed: bool


COLUMNS = (
    Contract.id,
    Contract.file_hash,
    Contract.scheme,
    Contract.commitment,
    Contract.started,
    Contract.interval,
    Contract.challenges,
    Contract.answered_through,
    Contract.closed_at,
)


def stored(row: Row[*tuple[Any, ...]]) -> StoredContract:
    """A row of COLUMNS as a value."""
    id_, file_hash, scheme, commitment = row[:4]
    schedule = Schedule(*row[4:8])
    return StoredContract(id_, file_hash, scheme, commitment, schedule, row[8] is not None)


# Statements that every request runs are built once: building one costs more than running it.
BY_HASH = select(*COLUMNS).where(
    Contract.file_hash.in_(bindparam("hashes", expanding=True)),
    Contract.farmer == bindparam("farmer"),
)
PAGE = (
    select(*COLUMNS)
    .where(Contract.farmer == bindparam("farmer"), Contract.id > bindparam("after"))
    .order_by(Contract.id)
    .limit(bindparam("limit", type_=Integer))
)
NOW = bindparam("now", type_=BigInteger)
ACCEPT = (
    update(Contract)
    .where(
        Contract.id.in_(bindparam("ids", expanding=True)),
        # `lifecycle.judge` for OPEN: the window before this one is the last that was answered.
        Contract.answered_through == greater((NOW - Contract.started) // Contract.interval, 0) - 1,
        Contract.closed_at.is_(None),
    )
    .values(answered_through=Contract.answered_through + 1)
)


def find(
    connection: Connection, farmer: int, hashes: Sequence[bytes]
) -> dict[bytes, StoredContract]:
    """The farmer's contracts among *hashes*, in one SELECT."""
    rows = connection.execute(BY_HASH, {"farmer": farmer, "hashes": hashes})
    return {row[1]: stored(row) for row in rows}


def page(connection: Connection, farmer: int, after: int, limit: int) -> list[StoredContract]:
    """Up to *limit* of the farmer's contracts with ids beyond *after*, oldest first."""
    values = {"farmer": farmer, "after": after, "limit": limit}
    return [stored(row) for row in connection.execute(PAGE, values)]


def accept_answers(connection: Connection, ids: Sequence[int], now: Instant) -> None:
    """Mark the challenges of the contracts with these *ids* as answered in the window of *now*.

    Raises Conflict if somebody else changed one of them since it was read.
    """
    if connection.execute(ACCEPT, {"ids": sorted(ids), "now": now}).rowcount != len(ids):
        raise Conflict


def add(connection: Connection, rows: list[dict[str, Any]]) -> None:
    """Insert contracts that nobody has answered yet."""
    connection.execute(insert(Contract), [{"answered_through": -1, **row} for row in rows])


def expires() -> ColumnElement[int]:
    """`Schedule.expires`, in SQL."""
    # In 64 bits: PostgreSQL multiplies two 32-bit columns in 32.
    windows = cast(Contract.answered_through + 2, BigInteger)
    return Contract.started + windows * Contract.interval


@dataclass(frozen=True, slots=True)
class OpenContract:
    """One open contract as closing needs it."""

    id: int
    file_hash: bytes
    seed: str
    size: int
    expires: int
    unanswered: int
    """Challenges that it still has; 0 if all were answered, so that its end is no failure."""


def open_of(connection: Connection, farmer: int) -> list[OpenContract]:
    """All open contracts of *farmer*."""
    left = Contract.challenges - Contract.answered_through - 1
    query = select(Contract.id, Contract.file_hash, Contract.seed, Contract.size, expires(), left)
    query = query.where(Contract.farmer == farmer, Contract.closed_at.is_(None))
    return [OpenContract(*row) for row in connection.execute(query)]


def next_due(connection: Connection, farmer: int) -> int | None:
    """When the first challenge of *farmer* that waits for an answer is due; None without one."""
    query = select(func.min(expires())).where(
        Contract.farmer == farmer,
        Contract.closed_at.is_(None),
        Contract.answered_through < Contract.challenges - 1,
    )
    return connection.execute(query).scalar_one()


def close(connection: Connection, contracts: Sequence[OpenContract], now: Instant) -> None:
    """Close *contracts* and put their chunks back into the pool, to be tagged anew."""
    for some in batched(sorted(contract.id for contract in contracts)):
        connection.execute(update(Contract).where(Contract.id.in_(some)).values(closed_at=now))
    return_chunks(connection, contracts)


def return_chunks(connection: Connection, contracts: Sequence[OpenContract]) -> None:
    """Put the chunks of *contracts* back into the pool, without a tag."""
    if contracts:
        rows = [{"seed": contract.seed, "size": contract.size} for contract in contracts]
        connection.execute(insert(Chunk), rows)


def forget_closed(connection: Connection, before: Instant, limit: int) -> int:
    """Delete up to *limit* contracts closed before the instant; how many there were."""
    query = select(Contract.id).where(Contract.closed_at < before).limit(limit)
    ids = list(connection.execute(query).scalars())
    connection.execute(delete(Contract).where(Contract.id.in_(ids)))
    return len(ids)
