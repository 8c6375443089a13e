"""One measure over HTTP: what is taken, what is refused and with which text, what is stored."""

from typing import Any

import pytest
from measures.sending import DOCUMENTED, MEASURE, Sender, stored
from simulator import SimulatedNode
from sqlalchemy import select

from downstream_node.measures.models import MeasureReceipt, RawMeasure

NAME = MEASURE["measureName"]
NO_VALUE = "value type is incorrect, it must be a number"
NO_DATE = "startDate type is incorrect, it must be a date"
NO_GROUPS = "groups format is incorrect"
OTHER_KEY = "Group1 key does not match measure definition: "

WRONG = [
    pytest.param({"measureName": ...}, "A measure name must be given", id="no name"),
    pytest.param({"measureName": None}, "A measure name must be given", id="null name"),
    pytest.param({"measureName": 5}, "A measure name must be given", id="number as name"),
    pytest.param({"measureName": ["x"]}, "A measure name must be given", id="list as name"),
    pytest.param({"measureName": {}}, "A measure name must be given", id="object as name"),
    pytest.param({"measureName": "x"}, "No measure definition found for: x", id="unknown name"),
    pytest.param({"measureName": "\0"}, "No measure definition found for: ?", id="zero byte"),
    pytest.param({"measureName": "\ud800"}, "No measure definition found for: ?", id="surrogate"),
    pytest.param({"value": ...}, "A value must be given", id="no value"),
    pytest.param({"value": None}, "A value must be given", id="null value"),
    pytest.param({"value": "many"}, NO_VALUE, id="text as value"),
    pytest.param({"value": []}, NO_VALUE, id="list as value"),
    pytest.param({"value": True}, NO_VALUE, id="D1 boolean"),
    pytest.param({"value": "Infinity"}, NO_VALUE, id="D1 infinity"),
    pytest.param({"value": "NaN"}, NO_VALUE, id="D2 NaN as text"),
    pytest.param({"value": float("nan")}, NO_VALUE, id="D2 NaN"),
    pytest.param({"value": float("-inf")}, NO_VALUE, id="minus infinity"),
    pytest.param({"value": 1.1e15}, NO_VALUE, id="too large"),
    pytest.param({"value": 10**400}, NO_VALUE, id="larger than any float"),
    pytest.param({"value": 1e-101}, NO_VALUE, id="too small"),
    pytest.param({"startDate": ...}, "startDate must be given", id="no date"),
    pytest.param({"startDate": None}, "startDate must be given", id="null date"),
    pytest.param({"startDate": "10"}, NO_DATE, id="D1 number in a text"),
    pytest.param({"startDate": 20220101}, NO_DATE, id="number as date"),
    pytest.param({"startDate": "2022-02-30"}, NO_DATE, id="no such day"),
    pytest.param({"startDate": "2022-01-01 12:00 CET"}, NO_DATE, id="ambiguous zone"),
    pytest.param({"startDate": "0001-01-01T00:00+14:00"}, NO_DATE, id="before all years"),
    pytest.param({"startDate": "9999-12-31"}, NO_DATE, id="too late"),
    pytest.param({"group1": {}}, NO_GROUPS, id="empty group"),
    pytest.param({"group1": None}, NO_GROUPS, id="null group"),
    pytest.param({"group1": ["device"]}, NO_GROUPS, id="list as group"),
    pytest.param({"group1": {"device": "x", "mail": "a@b.c"}}, NO_GROUPS, id="D11 extra key"),
    pytest.param({"group1": {"device": {"mail": "a@b.c"}}}, NO_GROUPS, id="D11 nested"),
    pytest.param({"group1": {"device": ["x"]}}, NO_GROUPS, id="D11 list"),
    pytest.param({"group1": {"device": None}}, NO_GROUPS, id="D11 null"),
    pytest.param({"group1": {"device": "x" * 199}}, NO_GROUPS, id="D11 long"),
    pytest.param({"group1": {"device": float("nan")}}, NO_GROUPS, id="NaN in a group"),
    pytest.param({"group1": {"device": 1 << 63}}, NO_GROUPS, id="65 bits in a group"),
    pytest.param({"group1": {"device": "\ud800"}}, NO_GROUPS, id="surrogate in a group"),
    pytest.param({"group1": {"kind": "x"}}, f"{OTHER_KEY}kind", id="other key"),
    pytest.param({"group1": ...}, f"{OTHER_KEY}None", id="group left out"),
    pytest.param(
        {"group3": {"device": "x"}},
        "Group3 key does not match measure definition: device",
        id="group not defined",
    ),
    pytest.param({"createdBy": 5}, "createdBy type is incorrect, it must be a name", id="app"),
    pytest.param(
        {"contributor": {}}, "contributor type is incorrect, it must be a short text", id="who"
    ),
    pytest.param(
        {"aggregationPeriod": "x" * 101},
        "aggregationPeriod type is incorrect, it must be a short text",
        id="period",
    ),
]


@pytest.mark.parametrize(("changes", "text"), WRONG)
def test_what_is_wrong_is_told(owner: Sender, changes: dict[str, Any], text: str) -> None:
    """D1, D2, D11, D15: 400 with the document's text, never 201 or 500, and nothing is stored."""
    response = owner.send(**changes)
    assert response.status_code == 400
    assert response.get_json() == {"error": text}
    assert stored(owner.node) == 0


@pytest.mark.parametrize("body", [b"", b"{", b"{}", b"[]", b"5", b"null", b"\xff", b"[" * 9000])
def test_bodies_that_are_none(owner: Sender, body: bytes) -> None:
    """No body, no JSON, no object, nothing in it: the measure is empty."""
    response = owner.ask("POST", "/measure", data=body)
    assert response.status_code == 400
    assert response.get_json() == {"error": "The measure cannot be empty"}


STEPS: tuple[dict[str, Any], ...] = (
    {"measureName": NAME},
    {"value": 1},
    {"startDate": "2022-01-01"},
    {"group1": {}},
)


def test_checks_have_the_documents_order(owner: Sender) -> None:
    """Of all that is wrong the first is told, and one mended, the next."""
    mended: dict[str, Any] = {"wrong": True}
    texts = []
    for step in STEPS:
        texts.append(owner.ask("POST", "/measure", json=mended).get_json()["error"])
        mended |= step
    texts.append(owner.ask("POST", "/measure", json=mended).get_json()["error"])
    assert texts[:2] == ["A measure name must be given", "A value must be given"]
    assert texts[2:] == ["startDate must be given", f"{OTHER_KEY}None", NO_GROUPS]


TAKEN = [
    pytest.param({"value": 0}, 0.0, id="zero"),
    pytest.param({"value": "54.39"}, 54.39, id="number as text"),
    pytest.param({"value": 1e12}, 1e12, id="D1 large"),
    pytest.param({"value": -1e15}, -1e15, id="least"),
    pytest.param({"value": 0.00501}, 0.00501, id="finer than a cent"),
]


@pytest.mark.parametrize(("changes", "value"), TAKEN)
def test_what_is_taken_is_stored(owner: Sender, changes: dict[str, Any], value: float) -> None:
    """D1: 201 stands for a row with exactly this value."""
    response = owner.send(**changes)
    assert (response.status_code, response.get_json()) == (201, {"ok": True})
    assert rows(owner.node)[0].value == value


def rows(node: SimulatedNode) -> list[Any]:
    """All measures, oldest first."""
    query = select(RawMeasure.__table__).order_by(RawMeasure.id)
    found: list[Any] = node.parts.database.read(lambda connection: connection.execute(query).all())
    return found


@pytest.mark.parametrize(
    "start",
    ["2022-01-01", "2022-01-01T01:00+01:00", "20211231T190000-0500", "2022-01-01T00:00:00Z"],
)
def test_zones_are_heeded(owner: Sender, start: str) -> None:
    """One instant, however it is written, is one start."""
    assert owner.send(startDate=start).status_code == 201
    assert rows(owner.node)[0].start == 1_640_995_200_000


def test_the_documents_example_is_taken(app: Sender) -> None:
    """All three groups are stored as JSON texts, with the app and the time of arrival."""
    assert app.ask("POST", "/measure", json=DOCUMENTED).status_code == 201
    (row,) = rows(app.node)
    assert (row.group1, row.group2, row.group3) == ('"enedis"', '"connection"', '"success"')
    assert (row.created_by, row.arrived, row.cell) == ("ecolyo", app.node.clock.wall, None)


def test_groups_keep_their_types(owner: Sender) -> None:
    """The text "1", the number 1 and true are three cells; equal ones are one."""
    for device in ("1", 1, True, 1):
        assert owner.send(group1={"device": device}).status_code == 201
    assert len({row.cell_key for row in rows(owner.node)}) == 3


def test_no_app_is_no_name(owner: Sender) -> None:
    """Measures without an app are a cell of their own, and all of one."""
    for created_by in (..., None, "ecolyo"):
        assert owner.send(createdBy=created_by).status_code == 201
    assert len({row.cell_key for row in rows(owner.node)}) == 2


def test_contributors_are_kept_as_hashes(owner: Sender) -> None:
    """One hash for a contributor in a period, another one in the next, and none is the name."""
    for start in ("2022-01-01", "2022-01-01T23:59", "2022-01-02"):
        assert owner.send(startDate=start, contributor="ada").status_code == 201
    first, same, other = (row.contributor for row in rows(owner.node))
    assert first == same != other
    assert b"ada" not in first + other


def test_contributors_differ_by_definition(app: Sender) -> None:
    """Nobody can be followed from one measure to another."""
    for one in (MEASURE, DOCUMENTED):
        assert app.ask("POST", "/measure", json=one | {"contributor": "ada"}).status_code == 201
    first, second = (row.contributor for row in rows(app.node))
    assert first != second


# Idempotency keys


def test_a_key_counts_once(owner: Sender) -> None:
    """The same measure with the same key is the same success, and one row."""
    answers = [owner.send(key="k") for _ in range(3)]
    assert {(one.status_code, one.text) for one in answers} == {(201, '{"ok":true}')}
    assert stored(owner.node) == 1


def test_a_key_is_for_one_measure(owner: Sender) -> None:
    """With another measure it is a 409, and nothing is stored."""
    assert owner.send(key="k").status_code == 201
    response = owner.send(key="k", value=2)
    assert response.status_code == 409
    assert response.get_json()["error"].startswith("This idempotency key came before")
    assert stored(owner.node) == 1


def test_keys_belong_to_their_sender(owner: Sender, app: Sender) -> None:
    """The same key of two senders is two keys."""
    assert owner.send(key="k").status_code == 201
    assert app.send(key="k", value=2).status_code == 201
    assert stored(owner.node) == 2


@pytest.mark.parametrize("key", ["", "x" * 201])
def test_keys_have_a_size(owner: Sender, key: str) -> None:
    """An empty or a very long key is told, and the measure not stored."""
    response = owner.send(key=key)
    assert response.status_code == 400
    assert "idempotencyKey" in response.get_json()["error"]
    assert stored(owner.node) == 0


def test_keys_are_not_kept(owner: Sender) -> None:
    """Only hashes of key and content are stored."""
    owner.send(key="my-key")
    query = select(MeasureReceipt.key_hash)
    read = owner.node.parts.database.read
    assert read(lambda connection: connection.execute(query).scalar_one()) != b"my-key"


def test_without_a_key_all_count(owner: Sender) -> None:
    """Two equal measures are two contributions."""
    assert [owner.send().status_code for _ in range(2)] == [201, 201]
    assert stored(owner.node) == 2
