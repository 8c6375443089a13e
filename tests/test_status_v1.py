"""The public status over HTTP: what it tells of each farmer, in which order, and what it hides."""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from mmdb_writer import MMDBWriter
from netaddr import IPSet
from simulator import CHUNK, START, V1, FarmerSimulator, ManualClock, SimulatedNode
from sqlalchemy import insert, select

from downstream_node.addresses.models import Address
from downstream_node.database import Base
from downstream_node.farmers.models import Farmer

FIELDS = {
    *("id", "address", "ip_hash", "location", "online"),
    *("uptime", "heartbeats", "contracts", "size", "last_due"),
}
NOWHERE = dict.fromkeys(("city", "country", "state", "zip", "lat", "lon"))
NOTHING = {
    "location": NOWHERE,
    "online": False,
    "last_due": None,
    "uptime": 0.0,
    "heartbeats": 0,
    "contracts": 0,
    "size": 0,
}
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


def settle(node: SimulatedNode, histories: Sequence[Mapping[str, object]]) -> None:
    """Store one farmer for each of *histories*: columns that would take long to live through."""
    addresses = [FarmerSimulator(node, f"farmer {number}").address for number in range(4)]
    nothing = {"heartbeats": 0, "contracts": 0, "size": 0, "covered": 0, "covered_until": 0}
    rows = []
    for number, history in enumerate(histories):
        digest = hashlib.sha256(bytes([number]))
        names = {"farmer_id": digest.hexdigest()[:20], "token_hash": digest.digest()}
        place = {"address": addresses[number % 4], "ip_hash": f"{number:032x}", "joined": START}
        rows.append({**names, **place, **nothing, "first_answer": None, **history})
    with node.parts.database.writing() as connection:
        connection.execute(insert(Address), [{"address": name, "balance": 0} for name in addresses])
        connection.execute(insert(Farmer), rows)


@pytest.fixture
def crowd(node: SimulatedNode) -> SimulatedNode:
    """A node with eight farmers of four addresses, among them ties in every column."""
    settle(
        node,
        [
            {
                "heartbeats": three * 5,
                "contracts": three,
                "size": (2 - three) << 33,
                "first_answer": START - 1_000_000 if three else None,
                "covered": three * 250_000 + online * 60_000,
                "covered_until": START + online * 60_000,
            }
            for three, online in ((number % 3, number % 2) for number in range(8))
        ],
    )
    return node


# One farmer


def test_a_farmer_who_did_nothing(node: SimulatedNode) -> None:
    """All items are there from the start; dates are null before the first contract."""
    farmer = FarmerSimulator(node).join()
    assert node.status(farmer) == {
        "id": farmer.farmer_id,
        "address": farmer.address,
        "ip_hash": node.parts.keys.ip_hash("192.0.2.1"),
        **NOTHING,
    }


def test_a_farmer_at_work(node: SimulatedNode) -> None:
    """Counts, a percentage of two decimals, a boolean, and a date in ISO 8601 UTC."""
    farmer = FarmerSimulator(node.fill_pool(2)).join().take(2)
    farmer.answer_all()
    node.advance(180)
    status = node.status(farmer)
    assert (status["online"], status["uptime"], status["heartbeats"]) == (False, 66.67, 2)
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


def test_dates_move_with_an_outage(node: SimulatedNode, clock: ManualClock) -> None:
    """Dates are on the calendar: a due time comes later by as long as the node was down."""
    farmer = FarmerSimulator(node.fill_pool(1)).join().take(1)
    clock.jump(3600)
    (challenge,) = farmer.challenges().values()
    due = datetime.fromtimestamp(clock() / 1000 + challenge["due"], UTC)
    assert node.status(farmer)["last_due"] == due.strftime("%Y-%m-%dT%H:%M:%SZ")


@pytest.mark.parametrize(
    "farmer_id",
    ["0" * 20, "x", "0" * 21, "0" * 5000, "%00", "%FF", "%C3%A4", "%F0%9F%98%80", "%27", "%25"],
)
def test_an_unknown_farmer(node: SimulatedNode, farmer_id: str) -> None:
    """Whatever the id, on every database: a 404 with the original's spelling."""
    FarmerSimulator(node).join()
    assert node.request("GET", f"/status/show/{farmer_id}") == (404, UNKNOWN_FARMER)


def test_ids_are_exact(node: SimulatedNode) -> None:
    """A part of an id, or the id with something around it, is another one."""
    own = FarmerSimulator(node).join().farmer_id
    for other in (own[:-1], own + "0", "%20" + own, own + "%20", own + "%09", "_" + own[1:]):
        assert node.request("GET", f"/status/show/{other}") == (404, UNKNOWN_FARMER), other


def test_a_page_may_end_with_a_slash(node: SimulatedNode) -> None:
    """Nobody is redirected."""
    farmer = FarmerSimulator(node).join()
    code, body = node.request("GET", f"/status/show/{farmer.farmer_id}/")
    assert (code, body["id"]) == (200, farmer.farmer_id)


# The list


def test_the_empty_list(node: SimulatedNode) -> None:
    """A node without farmers lists none."""
    assert listed(node) == []


def model(farmers: list[dict[str, Any]], key: str, *, online: bool, descending: bool) -> list[str]:
    """The ids that a list must have, by the rules: filter, then order with ties by id."""
    left = [farmer for farmer in farmers if farmer["online"] or not online]
    left.sort(key=lambda farmer: str(farmer["id"]))
    left.sort(key=lambda farmer: farmer[key], reverse=descending)
    return [farmer["id"] for farmer in left]


@pytest.mark.parametrize("descending", [False, True], ids=["up", "down"])
@pytest.mark.parametrize("key", SORTS)
@pytest.mark.parametrize("online", [False, True], ids=["all", "online"])
def test_every_order(crowd: SimulatedNode, key: str, *, online: bool, descending: bool) -> None:
    """Each column sorts both ways, ties by id, with the filter and each cut."""
    expected = model(listed(crowd), key, online=online, descending=descending)
    path = f"{'/online' if online else ''}/by/{'d/' if descending else ''}{key}"
    assert ids(crowd, path) == expected
    assert ids(crowd, f"{path}/3") == expected[:3]
    assert ids(crowd, f"{path}/3/1") == expected[3:6]
    assert ids(crowd, f"{path}/3/2") == expected[6:9]


def test_the_default_order_is_by_id(crowd: SimulatedNode) -> None:
    """Also for those who are online."""
    expected = ids(crowd)
    assert expected == sorted(expected)
    assert ids(crowd, "/online") == ids(crowd, "/online/by/id")


@pytest.mark.parametrize("order", ["", "/by/size", "/by/d/uptime"])
@pytest.mark.parametrize("online", ["", "/online"])
@pytest.mark.parametrize("cut", ["", "/2", "/2/1"])
def test_a_slash_at_the_end_changes_nothing(
    crowd: SimulatedNode, online: str, order: str, cut: str
) -> None:
    """Every form answers directly, without a redirect, with or without the slash."""
    path = f"{online}{order}{cut}"
    assert listed(crowd, path) == listed(crowd, f"{path}/")


def test_the_filter_comes_before_the_limit(crowd: SimulatedNode) -> None:
    """Pages of online farmers are full, where the original's came back short."""
    online = ids(crowd, "/online")
    assert len(online) == 4
    assert ids(crowd, "/online/2") == online[:2]
    assert ids(crowd, "/online/2/1") == online[2:]


@pytest.mark.parametrize(
    ("cut", "first", "end"),
    [
        pytest.param("/0", 0, 0, id="limit 0"),
        pytest.param("/0/5", 0, 0, id="page of limit 0"),
        pytest.param("/1", 0, 1, id="one"),
        pytest.param("/7", 0, 7, id="all but one"),
        pytest.param("/8", 0, 8, id="all"),
        pytest.param("/9", 0, 8, id="more than there are"),
        pytest.param("/3/0", 0, 3, id="the first page has number 0"),
        pytest.param("/3/2", 6, 8, id="the last page is short"),
        pytest.param("/3/3", 8, 8, id="behind the last page"),
        pytest.param("/8/1", 8, 8, id="just behind the end"),
        pytest.param("/003/002", 6, 8, id="leading zeros"),
        pytest.param("/999999999", 0, 8, id="the greatest limit"),
        pytest.param("/999999999/999999999", 8, 8, id="the greatest page"),
    ],
)
def test_limits_and_pages(crowd: SimulatedNode, cut: str, first: int, end: int) -> None:
    """Page n of the list holds the rows from n times the limit on."""
    everyone = ids(crowd)
    for order in ("", "/by/id"):
        assert ids(crowd, order + cut) == everyone[first:end]


NO_NUMBERS = (
    *("-1", "x", "1.5", "1e3", "+1", "%201", "1%20", "0x1", "1_0", "%00", "%C3%A4", "'", "--"),
    *("%D9%A3", "%C2%B2", "%EF%BC%91", "9" * 10, "9" * 30, "9" * 5000),
)


@pytest.mark.parametrize("number", NO_NUMBERS, ids=lambda number: number[:10])
def test_numbers_that_make_no_sense(lite: SimulatedNode, number: str) -> None:
    """A limit or page that is no whole number, or has ten digits, is a 400."""
    for before in ("", "/online", "/by/id", "/online/by/d/size"):
        path = f"/status/list{before}"
        assert lite.request("GET", f"{path}/{number}") == (400, INVALID["limit"])
        assert lite.request("GET", f"{path}/{number}/0") == (400, INVALID["limit"])
        assert lite.request("GET", f"{path}/5/{number}") == (400, INVALID["page"])


@pytest.mark.parametrize(
    "sort", ["nonsense", "d", "ID", "id%20", "%00", "token_hash", "ip_hash", "-id", "1", "'", "é"]
)
def test_sorts_that_make_no_sense(lite: SimulatedNode, sort: str) -> None:
    """Only the seven columns of the document sort; the error is the original's."""
    for before in ("", "/online"):
        for order in (f"/by/{sort}", f"/by/d/{sort}", f"/by/d/{sort}/5", f"/by/d/{sort}/5/0"):
            path = f"/status/list{before}{order}"
            assert lite.request("GET", path) == (400, UNKNOWN_SORT)


@pytest.mark.parametrize("path", ["/by", "/online/online", "/by/d", "/by/d/", "/online/by"])
def test_forms_that_are_cut_off(lite: SimulatedNode, path: str) -> None:
    """A path that stops half way is a 400, not a list of something else."""
    code, body = lite.request("GET", f"/status/list{path}")
    assert (code, body["status"]) == (400, "error")


def test_equal_uptimes_are_ties(node: SimulatedNode) -> None:
    """100 per cent is 100 per cent, after a second as after a year: these are ordered by id."""
    lives = (1, 999, 123_457, 16_777_217, 987_654_321, 31_536_000_001, 77_777_777_777)
    histories = [
        {"first_answer": START - lived, "covered": lived, "covered_until": START} for lived in lives
    ]
    settle(node, histories)
    assert {farmer["uptime"] for farmer in listed(node)} == {100.0}
    assert ids(node, "/by/uptime") == ids(node, "/by/d/uptime") == sorted(ids(node))


def test_lists_are_filtered_by_the_same_rule_as_shown(node: SimulatedNode) -> None:
    """Who is on the list of those online is shown as online, up to the last millisecond."""
    farmer = FarmerSimulator(node.fill_pool(1)).join().take(1)
    farmer.answer_all()
    for wait, online in ((119.999, True), (0.001, False), (0.001, False)):
        node.advance(wait)
        assert node.status(farmer)["online"] is online
        assert [entry["online"] for entry in listed(node, "/online")] == [True] * online


# What it does not do


def dump(node: SimulatedNode) -> dict[str, list[Any]]:
    """All rows of all tables."""
    with node.parts.database.reading() as connection:
        return {
            table.name: sorted(map(repr, connection.execute(select(table))))
            for table in Base.metadata.sorted_tables
        }


def test_reading_writes_nothing(crowd: SimulatedNode) -> None:
    """All tables are the same before and after every form of the status."""
    FarmerSimulator(crowd.fill_pool(1), ip="198.51.100.1").join().take(1)
    before = dump(crowd)
    for path in ("", "/online", "/by/d/uptime", "/online/by/size/3/1", "/by/nonsense"):
        crowd.request("GET", f"/status/list{path}")
    crowd.request("GET", f"/status/show/{ids(crowd)[0]}", ip="203.0.113.1")
    assert dump(crowd) == before


def test_secrets_are_not_shown(node: SimulatedNode) -> None:
    """Neither tokens nor their hashes nor IP addresses are in anything that everybody reads."""
    farmers = [FarmerSimulator(node, ip=ip).join() for ip in ("192.0.2.77", "2001:db8::77")]
    paths = ["list", "list/online", *(f"show/{farmer.farmer_id}" for farmer in farmers)]
    client = node.app.test_client()
    shown = "".join(client.get(f"{V1}/status/{path}").get_data(as_text=True) for path in paths)
    for farmer in farmers:
        assert farmer.farmer_id in shown
        for secret in (farmer.token, farmer.ip, hash_of(farmer)[:21], hash_of(farmer)[20:]):
            assert secret not in shown


def hash_of(farmer: FarmerSimulator) -> str:
    """What the database keeps of the farmer's token."""
    return hashlib.sha256(bytes.fromhex(farmer.token)).hexdigest()


def test_the_hash_of_an_ip_is_keyed(node: SimulatedNode) -> None:
    """The same IP has the same hash, another one another, and no plain hash gives it."""
    first, second = FarmerSimulator(node).join(), FarmerSimulator(node).join()
    third = FarmerSimulator(node, ip="192.0.2.2").join()
    shown = [node.status(farmer)["ip_hash"] for farmer in (first, second, third)]
    assert shown[0] == shown[1] != shown[2]
    for name in ("md5", "sha1", "sha256", "blake2b"):
        assert shown[0] not in hashlib.new(name, b"192.0.2.1").hexdigest()


# Places


NodeInPlace = Callable[[dict[str, Any]], SimulatedNode]


@pytest.fixture
def node_knowing(
    database_uri: str, master_key: Path, clock: ManualClock, tmp_path: Path
) -> Iterator[NodeInPlace]:
    """Make a node whose City file has one record, for the network of LONDON_IP."""
    made: list[SimulatedNode] = []

    def make(record: dict[str, Any]) -> SimulatedNode:
        writer = MMDBWriter(6, "GeoLite2-City", ["en"], ipv4_compatible=True)
        writer.insert_network(IPSet(["81.2.69.0/24"]), record)
        writer.to_db_file(str(tmp_path / "city.mmdb"))
        places = {"MASTER_KEY_PATH": str(master_key), "MMDB_PATH": str(tmp_path / "city.mmdb")}
        made.append(SimulatedNode(clock, SQLALCHEMY_DATABASE_URI=database_uri, **places))
        return made[-1]

    yield make
    for node in made:
        node.close()


def record(city: str) -> dict[str, Any]:
    """A place as GeoLite2-City stores it."""
    return {
        "city": {"names": {"en": city}},
        "country": {"names": {"en": "United Kingdom"}},
        "subdivisions": [{"names": {"en": "England"}}],
        "postal": {"code": "SW1A"},
        "location": {"latitude": 51.5142, "longitude": -0.0931},
    }


def test_a_place_is_shown(node_knowing: NodeInPlace) -> None:
    """With a GeoIP file the location is filled, on the list and on the page."""
    node = node_knowing(record("London"))
    place = {"city": "London", "country": "United Kingdom", "state": "England", "zip": "SW1A"}
    farmer = FarmerSimulator(node, ip=LONDON_IP).join()
    assert node.status(farmer)["location"] == {**place, "lat": 51.5142, "lon": -0.0931}
    assert listed(node)[0]["location"] == node.status(farmer)["location"]


def test_a_place_follows_the_farmer(node_knowing: NodeInPlace) -> None:
    """A token that moves to another IP moves on the map, and back to nowhere."""
    node = node_knowing(record("London"))
    farmer = FarmerSimulator(node).join()
    cities = []
    for farmer.ip in ("10.0.0.1", LONDON_IP, "8.8.8.8"):
        farmer.ask_for(0)
        cities.append(node.status(farmer)["location"]["city"])
    assert cities == [None, "London", None]


@pytest.mark.parametrize("city", ["北京", "Łódź", "\U0001f3d9", "x" * 150, "北" * 150])
def test_places_have_any_name(node_knowing: NodeInPlace, city: str) -> None:
    """Names are in any script, and cut at 100 characters."""
    node = node_knowing(record(city))
    farmer = FarmerSimulator(node, ip=LONDON_IP).join()
    assert node.status(farmer)["location"]["city"] == city[:100]


def test_an_empty_place(node_knowing: NodeInPlace) -> None:
    """What the file does not know is null, each field for itself."""
    node = node_knowing({"country": {"names": {"en": "Norway"}}})
    farmer = FarmerSimulator(node, ip=LONDON_IP).join()
    assert node.status(farmer)["location"] == {**NOWHERE, "country": "Norway"}
