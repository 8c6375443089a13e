"""The v2 status API over HTTP: parameters, headers, CSV, caching."""

import csv
import io
from collections.abc import Callable
from typing import Any

import pytest
from simulator import FarmerSimulator, SimulatedNode
from werkzeug.test import TestResponse

from downstream_node.status.v2.parameters import FIELDS

V2 = "/api/downstream/v2/status"
Get = Callable[..., TestResponse]


@pytest.fixture(scope="module")
def crowd(lite: SimulatedNode) -> SimulatedNode:
    """Seven farmers, three of them online."""
    lite.fill_pool(10)
    for number in range(7):
        farmer = FarmerSimulator(lite, f"v2 farmer {number}").join()
        if number < 3:
            farmer.take(1).answer_all()
    return lite


@pytest.fixture
def get(crowd: SimulatedNode) -> Get:
    """A GET below the v2 mount."""

    def request(path: str, **options: Any) -> TestResponse:
        return crowd.app.test_client().get(V2 + path, **options)

    return request


def farmer_ids(response: TestResponse) -> list[str]:
    """The ids of a page."""
    assert response.status_code == 200, response.get_json()
    return [farmer["id"] for farmer in response.get_json()["farmers"]]


PATHS = ("/totals", "/farmers", "/farmers.csv", "/history", "/places", "/outages")


@pytest.mark.parametrize("path", PATHS)
def test_everybody_may_read_and_keep(get: Get, path: str) -> None:
    """Every answer is open to all origins, says how long it lasts, and has an ETag."""
    response = get(path)
    assert response.status_code == 200
    assert response.headers["Access-Control-Allow-Origin"] == "*"
    assert response.headers["Cache-Control"] == "public, max-age=5"
    again = get(path, headers={"If-None-Match": response.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")


@pytest.mark.parametrize("path", PATHS)
def test_preflights(crowd: SimulatedNode, path: str) -> None:
    """A page of another origin may send If-None-Match."""
    response = crowd.app.test_client().options(V2 + path)
    assert response.headers["Access-Control-Allow-Origin"] == "*"
    assert "If-None-Match" in response.headers["Access-Control-Allow-Headers"]
    assert "POST" not in response.headers["Access-Control-Allow-Methods"]


@pytest.mark.parametrize("path", PATHS)
def test_head(crowd: SimulatedNode, path: str) -> None:
    """HEAD is GET without a body."""
    response = crowd.app.test_client().head(V2 + path)
    assert (response.status_code, response.data) == (200, b"")
    assert response.headers["ETag"]


@pytest.mark.parametrize(
    "path",
    [
        "/totals?x=1",
        "/farmers?x=1",
        "/farmers?limit=0",
        "/farmers?limit=1001",
        "/farmers?limit=x",
        "/farmers?limit=1&limit=2",
        "/farmers?limit=1.5",
        "/farmers?page=-1",
        "/farmers?page=1&cursor=x",
        "/farmers?cursor=x",
        "/farmers?sort=token_hash",
        "/farmers?order=up",
        "/farmers?online=maybe",
        "/farmers?min_uptime=101",
        "/farmers?min_uptime=nan",
        "/farmers?fields=",
        "/farmers?fields=id,token_hash",
        "/farmers?country=%00",
        "/farmers?address=" + "x" * 101,
        "/farmers.csv?limit=0",
        "/history?step=week",
        "/history?points=0",
        "/history?step=hour&points=745",
        "/outages?limit=0",
    ],
)
def test_bad_queries(get: Get, path: str) -> None:
    """They are refused in the API's error form, which other origins may read, too."""
    response = get(path)
    assert response.status_code == 400
    assert response.get_json()["status"] == "error"
    assert response.headers["Access-Control-Allow-Origin"] == "*"
    assert "Cache-Control" not in response.headers


@pytest.mark.parametrize("path", ["/farmers/x", "/farmers/" + "0" * 20, "/farmers/x/failures"])
def test_unknown_farmers(get: Get, path: str) -> None:
    """A farmer that is not there is a 404."""
    assert get(path).status_code == 404


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("state=online", "Unknown parameter: state. Known are: online, country,"),
        ("online=yes", "Invalid online: it must be true or false."),
        ("sort=-uptime", "Invalid sort: it must be one of id, address, country,"),
        ("order=up", "Invalid order: it must be one of asc, desc."),
        ("limit=0", "Invalid limit: it must be a whole number from 1 to 1000."),
        ("min_uptime=x", "Invalid min_uptime: it must be a number from 0 to 100."),
        ("country=%00", "Invalid country: it must be a text of at most 100 characters."),
        ("limit=1&limit=2", "Invalid limit: it is given twice."),
    ],
)
def test_errors_say_what_would_be_right(get: Get, query: str, told: str) -> None:
    """Who made a mistake learns what is allowed."""
    assert get(f"/farmers?{query}").get_json()["message"].startswith(told)


def test_walking_by_link(get: Get) -> None:
    """The Link header leads through all farmers, with the filter that was given."""
    path: str | None = "/farmers?limit=3&sort=uptime&order=desc"
    seen = []
    while path:
        response = get(path)
        seen += farmer_ids(response)
        links = response.headers["Link"].split(", ")
        following = [link for link in links if link.endswith('rel="next"')]
        path = following[0][1 : following[0].index(">")].removeprefix(V2) if following else None
    assert len(seen) == len(set(seen)) == 7


def test_filter_and_total(get: Get) -> None:
    """The total counts what the filter lets through, not what the page shows."""
    body = get("/farmers?online=true&limit=2").get_json()
    assert (len(body["farmers"]), body["total"]) == (2, 3)
    assert {farmer["state"] for farmer in body["farmers"]} == {"online"}


def test_fields(get: Get) -> None:
    """Only the fields that were asked for."""
    body = get("/farmers?fields=uptime,id").get_json()
    assert {tuple(farmer) for farmer in body["farmers"]} == {("uptime", "id")}


def test_csv(get: Get) -> None:
    """A line of names, then a line a farmer, in the order of the sort."""
    response = get("/farmers.csv?sort=heartbeats&order=desc&limit=5")
    rows = list(csv.DictReader(io.StringIO(response.text)))
    assert response.mimetype == "text/csv"
    assert list(rows[0]) == list(FIELDS)
    assert [row["heartbeats"] for row in rows] == ["1", "1", "1", "0", "0"]


def test_one_farmer(get: Get) -> None:
    """Windows of 24 h, 7 d, 30 d and life, 90 days, and the rules with their thresholds."""
    (farmer_id, *_) = farmer_ids(get("/farmers?online=true"))
    body = get(f"/farmers/{farmer_id}").get_json()
    assert [window["name"] for window in body["windows"]] == ["24h", "7d", "30d", "life"]
    assert len(body["days"]) == 90
    interval = next(rule for rule in body["rules"] if rule["name"] == "DEFAULT_INTERVAL")
    assert interval["value"] == 60
    assert get(f"/farmers/{farmer_id}/failures").get_json() == {"failures": []}


@pytest.mark.parametrize("path", ["/totals", "/farmers", "/places"])
def test_no_secret_gets_out(get: Get, path: str) -> None:
    """No token, no IP address, no hash of either, no exact position."""
    text = get(path).text
    assert "192.0.2" not in text
    assert "ip_hash" not in text
    assert "token" not in text
