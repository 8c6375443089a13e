"""Wildcards, tables, the view and fixtures: what they print, and what they refuse."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from measures.gathered import (
    ALL,
    NAME,
    bring,
    count,
    day,
    define,
    redefine,
    rows,
    shown,
)
from measures.sending import Sender, stored
from simulator import SimulatedNode
from sqlalchemy import text
from werkzeug.serving import make_server

from downstream_node.errors import NotAllowed
from downstream_node.measures import fixtures, parsing, redoing, tables, views, wildcards
from downstream_node.measures.models import RawMeasure
from downstream_node.measures.tables import TABLES

NOISY: dict[str, Any] = {
    "noise_epsilon": 0.5,
    "noise_budget": 5.0,
    "value_min": 0.0,
    "value_max": 9.0,
}
BEYOND = ALL[1]


# Wildcards


def test_a_wildcard_is_over_all_values(node: SimulatedNode) -> None:
    """It has the numbers of all raw measures, whatever the group, and * in its place."""
    define(node, group2_key="place", aggregation_threshold=2)
    for device, place, values in (("a", "x", [1.0, 2.0]), ("b", "x", [6.0]), ("a", "y", [0.0])):
        bring(node, values, groups=(device, place))
    (row,) = wildcards.wildcard(node.parts, NAME, ["group1"], 0, BEYOND)
    assert row.groups == {"group1": "*", "group2": "x", "group3": None}
    assert (row.count, row.total, row.avg, row.least, row.greatest) == (3, 9, 3, 1, 6)
    assert row.std == pytest.approx(7**0.5)
    (row,) = wildcards.wildcard(node.parts, NAME, ["group1", "group2"], 0, BEYOND)
    assert (row.count, row.count_not_zero, set(row.groups.values())) == (4, 3, {"*", None})


def test_a_wildcard_is_of_what_arrived(node: SimulatedNode) -> None:
    """Of a range of arrivals, the first in it and the last not."""
    define(node)
    first = node.clock.wall
    for value in (1, 10, 100):
        bring(node, [value])
        node.clock.jump(1)
    (row,) = wildcards.wildcard(node.parts, NAME, ["group1"], first, first + 2000)
    assert row.total == 11


def test_a_wildcard_counts_contributors_once(node: SimulatedNode) -> None:
    """Who is in two groups is one contributor to both together."""
    define(node, aggregation_threshold=2, count_contributors=True)
    bring(node, [1], groups=("a",), contributors=[1])
    bring(node, [1], groups=("b",), contributors=[1])
    assert wildcards.wildcard(node.parts, NAME, ["group1"], 0, BEYOND) == []
    bring(node, [1], groups=("b",), contributors=[2])
    assert [row.count for row in wildcards.wildcard(node.parts, NAME, ["group1"], 0, BEYOND)] == [3]


@pytest.mark.parametrize(
    "rules", [{"release_at_period_end": True}, {"suppress_complements": True}, NOISY]
)
def test_no_wildcard_of_strict_definitions(node: SimulatedNode, rules: dict[str, Any]) -> None:
    """A total would give away what is hidden."""
    define(node, **rules)
    with pytest.raises(NotAllowed, match="stricter rules"):
        wildcards.wildcard(node.parts, NAME, ["group1"], 0, BEYOND)


@pytest.mark.parametrize("slot", ["group2", "device", ""])
def test_wildcards_of_groups_that_are_none(node: SimulatedNode, slot: str) -> None:
    """Groups go by group1 to group3, as far as they are defined."""
    define(node)
    with pytest.raises(NotAllowed, match="has no"):
        wildcards.wildcard(node.parts, NAME, [slot], 0, BEYOND)


# The view


def viewed(node: SimulatedNode) -> list[Any]:
    """The rows of the view."""
    order = "start_ms, group1"
    query = text(f"SELECT * FROM {views.NAME} ORDER BY {order}")  # noqa: S608
    return list(node.parts.database.read(lambda connection: connection.execute(query).all()))


@pytest.fixture
def viewing(node: SimulatedNode) -> Any:
    """The node, with the view, which is gone after the test."""
    node.parts.database.write(views.create)
    yield node
    node.parts.database.write(views.drop)


@pytest.mark.parametrize("strict", [False, True])
def test_the_view_is_what_readers_get(viewing: SimulatedNode, strict: bool) -> None:
    """All numbers of results that may be given out, and no other rows."""
    define(viewing, aggregation_threshold=2, with_quartiles=True, release_at_period_end=strict)
    bring(viewing, [1, 2, 6], start=day(-1))
    bring(viewing, [1], start=day(-1), groups=("small",))
    count(viewing)
    (row,) = viewed(viewing)
    (want,) = shown(viewing)
    assert (row.measure_name, row.start_ms, row.group1) == (NAME, day(-1), '"desktop"')
    assert (row.contributions, row.count_not_zero, row.total) == (3, 3, 9)
    assert (row.least, row.greatest, row.median) == (want.least, want.greatest, 2)
    assert row.deviation == pytest.approx(want.std)
    assert (row.average, row.first_quartile, row.third_quartile) == (3, 1.5, 4)


def test_rules_that_change_hold_in_the_view(viewing: SimulatedNode) -> None:
    """At once: it is no copy."""
    define(viewing, aggregation_threshold=2, release_at_period_end=True)
    bring(viewing, [1, 2, 6], start=day(-1))
    count(viewing)
    redefine(viewing, aggregation_threshold=4)
    assert viewed(viewing) == []
    count(viewing)
    assert viewed(viewing) == []
    redefine(viewing, aggregation_threshold=2)
    count(viewing)
    assert len(viewed(viewing)) == 1
    redoing.undo(viewing.parts, NAME, 0)
    assert viewed(viewing) == []


# Tables


def test_a_table_is_shown(owner: Sender) -> None:
    """Rows as JSON, bytes as hex, and how many there are."""
    count_of, found = owner.node.parts.database.read(
        lambda connection: tables.shown(connection, "measure_tokens")
    )
    assert (count_of, found[0]["org"], len(found[0]["token_hash"])) == (1, "grandlyon", 64)
    assert json.dumps(found)


@pytest.mark.parametrize("name", ["nothing", "farmers", "measure_cells; --", ""])
def test_no_other_tables(lite: SimulatedNode, name: str) -> None:
    """Nothing but tables of measures is shown or emptied."""
    for work in (tables.shown, tables.reset):
        with pytest.raises(NotAllowed, match="no table of measures"):
            lite.parts.database.write(lambda connection, work=work: work(connection, name))


@pytest.mark.parametrize("name", sorted(TABLES.keys() - tables.ALONE))
def test_what_hangs_together_is_not_torn_apart(lite: SimulatedNode, name: str) -> None:
    """A budget that was spent, a release to compare with: they go with all or not at all."""
    with pytest.raises(NotAllowed, match="not emptied alone"):
        lite.parts.database.write(lambda connection: tables.reset(connection, name))


def test_all_tables_are_emptied(owner: Sender) -> None:
    """In an order that every database takes."""
    node = owner.node
    define(node, suppress_complements=True)
    bring(node, [1], contributors=[1])
    count(node)
    owner.send(key="once")
    deleted = node.parts.database.write(tables.reset_all)
    assert deleted["measure_releases"] == deleted["measure_contributors"] == 1
    assert sum(deleted.values()) == 10
    assert node.parts.database.write(tables.reset_all) == dict.fromkeys(TABLES, 0)


# Fixtures


def test_random_measures(owner: Sender) -> None:
    """They are stored as their owner's, and can be aggregated."""
    made = list(fixtures.random_measures(owner.node.parts, "konnector-event-daily", 50, 7))
    stored, errors = fixtures.insert(owner.node.parts, [*made, {"measureName": "x"}, 5])
    assert (stored, len(errors)) == (50, 2)
    assert {row.created_by for row in rows(owner.node, RawMeasure)} == {"ecolyo"}
    assert count(owner.node, "konnector-event-daily") == 50


@pytest.fixture
def url(owner: Sender) -> Iterator[str]:
    """Where the owner's node is served."""
    server = make_server("127.0.0.1", 0, owner.node.app, threaded=True)
    with ThreadPoolExecutor(1) as thread:
        thread.submit(server.serve_forever)
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
    server.server_close()


def test_sending(owner: Sender, url: str) -> None:
    """Random measures are sent as batches with the token; a node that takes none is quoted."""
    made = list(fixtures.random_measures(owner.node.parts, "konnector-event-daily", 30, 7))
    wrong = made[0] | {"value": "much"}
    assert fixtures.send(url, owner.token, iter([*made, wrong])) == (30, [parsing.WRONG_VALUE])
    assert stored(owner.node) == 30
    with pytest.raises(NotAllowed, match="401"):
        fixtures.send(url, "nobody's", iter(made))
