"""One search for all, over HTTP: order, cursors, context, facets, versions."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from chats.asking import Asker, bring, export_of, holder, said, served
from hypothesis import given, settings
from hypothesis import strategies as st
from simulator import SimulatedNode

from downstream_node.chats import cursors, ranking, searching
from downstream_node.chats.engines import sqlite_connections
from downstream_node.errors import InvalidRequest

V1 = "/api/chats/v1"
SEARCH = f"{V1}/search"
COUNT = 30


@pytest.fixture(scope="module")
def archive(
    tmp_path_factory: pytest.TempPathFactory, empty_sqlite: Path, master_key: Path
) -> Iterator[SimulatedNode]:
    """A node with thirty messages of April and two of May, one edited, one with strange signs."""
    node = served(tmp_path_factory.mktemp("v1"), empty_sqlite, master_key)
    people = [{"id": str(n), "name": name, "isBot": False} for n, name in enumerate(["ada", "bo"])]
    april = [
        said(n, f"2024-04-{n + 1:02}T12:00:00Z", f"pie {n}", author=people[n % 2])
        for n in range(COUNT)
    ]
    may = [
        said(100, "2024-05-01T00:00:00Z", "\U0001f967 a Pecan Pie & 100% <b>tea</b>"),
        said(101, "2024-05-02T00:00:00Z", "before the edit"),
    ]
    edited = said(
        101, "2024-05-02T00:00:00Z", "after it", timestampEdited="2024-05-03T00:00:00+00:00"
    )
    bring(node, export_of([*april, *may], channel=10))
    bring(node, export_of([edited], channel=10), "later.json")
    yield node
    node.close()


@pytest.fixture(scope="module")
def ada(archive: SimulatedNode) -> Asker:
    """Who may read and import everything."""
    return holder(archive, may_import=True)


def walk(asker: Asker, direction: str, start: str | None, **query: Any) -> list[list[str]]:
    """The pages in one direction, from a cursor on."""
    pages, cursor = [], start
    while True:
        given_cursor = {} if cursor is None else {"cursor": cursor}
        page = asker.get(SEARCH, **query, **given_cursor)
        pages.append([hit["message"]["content"] for hit in page["hits"]])
        cursor = page[direction]
        if cursor is None:
            return pages


@pytest.mark.parametrize("order", ["newest", "oldest", "relevance"])
@pytest.mark.parametrize("limit", [1, 7, 10, 30, 31])
@pytest.mark.parametrize("window", [10, 1000])
def test_pages_fit_together(
    archive: SimulatedNode,
    monkeypatch: pytest.MonkeyPatch,
    order: str,
    limit: int,
    window: int,
) -> None:
    """Forward each hit comes once; backward from the last page come the same pages."""
    monkeypatch.setattr(ranking, "WINDOW", window)
    ada = holder(archive, name=f"{order}{limit}{window}")
    query = {"q": f"pie -contains:window{window}", "order": order, "limit": limit}
    forward = walk(ada, "next", None, **query)
    flat = [content for page in forward for content in page]
    assert len(flat) == len(set(flat)) == COUNT + 1
    if order == "oldest":
        assert flat[:3] == ["pie 0", "pie 1", "pie 2"]
    if order == "newest":
        assert flat[-3:] == ["pie 2", "pie 1", "pie 0"]
    last = ada.get(SEARCH, **query)
    while last["next"] is not None:
        last = ada.get(SEARCH, **query, cursor=last["next"])
    if last["previous"] is not None:
        backward = walk(ada, "previous", last["previous"], **query)
        met = {content for page in backward for content in page}
        assert met == {content for page in forward[:-1] for content in page}


@pytest.fixture
def node(tmp_path: Path, empty_sqlite: Path, master_key: Path) -> Iterator[SimulatedNode]:
    """A node whose archive is empty."""
    made = served(tmp_path / "node", empty_sqlite, master_key)
    yield made
    made.close()


def test_a_search_that_takes_too_long_is_503(
    node: SimulatedNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It holds no worker any longer, and says what to do."""
    bring(node, export_of([said(n, "2024-04-01T12:00:00Z", "pie") for n in range(100)], channel=10))
    ada = holder(node)
    monkeypatch.setattr(sqlite_connections, "STEPS", 10)
    monkeypatch.setattr(sqlite_connections, "SEARCH_SECONDS", 0.0)
    answer = ada.ask(SEARCH, query_string={"q": "pie"})
    assert answer.status_code == 503
    assert "search for less" in answer.get_json()["message"]


@pytest.mark.parametrize("window", [5, 1000])
@pytest.mark.parametrize("limit", [1, 3, 6])
def test_an_import_between_two_pages_moves_nothing(
    node: SimulatedNode, monkeypatch: pytest.MonkeyPatch, window: int, limit: int
) -> None:
    """Nor among those that are ranked: the newer ones are better, and come on no later page."""
    monkeypatch.setattr(ranking, "WINDOW", window)
    texts = ["pie " * (n % 3 + 1) + f"number {n}" for n in range(12)]
    earlier = [said(n, f"2024-04-{n + 1:02}T12:00:00Z", text) for n, text in enumerate(texts)]
    bring(node, export_of(earlier, channel=10))
    ada = holder(node)
    query = {"q": "pie", "order": "relevance", "limit": limit}
    expected = walk(ada, "next", None, **query)
    first = ada.get(SEARCH, **query)
    later = [said(50 + n, f"2024-05-{n + 1:02}T12:00:00Z", "pie pie pie") for n in range(7)]
    bring(node, export_of([*earlier, *later], channel=10), "later.json")
    assert walk(ada, "next", first["next"], **query) == expected[1:]
    last = first
    while last["next"] is not None:
        last = ada.get(SEARCH, **query, cursor=last["next"])
    met = [text for page in walk(ada, "previous", last["previous"], **query) for text in page]
    assert set(met) == {text for page in expected[:-1] for text in page}
    assert walk(ada, "next", None, **query)[0][0] == "pie pie pie"


def test_relevance_tells_what_was_ranked(ada: Asker) -> None:
    """The number of the newest hits that were; nothing where there is nothing to rank by."""
    found = ada.get(SEARCH, q="pecan OR pie", order="relevance", limit=1)
    assert found["hits"][0]["message"]["id"] == "100"
    assert (found["ranked"], found["total"]) == (COUNT + 1, COUNT + 1)
    assert ada.get(SEARCH, q="from:ada", order="relevance")["ranked"] is None
    assert ada.get(SEARCH, q="pie")["ranked"] is None


def test_a_cursor_belongs_to_its_search(ada: Asker) -> None:
    """With another search or order it is refused; written in another way it is the same search."""
    cursor = ada.get(SEARCH, q="pie", limit=5)["next"]
    for other in ({"q": "tea"}, {"q": "pie", "order": "oldest"}, {"q": ""}):
        answer = ada.ask(SEARCH, query_string=other | {"cursor": cursor})
        assert answer.status_code == 400
        assert "Invalid cursor" in answer.get_json()["message"]
    assert ada.get(SEARCH, q=' "pie" ', cursor=cursor, limit=5)["hits"]


@given(st.one_of(st.text(max_size=120), st.binary(max_size=40).map(lambda raw: raw.hex())))
@settings(max_examples=200, deadline=None)
def test_no_other_text_is_a_cursor(text: str) -> None:
    """Anything but what was given out is refused, and nothing else is raised."""
    with pytest.raises(InvalidRequest, match="Invalid cursor"):
        cursors.read(text, cursors.search_of("newest", "pie"))


def test_hits_are_highlighted(ada: Asker) -> None:
    """Spans count characters, also behind those that are two in JavaScript; text is as it was."""
    (hit,) = ada.get(SEARCH, q='pecan contains:"100%"', snippet=20)["hits"]
    content = hit["message"]["content"]
    assert content == "\U0001f967 a Pecan Pie & 100% <b>tea</b>"
    assert [content[start:end] for start, end in hit["highlights"]] == ["Pecan", "100%"]
    text, ((start, end), *_) = hit["snippet"]["text"], hit["snippet"]["highlights"]
    assert text[start:end] == "Pecan"


def test_terms_are_told(ada: Asker) -> None:
    """Each with its place, and whether anybody has its name; nobody's name finds nothing."""
    found = ada.get(SEARCH, q="pie from:nobody")
    assert found["total"] == 0
    assert [(one["kind"], one["start"], one["known"]) for one in found["terms"]] == [
        ("text", 0, True),
        ("from", 4, False),
    ]
    assert ada.get(SEARCH, q="-from:nobody")["total"] == COUNT + 2


def test_unreadable_searches(ada: Asker) -> None:
    """400 with the position and a sentence."""
    answer = ada.ask(SEARCH, query_string={"q": 'pie "tea'})
    assert answer.status_code == 400
    assert answer.get_json() == {
        "status": "error",
        "message": "This quotation mark is not closed: put another one behind.",
        "position": 4,
    }


def test_context_of_hits(ada: Asker) -> None:
    """Messages before and after each, in order of time."""
    (hit,) = ada.get(SEARCH, q='contains:"pie 3" during:2024-04-04', context=2)["hits"]
    assert [one["content"] for one in hit["before"]] == ["pie 1", "pie 2"]
    assert [one["content"] for one in hit["after"]] == ["pie 4", "pie 5"]


def test_context_of_a_message(ada: Asker) -> None:
    """It stands among its neighbours; at the beginning there are fewer."""
    found = ada.get(f"{V1}/messages/1/context", before=3, after=1)["messages"]
    assert [one["content"] for one in found] == ["pie 0", "pie 1", "pie 2"]


def test_revisions(ada: Asker) -> None:
    """What a message said before its edit."""
    found = ada.get(f"{V1}/messages/101")
    assert (found["content"], found["revisions"]) == ("after it", 1)
    (old,) = ada.get(f"{V1}/messages/101/revisions")["revisions"]
    assert old["content"] == "before the edit"


@pytest.mark.parametrize("message", ["5000", "x", "-1", "1" * 20, str(1 << 63), "\u0661"])
@pytest.mark.parametrize("tail", ["", "/context", "/revisions"])
def test_messages_that_are_not_there(ada: Asker, message: str, tail: str) -> None:
    """404 with one text."""
    answer = ada.ask(f"{V1}/messages/{message}{tail}")
    assert answer.status_code == 404
    assert answer.get_json()["message"] == "There is no such message."


def test_facets(ada: Asker) -> None:
    """Channels and authors with counts that are those of their terms, and months."""
    facets = ada.get(f"{V1}/facets", q="pie")
    assert [(one["name"], one["count"]) for one in facets["channels"]] == [("general", 31)]
    for one in facets["channels"] + facets["authors"] + facets["months"]:
        assert ada.get(SEARCH, q=f"pie {one['term']}")["total"] == one["count"]
    assert ada.get(f"{V1}/timeline", q="pie")["months"] == facets["months"]
    assert [(one["year"], one["month"]) for one in facets["months"]] == [(2024, 4), (2024, 5)]
    assert facets["counted"] is None


def test_facets_of_very_many_hits(ada: Asker, monkeypatch: pytest.MonkeyPatch) -> None:
    """Channels and authors are counted among the newest, and the answer says so; months are not."""
    whole = ada.get(f"{V1}/facets", q="pie")
    monkeypatch.setattr(searching, "MOST_COUNTED", 30)
    # Another limit, so that nothing is remembered.
    facets = ada.get(f"{V1}/facets", q="pie", limit=9)
    assert facets["counted"] == 30
    for name in ("channels", "authors"):
        assert sum(one["count"] for one in facets[name]) == 30
    assert facets["months"] == whole["months"]


@pytest.mark.parametrize("q", ["", "in:general", "-from:ada during:2024-04"])
def test_facets_that_are_tallied(ada: Asker, monkeypatch: pytest.MonkeyPatch, q: str) -> None:
    """What the archive knows beforehand is told of all hits, however many."""
    monkeypatch.setattr(searching, "MOST_COUNTED", 1)
    facets = ada.get(f"{V1}/facets", q=q)
    assert facets["counted"] is None
    assert sum(one["count"] for one in facets["authors"]) == ada.get(SEARCH, q=q)["total"] > 1


def test_answers_have_a_tag(ada: Asker, archive: SimulatedNode) -> None:
    """It is good until the next import, and then 304 takes no search."""
    first = ada.ask(SEARCH, query_string={"q": "pie"})
    tag = first.headers["ETag"]
    again = ada.ask(SEARCH, query_string={"q": "pie"}, headers={"If-None-Match": tag})
    assert (again.status_code, again.data, again.headers["ETag"]) == (304, b"", tag)
    assert first.headers["Cache-Control"] == "private, no-cache"
    assert "Authorization" in first.headers["Vary"]
    bring(archive, export_of([said(1, "2024-04-02T12:00:00Z", "pie 1")], channel=11), "x.json")
    changed = ada.ask(SEARCH, query_string={"q": "pie"}, headers={"If-None-Match": tag})
    assert changed.status_code == 200
    assert changed.headers["ETag"] != tag


def test_304_asks_nothing_of_the_archive(
    ada: Asker, archive: SimulatedNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    """But its version."""
    tag = ada.ask(f"{V1}/facets").headers["ETag"]
    engine = type(archive.parts.feature(feature()).archive)
    for name in ("page", "count", "facet", "channels", "guilds", "authors"):
        monkeypatch.delattr(engine, name)
    answer = ada.ask(f"{V1}/facets", headers={"If-None-Match": tag})
    assert answer.status_code == 304


def feature() -> Any:
    """What keeps the archive open."""
    from downstream_node.chats.feature import Chats  # noqa: PLC0415

    return Chats


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ({"limit": "0"}, "Invalid limit"),
        ({"limit": "101"}, "Invalid limit"),
        ({"order": "best"}, "Invalid order"),
        ({"context": "11"}, "Invalid context"),
        ({"nope": "1"}, "Unknown parameter: nope"),
        ({"q": "x" * 1001}, "Invalid q"),
        ({"cursor": "x" * 101}, "Invalid cursor"),
    ],
)
def test_malformed_parameters(ada: Asker, query: dict[str, str], text: str) -> None:
    """400 that names the parameter."""
    answer = ada.ask(SEARCH, query_string=query)
    assert answer.status_code == 400
    assert text in answer.get_json()["message"]


@pytest.mark.parametrize("body", [b"", b"no export", b"{}", b"\x1f\x8b broken"])
def test_uploads_that_are_no_exports(ada: Asker, body: bytes) -> None:
    """400 in the API's form."""
    answer = ada.ask(f"{V1}/exports", method="POST", data=body)
    assert answer.status_code == 400
    assert answer.get_json()["status"] == "error"


def test_too_large_uploads(tmp_path: Path, empty_sqlite: Path, master_key: Path) -> None:
    """413; and a body beyond MAX_BODY_SIZE is taken as long as it is below the limit of exports."""
    values = {"CHATS_MAX_EXPORT_SIZE": 50_000, "MAX_BODY_SIZE": 1024}
    node = served(tmp_path / "node", empty_sqlite, master_key, **values)
    ada = holder(node, may_import=True)
    many = [said(n, f"2024-04-01T00:00:{n % 60:02}Z", "x" * 100) for n in range(200)]
    for count, code in ((20, 201), (200, 413)):
        body = export_of(many[:count], channel=10)
        answer = ada.ask(f"{V1}/exports", method="POST", data=body)
        assert answer.status_code == code, answer.text
    assert ada.get(SEARCH)["total"] == 20
    node.close()


def test_an_archive_that_is_gone(
    tmp_path: Path, empty_sqlite: Path, master_key: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """503 with one sentence by all routes; where it should be stands in the log only."""
    (tmp_path / "file").write_text("in the way")
    place = f"sqlite:///{tmp_path / 'file' / 'chats.db'}"
    node = served(tmp_path / "node", empty_sqlite, master_key, CHATS_ARCHIVE=place)
    ada = holder(node)
    for path in (SEARCH, "/api/chats/search?search_term=pie"):
        answer = ada.ask(path)
        assert answer.status_code == 503
        assert "The archive does not answer now. Please try again." in answer.text
        assert str(tmp_path) not in answer.text
    assert "unavailable" in caplog.text
    node.close()
