"""Who may write and read what; tokens; the health."""

from typing import Any

import pytest
from measures.sending import DAILY, YEAR, Sender, aggregate, define, new_token, stored
from simulator import START, SimulatedNode
from sqlalchemy import text

from downstream_node.errors import Busy, InvalidOrganisation
from downstream_node.measures import results, tokens
from downstream_node.measures.tokens import StoredToken

NAME = DAILY["name"]
FORBIDDEN = f"You cannot access results for this measure: {NAME}"


# Tokens


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer ", "Bearer x", "Basic {}", "{}", "Bearer {}x", "Bearer \xff"]
)
@pytest.mark.parametrize("path", ["/measure", "/aggregate"])
def test_without_a_token_nothing_goes(owner: Sender, header: str, path: str) -> None:
    """401 with the document's plain text, before the body is looked at."""
    headers = {"Authorization": header.format(owner.token)}
    response = owner.client.post(path, headers=headers, data=b"{")
    assert (response.status_code, response.text) == (401, "Unauthorized Access")
    assert response.mimetype == "text/plain"
    assert response.headers["WWW-Authenticate"] == "Bearer"


def test_the_scheme_has_no_case(owner: Sender) -> None:
    """As RFC 9110 says."""
    headers = {"Authorization": f"bearer {owner.token}"}
    assert owner.send().status_code == 201
    assert owner.client.post("/measure", headers=headers, json={}).status_code == 400


def work(node: SimulatedNode, what: Any, *arguments: Any) -> Any:
    """What a function of `tokens` returns, in a transaction."""
    return node.parts.database.write(lambda connection: what(connection, *arguments))


def test_all_tokens_of_an_org_end(owner: Sender) -> None:
    """D13: after delete-org no token of it works, however many there were."""
    second = new_token(owner.node, "grandlyon")
    assert work(owner.node, tokens.remove_org, "grandlyon") == 2
    assert owner.send().status_code == 401
    assert work(owner.node, tokens.org_of, second) is None
    assert work(owner.node, tokens.remove_org, "grandlyon") == 0


def test_a_replaced_token_ends_at_once(owner: Sender) -> None:
    """D13: update gives one new token, and all former ones end, without a minute's delay."""
    assert owner.send().status_code == 201
    fresh = work(owner.node, tokens.replace, "grandlyon", START)
    assert owner.send().status_code == 401
    owner.token = fresh
    assert owner.send().status_code == 201


def test_tokens_are_listed_without_themselves(owner: Sender, app: Sender) -> None:
    """By organisation, with the time and the beginning of the hash."""
    begins = tokens.hash_of(app.token).hex()[:12]
    assert work(owner.node, tokens.listed, "ecolyo") == [StoredToken("ecolyo", START, begins)]
    assert [one.org for one in work(owner.node, tokens.listed)] == ["ecolyo", "grandlyon"]
    assert owner.token not in str(work(owner.node, tokens.listed))


@pytest.mark.parametrize("org", ["", " x", "x ", "a\0b", "x" * 101, "\ud800", "a\nb"])
def test_names_of_organisations(node: SimulatedNode, org: str) -> None:
    """What no database can hold or nobody can read is no name."""
    with pytest.raises(InvalidOrganisation):
        work(node, tokens.create, org, START)


def test_only_what_is_there_is_replaced(node: SimulatedNode) -> None:
    """A misspelled organisation gets no token."""
    with pytest.raises(InvalidOrganisation, match="no token of nobody"):
        work(node, tokens.replace, "nobody", START)
    assert work(node, tokens.listed) == []


# Writing and reading


def test_only_the_owner_and_the_app_write(owner: Sender, app: Sender, stranger: Sender) -> None:
    """D9: a foreign organisation's measures are refused with 403, and not stored."""
    assert [one.send().status_code for one in (owner, app, stranger)] == [201, 201, 403]
    answer = stranger.send().get_json()
    assert answer == {"error": f"You cannot send values for this measure: {NAME}"}
    assert stored(owner.node) == 2


READERS = [
    pytest.param({}, (200, 403, 403), id="owner only"),
    pytest.param({"accessApp": True}, (200, 200, 403), id="D9 app"),
    pytest.param({"accessPublic": True}, (200, 200, 200), id="D10 public"),
]


@pytest.mark.parametrize(("access", "expected"), READERS)
def test_who_reads(
    owner: Sender, app: Sender, stranger: Sender, access: dict[str, bool], expected: tuple[int, ...]
) -> None:
    """D9, D10: the owner always, the app if access_app, everybody if access_public."""
    define(owner.node, DAILY | access)
    readers = (owner, app, stranger)
    assert tuple(one.results().status_code for one in readers) == expected
    assert tuple(one.page().status_code for one in readers) == expected


def test_reading_is_refused_with_the_documents_text(stranger: Sender) -> None:
    """And before the dates are looked at."""
    response = stranger.results(startDate=None)
    assert (response.status_code, response.get_json()) == (403, {"error": FORBIDDEN})


def test_no_app_is_nobody(node: SimulatedNode) -> None:
    """Where a definition names no app, nobody is it."""
    define(node, DAILY | {"createdBy": None, "accessApp": True})
    assert Sender(node, "None").send().status_code == 403
    assert Sender(node, "ecolyo").results().status_code == 403


# Questions

QUESTIONS = [
    pytest.param({}, "The params cannot be empty", id="nothing"),
    pytest.param([1], "The params cannot be empty", id="a list"),
    pytest.param(YEAR, "A measure name must be given", id="no name"),
    pytest.param({"measureName": "x"}, "No measure definition found for: x", id="unknown"),
    pytest.param({"measureName": NAME}, "startDate must be given", id="no start"),
    pytest.param(
        {"measureName": NAME, "startDate": "10"},
        "startDate type is incorrect, it must be a date",
        id="D15 start",
    ),
    pytest.param(
        {"measureName": NAME, "startDate": "2022-01-01"}, "endDate must be given", id="no end"
    ),
    pytest.param(
        {"measureName": NAME, "startDate": "2022-01-01", "endDate": 5},
        "endDate type is incorrect, it must be a date",
        id="D15 end",
    ),
    pytest.param(
        {"measureName": NAME, "createdBy": "\0", **YEAR},
        "createdBy type is incorrect, it must be a name",
        id="D15 app",
    ),
]


@pytest.mark.parametrize(("body", "text"), QUESTIONS)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_wrong_questions(owner: Sender, method: str, body: Any, text: str) -> None:
    """D15: 400 with the document's text and no SQL, in its order, by both methods."""
    response = owner.ask(method, "/aggregate", json=body)
    assert (response.status_code, response.get_json()) == (400, {"error": text})


def test_questions_need_a_body_or_a_query(owner: Sender) -> None:
    """Without a body the query string is read: some proxies drop the body of a GET."""
    assert owner.ask("GET", "/aggregate").get_json() == {"error": "The params cannot be empty"}
    response = owner.ask("GET", "/aggregate", query_string={"measureName": NAME, **YEAR})
    assert (response.status_code, response.get_json()) == (200, [])


def test_extreme_ranges_are_ranges(owner: Sender) -> None:
    """The first and the last day of the calendar are dates, and a range upside down is empty."""
    assert owner.results(startDate="0001-01-01", endDate="9999-12-31").get_json() == []
    assert owner.results(startDate="2023-01-01", endDate="2022-01-01").get_json() == []


def test_results_have_the_documents_form(owner: Sender) -> None:
    """All its fields and no other; what is not there is left out; times name no zone."""
    for value in (0, 0.1, 0.2):
        owner.send(value=value)
    aggregate(owner.node)
    (row,) = owner.results().get_json()
    std = row.pop("std")
    assert std == pytest.approx(0.1)
    place = {"measureName": NAME, "startDate": "2022-01-01T00:00:00", "createdBy": "ecolyo"}
    numbers = {"sum": 0.3, "count": 3, "countNotZero": 2, "min": 0.0, "max": 0.2, "avg": 0.1}
    assert row == place | {"group1": {"device": "desktop"}} | numbers


@pytest.mark.parametrize("size", [1, 2, 3, 4, 100])
def test_many_results_are_one_list(
    owner: Sender, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    """They are read page by page, and sent as the list that they were at once."""
    for device in ("a", "b", "c"):
        owner.send(group1={"device": device})
        owner.send(group1={"device": device})
    aggregate(owner.node)
    whole = owner.results().get_json()
    monkeypatch.setattr(results, "PAGE", size)
    response = owner.results()
    assert (response.get_json(), len(whole)) == (whole, 3)
    assert response.mimetype == "application/json"
    assert ("Content-Length" in response.headers) is (size > 3)


def test_what_fails_within_the_list(owner: Sender, monkeypatch: pytest.MonkeyPatch) -> None:
    """The list breaks off where its rules change: nobody can take it for the whole."""
    for device in ("a", "b"):
        owner.send(group1={"device": device})
        owner.send(group1={"device": device})
    aggregate(owner.node)
    monkeypatch.setattr(results, "PAGE", 1)
    question = {"measureName": NAME, **YEAR}
    response = owner.ask("GET", "/aggregate", json=question, buffered=False)
    pieces = response.iter_encoded()
    assert next(pieces).startswith(b'[{"measureName"')
    define(owner.node, DAILY | {"aggregationThreshold": 50})
    with pytest.raises(Busy):
        next(pieces)


def test_errors_come_before_the_list(owner: Sender, monkeypatch: pytest.MonkeyPatch) -> None:
    """A database that fails at the first page is a 503 in the document's form."""
    monkeypatch.setattr(results, "read", busy)
    response = owner.results()
    assert (response.status_code, list(response.get_json())) == (503, ["error"])


def busy(*_arguments: object) -> None:
    """Do as a database that takes nothing more."""
    raise Busy("Later.")


def test_quartiles_are_there_if_they_are_wanted(owner: Sender) -> None:
    """With the document's names."""
    define(owner.node, DAILY | {"withQuartiles": True})
    for value in (1, 2, 4):
        owner.send(value=value)
    aggregate(owner.node)
    (row,) = owner.results().get_json()
    assert (row["firstQuartile"], row["median"], row["thirdQuartile"]) == (1.5, 2.0, 3.0)


def test_the_threshold_holds(owner: Sender) -> None:
    """Of less than two contributions nothing is told; of two, at once after the next pass."""
    owner.send()
    aggregate(owner.node)
    assert owner.results().get_json() == []
    owner.send()
    aggregate(owner.node)
    assert [row["count"] for row in owner.results().get_json()] == [2]


# The health


def test_the_health_is_for_everybody(node: SimulatedNode) -> None:
    """200 in the document's form, and kept by nobody, the node's own page cache included."""
    client = node.app.test_client()
    responses = [client.get("/status") for _ in range(2)]
    for response in responses:
        assert response.get_json() == {"db": {"status": "ok"}, "global_status": "ok"}
        assert response.headers["Cache-Control"] == "no-store"
        assert "Age" not in response.headers


def test_a_broken_database_is_told(node: SimulatedNode, monkeypatch: pytest.MonkeyPatch) -> None:
    """D18: 503 and ko, right after an ok, without what the driver says."""
    client = node.app.test_client()
    assert client.get("/status").status_code == 200
    monkeypatch.setattr("downstream_node.measures.routes.HEALTH", text("SELECT secret FROM no"))
    response = client.get("/status")
    assert response.status_code == 503
    assert response.get_json() == {"db": {"status": "ko"}, "global_status": "ko"}


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [("GET", "/measure", "POST"), ("PUT", "/aggregate", "GET, POST"), ("DELETE", "/status", "GET")],
)
def test_other_methods(node: SimulatedNode, method: str, path: str, allowed: str) -> None:
    """405 in the document's form, with what is allowed."""
    response = node.app.test_client().open(path, method=method)
    assert (response.status_code, response.headers["Allow"]) == (405, allowed)
    assert set(response.get_json()) == {"error"}


def test_large_bodies_are_refused(owner: Sender) -> None:
    """413 in the document's form."""
    limit = owner.node.parts.settings.MAX_BODY_SIZE
    response = owner.ask("POST", "/measure", data=b"x" * (limit + 1))
    assert response.status_code == 413
    assert response.get_json() == {"error": f"The body is larger than {limit} bytes."}


def test_a_lost_database_is_told_without_details(
    owner: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    """D15: whatever breaks, no SQL reaches the caller."""
    monkeypatch.setattr("downstream_node.measures.collecting.INSERT", "no statement")
    response = owner.send()
    assert response.status_code == 500
    assert response.get_json() == {"error": "Internal Server Error"}
