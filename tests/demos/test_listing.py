"""Lists of recordings: the document's fields and pages, analysts' filters, cursors."""

import json
from hashlib import sha256
from typing import Any

import pytest
from demos.journey import ANALYST, UPLOADER, recording
from demos.kept import (
    BOT,
    CHEATER,
    analyst,
    change,
    closed,
    kept,
    known,
    opened,
    uploader,
)
from simulator import SimulatedNode

from downstream_node.clock import WallTime, iso
from downstream_node.demos import listing
from downstream_node.demos.listing import Filters
from downstream_node.errors import DemoRefused

OTHER = 76561198000000009


def names(response: Any) -> list[str]:
    """The names of the demos of an answer."""
    assert response.status_code == 200, response.text
    return [one["demo_name"] for one in response.get_json()]


def test_the_documents_fields(demo_node: SimulatedNode) -> None:
    """All of them, and no others."""
    asking, demo = uploader(demo_node), kept(demo_node, b"12345")
    assert asking.get("/list_demos").get_json() == [
        {
            "demo_name": "match.dem",
            "session_id": demo.session_id,
            "map": "pl_badwater",
            "start_time": iso(WallTime(demo.started)),
            "end_time": iso(WallTime(demo.ended or 0)),
            "demo_size": 5,
            "anonymous_id": sha256(f"{UPLOADER}{UPLOADER}".encode()).hexdigest(),
        }
    ]


def test_own_closed_sessions_only(demo_node: SimulatedNode) -> None:
    """Not those of others, nor one that goes on."""
    asking = uploader(demo_node)
    kept(demo_node, name="mine")
    kept(demo_node, name="other", by=OTHER)
    opened(demo_node, name="live")
    assert names(asking.get("/list_demos")) == ["mine"]


def test_analysts_see_everybodys(demo_node: SimulatedNode) -> None:
    """Under ids that tell an analyst who is the same, and are others for the next analyst."""
    asking = analyst(demo_node)
    for name, by in (("a", UPLOADER), ("b", OTHER), ("c", UPLOADER)):
        kept(demo_node, name=name, by=by)
    found = asking.get("/analyst_list_demos").get_json()
    first, second, third = (one["anonymous_id"] for one in found)
    assert [one["demo_name"] for one in found] == ["a", "b", "c"]
    assert first == third == sha256(f"{UPLOADER}{ANALYST}".encode()).hexdigest() != second
    assert str(UPLOADER) not in json.dumps(found)
    same = asking.get("/analyst_list_demos", anonymous_id=first)
    assert names(same) == ["a", "c"]
    assert names(asking.get("/analyst_list_demos", anonymous_id="0" * 64)) == []


def test_uploaders_are_no_analysts(demo_node: SimulatedNode) -> None:
    """The list is refused, as without a key."""
    response = uploader(demo_node).get("/analyst_list_demos")
    assert (response.status_code, response.text) == (401, "Unauthorized")
    assert demo_node.app.test_client().get("/list_demos").status_code == 401


def test_pages_have_numbers(demo_node: SimulatedNode) -> None:
    """From 1; behind the last there is nothing."""
    asking = uploader(demo_node)
    for name in "abcde":
        kept(demo_node, name=name)
    pages = [names(asking.get("/list_demos", page_size=2, page_number=n)) for n in range(1, 5)]
    assert pages == [["a", "b"], ["c", "d"], ["e"], []]


def test_pages_have_cursors(demo_node: SimulatedNode) -> None:
    """Each names the next one, also where several began at the same moment."""
    asking, found, after = analyst(demo_node), [], ""
    for number in range(5):
        closed(demo_node, name=str(number), by=OTHER + number)
    while True:
        response = asking.get("/analyst_list_demos", page_size=2, after=after)
        found += names(response)
        if "X-Next-Cursor" not in response.headers:
            break
        after = response.headers["X-Next-Cursor"]
    assert found == list("01234")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("page_size", "0"),
        ("page_size", "51"),
        ("page_size", "-1"),
        ("page_size", "many"),
        ("page_size", "٣"),
        ("page_number", "0"),
        ("page_number", "9" * 40),
        ("after", "1"),
        ("after", "1-x"),
        ("after", f"{1 << 63}-1"),
        ("from", "yesterday"),
        ("to", "2026-02-30"),
        ("reported", "perhaps"),
        ("reason", "ugly"),
        ("map", "x" * 256),
        ("server", "\0"),
        ("integers", "maybe"),
    ],
)
def test_bad_parameters_are_named(demo_node: SimulatedNode, name: str, value: str) -> None:
    """With 400, in words."""
    response = analyst(demo_node).get("/analyst_list_demos", **{name: value})
    assert response.status_code == 400
    assert response.text.startswith(f"Invalid {name}: it must be ")
    assert response.mimetype == "text/plain"


def test_the_map_of_the_header_is_found_too(demo_node: SimulatedNode) -> None:
    """Clients may say another one; the pages show the header's."""
    kept(demo_node, recording(2000), name="a", map_name="asdf")
    asking = analyst(demo_node)
    for game_map in ("asdf", "pl_badwater"):
        (found,) = asking.get("/analyst_list_demos", map=game_map).get_json()
        assert (found["map"], found["header_map"]) == ("asdf", "pl_badwater")


@pytest.fixture
def four(demo_node: SimulatedNode) -> SimulatedNode:
    """Four recordings; two with reports."""
    reporting = uploader(demo_node)
    kept(demo_node, name="plain", map_name="cp_dustbowl", address="10.0.0.1:27015")
    demo_node.advance(86_400)
    bots = kept(demo_node, name="bots", address="10.0.0.2:27015")
    demo_node.advance(86_400)
    mixed = kept(demo_node, recording(2000), name="mixed", by=OTHER, address="10.0.0.2:27016")
    demo_node.advance(86_400)
    kept(demo_node, name="late", by=OTHER, address="100%_sure")
    for demo, target, reason in (
        (bots, BOT, "bot"),
        (mixed, BOT, "bot"),
        (mixed, CHEATER, "cheater"),
    ):
        body = {"session_id": demo.session_id, "target_steam_id": target, "reason": reason}
        assert reporting.post("/report", body).status_code == 201
    return demo_node


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"map": "cp_dustbowl"}, ["plain"]),
        ({"map": "cp"}, []),
        ({"server": "10.0.0.2"}, ["bots", "mixed"]),
        ({"server": "127.0.0.1:27015"}, ["mixed"]),
        ({"server": "%_S"}, ["late"]),
        ({"reported": "true"}, ["bots", "mixed"]),
        ({"reported": "false"}, ["plain", "late"]),
        ({"reason": "cheater"}, ["mixed"]),
        ({"reason": "bot", "reported": "true"}, ["bots", "mixed"]),
        ({"from": "2027-01-16"}, ["bots", "mixed", "late"]),
        ({"from": "2027-01-16", "to": "2027-01-17"}, ["bots", "mixed"]),
        ({"to": "2027-01-15T08:00:00Z"}, ["plain"]),
        ({"to": "2027-01-15T07:59:59Z"}, []),
        ({"from": "2027-01-15T10:00:00+02:00", "to": "2027-01-15"}, ["plain"]),
    ],
)
def test_filters(four: SimulatedNode, query: dict[str, str], expected: list[str]) -> None:
    """Each leaves what it says; both ends of a stretch of time count."""
    assert names(analyst(four).get("/analyst_list_demos", **query)) == expected


def test_analysts_are_told_more(four: SimulatedNode) -> None:
    """The hash, the server of the header, how many are reported."""
    found = analyst(four).get("/analyst_list_demos", reason="cheater").get_json()[0]
    assert (found["reports"], found["server"]) == (2, "127.0.0.1:27015")
    assert found["sha256"] == sha256(recording(2000)).hexdigest()
    assert (found["pruned"], found["ingested"]) == (False, False)


def test_weakness_9_ids_survive_javascript(demo_node: SimulatedNode) -> None:
    """They are strings, whose digits no client rounds; integers on request have all digits."""
    asking, demo = uploader(demo_node), kept(demo_node)
    change(demo_node, demo, session_id=str((1 << 128) - 1))
    raw = asking.get("/list_demos").text
    as_javascript: Any = json.loads(raw, parse_int=lambda text: int(float(text)))
    assert as_javascript[0]["session_id"] == str((1 << 128) - 1)
    integers = asking.get("/list_demos", integers="true").text
    assert f'"session_id":{(1 << 128) - 1},' in integers


def test_weakness_11_sizes_go_beyond_2_gib(demo_node: SimulatedNode) -> None:
    """In the table, in lists, in exports."""
    asking, demo = analyst(demo_node), kept(demo_node)
    change(demo_node, demo, size=3 << 30)
    assert asking.get("/analyst_list_demos").get_json()[0]["demo_size"] == 3 << 30
    assert f",{3 << 30}," in asking.get("/db_export", table="demo_sessions").text


# What pages use


def test_the_newest_first(demo_node: SimulatedNode) -> None:
    """With cursors as well."""
    for name in "abc":
        kept(demo_node, name=name)
    first = listing.mine(demo_node.parts, UPLOADER, limit=2, newest=True)
    second = listing.mine(demo_node.parts, UPLOADER, first.next, 2, newest=True)
    assert [one.name for one in (*first.rows, *second.rows)] == ["c", "b", "a"]
    assert second.next is None


def test_live_sessions(demo_node: SimulatedNode) -> None:
    """Those that go on, with what was noted of them."""
    kept(demo_node)
    session_id = opened(demo_node, by=OTHER)
    change(demo_node, known(demo_node, session_id), bytes_per_second=4000, size=12_345)
    (demo,) = listing.live(demo_node.parts)
    assert (demo.session_id, demo.bytes_per_second, demo.size) == (session_id, 4000, 12_345)
    assert listing.live(demo_node.parts, UPLOADER) == []


def test_a_cursor_is_checked(demo_node: SimulatedNode) -> None:
    """Whoever hands one on need not."""
    with pytest.raises(DemoRefused, match="Invalid after"):
        listing.page(demo_node.parts, Filters(), "-")
