"""The public status over HTTP: what it tells of each farmer, in which order, and what it hides."""

import json
import random
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from conftest import NodeMaker
from mmdb_writer import MMDBWriter
from netaddr import IPSet
from simulator import CHUNK, START, V1, FarmerSimulator, ManualClock, SimulatedNode
from sqlalchemy import select, update

from downstream_node.database import Base
from downstream_node.farmers.models import Farmer

FIELDS = {
    *("id", "address", "ip_hash", "location", "online"),
    *("uptime", "heartbeats", "contracts", "size", "last_due"),
}
NOWHERE = dict.fromkeys(("city", "country", "state", "zip", "lat", "lon"))
LONDON_IP = "81.2.69.142"
SORTS = ("id", "address", "uptime", "heartbeats", "contracts", "size", "online")
INVALID = {what: {"status": "error", "message": f"Invalid {what}."} for what in ("limit", "page")}
UNKNOWN_SORT = {"status": "error", "message": "Invalid sort."}
UNKNOWN_FARMER = {"status": "error", "message": "Nonexistant farmer id."}


def listed(node: SimulatedNode, path: str = "") -> list[dict[str, Any]]:
    """The farmers of /status/list with *path* behind it."""
    code, body = node.request("GET", f"/status/list{path}")
    assert code == 200, body
    assert body.keys() == {"farmers"}
    return list(body["farmers"])


def ids(node: SimulatedNode, path: str = "") -> list[str]:
    """The ids of the farmers of /status/list with *path* behind it."""
    return [farmer["id"] for farmer in listed(node, path)]


def columns(node: SimulatedNode, farmer: FarmerSimulator, **values: object) -> None:
    """Set columns of a farmer's row: histories that would take long to live through."""
    statement = update(Farmer).where(Farmer.farmer_id == farmer.farmer_id).values(values)
    node.parts.database.write(lambda connection: connection.execute(statement))


@pytest.fixture
def crowd(node: SimulatedNode) -> SimulatedNode:
    """A node with eight farmers of four addresses, among them ties in every column."""
    farmers = [FarmerSimulator(node, f"farmer {n % 4}", f"192.0.2.{n}").join() for n in range(8)]
    past = START - 1_000_000
    for number, farmer in enumerate(farmers):
        three, online = number % 3, number % 2
        columns(
            node,
            farmer,
            heartbeats=three * 5,
            contracts=three,
            size=(2 - three) << 33,
            first_answer=past if three else None,
            covered=three * 250_000 + online * 60_000,
            covered_until=START + online * 60_000,
        )
    return node


@pytest.fixture
def london(tmp_path: Path) -> Path:
    """A City file that knows one network."""
    names = {"city": "London", "country": "United Kingdom"}
    record: dict[str, Any] = {what: {"names": {"en": name}} for what, name in names.items()}
    record |= {"subdivisions": [{"names": {"en": "England"}}], "postal": {"code": "SW1A"}}
    record["location"] = {"latitude": 51.5142, "longitude": -0.0931}
    writer = MMDBWriter(6, "GeoLite2-City", ["en"], ipv4_compatible=True)
    writer.insert_network(IPSet(["81.2.69.0/24"]), record)
    writer.to_db_file(str(tmp_path / "city.mmdb"))
    return tmp_path / "city.mmdb"


# One farmer


def test_a_farmer_who_did_nothing(node: SimulatedNode) -> None:
    """All items are there from the start; dates are null before the first contract."""
    farmer = FarmerSimulator(node).join()
    assert node.status(farmer) == {
        "id": farmer.farmer_id,
        "address": farmer.address,
        "ip_hash": node.parts.keys.ip_hash("192.0.2.1"),
        "location": NOWHERE,
        "online": False,
        "uptime": 0.0,
        "heartbeats": 0,
        "contracts": 0,
        "size": 0,
        "last_due": None,
    }


def test_a_farmer_at_work(node: SimulatedNode) -> None:
    """Counts, a percentage of two decimals, a boolean, and a date in ISO 8601 UTC."""
    farmer = FarmerSimulator(node.fill_pool(2)).join().take(2)
    farmer.answer_all()
    node.advance(180)
    assert node.status(farmer)["uptime"] == 66.67
    status = {**node.status(farmer), "location": None}
    assert (status["online"], status["heartbeats"]) == (False, 2)
    assert (status["contracts"], status["size"]) == (2, 2 * CHUNK)
    due = datetime.fromtimestamp(START / 1000 + 60, UTC)
    assert status["last_due"] == due.strftime("%Y-%m-%dT%H:%M:%SZ")


def test_the_last_due_date_moves_with_answers(node: SimulatedNode) -> None:
    """It is the latest due time given, also when an earlier one is answered later."""
    farmer = FarmerSimulator(node.fill_pool(1)).join().take(1)
    first = node.status(farmer)["last_due"]
    farmer.answer_all()
    assert node.status(farmer)["last_due"] == first
    node.advance(60)
    farmer.answer_all()
    assert node.status(farmer)["last_due"] > first


def test_the_list_and_the_page_agree(crowd: SimulatedNode) -> None:
    """Every farmer has the same values on the list and on its own page."""
    farmers = listed(crowd)
    assert len(farmers) == 8
    for farmer in farmers:
        assert farmer.keys() == FIELDS
        assert farmer["location"].keys() == NOWHERE.keys()
        assert crowd.request("GET", f"/status/show/{farmer['id']}") == (200, farmer)


def test_values_have_their_types(crowd: SimulatedNode) -> None:
    """Booleans are booleans and counts are whole numbers, whatever the database stores."""
    for farmer in listed(crowd):
        assert type(farmer["online"]) is bool
        assert type(farmer["uptime"]) is float
        assert 0 <= farmer["uptime"] <= 100
        assert {type(farmer[name]) for name in ("heartbeats", "contracts", "size")} == {int}


def test_a_new_date_after_an_outage(node: SimulatedNode, clock: ManualClock) -> None:
    """Dates are on the calendar: a due time moves on by as long as the node was down."""
    farmer = FarmerSimulator(node.fill_pool(1)).join().take(1)
    clock.jump(3600)
    node.status(farmer)
    left = node.parts.contracts_left = None if False else farmer.challenges()  # noqa: F841
