"""Definitions: what makes sense, what replaces what, and who sees them."""

from typing import Any

import pytest
from measures.sending import API, DAILY, KONNECTOR, MEASURE, Sender, aggregate, define
from simulator import SimulatedNode

from downstream_node.errors import InvalidDefinition
from downstream_node.measures import definitions
from downstream_node.measures.v1.parameters import cursor_text

SMALL = {"name": "m", "org": "o"}
NOISE = {"noiseEpsilon": 0.5, "noiseBudget": 1, "valueMin": 0, "valueMax": 10}


def one(node: SimulatedNode, name: Any) -> Any:
    """The definition *name*."""
    return node.parts.database.read(lambda connection: definitions.by_name(connection, name))


def test_new_ones_are_inserted_and_others_updated(node: SimulatedNode) -> None:
    """By name, whatever number a file gives them; how many is told."""
    assert define(node, DAILY | {"id": 7}) == (1, 0)
    assert define(node, KONNECTOR | {"id": 7}, DAILY | {"org": "other"}) == (1, 1)
    assert one(node, DAILY["name"]).org == "other"
    names = node.parts.database.read(definitions.all_of)
    assert [row.name for row in names] == [DAILY["name"], KONNECTOR["name"]]


def test_all_settings_are_heeded_at_first(node: SimulatedNode) -> None:
    """D12: quartiles and their days are stored by the first insert."""
    define(node, DAILY | {"withQuartiles": True, "maxDaysToUpdateQuartile": 7})
    row = one(node, DAILY["name"])
    assert (row.with_quartiles, row.max_days_to_update_quartile) == (True, 7)


def test_all_settings_are_heeded_later(node: SimulatedNode) -> None:
    """D12: and by an update; what is left out has its default again."""
    define(node, DAILY)
    define(node, DAILY | {"withQuartiles": True, "maxDaysToUpdateQuartile": 7})
    assert one(node, DAILY["name"]).max_days_to_update_quartile == 7
    define(node, DAILY)
    row = one(node, DAILY["name"])
    assert (row.with_quartiles, row.max_days_to_update_quartile) == (False, 100)


def test_both_spellings_are_read(node: SimulatedNode) -> None:
    """As the document writes fields, and as its files do."""
    define(node, SMALL | {"group1_key": "a", "aggregation_threshold": 9, "access_app": True})
    row = one(node, "m")
    assert (row.group1_key, row.aggregation_threshold, row.access_app) == ("a", 9, True)


WRONG = [
    pytest.param(5, "object", id="a number"),
    pytest.param({"org": "o"}, "name", id="no name"),
    pytest.param({"name": "m"}, "org", id="no org"),
    pytest.param(SMALL | {"name": "m "}, "printable", id="space"),
    pytest.param(SMALL | {"name": "\ud800"}, "printable", id="surrogate"),
    pytest.param(SMALL | {"name": "a/b"}, "path", id="slash"),
    pytest.param(SMALL | {"org": "x" * 51}, "org", id="long org"),
    pytest.param(SMALL | {"group1Key": ""}, "group1Key", id="empty key"),
    pytest.param(SMALL | {"description": "\0"}, "description", id="zero byte"),
    pytest.param(SMALL | {"aggregationPeriod": "year"}, "aggregationPeriod", id="period"),
    pytest.param(SMALL | {"aggregationThreshold": 0}, "aggregationThreshold", id="no threshold"),
    pytest.param(SMALL | {"aggregationThreshold": True}, "aggregationThreshold", id="boolean"),
    pytest.param(SMALL | {"withQuartile": True}, "withQuartile", id="misspelled"),
    pytest.param(SMALL | {"access_app": True, "accessApp": False}, "twice", id="twice"),
    pytest.param(SMALL | {"valueMin": 2, "valueMax": 2}, "below", id="no range"),
    pytest.param(SMALL | {"noiseEpsilon": 1}, "noise_budget, value_min", id="half of noise"),
    pytest.param(SMALL | NOISE | {"noiseBudget": 0.1}, "noise_budget below", id="small budget"),
]


@pytest.mark.parametrize(("described", "text"), WRONG)
def test_what_makes_no_sense(node: SimulatedNode, described: Any, text: str) -> None:
    """It is told with the field, and the others of the file are not loaded either."""
    with pytest.raises(InvalidDefinition, match=text):
        define(node, DAILY, described)
    assert one(node, DAILY["name"]) is None


def test_two_of_one_name(node: SimulatedNode) -> None:
    """One of them is a mistake."""
    with pytest.raises(InvalidDefinition, match="'m' is there twice"):
        define(node, SMALL, SMALL)


def test_noise_needs_its_library(node: SimulatedNode, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where it is not installed, definitions with noise are refused with the remedy."""
    define(node, SMALL | NOISE)
    assert one(node, "m").noise_epsilon == 0.5
    monkeypatch.setattr(definitions, "find_spec", {}.get)
    with pytest.raises(InvalidDefinition, match="pip install opendp"):
        define(node, SMALL | NOISE)


def test_groups_of_measures_keep_their_keys(owner: Sender) -> None:
    """While nothing was sent they may change; then results would stand under other keys."""
    define(owner.node, DAILY | {"group1Key": "kind"})
    define(owner.node, DAILY)
    owner.send()
    with pytest.raises(InvalidDefinition, match="cannot change"):
        define(owner.node, DAILY | {"group1Key": "kind"})
    assert define(owner.node, DAILY | {"aggregationThreshold": 3}) == (0, 1)


def test_strange_names_are_nobodys(node: SimulatedNode) -> None:
    """Names that no database can compare are answered without asking it."""
    for name in ("", " m", "\0", "\ud800", "x" * 101):
        assert one(node, name) is None


# Over HTTP


def test_definitions_can_be_read(app: Sender) -> None:
    """By who may write or read; in the form of files, so that they can be loaded again."""
    listed = app.ask("GET", f"{API}/definitions").get_json()["definitions"]
    assert [row["name"] for row in listed] == [DAILY["name"], KONNECTOR["name"]]
    assert DAILY.items() <= listed[0].items()
    assert define(app.node, *listed) == (0, 2)
    assert app.ask("GET", f"{API}/definitions/{DAILY['name']}").get_json() == listed[0]


def test_definitions_of_others_are_not_shown(stranger: Sender) -> None:
    """D9: to who may neither write nor read they are not there, until they are public."""
    path = f"{API}/definitions/{DAILY['name']}"
    assert stranger.ask("GET", f"{API}/definitions").get_json() == {"definitions": []}
    assert stranger.ask("GET", path).status_code == 404
    define(stranger.node, DAILY | {"accessPublic": True})
    assert stranger.ask("GET", path).status_code == 200


# Pages of results


def fill(owner: Sender) -> None:
    """Twelve results: three days, two apps and none, two devices, two contributions each."""
    batch = [
        MEASURE
        | {"value": value, "startDate": f"2022-01-0{day}"}
        | {"createdBy": app, "group1": {"device": device}}
        for day in (1, 2)
        for app in (None, "a", "ecolyo")
        for device in (1, "1")
        for value in (1, 2)
    ]
    assert owner.send_all(*batch).get_json()["stored"] == 24
    aggregate(owner.node)


def place(row: dict[str, Any]) -> tuple[str, str, str]:
    """Where a result stands."""
    return row["startDate"], row.get("createdBy", ""), repr(row["group1"])


@pytest.mark.parametrize("limit", [1, 5, 12])
def test_pages_make_the_whole(owner: Sender, limit: int) -> None:
    """All pages together are what the document's route gives, in the same order."""
    fill(owner)
    rows: list[Any] = []
    query: dict[str, Any] = {"limit": limit}
    while query:
        answer = owner.page(**query).get_json()
        rows += answer["aggregates"]
        query = {"limit": limit, "cursor": answer["next"]} if answer["next"] else {}
    assert rows == owner.results().get_json()
    assert len({place(row) for row in rows}) == 12
    assert [place(row)[:2] for row in rows] == sorted(place(row)[:2] for row in rows)


def test_pages_can_be_narrowed(owner: Sender) -> None:
    """By start (with it) and end (without it), and by app."""
    fill(owner)
    rows = owner.page(start="2022-01-02", createdBy="a").get_json()["aggregates"]
    assert {place(row)[:2] for row in rows} == {("2022-01-02T00:00:00", "a")}
    assert len(owner.page(end="2022-01-02").get_json()["aggregates"]) == 6


def test_what_is_known_is_not_sent_again(owner: Sender) -> None:
    """304 for the ETag of the answer before, 200 after a change; kept by the client only."""
    fill(owner)
    first = owner.page()
    known = {"If-None-Match": first.headers["ETag"]}
    assert (first.headers["Cache-Control"], first.headers["Vary"]) == (
        "private, no-cache",
        "Authorization",
    )
    again = owner.page(headers=known)
    assert (again.status_code, again.data) == (304, b"")
    fill(owner)
    assert owner.page(headers=known).status_code == 200


BAD_CURSORS = ["x", "!", "bnVsbA", "WzEsMSwxLDEsMSwxXQ", "WzEsIgAiLCIiLCIiLCIiLDFd", "é"]


@pytest.mark.parametrize(
    "query",
    [
        *({"cursor": cursor} for cursor in BAD_CURSORS),
        *({"limit": limit} for limit in ("0", "5001", "x")),
        {"start": "10"},
        {"end": ""},
        {"createdBy": "\0"},
        {"other": "1"},
        {"limit": ["1", "2"]},
    ],
)
def test_wrong_queries(owner: Sender, query: dict[str, Any]) -> None:
    """400 in the form of the API."""
    response = owner.page(**query)
    assert response.status_code == 400
    assert response.get_json()["status"] == "error"


def test_cursors_stay_within_the_database(owner: Sender) -> None:
    """A forged cursor with numbers that no column holds, or a zero byte, is told as such."""
    keys: Any = ([1 << 63, "", "", "", "", 1], [1, "\0", "", "", "", 1])
    for key in keys:
        response = owner.page(cursor=cursor_text(key))
        assert response.status_code == 400
        assert response.get_json()["message"].startswith("Invalid cursor")


def test_measures_that_are_none(owner: Sender) -> None:
    """404 for a name in the path, 401 without a token, both in the form of the API."""
    response = owner.ask("GET", f"{API}/measures/none/aggregates")
    assert (response.status_code, response.get_json()["status"]) == (404, "error")
    response = owner.client.get(f"{API}/definitions")
    assert (response.status_code, response.get_json()["status"]) == (401, "error")
    assert response.headers["WWW-Authenticate"] == "Bearer"
