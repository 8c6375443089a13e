"""The reads behind the status API and the dashboard: windows, days, bars, failures, places."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from simulator import START, FarmerSimulator, ManualClock, SimulatedNode
from sqlalchemy import update

from downstream_node.errors import InvalidRequest, UnknownFarmer
from downstream_node.farmers.models import Farmer
from downstream_node.status import service
from downstream_node.status.listing import SORTS, FarmerListing
from downstream_node.status.reports import FarmerDetail, Window

DAY = 86400
HOUR = 3600


@pytest.fixture
def farmer(node: SimulatedNode) -> FarmerSimulator:
    """A farmer with one contract, at the beginning of a UTC day."""
    node.advance(DAY - START / 1000 % DAY)
    return FarmerSimulator(node.fill_pool(60)).join().take(1)


def detail(farmer: FarmerSimulator) -> FarmerDetail:
    """What the node says of *farmer*."""
    return service.farmer(farmer.node.parts, farmer.farmer_id)


def windows(farmer: FarmerSimulator) -> dict[str, Window]:
    """Its windows by name."""
    return {window.name: window for window in detail(farmer).windows}


def keep_answering(farmer: FarmerSimulator, seconds: int) -> None:
    """Answer every minute for so long."""
    for _ in range(seconds // 60):
        assert farmer.answer_all() == ["ok"]
        farmer.node.advance(60)


def silence(farmer: FarmerSimulator, seconds: int) -> None:
    """Say nothing for so long, lose the contract, and take another."""
    farmer.node.advance(seconds)
    farmer.node.run_jobs()
    farmer.held.clear()
    farmer.take(1)


def test_before_the_first_answer(farmer: FarmerSimulator) -> None:
    """Nothing is expected yet, and nothing went wrong."""
    report = detail(farmer)
    assert report.farmer.state == "new"
    assert [window.uptime for window in report.windows] == [None] * 4
    assert {day.uptime for day in report.days} == {None}
    assert report.last_failure is None
    assert report.online_until is None


def test_next_due(farmer: FarmerSimulator) -> None:
    """The next challenge is due one interval after the start, and then one later."""
    first = detail(farmer).next_due
    assert first is not None
    assert (first - detail(farmer).as_of).total_seconds() == 60
    farmer.answer_all()
    second = detail(farmer).next_due
    assert second is not None
    assert (second - first).total_seconds() == 60


def test_windows_see_a_gap(farmer: FarmerSimulator) -> None:
    """A gap of an hour counts in every window that reaches so far, by its seconds."""
    keep_answering(farmer, 600)
    silence(farmer, HOUR)
    keep_answering(farmer, 600)
    for window in windows(farmer).values():
        # The last answer before the silence covers one minute of it.
        assert window.covered == 600 + 60 + 600 - 0
        assert window.expected == 600 + HOUR + 600
        assert window.uptime == pytest.approx(100 * window.covered / window.expected)


def test_a_gap_leaves_the_short_window_first(farmer: FarmerSimulator) -> None:
    """After a good day the last 24 h are perfect, and a week still knows."""
    keep_answering(farmer, 600)
    silence(farmer, HOUR)
    farmer.node.fill_pool(1)
    assert farmer.answer_all() == ["ok"]
    statement = update(Farmer).values(
        covered=Farmer.covered + 30 * HOUR * 1000,
        covered_until=Farmer.covered_until + 30 * HOUR * 1000,
    )
    farmer.node.parts.database.write(lambda connection: connection.execute(statement))
    farmer.node.advance(26 * HOUR)
    found = windows(farmer)
    assert found["24h"].uptime == 100
    assert found["24h"].expected == DAY
    assert found["7d"].uptime is not None
    assert found["7d"].uptime < 100
    assert found["life"].uptime == pytest.approx(found["30d"].uptime)


def test_an_outage_of_the_node_is_shown_and_not_expected(farmer: FarmerSimulator) -> None:
    """The time in which the node was down is subtracted from what is expected."""
    keep_answering(farmer, 120)
    farmer.answer_all()
    farmer.node.clock.jump(HOUR)
    farmer.node.parts.clock.beat()
    for window in windows(farmer).values():
        assert window.node_down == pytest.approx(HOUR, abs=5)
        assert window.expected == pytest.approx(120, abs=5)
        assert window.uptime == 100
    (outage,) = service.outages(farmer.node.parts, 10)
    assert outage.seconds == pytest.approx(HOUR, abs=5)


def test_days_count_heartbeats(farmer: FarmerSimulator) -> None:
    """Each answer is counted on its UTC day."""
    keep_answering(farmer, 180)
    silence(farmer, DAY)
    keep_answering(farmer, 120)
    days = detail(farmer).days
    assert [day.heartbeats for day in days[-3:]] == [None, 3, 2]
    assert len(days) == 90
    assert days[-1].date == detail(farmer).as_of.date()


def test_bars_are_hours(farmer: FarmerSimulator) -> None:
    """The last bar is this hour; hours before the first answer expect nothing."""
    keep_answering(farmer, HOUR + 120)
    bars = service.bars(farmer.node.parts, [farmer.farmer_id])[farmer.farmer_id]
    assert len(bars) == 24
    assert [bar.uptime for bar in bars[-3:]] == [None, 100, 100]
    assert [bar.seconds for bar in bars[-2:]] == [HOUR, 120]


def test_a_missed_challenge_says_why(farmer: FarmerSimulator) -> None:
    """A contract that ends unanswered is a failure with its due time, contract and reason."""
    farmer.answer_all()
    due = detail(farmer).next_due
    farmer.node.advance(200)
    farmer.node.run_jobs()
    failure = detail(farmer).last_failure
    assert failure is not None
    assert (failure.kind, failure.count) == ("unanswered", 1)
    assert failure.at == due
    assert failure.contract in farmer.held
    assert "60 seconds" in failure.reason


@pytest.mark.parametrize(
    ("spoil", "kind"),
    [
        pytest.param(lambda proof: {**proof, "proof": "?"}, "corrupted", id="no proof"),
        pytest.param(lambda proof: {"file_hash": proof["file_hash"]}, "corrupted", id="missing"),
    ],
)
def test_refused_proofs_are_failures(
    farmer: FarmerSimulator, spoil: Callable[[dict[str, object]], dict[str, object]], kind: str
) -> None:
    """A proof that is refused is noted once a minute and kind, with how often."""
    spoiled = [spoil(proof) for proof in farmer.proofs()]
    for _ in range(3):
        farmer.send(spoiled)
    found = service.failures(farmer.node.parts, farmer.farmer_id, 10, 0)
    assert [(failure.kind, failure.count) for failure in found] == [(kind, 3)]


def test_answering_too_often_is_no_failure(farmer: FarmerSimulator) -> None:
    """A second answer to one challenge changes nothing and is not noted."""
    farmer.answer_all()
    assert farmer.answer_all() == ["Challenge already answered."]
    assert service.failures(farmer.node.parts, farmer.farmer_id, 10, 0) == []


def test_a_completed_contract_is_no_failure(make_node: Callable[..., SimulatedNode]) -> None:
    """A contract that ends because all its challenges were answered ended well."""
    node = make_node(DEFAULT_INTERVAL=60, HEARTBEAT_CHALLENGES=2)
    farmer = FarmerSimulator(node.fill_pool(1)).join().take(1)
    keep_answering(farmer, 120)
    node.advance(600)
    assert node.run_jobs()["close expired contracts"] == 1
    assert detail(farmer).last_failure is None
    assert detail(farmer).next_due is None


@pytest.mark.parametrize("farmer_id", ["", "x", "0" * 20, "0" * 19 + "A", "\0" * 20])
def test_unknown_farmers(lite: SimulatedNode, farmer_id: str) -> None:
    """An id that is nobody's is named as such."""
    with pytest.raises(UnknownFarmer):
        service.farmer(lite.parts, farmer_id)


# Lists


@pytest.fixture
def crowd(node: SimulatedNode) -> SimulatedNode:
    """Twelve farmers in three countries, some of them answering, with ties in every column."""
    node.fill_pool(30)
    for number in range(12):
        farmer = FarmerSimulator(node, f"farmer {number}", ip=f"198.51.100.{number}").join()
        place = {"country": (None, "Chile", "Nepal")[number % 3], "lat": -0.01, "lon": 12.34}
        statement = update(Farmer).where(Farmer.farmer_id == farmer.farmer_id).values(place)
        node.parts.database.write(lambda connection, run=statement: connection.execute(run))
        if number % 2:
            farmer.take(1 + number % 4).answer_all()
            node.advance(7)
    return node


@pytest.mark.parametrize("sort", sorted(SORTS))
@pytest.mark.parametrize("descending", [False, True])
def test_walking_a_list(crowd: SimulatedNode, sort: str, descending: bool) -> None:
    """Pages by cursor, pages by number and the whole list are the same, in every order."""
    listing = FarmerListing(sort=sort, descending=descending, limit=5)
    whole = service.farmers(crowd.parts, replace(listing, limit=100)).farmers
    walked, cursor = [], None
    for _ in range(3):
        page = service.farmers(crowd.parts, replace(listing, cursor=cursor))
        walked += page.farmers
        cursor = page.next
    numbered = [
        one
        for page in range(3)
        for one in service.farmers(crowd.parts, replace(listing, page=page)).farmers
    ]
    assert cursor is None
    assert walked == numbered == whole
    assert len(whole) == 12


def test_a_walk_is_of_one_moment(crowd: SimulatedNode) -> None:
    """Time that passes between two pages loses no farmer and shows none twice."""
    listing = FarmerListing(sort="uptime", descending=True, limit=4)
    ids, cursor = [], None
    for _ in range(3):
        page = service.farmers(crowd.parts, replace(listing, cursor=cursor))
        ids += [farmer.id for farmer in page.farmers]
        cursor = page.next
        crowd.advance(50)
    assert len(set(ids)) == 12


@pytest.mark.parametrize(
    ("listing", "count"),
    [
        pytest.param(FarmerListing(), 12, id="all"),
        pytest.param(FarmerListing(online=True), 6, id="online"),
        pytest.param(FarmerListing(online=False), 6, id="not online"),
        pytest.param(FarmerListing(country="Chile"), 4, id="country"),
        pytest.param(FarmerListing(country="chile' OR 1=1"), 0, id="no such country"),
        pytest.param(FarmerListing(country="Chile", online=True), 2, id="both"),
        pytest.param(FarmerListing(min_uptime=99.9), 6, id="uptime"),
        pytest.param(FarmerListing(limit=1, country="Nepal"), 4, id="filter before limit"),
    ],
)
def test_filters(crowd: SimulatedNode, listing: FarmerListing, count: int) -> None:
    """Filters apply before limits, and the total counts what they let through."""
    page = service.farmers(crowd.parts, listing)
    assert page.total == count
    assert len(page.farmers) == min(count, listing.limit)


@pytest.mark.parametrize(
    "cursor", ["", "x", "!!!!", "AAAA", "W10", "bnVsbA", "W251bGxd" * 9, "é", "WzEsMiwzLDQsNV0"]
)
def test_bad_cursors(lite: SimulatedNode, cursor: str) -> None:
    """A cursor that no page gave is refused."""
    with pytest.raises(InvalidRequest):
        service.farmers(lite.parts, FarmerListing(cursor=cursor))


def test_a_cursor_of_another_list(crowd: SimulatedNode) -> None:
    """A cursor belongs to the order it was made in."""
    cursor = service.farmers(crowd.parts, FarmerListing(limit=5, sort="size")).next
    with pytest.raises(InvalidRequest):
        service.farmers(crowd.parts, FarmerListing(limit=5, sort="uptime", cursor=cursor))


# The network


def test_places(crowd: SimulatedNode) -> None:
    """Countries with their farmers; positions rounded to a tenth of a degree."""
    places = service.places(crowd.parts)
    assert [(one.country, one.farmers, one.online) for one in places.countries] == [
        (None, 4, 2),
        ("Chile", 4, 2),
        ("Nepal", 4, 2),
    ]
    (point,) = places.points
    assert (point.lat, point.lon, point.farmers, point.online) == (0.0, 12.3, 12, 6)


def test_totals(crowd: SimulatedNode) -> None:
    """All farmers together, and the countries of those that are online."""
    found = service.totals(crowd.parts)
    assert (found.farmers, found.online, found.countries) == (12, 6, 2)
    assert found.contracts == found.heartbeats == 18
    assert found.size == 18 * 1024


def test_history_by_the_hour(node: SimulatedNode, clock: ManualClock) -> None:
    """Samples of an hour become one point; heartbeats count where they came."""
    farmer = FarmerSimulator(node.fill_pool(3)).join().take(1)
    node.advance(HOUR - clock.wall / 1000 % HOUR)
    farmer.held.clear()
    farmer.take(2)
    node.run_jobs()
    farmer.answer_all()
    node.advance(60)
    node.run_jobs()
    first, *rest = service.history(node.parts, "hour", 24)
    assert (first.farmers, first.online, first.heartbeats, first.contracts) == (1, 0.5, 2, 2)
    assert rest == []
    (day,) = service.history(node.parts, "day", 30)
    assert day.heartbeats == 2
