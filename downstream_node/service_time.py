"""Service time: wall time less the time in which the node itself was down.

All schedules run on it, so an outage of the node costs no farmer a contract or a second of
uptime. While a node serves, it writes a beat every few seconds; a gap between beats that is
too long (the node was down, the machine slept, the clock was set forward) or negative (the
clock was set back) becomes a row in the ledger of outages, and service time does not contain
it. Service time never runs backwards.
"""

from bisect import bisect_right
from dataclasses import dataclass
from functools import partial
from itertools import accumulate
from math import inf

from sqlalchemy import BigInteger, Connection, insert, select, update
from sqlalchemy.orm import Mapped, mapped_column

from downstream_node.clock import SECOND, Instant, WallClock, WallTime, system_clock
from downstream_node.database import Base, Conflict, Database, RowId, insert_missing

BEAT_EVERY = 2 * SECOND
LONGEST_GAP = 6 * SECOND
"""A longer time without a beat is an outage: three beats are missing."""

AHEAD = 3 * SECOND
"""How far service time may run ahead of the last beat. If the node dies, nobody has seen a later
instant, and time goes on from there: it never runs backwards, even over a crash."""

FRESH = SECOND
"""A process does not beat if another one has beaten this recently."""


TOLERANCE = LONGEST_GAP
"""Clocks of machines that serve together may differ by less than this: the one that is ahead
beats, the others follow it. A clock that is set back by less makes service time wait for it."""


class BeatRow(Base):
    """The node's own last heartbeat: one row, number 1."""

    __tablename__ = "service_clock"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    wall: Mapped[int] = mapped_column(BigInteger)
    service: Mapped[int] = mapped_column(BigInteger)


class Outage(Base):
    """A stretch of wall time that service time does not contain."""

    __tablename__ = "outages"

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    began: Mapped[int] = mapped_column(BigInteger, doc="wall time of the last beat before it")
    milliseconds: Mapped[int] = mapped_column(BigInteger, doc="negative: the clock was set back")
    service: Mapped[int] = mapped_column(BigInteger, doc="the instant at which time stood still")


@dataclass(frozen=True)
class Beat:
    """One moment on both clocks."""

    wall: WallTime
    service: Instant


def is_current(last: Beat, wall: WallTime) -> bool:
    """Whether the clocks have run together from *last* until *wall*."""
    return 0 <= wall - last.wall <= LONGEST_GAP


def advance(last: Beat, wall: WallTime) -> Beat:
    """The beat at *wall* that follows *last*: of an outage, service time contains AHEAD only."""
    passed = wall - last.wall if is_current(last, wall) else AHEAD
    return Beat(wall, Instant(last.service + passed))


def shown(last: Beat, wall: WallTime) -> Instant:
    """The instant at *wall* for a process that knows of no beat after *last*."""
    return Instant(last.service + min(max(0, wall - last.wall), AHEAD))


class Ledger:
    """All outages, to turn instants into dates."""

    def __init__(self, outages: list[tuple[int, int]]) -> None:
        """*outages* as (service instant, milliseconds), in order."""
        self._instants = [service for service, _ in outages]
        self._lost = list(accumulate((lost for _, lost in outages), initial=0))

    def to_instant(self, wall: int) -> Instant:
        """The instant at *wall*; for a time within an outage, the instant at which time stood.

        Where the clock was set back, a wall time came twice: the later one is meant.
        """
        following: float = inf
        for began, lost in zip(reversed(self._instants), reversed(self._lost), strict=False):
            if began + lost <= wall:
                return Instant(int(min(wall - lost, following)))
            following = began
        return Instant(int(min(wall - self._lost[0], following)))

    def to_wall(self, instant: int) -> WallTime:
        """The wall time at *instant*; for the instant of an outage, the time after it."""
        return WallTime(instant + self._lost[bisect_right(self._instants, instant)])


class ServiceClock:
    """The service time as one process sees it; all processes agree through the database."""

    def __init__(self, database: Database, wall_clock: WallClock = system_clock) -> None:
        self._database = database
        self._wall_clock = wall_clock
        self._beat: Beat | None = None
        self._ledger = Ledger([])
        self._latest = Instant(0)

    def now(self) -> Instant:
        """The instant now. Touches the database only after a gap (or at the first call)."""
        wall = self._wall_clock()
        beat = self._beat
        if beat is None or not -TOLERANCE < wall - beat.wall <= LONGEST_GAP:
            beat = self.beat()
        self._latest = max(self._latest, shown(beat, wall))
        return self._latest

    def to_wall(self, instant: int) -> WallTime:
        """The wall time at *instant*."""
        return self._ledger.to_wall(instant)

    def to_instant(self, wall: int) -> Instant:
        """The instant at the wall time *wall*."""
        return self._ledger.to_instant(wall)

    def beat(self) -> Beat:
        """Write this node's heartbeat and learn of outages that other processes noticed."""
        write = partial(write_beat, wall_clock=self._wall_clock)
        beat, self._ledger = self._database.write(write)
        self._beat = beat
        return beat

    def peek(self) -> Instant:
        """The instant now for a process that does not serve: no beat is written.

        While no node runs, service time stands still.
        """
        with self._database.reading() as connection:
            last = read_beat(connection)
            self._ledger = read_ledger(connection)
        wall = self._wall_clock()
        return Instant(wall) if last is None else shown(last, wall)


def write_beat(connection: Connection, wall_clock: WallClock) -> tuple[Beat, Ledger]:
    """Store the beat of now, with its outage if there was one.

    The clock is read after the last beat, here and not at the edge: while this process waited
    for the database, others may have beaten, and their beats are not in its future.
    Raises Conflict if another process wrote its beat in between.
    """
    last = read_beat(connection)
    wall = wall_clock()
    if last is None:
        insert_missing(connection, BeatRow, id=1, wall=wall, service=wall)
        last = read_beat(connection)
        assert last is not None, "the row was inserted or is there"  # noqa: S101
    if -FRESH < last.wall - wall < TOLERANCE:
        # Another process has just beaten, or its clock is ahead; its beat serves both.
        return last, read_ledger(connection)
    beat = advance(last, wall)
    guarded = (
        update(BeatRow)
        .where(BeatRow.id == 1, BeatRow.wall == last.wall, BeatRow.service == last.service)
        .values(wall=beat.wall, service=beat.service)
    )
    if connection.execute(guarded).rowcount != 1:
        raise Conflict
    lost = (wall - last.wall) - (beat.service - last.service)
    if lost:
        row = {"began": last.wall, "milliseconds": lost, "service": beat.service}
        connection.execute(insert(Outage).values(row))
    return beat, read_ledger(connection)


def read_beat(connection: Connection) -> Beat | None:
    """The node's last beat, or None before its first."""
    row = connection.execute(select(BeatRow.wall, BeatRow.service)).one_or_none()
    return Beat(WallTime(row.wall), Instant(row.service)) if row else None


def read_ledger(connection: Connection) -> Ledger:
    """The ledger of outages."""
    rows = connection.execute(select(Outage.service, Outage.milliseconds).order_by(Outage.id))
    return Ledger([(row.service, row.milliseconds) for row in rows])
