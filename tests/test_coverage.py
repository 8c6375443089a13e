"""Uptime: two numbers a farmer are the union of all that its contracts cover."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import accumulate, pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from simulator import START, FarmerSimulator, SimulatedNode
from sqlalchemy import delete, select, update

from downstream_node.clock import Instant
from downstream_node.contracts.lifecycle import Schedule, Standing, judge
from downstream_node.farmers import queries
from downstream_node.farmers.coverage import NEVER, Coverage, Timeline
from downstream_node.farmers.history import DAY, days_of, stretches_of
from downstream_node.farmers.models import Farmer, FarmerDay, Stretch
from downstream_node.farmers.queries import Heartbeats

INTERVAL = 60_000
FEW = settings(
    max_examples=15,
    deadline=timedelta(seconds=10),
    # All examples share one database; each begins with an empty history.
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


def at(offset: int) -> Instant:
    """The instant *offset* milliseconds after START."""
    return Instant(START + offset)


# The rules

ONE_ANSWER = Coverage().extended(at(0), at(1000))


@pytest.mark.parametrize(
    ("now", "online", "uptime"),
    [
        pytest.param(0, True, 100.0, id="on the answer"),
        pytest.param(1, True, 100.0, id="one ms after"),
        pytest.param(999, True, 100.0, id="one ms before the expiry"),
        pytest.param(1000, False, 100.0, id="on the expiry"),
        pytest.param(1001, False, 100 * 1000 / 1001, id="one ms after the expiry"),
        pytest.param(2000, False, 50.0, id="gone as long as there"),
        pytest.param(-1, True, 100.0, id="a clock that is behind"),
    ],
)
def test_one_answer(now: int, online: bool, uptime: float) -> None:
    """An answer covers from itself to the expiry, which is outside."""
    assert ONE_ANSWER.online(at(now)) is online
    assert ONE_ANSWER.uptime(at(now)) == pytest.approx(uptime)


def test_without_an_answer() -> None:
    """Who never answered is offline and has no uptime."""
    assert not Coverage().online(at(0))
    assert Coverage().uptime(at(0)) == 0.0
    assert not Coverage().online(NEVER)


@pytest.mark.parametrize(
    ("now", "expires", "covered", "until", "stretch"),
    [
        pytest.param(500, 800, 1000, 1000, 0, id="inside"),
        pytest.param(0, 1000, 1000, 1000, 0, id="the same again"),
        pytest.param(500, 1001, 1001, 1001, 0, id="one ms longer"),
        pytest.param(999, 2000, 2000, 2000, 0, id="one ms before the end"),
        pytest.param(1000, 2000, 2000, 2000, 0, id="on the end: no gap"),
        pytest.param(1001, 2000, 1999, 2000, 1001, id="one ms after the end: a gap"),
        pytest.param(5000, 6000, 2000, 6000, 5000, id="long after"),
    ],
)
def test_a_second_answer(now: int, expires: int, covered: int, until: int, stretch: int) -> None:
    """It adds what lies beyond all that is covered already; a gap begins a new stretch."""
    extended = ONE_ANSWER.extended(at(now), at(expires))
    assert extended == Coverage(at(0), covered, at(until), at(stretch))


def test_the_first_answer_stays_first() -> None:
    """Uptime is measured since the first accepted answer."""
    later = ONE_ANSWER.extended(at(9000), at(10_000))
    assert later.first_answer == at(0)
    assert later.uptime(at(10_000)) == 20.0


# The same as counting seconds


@dataclass
class LivedContract:
    """A contract with an interval of some seconds, and the seconds in which it is answered."""

    schedule: Schedule
    answers: frozenset[int]
    covered_from: int | None = field(default=None, init=False)

    def answer(self, now: int) -> bool:
        """Whether an answer is due to come at *now* and is accepted."""
        schedule = self.schedule
        if now < schedule.started or now not in self.answers:
            return False
        if judge(schedule, Instant(now)) is not Standing.OPEN:
            return False
        self.covered_from = now if self.covered_from is None else self.covered_from
        self.schedule = schedule._replace(answered_through=schedule.answered_through + 1)
        return True

    def covers(self, second: int) -> bool:
        """Whether the second belongs to the contract's coverage."""
        return self.covered_from is not None and (
            self.covered_from <= second < self.schedule.expires
        )


LIVES = st.lists(
    st.builds(
        LivedContract,
        st.builds(Schedule, st.integers(0, 30), st.integers(1, 7), st.integers(1, 6)),
        st.frozensets(st.integers(0, 59), max_size=30),
    ),
    min_size=1,
    max_size=6,
)


def after(coverage: Coverage, contracts: Sequence[LivedContract], now: int) -> Coverage:
    """*coverage* after the answers of one second, taken as one batch."""
    accepted = [contract.schedule.expires for contract in contracts if contract.answer(now)]
    return coverage.extended(Instant(now), max(accepted)) if accepted else coverage


@given(LIVES)
def test_coverage_is_the_union_of_all_contracts(contracts: list[LivedContract]) -> None:
    """At every second of a random history, the two numbers say what counting seconds says."""
    coverage, first = Coverage(), None
    for now in range(60):
        coverage = after(coverage, contracts, now)
        if first is None and coverage.first_answer is not None:
            first = now
        covered = sum(any(life.covers(second) for life in contracts) for second in range(now))
        assert coverage.online(Instant(now)) == any(life.covers(now) for life in contracts)
        if first is not None and now > first:
            assert coverage.uptime(Instant(now)) == pytest.approx(100 * covered / (now - first))


@given(LIVES, st.integers(0, 59))
def test_uptime_is_a_percentage(contracts: list[LivedContract], last: int) -> None:
    """Never below 0, never above 100, neither then nor long after."""
    coverage = Coverage()
    for now in range(last + 1):
        coverage = after(coverage, contracts, now)
    for now in range(last, 200):
        assert 0 <= coverage.uptime(Instant(now)) <= 100


# The same in SQL


ANSWERS = st.lists(
    st.tuples(st.integers(0, 10**10), st.integers(1, 2 * 86_400_000), st.integers(1, 500)),
    max_size=6,
)
"""Batches as (milliseconds since the one before, milliseconds to the expiry, answers)."""


def batches(answers: list[tuple[int, int, int]]) -> list[Heartbeats]:
    """*answers* at instants, one after the other."""
    times = accumulate((wait for wait, _, _ in answers), initial=START)
    next(times)
    return [
        Heartbeats(
            count,
            accepted=Instant(now),
            expires=Instant(now + lives),
            due=Instant(now + lives // 2),
            on_day=now // DAY,
            waits=count * 7,
        )
        for now, (_, lives, count) in zip(times, answers, strict=True)
    ]


def new_farmer(node: SimulatedNode) -> int:
    """The row id of the only farmer, without a history."""
    with node.parts.database.reading() as connection:
        row: int | None = connection.execute(select(Farmer.id)).scalar_one_or_none()
    if row is None:
        FarmerSimulator(node).join()
        return new_farmer(node)
    zero = dict.fromkeys(("heartbeats", "covered", "covered_until", "waited", "day_heartbeats"), 0)
    none = dict.fromkeys(("first_answer", "last_due", "last_answer", "stretch_began", "day"))
    with node.parts.database.writing() as connection:
        connection.execute(update(Farmer).values(zero | none))
        connection.execute(delete(Stretch))
        connection.execute(delete(FarmerDay))
    return row


def heartbeats(node: SimulatedNode, farmer: int, history: list[Heartbeats]) -> None:
    """Store *history* as answers do."""
    for batch in history:
        with node.parts.database.writing() as connection:
            assert queries.add_heartbeats(connection, farmer, batch)


def coverage_of(history: list[Heartbeats]) -> Coverage:
    """What the pure rule makes of *history*."""
    coverage = Coverage()
    for batch in history:
        coverage = coverage.extended(batch.accepted, batch.expires)
    return coverage


@FEW
@given(ANSWERS)
def test_sql_counts_the_same(node: SimulatedNode, answers: list[tuple[int, int, int]]) -> None:
    """`add_heartbeats` is `Coverage.extended`, on every database."""
    farmer, history = new_farmer(node), batches(answers)
    heartbeats(node, farmer, history)
    columns = Farmer.first_answer, Farmer.covered, Farmer.covered_until, Farmer.stretch_began
    with node.parts.database.reading() as connection:
        row = connection.execute(select(*columns, Farmer.heartbeats, Farmer.last_due)).one()
        waited = connection.execute(select(Farmer.waited)).scalar_one()
    assert Coverage(*row[:4]) == coverage_of(history)
    assert row.heartbeats == sum(batch.count for batch in history)
    assert row.last_due == max((batch.due for batch in history), default=None)
    assert waited == 7 * row.heartbeats


@FEW
@given(ANSWERS)
def test_stretches_and_days_add_up(
    node: SimulatedNode, answers: list[tuple[int, int, int]]
) -> None:
    """All stretches together are what is covered, all days together all heartbeats."""
    farmer, history = new_farmer(node), batches(answers)
    heartbeats(node, farmer, history)
    with node.parts.database.reading() as connection:
        row = connection.execute(select(Farmer)).one()
        ended = stretches_of(connection, [farmer], 0)[farmer]
        days = days_of(connection, farmer, 0)
        waits = connection.execute(select(FarmerDay.day, FarmerDay.waited)).all()
    current = [(row.stretch_began, row.covered_until)] if row.stretch_began else []
    assert sum(end - began for began, end in ended + current) == row.covered
    assert all(before[1] < after[0] for before, after in pairwise(ended + current))
    today = {row.day: row.day_heartbeats} if row.day else {}
    counted = Counter[int]()
    for batch in history:
        counted[batch.on_day] += batch.count
    assert days | today == counted
    waited = dict([tuple(day) for day in waits] + ([(row.day, row.day_waited)] if row.day else []))
    assert waited == {day: 7 * count for day, count in counted.items()}


# Periods


@given(
    st.lists(st.integers(0, 40), max_size=8, unique=True), st.integers(0, 45), st.integers(0, 45)
)
def test_a_timeline_counts_seconds(edges: list[int], begin: int, end: int) -> None:
    """What it says of a period is what counting every moment says."""
    ordered = sorted(edges)
    stretches = list(zip(ordered[::2], ordered[1::2], strict=False))
    moments = {moment for began, ended in stretches for moment in range(began, ended)}
    assert Timeline(stretches).covered(begin, end) == len(moments & set(range(begin, end)))


@FEW
@given(ANSWERS, st.lists(st.integers(0, 10**11), min_size=1, max_size=3))
def test_sql_reports_the_same(
    node: SimulatedNode, answers: list[tuple[int, int, int]], waits: list[int]
) -> None:
    """`is_online` and `uptime_percent` are the pure rules, on every database."""
    farmer, history = new_farmer(node), batches(answers)
    heartbeats(node, farmer, history)
    coverage = coverage_of(history)
    last = history[-1].accepted if history else START
    edges = {coverage.covered_until + step for step in (-1, 0, 1)}
    for moment in {*(last + wait for wait in waits), last, *edges}:
        now = Instant(max(last, moment))
        online, uptime = asked(node, now)
        assert online == coverage.online(now)
        assert uptime == pytest.approx(coverage.uptime(now), abs=1e-9)


def asked(node: SimulatedNode, now: Instant) -> tuple[bool, float]:
    """What SQL says of the only farmer at *now*."""
    query = select(queries.is_online(now), queries.uptime_percent(now))
    with node.parts.database.reading() as connection:
        online, uptime = connection.execute(query).one()
    return bool(online), uptime
