"""SQL of the operator's pages: keys, and what is failing. No work that grows with contracts."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Double,
    case,
    cast,
    delete,
    func,
    insert,
    or_,
    select,
    update,
)

from downstream_node.chunks.models import Chunk
from downstream_node.clock import Instant, WallTime
from downstream_node.contracts.models import Contract
from downstream_node.contracts.queries import expires
from downstream_node.farmers.models import Failure, Farmer
from downstream_node.farmers.queries import is_online
from downstream_node.jobs import JobRow
from downstream_node.operators.models import OperatorKey
from downstream_node.service_time import Outage

# Keys


@dataclass(frozen=True, slots=True)
class StoredKey:
    """What is known of one operator's key; times are wall time."""

    name: str
    created: int
    last_used: int | None


KEY_COLUMNS = (OperatorKey.name, OperatorKey.created, OperatorKey.last_used)


def has_name(connection: Connection, name: str) -> bool:
    """Whether there is an operator of this name."""
    query = select(OperatorKey.id).where(OperatorKey.name == name)
    return connection.execute(query).one_or_none() is not None


def add_key(connection: Connection, name: str, key_hash: bytes, created: WallTime) -> None:
    """Insert a key."""
    row = {"name": name, "key_hash": key_hash, "created": created}
    connection.execute(insert(OperatorKey).values(row))


def list_keys(connection: Connection) -> list[StoredKey]:
    """All keys, by name."""
    query = select(*KEY_COLUMNS).order_by(OperatorKey.name)
    return [StoredKey(*row) for row in connection.execute(query)]


def remove_key(connection: Connection, name: str) -> bool:
    """Delete the key of *name*; whether there was one."""
    return connection.execute(delete(OperatorKey).where(OperatorKey.name == name)).rowcount == 1


def find_key(connection: Connection, key_hash: bytes) -> StoredKey | None:
    """The key with this hash."""
    query = select(*KEY_COLUMNS).where(OperatorKey.key_hash == key_hash)
    row = connection.execute(query).one_or_none()
    return StoredKey(*row) if row else None


def note_use(connection: Connection, key_hash: bytes, now: WallTime) -> None:
    """Note that the key with this hash was used."""
    row = update(OperatorKey).where(OperatorKey.key_hash == key_hash)
    connection.execute(row.values(last_used=now))


# The pool


@dataclass(frozen=True, slots=True)
class Level:
    """How many chunks of one scheme (None: untagged) and size in bytes wait in the pool."""

    scheme: str | None
    size: int
    count: int


def pool_levels(connection: Connection) -> list[Level]:
    """The whole pool, by scheme and size: one pass over the index on these."""
    kind = (Chunk.scheme, Chunk.size)
    query = select(*kind, func.count()).group_by(*kind).order_by(*kind)
    return [Level(*row) for row in connection.execute(query)]


# Farmers


@dataclass(frozen=True, slots=True)
class Presence:
    """How many farmers there are, are online, and went offline lately."""

    farmers: int
    online: int
    gone: int


def presence(connection: Connection, now: Instant, since: Instant) -> Presence:
    """Farmers in all, online, and offline only *since* then."""
    gone = is_online(since) & ~is_online(now)
    row = connection.execute(
        select(
            func.count(), *(func.sum(as_number(what)) for what in (is_online(now), gone))
        ).select_from(Farmer)
    ).one()
    return Presence(row[0], int(row[1] or 0), int(row[2] or 0))


def as_number(condition: ColumnElement[bool]) -> ColumnElement[int]:
    """1 where *condition* holds, else 0."""
    return case((condition, 1), else_=0)


def gone_farmers(
    connection: Connection, now: Instant, since: Instant, limit: int
) -> list[tuple[str, int]]:
    """(id, end of coverage) of farmers that went offline *since* then, the last ones first."""
    query = select(Farmer.farmer_id, Farmer.covered_until)
    query = query.where(Farmer.covered_until > since, Farmer.covered_until <= now)
    query = query.order_by(Farmer.covered_until.desc(), Farmer.id).limit(limit)
    return [(row[0], row[1]) for row in connection.execute(query)]


@dataclass(frozen=True, slots=True)
class ExpiringFarmer:
    """A farmer with *count* open contracts that expire soon, the first at *first*."""

    farmer_id: str
    online: bool
    contracts: int
    count: int
    first: int


def expiring(
    connection: Connection, now: Instant, until: Instant, limit: int
) -> list[ExpiringFarmer]:
    """The farmers whose contracts may expire first, and how many expire *until* then.

    `next_check` finds the farmers by its index; only their contracts are looked at.
    """
    query = select(Farmer.id, Farmer.farmer_id, is_online(now), Farmer.contracts)
    query = query.where(Farmer.next_check <= until).order_by(Farmer.next_check).limit(limit)
    farmers = connection.execute(query).all()
    counted = expiring_contracts(connection, [row.id for row in farmers], until)
    found = [
        ExpiringFarmer(row[1], bool(row[2]), row[3], *counted[row[0]])
        for row in farmers
        if row[0] in counted
    ]
    return sorted(found, key=lambda farmer: (farmer.first, farmer.farmer_id))


def expiring_contracts(
    connection: Connection, farmers: Sequence[int], until: Instant
) -> dict[int, tuple[int, int]]:
    """By farmer: how many of its open contracts expire *until* then, and when the first does."""
    query = select(Contract.farmer, func.count(), func.min(expires()))
    query = query.where(
        Contract.farmer.in_(farmers), Contract.closed_at.is_(None), expires() <= until
    )
    rows = connection.execute(query.group_by(Contract.farmer))
    return {row[0]: (row[1], int(row[2])) for row in rows}


@dataclass(frozen=True, slots=True)
class SlowFarmer:
    """A farmer with the mean wait of its answers, in milliseconds."""

    farmer_id: str
    wait: float
    heartbeats: int


def slowest(connection: Connection, now: Instant, limit: int) -> list[SlowFarmer]:
    """Farmers that are online and take longest to answer."""
    wait = cast(Farmer.waited, Double) / Farmer.heartbeats
    query = select(Farmer.farmer_id, wait, Farmer.heartbeats)
    query = query.where(is_online(now), Farmer.heartbeats > 0)
    query = query.order_by(wait.desc(), Farmer.id).limit(limit)
    rows = connection.execute(query)
    return [SlowFarmer(row[0], float(row[1]), row[2]) for row in rows]


# Failures


def failures_by_kind(connection: Connection, since: Sequence[Instant]) -> dict[str, list[int]]:
    """By kind, the number of failures since each of the instants, the earliest one last."""
    sums = [func.sum(case((Failure.last > begin, Failure.count), else_=0)) for begin in since]
    query = select(Failure.kind, *sums).where(Failure.last > since[-1]).group_by(Failure.kind)
    return {row[0]: [int(number) for number in row[1:]] for row in connection.execute(query)}


@dataclass(frozen=True, slots=True)
class FailingFarmer:
    """A farmer with its failures of all kinds; *last* is the instant of the last one."""

    farmer_id: str
    count: int
    last: int
    kinds: tuple[int, ...]


def failing_farmers(
    connection: Connection, since: Instant, kinds: Sequence[str], limit: int
) -> list[FailingFarmer]:
    """The farmers with most failures since then, and how many of each of the *kinds*."""
    total = func.sum(Failure.count)
    each = [func.sum(case((Failure.kind == kind, Failure.count), else_=0)) for kind in kinds]
    worst = (
        select(Failure.farmer, total, func.max(Failure.last), *each)
        .where(Failure.last > since)
        .group_by(Failure.farmer)
        .order_by(total.desc(), Failure.farmer)
        .limit(limit)
    )
    rows = connection.execute(worst).all()
    names = farmer_names(connection, [row[0] for row in rows])
    return [
        FailingFarmer(names[row[0]], int(row[1]), row[2], tuple(map(int, row[3:])))
        for row in rows
        if row[0] in names
    ]


def farmer_names(connection: Connection, farmers: Sequence[int]) -> dict[int, str]:
    """Public ids by row."""
    query = select(Farmer.id, Farmer.farmer_id).where(Farmer.id.in_(farmers))
    return {row[0]: row[1] for row in connection.execute(query)}


# The node itself


@dataclass(frozen=True, slots=True)
class JobState:
    """The row of one job; wall times, milliseconds."""

    next_run: int
    last_run: int | None
    took: int | None
    did: int | None
    error: str | None


def job_states(connection: Connection) -> dict[str, JobState]:
    """What is known of each job, by name."""
    columns = (JobRow.next_run, JobRow.last_run, JobRow.took, JobRow.did, JobRow.error)
    rows = connection.execute(select(JobRow.name, *columns))
    return {row[0]: JobState(*tuple[Any, ...](row)[1:]) for row in rows}


@dataclass(frozen=True, slots=True)
class OutageRow:
    """One row of the ledger: wall time of its beginning, milliseconds."""

    id: int
    began: int
    milliseconds: int


OUTAGE_COLUMNS = (Outage.id, Outage.began, Outage.milliseconds)


def outages(connection: Connection, before: int | None, limit: int) -> list[OutageRow]:
    """The newest outages (older than the one with id *before*)."""
    query = select(*OUTAGE_COLUMNS).order_by(Outage.id.desc()).limit(limit)
    if before is not None:
        query = query.where(Outage.id < before)
    return [OutageRow(*row) for row in connection.execute(query)]


def outages_since(connection: Connection, since: WallTime) -> list[OutageRow]:
    """Outages that began or ended since then. The whole ledger is short: every beat reads it."""
    ended = Outage.began + Outage.milliseconds
    query = select(*OUTAGE_COLUMNS).where(or_(Outage.began >= since, ended >= since))
    return [OutageRow(*row) for row in connection.execute(query.order_by(Outage.id))]
