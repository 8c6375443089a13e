"""SQL over packages, their workers and boxes. What changes a job is guarded by what it was.

Times are wall time in milliseconds.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Connection,
    ScalarSelect,
    Update,
    delete,
    exists,
    func,
    insert,
    select,
    update,
)

from downstream_node.database import Conflict, insert_missing
from downstream_node.packages.models import Box, Package, Worker
from downstream_node.packages.states import Queue, Source, Stage, State

THOUSANDTHS = 1000
IN_QUEUE = (State.QUEUED, State.WORKING)
"""What counts in positions. Who waits for its owner holds up nobody."""
RESTING = {"worker": None, "lease": None, "stage": Stage.QUEUED, "progress": 0}
"""Columns of a job that nobody has."""


@dataclass(frozen=True, slots=True)
class Stored:
    """One package as the node knows it; the columns of `models.Package`."""

    id: int
    package_id: str
    source: str
    state: str
    stage: str
    progress: int
    is_upgraded: bool
    error: str | None
    created: int
    updated: int
    queued: int
    shown: int
    ahead_when_joined: int
    standard_when_joined: int
    premium_when_joined: int
    attempts: int
    worker: int | None
    lease: int | None
    sha256: bytes | None
    header: bytes | None
    size: int | None
    is_partial: bool | None
    expires: int | None


COLUMNS = tuple(getattr(Package, name) for name in Stored.__slots__)


class Claim(NamedTuple):
    """One attempt of one worker at one package. All that it writes is guarded by it."""

    id: int
    package_id: str
    source: Source
    worker: int
    attempt: int
    box: bytes


@dataclass(frozen=True, slots=True)
class Result:
    """What came of a package."""

    sha256: bytes
    header: bytes
    size: int
    is_partial: bool


class LiveWorker(NamedTuple):
    """A worker to which secrets may be sealed, if its voucher is good."""

    id: int
    public_key: bytes
    voucher: bytes


# Reading


def find(connection: Connection, package_id: str) -> Stored | None:
    """The package with this id."""
    return first(stored(connection, Package.package_id == package_id, 1))


def stored(connection: Connection, condition: ColumnElement[bool], limit: int) -> list[Stored]:
    """The first packages under *condition*, by id."""
    query = select(*COLUMNS).where(condition).order_by(Package.id).limit(limit)
    return [Stored(*list[Any](row)) for row in connection.execute(query)]


def first(found: list[Stored]) -> Stored | None:
    """The first, if there is one."""
    return found[0] if found else None


def listed(connection: Connection, after: int, limit: int) -> list[Stored]:
    """Packages by id, from behind the id *after*."""
    return stored(connection, Package.id > after, limit)


def queue(connection: Connection) -> Queue:
    """The queue now."""
    query = select(Package.is_upgraded, func.count()).where(Package.state.in_(IN_QUEUE))
    found = {
        bool(row[0]): row[1] for row in connection.execute(query.group_by(Package.is_upgraded))
    }
    return Queue(premium=found.get(True, 0), standard=found.get(False, 0))


def ahead(connection: Connection, package: Stored) -> int:
    """How many go before *package*, which is not being processed.

    Of its own kind, upgraded or not, these are the older ones; of the other kind those that are
    processed now and, if it is not upgraded itself, those that wait. So nobody's place grows
    because a worker took a younger one first, or took this one a moment ago.
    """
    same = Package.is_upgraded == package.is_upgraded
    earlier = (Package.queued < package.queued) | (
        (Package.queued == package.queued) & (Package.id < package.id)
    )
    # Written for each tier, so that the index on state, tier and time serves both.
    before = same & earlier
    if not package.is_upgraded:
        before |= Package.is_upgraded.is_(True)
    queued = (Package.state == State.QUEUED) & before
    working = (Package.state == State.WORKING) & (~same | earlier)
    # One statement: between two, a package that is taken would be in neither or in both.
    return connection.execute(select(counted(working) + counted(queued))).scalar_one()


def counted(condition: ColumnElement[bool]) -> ScalarSelect[int]:
    """How many packages there are under *condition*, within a statement."""
    return select(func.count(Package.id)).where(condition).scalar_subquery()


# Joining the queue


def join(connection: Connection, package_id: str, source: Source, now: int) -> Stored:
    """Make the package with this id a job, unless it is one or was one that went well.

    Of several who do that at once one makes the row; the others find it.
    """
    queue_now = queue(connection)
    fresh = {
        "source": source,
        "state": State.WAITING,
        "error": None,
        "updated": now,
        "queued": now,
        "shown": now,
        "ahead_when_joined": queue_now.total,
        "standard_when_joined": queue_now.standard + 1,
        "premium_when_joined": queue_now.premium,
        "attempts": 0,
        "expires": None,
        **RESTING,
    }
    insert_missing(
        connection, Package, package_id=package_id, created=now, is_upgraded=False, **fresh
    )
    found = find(connection, package_id)
    if found is None:  # somebody has just deleted the one that was there
        raise Conflict
    if found.state != State.FAILED:
        return found
    premium = found.is_upgraded
    again = fresh | {
        "ahead_when_joined": queue_now.premium if premium else queue_now.total,
        "standard_when_joined": queue_now.standard + (not premium),
        "premium_when_joined": queue_now.premium + premium,
    }
    guarded = update(Package).where(Package.id == found.id, Package.state == State.FAILED)
    connection.execute(guarded.values(again))
    return find(connection, package_id) or found


def upgrade(connection: Connection, package_id: str, now: int) -> bool:
    """Let the package go before those that are not upgraded; False if there is none."""
    statement = update(Package).where(Package.package_id == package_id)
    return connection.execute(statement.values(is_upgraded=True, updated=now)).rowcount == 1


# Workers and boxes


def live_workers(connection: Connection, now: int) -> list[LiveWorker]:
    """The workers that are alive."""
    query = select(Worker.id, Worker.public_key, Worker.voucher).where(Worker.alive_until > now)
    return [LiveWorker(*row) for row in connection.execute(query.order_by(Worker.id))]


def count_live_workers(connection: Connection, now: int) -> int:
    """How many workers are alive."""
    query = select(func.count(Worker.id)).where(Worker.alive_until > now)
    return connection.execute(query).scalar_one()


def with_boxes(connection: Connection, package: int) -> set[int]:
    """The workers that have a box of the package."""
    return set(connection.execute(select(Box.worker).where(Box.package == package)).scalars())


def put_boxes(connection: Connection, package: int, boxes: dict[int, bytes], now: int) -> bool:
    """Give workers their boxes of a package that waits for one; False if it does not wait."""
    guarded = update(Package).where(
        Package.id == package, Package.state.in_((State.QUEUED, State.WAITING))
    )
    if connection.execute(guarded.values(state=State.QUEUED, shown=now)).rowcount == 0:
        return False
    for worker in sorted(boxes):
        insert_missing(connection, Box, package=package, worker=worker, box=boxes[worker])
    return True


def register(connection: Connection, public_key: bytes, voucher: bytes, name: str, now: int) -> int:
    """A new worker, not yet alive; its id."""
    values = {"public_key": public_key, "voucher": voucher, "name": name}
    connection.execute(insert(Worker).values(**values, started=now, alive_until=now))
    query = select(Worker.id).where(Worker.public_key == public_key)
    return connection.execute(query).scalar_one()


def live_on(connection: Connection, worker: int, until: int) -> bool:
    """The worker is alive until then; False if it was taken for dead."""
    statement = update(Worker).where(Worker.id == worker).values(alive_until=until)
    return connection.execute(statement).rowcount == 1


def unregister(connection: Connection, worker: int) -> None:
    """The worker is no more, nor are its boxes."""
    connection.execute(delete(Box).where(Box.worker == worker))
    connection.execute(delete(Worker).where(Worker.id == worker))


def boxes_of(connection: Connection, worker: int) -> list[tuple[int, str, bytes]]:
    """The boxes of *worker*: the packages' row ids, their ids, the boxes."""
    query = select(Package.id, Package.package_id, Box.box).join(Box, Box.package == Package.id)
    found = connection.execute(query.where(Box.worker == worker).order_by(Package.id))
    return [(row[0], row[1], row[2]) for row in found]


def dead_workers(connection: Connection, before: int) -> list[int]:
    """Workers that have not been alive since."""
    query = select(Worker.id).where(Worker.alive_until < before).order_by(Worker.id)
    return list(connection.execute(query).scalars())


# Attempts


def next_for(connection: Connection, worker: int) -> Claim | None:
    """The package that *worker* is to take next."""
    mine = (Box.package == Package.id) & (Box.worker == worker)
    query = select(Package.id, Package.package_id, Package.source, Package.attempts, Box.box)
    query = query.join(Box, mine).where(Package.state == State.QUEUED)
    order = (Package.is_upgraded.desc(), Package.queued, Package.id)
    row = connection.execute(query.order_by(*order).limit(1)).first()
    if row is None:
        return None
    return Claim(row.id, row.package_id, Source(row.source), worker, row.attempts + 1, row.box)


def take(connection: Connection, claim: Claim, now: int, lease: int) -> bool:
    """Begin the attempt *claim*; False if somebody else was first.

    The box that was opened goes, and with it those of workers that died. Others keep theirs: if
    this worker dies one of them takes over.
    """
    guarded = update(Package).where(
        Package.id == claim.id,
        Package.state == State.QUEUED,
        Package.attempts == claim.attempt - 1,
    )
    values = {"state": State.WORKING, "stage": Stage.DOWNLOADING, "progress": 0}
    begun = guarded.values(
        **values, worker=claim.worker, lease=lease, attempts=claim.attempt, updated=now
    )
    if connection.execute(begun).rowcount == 0:
        return False
    alive = exists().where(Worker.id == Box.worker, Worker.alive_until > now)
    mine = Box.worker == claim.worker
    connection.execute(delete(Box).where(Box.package == claim.id, mine | ~alive))
    return True


def held(claim: Claim) -> Update:
    """An UPDATE of the package, as long as the attempt *claim* goes on."""
    return update(Package).where(
        Package.id == claim.id,
        Package.package_id == claim.package_id,
        Package.state == State.WORKING,
        Package.worker == claim.worker,
        Package.attempts == claim.attempt,
    )


def note(  # noqa: PLR0913, PLR0917 - the columns of a row
    connection: Connection, claim: Claim, stage: Stage, done: float, now: int, lease: int
) -> bool:
    """Say how far the attempt is, and go on; False if it is over."""
    values = {"stage": stage, "progress": round(done * THOUSANDTHS), "updated": now}
    return connection.execute(held(claim).values(**values, lease=lease)).rowcount == 1


def finish(connection: Connection, claim: Claim, result: Result, now: int, expires: int) -> bool:
    """The attempt went well; False if it was over."""
    values = {
        "state": State.DONE,
        "error": None,
        "sha256": result.sha256,
        "header": result.header,
        "size": result.size,
        "is_partial": result.is_partial,
        "updated": now,
        "expires": expires,
    }
    ended = held(claim).values(RESTING | values | {"stage": Stage.DONE})
    return end(connection, claim.id, ended)


def fail(connection: Connection, claim: Claim, code: str, now: int, expires: int) -> bool:
    """The package cannot be processed; False if the attempt was over."""
    values = {"state": State.FAILED, "error": code, "worker": None, "lease": None}
    ended = held(claim).values(**values, updated=now, expires=expires)
    return end(connection, claim.id, ended)


def end(connection: Connection, package: int, ended: Update) -> bool:
    """Carry *ended* out; if it matches, nobody needs the secret any more."""
    if connection.execute(ended).rowcount == 0:
        return False
    connection.execute(delete(Box).where(Box.package == package))
    return True


def give_back(connection: Connection, claim: Claim, attempts: int, now: int) -> bool:
    """Somebody else may try it, after so many *attempts*; False if the attempt was over."""
    values = RESTING | {"state": State.QUEUED, "attempts": attempts, "updated": now}
    return connection.execute(held(claim).values(values)).rowcount == 1


# Looking after


def lapsed(connection: Connection, now: int, limit: int) -> list[Stored]:
    """Packages whose workers have said nothing for too long."""
    return stored(connection, (Package.state == State.WORKING) & (Package.lease < now), limit)


def take_from(connection: Connection, package: Stored, now: int) -> bool:
    """End the attempt at a lapsed *package*; False if its worker has said something since."""
    guarded = update(Package).where(
        Package.id == package.id,
        Package.state == State.WORKING,
        Package.attempts == package.attempts,
        Package.lease == package.lease,
    )
    values = RESTING | {"state": State.QUEUED, "updated": now}
    return connection.execute(guarded.values(values)).rowcount == 1


def give_up(connection: Connection, package: Stored, code: str, now: int, expires: int) -> bool:
    """*package*, which nobody processes, has failed; False if somebody has done something."""
    guarded = update(Package).where(
        Package.id == package.id,
        Package.state == package.state,
        Package.attempts == package.attempts,
        Package.updated == package.updated,
    )
    values = {"state": State.FAILED, "error": code, "worker": None, "lease": None}
    return end(connection, package.id, guarded.values(**values, updated=now, expires=expires))


def openable(now: int) -> ColumnElement[bool]:
    """Somebody alive has a box of the package."""
    return exists().where(
        Box.package == Package.id, Worker.id == Box.worker, Worker.alive_until > now
    )


def misplaced(now: int) -> ColumnElement[bool]:
    """Queued and nobody alive can open it, or waiting and somebody can after all."""
    stuck = (Package.state == State.QUEUED) & ~openable(now)
    return stuck | ((Package.state == State.WAITING) & openable(now))


def place(connection: Connection, now: int) -> int:
    """Have packages wait for their owners that nobody alive can open, and no others.

    Returns how many changed. A worker that was silent for a while may be back with its boxes.
    """
    changed = 0
    for old, new, condition in (
        (State.QUEUED, State.WAITING, ~openable(now)),
        (State.WAITING, State.QUEUED, openable(now)),
    ):
        statement = update(Package).where(Package.state == old, condition)
        changed += connection.execute(statement.values(state=new, updated=now)).rowcount
    return changed


def waiting_since(connection: Connection, before: int, limit: int) -> list[Stored]:
    """Packages that wait for their owners, and whose secret was last sealed before then."""
    condition = (Package.state == State.WAITING) & (Package.shown < before)
    return stored(connection, condition, limit)


def expired(connection: Connection, now: int, limit: int) -> list[Stored]:
    """Packages of which the node is to know nothing any more."""
    return stored(connection, Package.expires <= now, limit)


def lock_expired(connection: Connection, package: Stored, now: int) -> bool:
    """Lock *package*; False if it has been submitted again, or deleted, since it was seen."""
    guarded = update(Package).where(
        Package.id == package.id, Package.state == package.state, Package.expires <= now
    )
    return connection.execute(guarded.values(state=package.state)).rowcount == 1


def results_among(
    connection: Connection, package_ids: Sequence[str]
) -> dict[str, tuple[str, bytes | None]]:
    """State and result of those of the packages that are there."""
    query = select(Package.package_id, Package.state, Package.sha256)
    found = connection.execute(query.where(Package.package_id.in_(package_ids)))
    return {row.package_id: (row.state, row.sha256) for row in found}


def delete_package(connection: Connection, package: Iterable[int]) -> int:
    """Nothing is known of the packages with these row ids any more; returns how many were there."""
    gone = 0
    for one in package:
        # The row first: whoever puts boxes locks it before.
        locked = update(Package).where(Package.id == one).values(state=State.FAILED, worker=None)
        if connection.execute(locked).rowcount:
            connection.execute(delete(Box).where(Box.package == one))
            gone += connection.execute(delete(Package).where(Package.id == one)).rowcount
    return gone
