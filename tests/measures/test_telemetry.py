"""The node's own telemetry: what is recorded of a day, once, and what comes out of it."""

import json
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from simulator import START, FarmerSimulator, SimulatedNode
from sqlalchemy import event, func, select, update

from downstream_node.errors import InvalidDefinition
from downstream_node.farmers.history import DAY
from downstream_node.farmers.models import Farmer
from downstream_node.measures import definitions, redefining, results, telemetry
from downstream_node.measures.cells import group_value
from downstream_node.measures.collecting import forget_old_receipts
from downstream_node.measures.models import MeasureDefinition, RawMeasure
from downstream_node.measures.telemetry import (
    ANSWERS,
    BYTES,
    DAYS_BACK,
    FARMERS,
    GRACE,
    UNKNOWN,
    WAIT,
    FarmerOnDay,
    Value,
    values_of,
)

TODAY = START // DAY
MIDNIGHT = (TODAY + 1) * DAY
RECORDED = (MIDNIGHT + GRACE - START) / 1000
"""Seconds from the beginning of a test until its day is recorded."""


def farmer(**known: object) -> FarmerOnDay:
    """A farmer that did nothing, but for what is *known*."""
    nothing = FarmerOnDay("f", "Peru", "c/1", held=0, answered=0, waited=0, failed={})
    return FarmerOnDay(**{name: getattr(nothing, name) for name in nothing.__slots__} | known)


# What is measured of a farmer


def test_who_did_nothing_adds_nothing() -> None:
    """A farmer that is only listed is in no measure."""
    assert values_of(farmer()) == []


def test_who_answered() -> None:
    """Answers, presence, and the mean wait in seconds."""
    assert values_of(farmer(answered=4, waited=6000)) == [
        Value(ANSWERS, 4, ("ok",)),
        Value(FARMERS, 1, ("Peru", "c/1")),
        Value(WAIT, 1.5),
    ]


def test_who_failed() -> None:
    """Each kind of failure is an outcome; who only failed was not there."""
    failed = {"unanswered": 3, "invalid": 2, "corrupted": 1}
    found = values_of(farmer(failed=failed))
    assert found == [Value(ANSWERS, count, (kind,)) for kind, count in failed.items()]


def test_who_holds_data() -> None:
    """Bytes are told by country."""
    assert values_of(farmer(held=1024)) == [Value(BYTES, 1024, ("Peru",))]


def test_waits_that_are_not_known() -> None:
    """The day of an upgrade has answers and no mean wait, rather than a wrong one."""
    measures = [value.measure for value in values_of(farmer(answered=4, waited=None))]
    assert measures == [ANSWERS, FARMERS]


# What is recorded


def crowd(node: SimulatedNode, count: int = 5) -> list[FarmerSimulator]:
    """Farmers in Peru that have each answered one challenge, a second after it was given."""
    node.fill_pool(count)
    found = [FarmerSimulator(node, f"farmer {number}").join() for number in range(count)]
    for one in found:
        one.take(1)
    node.advance(1)
    for one in found:
        one.answer_all()
    node.parts.database.write(
        lambda connection: connection.execute(update(Farmer).values(country="Peru"))
    )
    return found


def recorded(node: SimulatedNode) -> Counter[tuple[str, str | None, float]]:
    """All raw measures: name, first group, value."""
    query = select(MeasureDefinition.name, RawMeasure.group1, RawMeasure.value)
    query = query.join(MeasureDefinition, MeasureDefinition.id == RawMeasure.definition)
    with node.parts.database.reading() as connection:
        rows = connection.execute(query).all()
    return Counter(
        (name, None if group is None else str(group_value(group)), value)
        for name, group, value in rows
    )


@pytest.fixture
def roomy(make_node: Callable[..., SimulatedNode]) -> SimulatedNode:
    """A node on which many farmers may share an IP address."""
    return make_node(DEFAULT_INTERVAL=60, MAX_TOKENS_PER_IP=100)


def test_a_day(roomy: SimulatedNode) -> None:
    """What five farmers did is recorded when their day is over."""
    crowd(roomy)
    roomy.advance(RECORDED)
    assert telemetry.record(roomy.parts) == 20
    assert recorded(roomy) == {
        (ANSWERS, "ok", 1.0): 5,
        (WAIT, None, 1.0): 5,
        (BYTES, "Peru", 1024.0): 5,
        (FARMERS, "Peru", 1.0): 5,
    }


def test_failures(roomy: SimulatedNode) -> None:
    """Proofs that were refused and challenges that were not answered count on their day."""
    one = crowd(roomy, 1)[0]
    roomy.advance(60)
    one.send([{"file_hash": name, "proof": "nonsense"} for name in one.held])
    roomy.advance(600)
    roomy.run_jobs()
    roomy.advance(RECORDED)
    telemetry.record(roomy.parts)
    outcomes = {group: value for name, group, value in recorded(roomy) if name == ANSWERS}
    assert outcomes == {"ok": 1, "corrupted": 1, "unanswered": 1}


def test_who_has_gone_on(roomy: SimulatedNode) -> None:
    """Answers after midnight are of the next day, though they came before the recording."""
    one = crowd(roomy, 1)[0]
    roomy.advance((MIDNIGHT - START) / 1000 - 31)
    one.node.fill_pool(1)
    one.take(1)
    one.answer_all()
    roomy.advance(60)
    one.answer_all()
    roomy.advance(GRACE / 1000)
    telemetry.record(roomy.parts)
    assert recorded(roomy)[ANSWERS, "ok", 2.0] == 1


def test_nothing_is_recorded_too_early(roomy: SimulatedNode) -> None:
    """Right after midnight the last answers of a day may still be on their way."""
    crowd(roomy, 1)
    roomy.advance(RECORDED - 2)
    telemetry.record(roomy.parts)
    assert not recorded(roomy)
    roomy.advance(2)
    telemetry.record(roomy.parts)
    assert recorded(roomy)


def test_again_changes_nothing(roomy: SimulatedNode) -> None:
    """A day is recorded once, and the next day is another one."""
    crowd(roomy)
    roomy.advance(RECORDED)
    telemetry.record(roomy.parts)
    assert telemetry.record(roomy.parts) == 0
    roomy.advance(DAY / 1000)
    # Their contracts still stand: no job has closed them.
    assert telemetry.record(roomy.parts) == 5
    assert recorded(roomy)[BYTES, "Peru", 1024.0] == 10


def test_days_without_a_process(roomy: SimulatedNode) -> None:
    """A day that ended while nothing ran is recorded later, but for what nobody knows any more."""
    crowd(roomy)
    roomy.advance(RECORDED + 2 * DAY / 1000)
    telemetry.record(roomy.parts)
    assert recorded(roomy) == {
        (ANSWERS, "ok", 1.0): 5,
        (WAIT, None, 1.0): 5,
        (FARMERS, "Peru", 1.0): 5,
        # Of the last day that is over: their contracts still stand, for no job has closed them.
        (BYTES, "Peru", 1024.0): 5,
    }
    assert {row.start for row in released(roomy, ANSWERS)} == {TODAY * DAY}
    assert {row.start for row in released(roomy, BYTES)} == {(TODAY + 2) * DAY}
    assert telemetry.record(roomy.parts) == 0


@pytest.mark.parametrize(("days", "known"), [(DAYS_BACK - 1, 15), (DAYS_BACK, 0)])
def test_days_too_long_ago(roomy: SimulatedNode, days: int, known: int) -> None:
    """A day is made up for as long as receipts are kept, and not twice in that time."""
    crowd(roomy)
    roomy.advance(RECORDED + days * DAY / 1000)
    counted = telemetry.record(roomy.parts)
    assert counted - recorded(roomy)[BYTES, "Peru", 1024.0] == known


def test_receipts_outlive_the_days_that_are_made_up_for(roomy: SimulatedNode) -> None:
    """As long as a day may be recorded, its receipts are known."""
    crowd(roomy)
    roomy.advance(RECORDED)
    assert telemetry.record(roomy.parts) == 20
    roomy.advance(DAYS_BACK * DAY / 1000)
    while TODAY in telemetry.days_to_record(roomy.parts):
        forget_old_receipts(roomy.parts)
        roomy.advance(1)
    telemetry.record(roomy.parts)
    assert recorded(roomy)[ANSWERS, "ok", 1.0] == 5


def test_days_whose_data_is_gone(make_node: Callable[..., SimulatedNode]) -> None:
    """Only whole days are made up for: those of which nothing is forgotten yet."""
    node = make_node(HISTORY_RETENTION=3 * DAY // 1000)
    node.advance(20 * DAY / 1000)
    now = node.parts.wall_clock() // DAY
    assert list(telemetry.days_to_record(node.parts)) == [now - 2, now - 1]


def test_at_once(make_node: Callable[..., SimulatedNode], roomy: SimulatedNode) -> None:
    """Two processes that record the same day record it once."""
    crowd(roomy)
    roomy.advance(RECORDED)
    other = make_node(DEFAULT_INTERVAL=60)
    with ThreadPoolExecutor() as threads:
        passes = [threads.submit(telemetry.record, one.parts) for one in (roomy, other)]
        assert sum(one.result() for one in passes) == 20
    assert recorded(roomy).total() == 20


def test_cut_off(roomy: SimulatedNode, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a pass left out when it was cut off is recorded by the next one."""
    crowd(roomy)
    roomy.advance(RECORDED)
    monkeypatch.setattr(telemetry, "FARMERS_AT_ONCE", 2)
    known = roomy.parts.database.write(telemetry.install)
    first = next(telemetry.ranges(roomy.parts))
    early = telemetry.record_range(roomy.parts, known, TODAY, first)
    assert 0 < early < 20
    assert early + telemetry.record(roomy.parts) == 20
    assert recorded(roomy).total() == 20


def test_contracts_are_not_looked_at(roomy: SimulatedNode) -> None:
    """The work follows the number of farmers, not of contracts."""
    crowd(roomy)
    roomy.advance(RECORDED)
    statements: list[str] = []
    engine = roomy.parts.database.writer
    event.listen(engine, "before_cursor_execute", lambda *given: statements.append(given[2]))
    telemetry.record(roomy.parts)
    assert statements
    assert not [text for text in statements if "FROM contracts" in text]


def test_places_and_clients_that_are_not_known(roomy: SimulatedNode) -> None:
    """A farmer without them is in a group of its own."""
    crowd(roomy)
    nothing = update(Farmer).values(country=None, client=None)
    roomy.parts.database.write(lambda connection: connection.execute(nothing))
    roomy.advance(RECORDED)
    telemetry.record(roomy.parts)
    assert recorded(roomy)[FARMERS, UNKNOWN, 1.0] == 5


def test_nobody_can_be_followed(roomy: SimulatedNode) -> None:
    """A contributor has another name on each day and in each measure."""
    crowd(roomy, 1)
    roomy.advance(RECORDED)
    telemetry.record(roomy.parts)
    roomy.advance(DAY / 1000)
    telemetry.record(roomy.parts)
    query = select(func.count(), func.count(RawMeasure.contributor.distinct()))
    with roomy.parts.database.reading() as connection:
        assert tuple(connection.execute(query).one()) == (5, 5)


# What comes out


def released(node: SimulatedNode, name: str) -> list[results.AggregateRow]:
    """The results of the measure *name* that may be given out."""
    definition = node.parts.database.read(lambda link: definitions.by_name(link, name))
    assert definition is not None
    return results.aggregates(node.parts, definition, 0, MIDNIGHT + 9 * DAY)


def test_five_farmers_are_enough(roomy: SimulatedNode) -> None:
    """What the job recorded is released by the same pass."""
    crowd(roomy)
    roomy.advance(RECORDED)
    assert roomy.run_jobs()["record telemetry"] == 20
    (row,) = released(roomy, WAIT)
    assert (row.start, row.count, row.median) == (TODAY * DAY, 5, 1.0)
    totals = {row.groups["group1"]: row.total for row in released(roomy, ANSWERS)}
    assert totals == {"ok": 5, "unanswered": 5}


@pytest.mark.parametrize("name", [ANSWERS, WAIT, BYTES, FARMERS])
def test_four_farmers_are_not(roomy: SimulatedNode, name: str) -> None:
    """Nothing is given out of four, however much they did."""
    crowd(roomy, 4)
    roomy.advance(RECORDED)
    telemetry.record(roomy.parts)
    assert recorded(roomy)
    assert released(roomy, name) == []


# Definitions


def shipped() -> list[dict[str, object]]:
    """The definitions that come with the node."""
    found: list[dict[str, object]] = json.loads(telemetry.DEFINITIONS.read_text())
    return found


@pytest.mark.parametrize("definition", shipped(), ids=lambda one: str(one["name"]))
def test_shipped_definitions_are_strict(definition: dict[str, object]) -> None:
    """The node's own telemetry is public, so every stricter rule is on."""
    assert definition["org"] == "node"
    assert definition["aggregation_threshold"] == 5
    rules = ("access_public", "count_contributors", "release_at_period_end", "suppress_complements")
    assert all(definition[rule] is True for rule in rules)


def test_the_operators_changes_stay(node: SimulatedNode) -> None:
    """A definition that is there is left as it is."""
    changed = shipped()[0] | {"aggregation_threshold": 20}
    node.parts.database.write(lambda connection: redefining.load(connection, [changed]))
    known = node.parts.database.write(telemetry.install)
    assert known[str(changed["name"])].aggregation_threshold == 20
    assert len(known) == len(shipped())


def test_a_name_that_is_taken(node: SimulatedNode) -> None:
    """Nothing is recorded into somebody else's measure."""
    foreign = {"name": ANSWERS, "org": "museum"}
    node.parts.database.write(lambda connection: redefining.load(connection, [foreign]))
    with pytest.raises(InvalidDefinition, match="belongs to museum"):
        telemetry.record(node.parts)
