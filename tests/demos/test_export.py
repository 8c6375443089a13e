"""Tables as CSV, news, the way to the description of the API."""

import csv
import io
import tracemalloc

import pytest
from demos.kept import BOT, CHEATER, Asking, analyst, kept, opened, uploader
from simulator import SimulatedNode
from sqlalchemy import insert

from downstream_node.demos import broadcasts, export
from downstream_node.demos.export import Table
from downstream_node.demos.models import DemoReport


@pytest.fixture
def asking(demo_node: SimulatedNode) -> Asking:
    """An analyst."""
    return analyst(demo_node)


def rows(asking: Asking, table: str, **query: str) -> list[dict[str, str]]:
    """A table, by the names of its columns."""
    response = asking.get("/db_export", table=table, **query)
    assert (response.status_code, response.mimetype) == (200, "text/csv")
    return list(csv.DictReader(io.StringIO(response.text)))


def test_sessions(demo_node: SimulatedNode, asking: Asking) -> None:
    """All of them, also those that go on; ids with all their digits."""
    demo = kept(demo_node, b"12345")
    live = opened(demo_node)
    first, second = rows(asking, "demo_sessions")
    assert (first["session_id"], first["steam_id"]) == (demo.session_id, str(demo.user))
    assert (first["active"], first["demo_size"]) == ("False", "5")
    assert first["sha256"] == (demo.sha256 or b"").hex()
    assert (second["session_id"], second["active"], second["end_time"]) == (live, "True", "")


def test_reports(demo_node: SimulatedNode, asking: Asking) -> None:
    """With the ids of their sessions."""
    demo = kept(demo_node)
    report(demo_node, demo.session_id, BOT, "bot")
    report(demo_node, demo.session_id, CHEATER, "cheater")
    assert [
        (one["session_id"], one["target_steam_id"], one["reason"])
        for one in rows(asking, "reports")
    ] == [(demo.session_id, str(CHEATER), "cheater"), (demo.session_id, str(BOT), "bot")]


def report(node: SimulatedNode, session_id: str, target: int, reason: str) -> None:
    """Somebody reports somebody."""
    body = {"session_id": session_id, "target_steam_id": target, "reason": reason}
    assert uploader(node).post("/report", body).status_code == 201


def test_since(demo_node: SimulatedNode, asking: Asking) -> None:
    """Sessions that started, or reports that were made, then or later."""
    old = kept(demo_node)
    report(demo_node, old.session_id, BOT, "bot")
    demo_node.advance(86_400)
    new = kept(demo_node)
    report(demo_node, old.session_id, CHEATER, "cheater")
    found = rows(asking, "demo_sessions", since="2027-01-16")
    assert [one["session_id"] for one in found] == [new.session_id]
    found = rows(asking, "reports", since="2027-01-16")
    assert [one["target_steam_id"] for one in found] == [str(CHEATER)]


def test_pages_leave_nothing_out(
    demo_node: SimulatedNode, asking: Asking, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each row is there once, however few are read at a time."""
    monkeypatch.setattr(export, "ROWS", 2)
    demos = [kept(demo_node) for _ in range(5)]
    for demo in demos[:3]:
        for target in (CHEATER, BOT):
            report(demo_node, demo.session_id, target, "bot")
    names = [one["session_id"] for one in rows(asking, "demo_sessions")]
    assert names == [demo.session_id for demo in demos]
    found = {(one["session_id"], one["target_steam_id"]) for one in rows(asking, "reports")}
    assert len(found) == len(rows(asking, "reports")) == 6


def test_nothing_is_a_formula(demo_node: SimulatedNode, asking: Asking) -> None:
    """What strangers called their demos does not run in an analyst's spreadsheet."""
    kept(demo_node, name="=HYPERLINK(0)", map_name="+1", address="@SUM(A1)")
    (row,) = rows(asking, "demo_sessions")
    assert row["demo_name"] == "'=HYPERLINK(0)"
    assert (row["map"], row["fake_ip"]) == ("'+1", "'@SUM(A1)")


@pytest.mark.parametrize("query", [{}, {"table": ""}, {"table": "demo_users"}])
def test_other_tables(asking: Asking, query: dict[str, str]) -> None:
    """There are none."""
    assert asking.get("/db_export", **query).status_code == 400


def test_uploaders_get_no_tables(demo_node: SimulatedNode) -> None:
    """They are for analysts."""
    assert uploader(demo_node).get("/db_export", table="reports").status_code == 401


def test_memory_stays_the_same(demo_node: SimulatedNode) -> None:
    """Twenty thousand rows take no more of it than a page."""
    one = kept(demo_node)
    fill(demo_node, one.id, 20_000)
    pieces = export.csv_of(demo_node.parts, Table.REPORTS)
    next(pieces), next(pieces)
    tracemalloc.start()
    size = sum(len(piece) for piece in pieces)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert size > 1 << 20
    assert peak < 4 << 20


def fill(node: SimulatedNode, session: int, count: int) -> None:
    """Put reports of *count* players into the table."""
    values = {"session": session, "reason": "bot", "reporter": 1, "created": 1}
    with node.parts.database.writing() as connection:
        connection.execute(
            insert(DemoReport), [values | {"target": target} for target in range(count)]
        )


# News


def test_news_are_for_everybody(demo_node: SimulatedNode) -> None:
    """The newest first; they may be kept for a minute."""
    now = demo_node.parts.wall_clock
    broadcasts.add(demo_node.parts, "We move on Sunday.", "normal", now())
    demo_node.advance(60)
    broadcasts.add(demo_node.parts, "Update your client!", "high", now())
    response = demo_node.app.test_client().get("/broadcasts")
    assert response.get_json() == [
        {
            "message": "Update your client!",
            "importance": "high",
            "post_date": "2027-01-15T08:01:00Z",
        },
        {
            "message": "We move on Sunday.",
            "importance": "normal",
            "post_date": "2027-01-15T08:00:00Z",
        },
    ]
    assert response.headers["Cache-Control"] == "public, max-age=60"


@pytest.mark.parametrize("message", ["", " ", "x" * 1001])
def test_news_have_a_text(demo_node: SimulatedNode, message: str) -> None:
    """Of no more than fits."""
    with pytest.raises(broadcasts.InvalidBroadcast):
        broadcasts.add(demo_node.parts, message, "normal", demo_node.parts.wall_clock())
    assert broadcasts.shown(demo_node.parts) == []


# The description


def test_the_schema_is_the_nodes(demo_node: SimulatedNode) -> None:
    """OpenAPI for programs, a page for browsers."""
    client = demo_node.app.test_client()
    response = client.get("/schema", follow_redirects=True)
    assert "/list_demos" in response.get_json()["paths"]
    shown = client.get("/schema", headers={"Accept": "text/html"})
    assert (shown.status_code, shown.headers["Location"]) == (303, "/docs")
