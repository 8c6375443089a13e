"""What the operator sees: stories on a real node, as a page and as JSON."""

from collections.abc import Iterator
from typing import Any

import pytest
from operators.browser import HEALTH, Browser
from simulator import CHUNK, FarmerSimulator, SimulatedNode
from sqlalchemy import Engine, event, insert, update

from downstream_node import jobs
from downstream_node.jobs import Job, JobRow
from downstream_node.operators.service import OUTAGES_PER_PAGE
from downstream_node.service_time import Outage

HOUR = 3600
DAY = 24 * HOUR


class Monitor:
    """A monitor that reads the JSON form with a key."""

    def __init__(self, node: SimulatedNode, key: str) -> None:
        self.browser = Browser(node)
        self.headers = {"Authorization": f"Bearer {key}"}

    def read(self, query: str = "") -> dict[str, Any]:
        """The report."""
        answer = self.browser.get(HEALTH + query, headers=self.headers)
        assert answer.status_code == 200, answer.text
        report = answer.get_json()
        assert isinstance(report, dict)
        return report

    def problems(self) -> dict[str, str]:
        """The problems by name, with their texts."""
        return {problem["name"]: problem["text"] for problem in self.read()["problems"]}


@pytest.fixture
def monitor(node: SimulatedNode, key: str) -> Monitor:
    """A monitor with ada's key."""
    return Monitor(node, key)


@pytest.fixture
def farmer(node: SimulatedNode) -> FarmerSimulator:
    """A farmer that has answered once for each of its three contracts."""
    node.fill_pool(3)
    node.run_jobs()
    farmer = FarmerSimulator(node).join().take(3)
    node.advance(20)
    assert farmer.answer_all() == ["ok"] * 3
    return farmer


# Who may read the JSON


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer ", "Bearer dsop_wrong", "Basic YTpi", "nonsense"]
)
def test_the_json_needs_a_key(browser: Browser, header: str) -> None:
    """Without an operator's key it is a 401 in the API's form."""
    answer = browser.get(HEALTH, headers={"Authorization": header})
    assert answer.status_code == 401
    assert answer.get_json()["status"] == "error"
    assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_a_cookie_does_not_open_the_json(logged_in: Browser) -> None:
    """Only the key counts, so no other site's script can use a login."""
    assert logged_in.get(HEALTH).status_code == 401


def test_the_json_is_not_kept(node: SimulatedNode, key: str) -> None:
    """A key opens it for this one request; the next one without a key is refused."""
    answer = Browser(node).get(HEALTH, headers={"Authorization": f"Bearer {key}"})
    assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-store")
    assert "Set-Cookie" not in answer.headers
    assert Browser(node).get(HEALTH).status_code == 401


# Problems


def test_nothing_needs_you(
    node: SimulatedNode, logged_in: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With chunks, farmers, jobs and a GeoIP file there is no problem, and the page says so."""
    monkeypatch.setattr(type(node.parts.locator), "is_ready", lambda _: True)
    node.fill_pool(102)
    node.run_jobs()
    farmer = FarmerSimulator(node).join().take(2)
    farmer.answer_all()
    assert "Nothing needs you." in logged_in.get().text


def test_a_new_node(monitor: Monitor) -> None:
    """Before anything has happened: no chunks, no farmers, no job has run, no places."""
    expected = [
        "pool_empty",
        *["job_never_ran"] * len(jobs.JOBS) + ["job_never_ran"],
        "no_farmers",
        "no_geoip",
    ]
    assert [problem["name"] for problem in monitor.read()["problems"]] == expected


def test_the_most_urgent_comes_first(monitor: Monitor) -> None:
    """Problems are sorted: urgent, soon, notes."""
    severities = [problem["severity"] for problem in monitor.read()["problems"]]
    assert severities == sorted(severities, key=["urgent", "soon", "note"].index)


def test_a_low_pool(node: SimulatedNode, monitor: Monitor) -> None:
    """Below what one request may take is a problem, and at that number it is none."""
    node.fill_pool(99)
    assert monitor.problems()["pool_low"].startswith("The pool has 99 ready chunks")
    node.fill_pool(1)
    assert not {"pool_low", "pool_empty"} & set(monitor.problems())


def test_farmers_that_fall_silent(
    node: SimulatedNode, monitor: Monitor, farmer: FarmerSimulator
) -> None:
    """A farmer is missed for an hour after it went offline; that nobody is left is urgent."""
    assert "none_online" not in monitor.problems()
    node.advance(120)
    report = monitor.read()
    assert [one["farmer"] for one in report["gone"]] == [farmer.farmer_id]
    assert {"none_online", "gone_offline"} <= set(monitor.problems())
    node.advance(HOUR)
    assert "gone_offline" not in monitor.problems()


def test_an_outage(node: SimulatedNode, monitor: Monitor) -> None:
    """An outage is a problem for 24 hours after its end, and costs no farmer anything."""
    node.clock.jump(100)
    node.parts.clock.beat()
    assert "down for 1 min 37 s in the last 24 hours, in 1 outage" in monitor.problems()["outage"]
    # The ledger's outage ends three seconds before the node is back: these it makes up for.
    node.advance(DAY - 3)
    assert "outage" in monitor.problems()
    node.advance(1)
    assert "outage" not in monitor.problems()


def test_a_clock_set_back(node: SimulatedNode, monitor: Monitor) -> None:
    """It is told as what it is, not as an outage."""
    node.clock.jump(-100)
    node.parts.clock.beat()
    problems = monitor.problems()
    assert "clock_set_back" in problems
    assert "outage" not in problems


def fall_over(_: object) -> int:
    """The pass of a job that fails."""
    raise RuntimeError("the disk is full")


def test_a_job_that_fails(
    node: SimulatedNode, monitor: Monitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its error is a problem until a pass succeeds."""
    first, *others = jobs.JOBS
    monkeypatch.setattr(jobs, "JOBS", (Job(first.name, first.every, fall_over), *others))
    node.run_jobs()
    assert "the disk is full" in monitor.problems()["job_failed"]
    monkeypatch.undo()
    node.advance(2)
    node.run_jobs()
    assert "job_failed" not in monitor.problems()


@pytest.mark.parametrize(("late", "expected"), [(60, False), (61, True)])
def test_a_job_that_is_late(
    node: SimulatedNode, monitor: Monitor, late: int, expected: bool
) -> None:
    """A job counts as late a minute after it was due: a pass may take its time."""
    node.run_jobs()
    due = {"next_run": node.clock.wall - late * 1000}
    statement = update(JobRow).where(JobRow.name == jobs.JOBS[0].name).values(due)
    node.parts.database.write(lambda connection: connection.execute(statement))
    assert ("job_late" in monitor.problems()) is expected


# The sections


def test_the_pool_by_scheme_and_size(node: SimulatedNode, monitor: Monitor) -> None:
    """Ready chunks by size, then those that came back and wait for a tag."""
    node.fill_pool(2).fill_pool(1, 2 * CHUNK)
    farmer = FarmerSimulator(node).join().take(1)
    node.advance(70)
    node.parts.clock.beat()
    jobs.close_late(node.parts)
    pool = monitor.read()["pool"]
    levels = [(level["scheme"], level["size"], level["count"]) for level in pool["levels"]]
    assert levels == [("Merkle", CHUNK, 1), ("Merkle", 2 * CHUNK, 1), (None, CHUNK, 1)]
    assert (pool["ready"], pool["untagged"], len(farmer.held)) == (2, 1, 1)


def test_contracts_that_end_next(
    node: SimulatedNode, monitor: Monitor, farmer: FarmerSimulator
) -> None:
    """What is answered in this window does not end within the next interval; the rest does."""
    assert monitor.read()["expiring"] == []
    node.advance(45)
    farmer.send(farmer.proofs()[:1])
    (row,) = monitor.read()["expiring"]
    assert (row["farmer"], row["online"]) == (farmer.farmer_id, True)
    assert (row["expiring"], row["contracts"]) == (2, 3)


def test_failures(node: SimulatedNode, monitor: Monitor, farmer: FarmerSimulator) -> None:
    """Failures are counted by kind and by farmer, in three windows."""
    node.advance(70)
    proofs = farmer.proofs()
    farmer.send([{**proofs[0], "proof": proofs[1]["proof"]}, {**proofs[2], "proof": "x"}])
    report = monitor.read()
    counts = {row["kind"]: (row["hour"], row["day"], row["week"]) for row in report["failures"]}
    assert counts == {"unanswered": (0, 0, 0), "invalid": (1, 1, 1), "corrupted": (1, 1, 1)}
    (worst,) = report["failing"]
    assert (worst["farmer"], worst["count"]) == (farmer.farmer_id, 2)
    assert (worst["invalid"], worst["corrupted"], worst["unanswered"]) == (1, 1, 0)


def test_failures_grow_old(node: SimulatedNode, monitor: Monitor, farmer: FarmerSimulator) -> None:
    """After an hour, a day, a week they leave one window after the other."""
    proofs = [{"file_hash": name, "proof": "x"} for name in farmer.held]
    node.advance(60)
    farmer.send(proofs)
    seen = []
    for seconds in (HOUR, DAY, 7 * DAY):
        node.advance(seconds)
        (row,) = [row for row in monitor.read()["failures"] if row["kind"] == "corrupted"]
        seen.append((row["hour"], row["day"], row["week"]))
    assert seen == [(0, 3, 3), (0, 0, 3), (0, 0, 0)]


def test_the_slowest(node: SimulatedNode, monitor: Monitor, farmer: FarmerSimulator) -> None:
    """Farmers that are online, by their mean wait, slowest first."""
    node.fill_pool(1)
    quick = FarmerSimulator(node, "quick", ip="192.0.2.2").join().take(1)
    node.advance(5)
    quick.answer_all()
    slowest = monitor.read()["slowest"]
    assert [(row["farmer"], row["wait"]) for row in slowest] == [
        (farmer.farmer_id, 20.0),
        (quick.farmer_id, 5.0),
    ]


def test_the_jobs(node: SimulatedNode, monitor: Monitor) -> None:
    """Each job with its last pass."""
    node.run_jobs()
    (row,) = [row for row in monitor.read()["jobs"] if row["name"] == "forget closed contracts"]
    assert (row["every"], row["did"], row["error"], row["late"]) == (60.0, 0, None, 0.0)
    assert row["last_run"] == "2027-01-15T08:00:00Z"


def add_outages(node: SimulatedNode, count: int) -> None:
    """Fill the ledger."""
    rows = [{"began": n * 1000, "milliseconds": 7000, "service": n} for n in range(1, count + 1)]
    node.parts.database.write(lambda connection: connection.execute(insert(Outage), rows))


def test_the_ledger_by_pages(node: SimulatedNode, monitor: Monitor) -> None:
    """Newest first, twenty to a page, each once, and no page follows the last."""
    add_outages(node, 2 * OUTAGES_PER_PAGE)
    first = monitor.read()["outages"]
    second = monitor.read(f"?before={first['next']}")["outages"]
    begins = [row["begin"] for page in (first, second) for row in page["outages"]]
    assert len(set(begins)) == 2 * OUTAGES_PER_PAGE
    assert begins == sorted(begins, reverse=True)
    assert second["next"] is None


@pytest.mark.parametrize("before", ["", "x", "-1", "1.5", "²", "1" * 16])
def test_pages_are_numbers(logged_in: Browser, before: str) -> None:
    """Anything else is told so with a page."""
    answer = logged_in.get(f"/operator?before={before}")
    assert (answer.status_code, answer.mimetype) == (400, "text/html")


# The page


def test_the_page_shows_it_all(
    node: SimulatedNode, logged_in: Browser, farmer: FarmerSimulator
) -> None:
    """Every section is there, with what the story left in it."""
    node.advance(45)
    farmer.send([{"file_hash": name, "proof": "x"} for name in farmer.held])
    add_outages(node, OUTAGES_PER_PAGE + 1)
    text = logged_in.get().text
    for words in ("Unreadable proof", "20 s", "close expired contracts", "Older", "1 of 1 farmer"):
        assert words in text
    assert text.count(f"/farmer/{farmer.farmer_id}") == 3


def test_the_page_refreshes_itself(logged_in: Browser) -> None:
    """Each section has an id and is marked for the dashboard's script."""
    text = logged_in.get().text
    for name in ("problems", "gone", "pool", "expiring", "failures", "slowest", "jobs", "outages"):
        assert f'id="{name}" data-live' in text


def test_names_of_jobs_and_errors_are_escaped(node: SimulatedNode, logged_in: Browser) -> None:
    """What an error says is shown as text."""
    node.run_jobs()
    statement = update(JobRow).values(error="<script>alert(1)</script>")
    node.parts.database.write(lambda connection: connection.execute(statement))
    text = logged_in.get().text
    assert "<script>alert" not in text
    assert "&lt;script&gt;alert" in text


@pytest.fixture
def statements() -> Iterator[list[str]]:
    """All SQL that is run, as text."""
    seen: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        seen.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    yield seen
    event.remove(Engine, "before_cursor_execute", note)


def test_reading_is_bounded(
    node: SimulatedNode, monitor: Monitor, farmer: FarmerSimulator, statements: list[str]
) -> None:
    """A fixed number of statements, and of contracts only those of a few farmers are read."""
    node.advance(60)
    statements.clear()
    monitor.read()
    assert 0 < len(farmer.held) < len(statements) <= 20
    of_contracts = [text for text in statements if "FROM contracts" in text]
    assert len(of_contracts) == 1
    assert "contracts.farmer IN" in of_contracts[0]
