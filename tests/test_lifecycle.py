"""The challenge schedule: what each moment of a contract's life allows, in Python and in SQL."""

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from simulator import START, FarmerSimulator, SimulatedNode
from sqlalchemy import Connection, delete, func, insert, select

from downstream_node.clock import Instant
from downstream_node.contracts import closing, queries
from downstream_node.contracts.lifecycle import Schedule, Standing, judge
from downstream_node.contracts.models import Contract
from downstream_node.database import Conflict
from downstream_node.farmers.models import Farmer

INTERVAL = 60_000
FEW = settings(
    max_examples=20,
    deadline=timedelta(seconds=10),
    # All examples share one database; each puts its own row there.
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


def at(offset: int) -> Instant:
    """The instant *offset* milliseconds after the start of the contract."""
    return Instant(START + offset)


def contract(answered_through: int = -1, challenges: int = 3) -> Schedule:
    """A contract that began at START."""
    return Schedule(START, INTERVAL, challenges, answered_through)


# The rules


@pytest.mark.parametrize(
    ("answered_through", "offset", "expected"),
    [
        pytest.param(-1, 0, Standing.OPEN, id="new, on the start"),
        pytest.param(-1, 1, Standing.OPEN, id="new, just after the start"),
        pytest.param(-1, INTERVAL - 1, Standing.OPEN, id="new, just before due"),
        pytest.param(-1, INTERVAL, Standing.EXPIRED, id="new, on due"),
        pytest.param(-1, INTERVAL + 1, Standing.EXPIRED, id="new, just after due"),
        pytest.param(0, 0, Standing.ANSWERED, id="answered at once"),
        pytest.param(0, INTERVAL - 1, Standing.ANSWERED, id="answered, just before due"),
        pytest.param(0, INTERVAL, Standing.OPEN, id="answered, on due: the next one"),
        pytest.param(0, INTERVAL + 1, Standing.OPEN, id="answered, just after due"),
        pytest.param(0, 2 * INTERVAL - 1, Standing.OPEN, id="answered, just before the next due"),
        pytest.param(0, 2 * INTERVAL, Standing.EXPIRED, id="answered, on the next due"),
        pytest.param(1, 2 * INTERVAL, Standing.OPEN, id="the last challenge"),
        pytest.param(2, 2 * INTERVAL, Standing.ANSWERED, id="all answered"),
        pytest.param(2, 3 * INTERVAL - 1, Standing.ANSWERED, id="all answered, just before due"),
        pytest.param(2, 3 * INTERVAL, Standing.EXHAUSTED, id="all answered, on due"),
        pytest.param(2, 4 * INTERVAL - 1, Standing.EXHAUSTED, id="the last millisecond"),
        pytest.param(2, 4 * INTERVAL, Standing.EXPIRED, id="the end"),
        pytest.param(1, 3 * INTERVAL, Standing.EXPIRED, id="the last challenge missed"),
        pytest.param(-1, 400 * INTERVAL, Standing.EXPIRED, id="long after"),
    ],
)
def test_standing(answered_through: int, offset: int, expected: Standing) -> None:
    """Each boundary belongs to the window that begins there."""
    assert judge(contract(answered_through), at(offset)) is expected


@pytest.mark.parametrize(
    ("offset", "window"),
    [
        pytest.param(0, 0, id="start"),
        pytest.param(INTERVAL - 1, 0, id="one ms before"),
        pytest.param(INTERVAL, 1, id="on"),
        pytest.param(INTERVAL + 1, 1, id="one ms after"),
        pytest.param(256 * INTERVAL, 256, id="far on"),
    ],
)
def test_windows(offset: int, window: int) -> None:
    """Window k is the k-th interval since the start."""
    assert contract().window(at(offset)) == window


@pytest.mark.parametrize(("window", "offset"), [(0, 1), (1, 2), (255, 256)])
def test_due(window: int, offset: int) -> None:
    """A challenge is due when its window ends."""
    assert contract().due(window) == at(offset * INTERVAL)


@pytest.mark.parametrize(("answered_through", "intervals"), [(-1, 1), (0, 2), (2, 4)])
def test_expires(answered_through: int, intervals: int) -> None:
    """A contract lives one interval beyond the due time of its last answer."""
    assert contract(answered_through).expires == at(intervals * INTERVAL)


SCHEDULES = st.builds(
    Schedule,
    started=st.integers(0, START),
    interval=st.integers(1000, 86_400_000),
    challenges=st.integers(1, 65536),
    answered_through=st.integers(-1, 300),
)


@given(SCHEDULES, st.integers(0, 400), st.integers(-1, 1))
def test_a_contract_is_expired_from_its_expiry_on(
    schedule: Schedule, window: int, near: int
) -> None:
    """`expires` and `judge` say the same, around every boundary."""
    now = Instant(max(schedule.started, schedule.started + window * schedule.interval + near))
    assert (judge(schedule, now) is Standing.EXPIRED) == (now >= schedule.expires)


@given(SCHEDULES, st.integers(0, 10**9))
def test_each_instant_lies_in_its_window(schedule: Schedule, offset: int) -> None:
    """A window ends at its due time, where the next one begins."""
    now = Instant(schedule.started + offset)
    window = schedule.window(now)
    assert schedule.due(window - 1) <= now < schedule.due(window)


@given(SCHEDULES)
def test_an_answer_moves_the_expiry_by_one_interval(schedule: Schedule) -> None:
    """Early or late in the window: the schedule is fixed by the start."""
    answered = Schedule(
        schedule.started, schedule.interval, schedule.challenges, schedule.answered_through + 1
    )
    assert answered.expires - schedule.expires == schedule.interval


@pytest.mark.parametrize("early", [1, 4999, INTERVAL, 10 * INTERVAL])
def test_nothing_is_asked_before_the_first_challenge(early: int) -> None:
    """A process whose service time is behind sees a new contract as in its first window.

    There is no challenge number -1 to ask for.
    """
    assert contract().window(at(-early)) == 0
    assert judge(contract(), at(-early)) is Standing.OPEN


# The same in SQL


def add_contracts(
    connection: Connection, farmer: int, schedules: list[Schedule], first: int = 0
) -> None:
    """Store contracts of 1 byte with these schedules."""
    rows = [
        {
            "file_hash": (first + number).to_bytes(32, "big"),
            "farmer": farmer,
            "seed": f"{first + number:032x}",
            "size": 1,
            "scheme": "Merkle",
            "commitment": b"",
            "challenges": schedule.challenges,
            "started": schedule.started,
            "interval": schedule.interval,
            "answered_through": schedule.answered_through,
        }
        for number, schedule in enumerate(schedules)
    ]
    connection.execute(insert(Contract), rows)


def stored(node: SimulatedNode, schedule: Schedule) -> int:
    """The row id of a contract with this schedule, the only one there is."""

    def store(connection: Connection) -> int:
        connection.execute(delete(Contract))
        farmer = connection.execute(select(Farmer.id)).scalar_one()
        add_contracts(connection, farmer, [schedule])
        return connection.execute(select(Contract.id)).scalar_one()

    row: int = node.parts.database.write(store)
    return row


def accepts(node: SimulatedNode, row: int, now: Instant) -> bool:
    """Whether the guarded UPDATE takes an answer at *now*."""
    try:
        with node.parts.database.writing() as connection:
            queries.accept_answers(connection, [row], now)
    except Conflict:
        return False
    return True


@FEW
@given(SCHEDULES)
@example(Schedule(START, 86_400_000, 65536, 65535))
def test_sql_computes_the_same_expiry(node: SimulatedNode, schedule: Schedule) -> None:
    """`queries.expires()` is `Schedule.expires`, without overflow, on every database."""
    farmer_of(node)
    row = stored(node, schedule)
    with node.parts.database.reading() as connection:
        query = select(queries.expires()).where(Contract.id == row)
        assert connection.execute(query).scalar_one() == schedule.expires


@FEW
@given(SCHEDULES, st.integers(-1, 2), st.integers(-1, 1))
def test_sql_guards_by_the_same_rule(
    node: SimulatedNode, schedule: Schedule, ahead: int, near: int
) -> None:
    """What `judge` calls open passes the guard; what is answered or expired does not."""
    farmer_of(node)
    boundary = schedule.due(schedule.answered_through + ahead) + near
    now = Instant(max(schedule.started, boundary))
    standing = judge(schedule, now)
    accepted = accepts(node, stored(node, schedule), now)
    assert accepted or standing is not Standing.OPEN
    assert not accepted or standing in (Standing.OPEN, Standing.EXHAUSTED)


def farmer_of(node: SimulatedNode) -> int:
    """The row id of the only farmer, who joins at the first call."""
    with node.parts.database.reading() as connection:
        row: int | None = connection.execute(select(Farmer.id)).scalar_one_or_none()
    if row is not None:
        return row
    FarmerSimulator(node).join()
    return farmer_of(node)


@pytest.mark.slow
def test_any_number_of_contracts_expires_at_once(node: SimulatedNode) -> None:
    """One farmer may hold more contracts than a database takes parameters in a statement."""
    farmer, now = farmer_of(node), at(INTERVAL)
    for first in range(0, 70_000, 5000):
        with node.parts.database.writing() as connection:
            add_contracts(connection, farmer, [contract()] * 5000, first)
    closed = node.parts.database.write(lambda link: closing.close_farmer(link, farmer, now))
    assert closed == 70_000
    with node.parts.database.reading() as connection:
        still_open = select(func.count()).where(Contract.closed_at.is_(None))
        assert connection.execute(still_open).scalar_one() == 0
