"""Service time: wall time without the node's own outages, never backwards."""

from collections.abc import Callable
from datetime import timedelta
from threading import Barrier, Thread
from typing import Any, cast

import pytest
from conftest import NodeMaker
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from simulator import START, FarmerSimulator, ManualClock, SimulatedNode
from sqlalchemy import Connection, delete, select

from downstream_node.clock import Instant, WallTime
from downstream_node.database import Database
from downstream_node.service_time import (
    AHEAD,
    BEAT_EVERY,
    LONGEST_GAP,
    TOLERANCE,
    Beat,
    BeatRow,
    Ledger,
    Outage,
    ServiceClock,
    advance,
    is_current,
)

Work = Callable[[Connection], Any]

EXAMPLES = settings(
    max_examples=25,
    deadline=timedelta(seconds=10),
    # All examples share one database; each begins before the first start.
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
JUMPS = st.one_of(
    st.integers(0, 4000),
    st.integers(LONGEST_GAP - 2, LONGEST_GAP + 2),
    st.integers(-TOLERANCE - 1, 1),
    st.integers(-3_600_000, 86_400_000),
)
"""Milliseconds by which the wall clock moves between two looks at it."""

CLEAR_JUMPS = JUMPS.filter(lambda jump: not -TOLERANCE - LONGEST_GAP <= jump < 0)
"""The same without clocks that are set back by so little that service time waits for them."""


FIRST = Instant(START)
"""Service time begins as wall time."""


def wall(offset: int) -> WallTime:
    """The wall time *offset* milliseconds after START."""
    return WallTime(START + offset)


def outages(database: Database) -> list[tuple[int, int]]:
    """The ledger, as (wall time when it began, milliseconds)."""
    with database.reading() as connection:
        rows = connection.execute(select(Outage.began, Outage.milliseconds).order_by(Outage.id))
        return [(row.began, row.milliseconds) for row in rows]


def move(clock: ManualClock, milliseconds: int) -> None:
    """Move the wall clock."""
    clock.wall = WallTime(clock.wall + milliseconds)


@pytest.fixture
def database(make_node: NodeMaker) -> Database:
    """A database in which no node has ever started."""
    database: Database = make_node().parts.database
    forget(database)
    return database


def forget(database: Database) -> None:
    """Make the next start the first one."""
    for model in (BeatRow, Outage):
        with database.writing() as connection:
            connection.execute(delete(model))


def serving(database: Database, clock: ManualClock) -> ServiceClock:
    """The clock of a process that has just started to serve."""
    service = ServiceClock(database, clock)
    service.beat()
    return service


# The rule


@pytest.mark.parametrize(
    ("passed", "current"),
    [
        pytest.param(-1, False, id="one ms back"),
        pytest.param(0, True, id="the same instant"),
        pytest.param(1, True, id="one ms on"),
        pytest.param(LONGEST_GAP - 1, True, id="one ms before the longest gap"),
        pytest.param(LONGEST_GAP, True, id="the longest gap"),
        pytest.param(LONGEST_GAP + 1, False, id="one ms after it"),
        pytest.param(86_400_000, False, id="a day"),
    ],
)
def test_what_counts_as_running(passed: int, current: bool) -> None:
    """Clocks run together over gaps of at most LONGEST_GAP, and never backwards."""
    assert is_current(Beat(wall(0), Instant(7)), wall(passed)) is current


@pytest.mark.parametrize("passed", [0, 1, 999, BEAT_EVERY, LONGEST_GAP])
def test_service_time_runs_with_the_wall(passed: int) -> None:
    """While the node runs, both clocks move alike."""
    assert advance(Beat(wall(0), Instant(7)), wall(passed)) == Beat(
        wall(passed), Instant(7 + passed)
    )


@pytest.mark.parametrize("passed", [-86_400_000, -1, LONGEST_GAP + 1, 86_400_000])
def test_service_time_leaves_outages_out(passed: int) -> None:
    """Over an outage it moves on by no more than instants that were given out before."""
    beat = advance(Beat(wall(0), Instant(7)), wall(passed))
    assert beat.wall == wall(passed)
    assert 7 <= beat.service <= 7 + LONGEST_GAP


# The ledger

LEDGER = Ledger([(1000, 500), (2000, -300), (2000, 100), (5000, 10_000)])


@pytest.mark.parametrize(
    ("instant", "expected"),
    [
        pytest.param(0, 0, id="long before"),
        pytest.param(999, 999, id="one ms before an outage"),
        pytest.param(1000, 1500, id="on it: the time after it"),
        pytest.param(1001, 1501, id="one ms after it"),
        pytest.param(1999, 2499, id="before a clock that was set back"),
        pytest.param(2000, 2300, id="two at one instant"),
        pytest.param(4999, 5299, id="between"),
        pytest.param(5000, 15_300, id="the last"),
        pytest.param(10**15, 10**15 + 10_300, id="long after"),
    ],
)
def test_instants_have_dates(instant: int, expected: int) -> None:
    """An instant's wall time is the instant and all that was left out before it."""
    assert LEDGER.to_wall(instant) == expected


def test_without_outages_both_are_the_same() -> None:
    """Service time begins as wall time."""
    assert Ledger([]).to_wall(START) == START


# One process


def test_the_first_start(database: Database, clock: ManualClock) -> None:
    """Service time is wall time until something happens, and nothing is in the ledger."""
    service = ServiceClock(database, clock)
    assert service.now() == FIRST
    assert service.to_wall(service.now()) == START
    assert outages(database) == []


@pytest.mark.parametrize("passed", [1, BEAT_EVERY, AHEAD])
def test_running_needs_no_database(
    database: Database, clock: ManualClock, passed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between beats, the instant comes from memory."""
    service = serving(database, clock)
    for method in ("read", "reading", "write", "writing"):
        monkeypatch.setattr(database, method, None)
    move(clock, passed)
    assert service.now() == START + passed


@pytest.mark.parametrize("passed", [AHEAD, AHEAD + 1, LONGEST_GAP])
def test_without_a_beat_time_waits(database: Database, clock: ManualClock, passed: int) -> None:
    """Nobody sees more than AHEAD beyond the last beat; the next one makes up for the rest."""
    service = serving(database, clock)
    move(clock, passed)
    assert service.now() == FIRST + AHEAD
    service.beat()
    assert (service.now(), outages(database)) == (FIRST + passed, [])


@pytest.mark.parametrize("passed", [LONGEST_GAP + 1, 3_600_000, -TOLERANCE, -3_600_000], ids=str)
def test_an_outage_is_written_down(database: Database, clock: ManualClock, passed: int) -> None:
    """A gap between beats is in the ledger, a clock that was set back as a negative one."""
    service = serving(database, clock)
    move(clock, passed)
    stood = service.now() - START
    assert 0 <= stood <= LONGEST_GAP
    assert [lost for _, lost in outages(database)] == [passed - stood]
    assert service.to_wall(service.now()) == clock()


@pytest.mark.parametrize("back", [1, TOLERANCE - 1])
def test_clocks_that_differ_a_little(database: Database, clock: ManualClock, back: int) -> None:
    """Less than TOLERANCE back is no outage: service time waits for the clock."""
    service = serving(database, clock)
    move(clock, -back)
    assert service.now() == FIRST
    service.beat()
    assert (service.now(), outages(database)) == (FIRST, [])


def test_time_goes_on_after_an_outage(database: Database, clock: ManualClock) -> None:
    """And beats move it on, with one row in the ledger for all of them."""
    service = serving(database, clock)
    move(clock, 3_600_000)
    stood = service.now()
    for _ in range(5):
        move(clock, BEAT_EVERY)
        service.beat()
    assert service.now() == stood + 5 * BEAT_EVERY
    assert len(outages(database)) == 1


@EXAMPLES
@given(st.lists(st.tuples(JUMPS, st.booleans()), max_size=12))
def test_it_never_runs_backwards(database: Database, jumps: list[tuple[int, bool]]) -> None:
    """Whatever the wall clock does, a process sees service time stand still or run on."""
    forget(database)
    clock = ManualClock()
    service, last = serving(database, clock), FIRST
    for jump, beats in jumps:
        move(clock, jump)
        if beats:
            service.beat()
        assert last <= service.now() <= last + max(0, jump, LONGEST_GAP)
        last = service.now()


@EXAMPLES
@given(st.lists(CLEAR_JUMPS, max_size=12))
def test_now_is_now_on_the_calendar(database: Database, jumps: list[int]) -> None:
    """The date of the instant of a beat is what the wall clock shows."""
    forget(database)
    clock = ManualClock()
    service = serving(database, clock)
    for jump in jumps:
        move(clock, jump)
        service.beat()
        assert service.to_wall(service.now()) == clock()


# Several processes


@EXAMPLES
@given(st.lists(st.tuples(JUMPS, st.integers(0, 2)), max_size=12))
def test_processes_agree(database: Database, jumps: list[tuple[int, int]]) -> None:
    """After their beats, processes on one database have the same instant and the same dates."""
    forget(database)
    clock = ManualClock()
    services = [serving(database, clock) for _ in range(3)]
    for jump, first in jumps:
        move(clock, jump)
        services[first].now()
        beats = {service.beat() for service in services}
        assert len({advance(beat, max(clock(), beat.wall)).service for beat in beats}) == 1
        assert len({service.to_wall(START) for service in services}) == 1


def test_two_processes_notice_one_outage(database: Database, clock: ManualClock) -> None:
    """It is recorded once, and both stand at the same instant."""
    first, second = serving(database, clock), serving(database, clock)
    move(clock, 3_600_000)
    stood = first.now()
    move(clock, 700)
    assert second.now() == stood + 700
    assert len(outages(database)) == 1


def at_once(jobs: list[Callable[[], object]]) -> None:
    """Run *jobs* in threads that begin together."""
    barrier = Barrier(len(jobs))

    def run(job: Callable[[], object]) -> None:
        barrier.wait()
        job()

    threads = [Thread(target=run, args=(job,)) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_many_processes_notice_one_outage_at_once(database: Database, clock: ManualClock) -> None:
    """The first to write it down wins; the others learn of it."""
    services = [serving(database, clock) for _ in range(6)]
    move(clock, 3_600_000)
    at_once([service.now for service in services])
    assert len(outages(database)) == 1
    assert len({service.now() for service in services}) == 1


def test_many_processes_make_the_first_start(database: Database, clock: ManualClock) -> None:
    """One row, no outage, one instant."""
    services = [ServiceClock(database, clock) for _ in range(6)]
    at_once([service.beat for service in services])
    assert {service.now() for service in services} == {FIRST}
    assert outages(database) == []


def test_a_process_that_only_looks(database: Database, clock: ManualClock) -> None:
    """`peek` gives the same instant and writes nothing, not even about an outage."""
    service = serving(database, clock)
    move(clock, 3000)
    assert ServiceClock(database, clock).peek() == service.now()
    move(clock, 3_600_000)
    assert START <= ServiceClock(database, clock).peek() <= START + LONGEST_GAP
    assert outages(database) == []


def test_looking_before_the_first_start(database: Database, clock: ManualClock) -> None:
    """Then service time is wall time."""
    assert ServiceClock(database, clock).peek() == FIRST


class SlowDatabase:
    """A database that lets something happen before each transaction."""

    def __init__(self, database: Database, happens: Callable[[], object]) -> None:
        self._database = database
        self._happens = happens

    def write(self, work: Work) -> Any:
        """As Database.write, later."""
        self._happens()
        return self._database.write(work)


@pytest.mark.parametrize("beats", [1, 5, 10], ids=["a moment", "long", "very long"])
def test_a_beat_that_waits_for_the_database_is_no_outage(
    database: Database, clock: ManualClock, beats: int
) -> None:
    """Another process beats while this one waits for a lock: no clock was set back."""
    first = serving(database, clock)

    def other_beats() -> None:
        for _ in range(beats):
            move(clock, BEAT_EVERY)
            first.beat()

    serving(cast("Database", SlowDatabase(database, other_beats)), clock)
    assert outages(database) == []
    assert serving(database, clock).now() == first.now() == FIRST + beats * BEAT_EVERY


# Restarts


@EXAMPLES
@given(st.lists(st.tuples(CLEAR_JUMPS, st.booleans()), max_size=12))
def test_it_never_runs_backwards_over_a_restart(
    database: Database, jumps: list[tuple[int, bool]]
) -> None:
    """What a process gave out before it ended lies in the past of the next one."""
    forget(database)
    clock = ManualClock()
    service, last = serving(database, clock), FIRST
    for jump, restarts in jumps:
        move(clock, jump)
        service = serving(database, clock) if restarts else service
        assert last <= service.now()
        last = service.now()


@EXAMPLES
@given(st.lists(st.tuples(CLEAR_JUMPS, st.integers(0, 2)), max_size=12))
def test_it_never_runs_backwards_between_processes(
    database: Database, jumps: list[tuple[int, int]]
) -> None:
    """After its beat, a process is not behind what another one has given out."""
    forget(database)
    clock = ManualClock()
    services, last = [serving(database, clock) for _ in range(3)], FIRST
    for jump, asked in jumps:
        move(clock, jump)
        services[asked].beat()
        assert last <= services[asked].now()
        last = services[asked].now()


def restarted(make_node: NodeMaker, clock: ManualClock, after: int) -> SimulatedNode:
    """A node that starts *after* so many seconds in which none ran."""
    clock.jump(after)
    return make_node(DEFAULT_INTERVAL=60)


@pytest.mark.parametrize("after", [1, 14, 15, 16, 3600])
def test_a_contract_made_just_before_a_crash(
    make_node: NodeMaker, clock: ManualClock, after: int
) -> None:
    """It was taken some seconds after the last beat, and is answered after the restart."""
    node = make_node(DEFAULT_INTERVAL=60).fill_pool(1)
    farmer = FarmerSimulator(node).join()
    clock.jump(4)
    farmer.take(1)
    farmer.node = restarted(make_node, clock, after)
    (entry,) = farmer.challenges().values()
    assert (entry["answered"], entry["challenge"]["index"]) == (False, 0)
    assert farmer.answer_all() == ["ok"]


def test_an_answer_made_just_before_a_crash(make_node: NodeMaker, clock: ManualClock) -> None:
    """Uptime stays a percentage when the node comes back."""
    node = make_node(DEFAULT_INTERVAL=60).fill_pool(1)
    farmer = FarmerSimulator(node).join().take(1)
    clock.jump(4)
    farmer.answer_all()
    farmer.node = restarted(make_node, clock, 3600)
    assert (farmer.node.status(farmer)["uptime"], farmer.answer_all()) == (
        100.0,
        ["Challenge already answered."],
    )
