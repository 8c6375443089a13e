"""The document's routes: its examples as printed, and the bugs of the original as named tests."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from chats.archives import address, engines
from chats.asking import Asker, bring, export_of, holder, said, served
from simulator import SimulatedNode

CHANNEL = 1165030189714129000
POSTERS = "https://sdc.csc.ncsu.edu/posters-and-pies"
PIE: list[tuple[int, str, str]] = [
    (
        1232782017872138200,
        "2024-04-24",
        "The Posters and Pies event is happening this Friday!\n" + POSTERS,
    ),
    (1232782050931769300, "2024-04-24", "Does anyone know if they have pecan pie"),
    (
        1233571560565112800,
        "2024-04-26",
        "They had pecan pie, peach pie, apple pie, blueberry pie, chocolate pie",
    ),
    (
        1233571669289730000,
        "2024-04-26",
        "and the tea was not too sweet to make way for the pie",
    ),
    (1233571790580617200, "2024-04-26", "I got to all the pies except chocolate. 10/10 event"),
    (1233571991882305500, "2024-04-26", "the pecan pie was so good"),
]
LUCK = (1233920393488633900, "2024-04-27", "Good luck with exams everyone! You got this!!")
PRINTED_PIE: dict[str, Any] = {
    "messages": [
        {"message_id": one, "channel_id": CHANNEL, "content": content, "message_date": date}
        for one, date, content in PIE
    ],
    "count": 6,
    "total_count": 6,
}
PRINTED_LUCK = {
    "messages": [
        {
            "message_id": LUCK[0],
            "channel_id": CHANNEL,
            "content": LUCK[2],
            "message_date": LUCK[1],
        }
    ],
    "count": 1,
}
WILD = [
    "100% sure",
    "1000 percent",
    "snake_case",
    "snakeXcase",
    r"C:\temp\demo",
    "C:tempdemo",
    "a*b",
]


def exported() -> bytes:
    """The document's messages, backwards, and some that its defects are about."""
    documented = [*PIE, LUCK]
    # The ids are as printed, rounded by JavaScript, and in the order of their minutes.
    messages = [
        said(one, f"{date}T20:{n:02}:00.5+00:00", content)
        for n, (one, date, content) in enumerate(documented)
    ]
    messages += [
        said(100 + n, f"2024-05-01T10:{n:02}:00+00:00", text) for n, text in enumerate(WILD)
    ]
    messages += [
        said(200, "2024-05-02T23:59:59.999+00:00", "the end of a day"),
        said(201, "2024-05-03T00:00:00+00:00", "the beginning of the next"),
        said(202, "2024-05-04T01:00:00+02:00", "still the day before in UTC"),
    ]
    return export_of(reversed(messages), channel=CHANNEL)


ARCHIVE = 11
"""The number of this file's archive on a server."""


@pytest.fixture(scope="module", params=engines())
def archive(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    empty_sqlite: Path,
    master_key: Path,
) -> Iterator[SimulatedNode]:
    """A node with those, on each engine."""
    folder = tmp_path_factory.mktemp("document")
    place = address(str(request.param), folder, ARCHIVE)
    node = served(folder, empty_sqlite, master_key, CHATS_ARCHIVE=place)
    bring(node, exported())
    yield node
    node.close()


@pytest.fixture(scope="module")
def ada(archive: SimulatedNode) -> Asker:
    """Who may read everything."""
    return holder(archive)


def test_search_as_printed(ada: Asker) -> None:
    """`search_term=pie` gives the document's six messages, in its order and form."""
    assert ada.get("/api/chats/search", search_term="pie") == PRINTED_PIE


def test_search_all_as_printed(ada: Asker) -> None:
    """`search/all` gives the document's message, and no more fields than there."""
    assert ada.get("/api/chats/search/all", search_term="luck") == PRINTED_LUCK


def test_fields_stand_in_the_document_s_order(ada: Asker) -> None:
    """As people see them."""
    text = ada.ask("/api/chats/search?search_term=pie").text
    fields = ["messages", "message_id", "channel_id", "content", "message_date"]
    assert re.findall(r'"(\w+)":', text)[:5] == fields
    assert re.findall(r'"(\w+)":', text)[-2:] == ["count", "total_count"]


SEARCHES = {
    "/api/chats/search": {"search_term": "pie"},
    "/api/search/keyword": {"search_term": "pie"},
    "/api/chats/search/all": {"search_term": "pie"},
    "/api/chats/context-search": {"search_term": "pie"},
    "/api/chats/search/by-date": {"start_date": "2024-04-24", "end_date": "2024-04-26"},
    "/api/search/date": {"start_date": "2024-04-24", "end_date": "2024-04-26"},
    "/api/es/chats/search": {"keyword": "pie"},
    "/api/es/chats/search/by-date": {"start_date": "2024-04-24", "end_date": "2024-04-26"},
}
NOWHERE = {
    "search_term": "no such thing",
    "keyword": "zymurgy",
    "start_date": "2001-01-01",
    "end_date": "2001-01-02",
}
PAGED = [path for path in SEARCHES if not path.endswith("all")]
BY_WORD = [path for path, query in SEARCHES.items() if "start_date" not in query]
BY_DATE = [path for path, query in SEARCHES.items() if "start_date" in query]


@pytest.mark.parametrize("path", SEARCHES)
def test_every_search_finds_the_pies(ada: Asker, path: str) -> None:
    """The same six messages by every route."""
    answer = ada.get(path, **SEARCHES[path])
    assert answer.get("messages", answer.get("data")) == PRINTED_PIE["messages"]


@pytest.mark.parametrize("path", SEARCHES)
def test_nothing_found_is_200_with_a_word(ada: Asker, path: str) -> None:
    """Also for dates, where the original failed with "200: No messages found"."""
    query = {name: NOWHERE[name] for name in SEARCHES[path]}
    assert ada.get(path, **query) == {"detail": "No messages found"}


@pytest.mark.parametrize("path", PAGED)
def test_a_page_behind_the_last_is_nothing_found(ada: Asker, path: str) -> None:
    """And costs no walk there."""
    answer = ada.get(path, **SEARCHES[path], page=999_999_999)
    assert answer == {"detail": "No messages found"}


@pytest.mark.parametrize("path", BY_WORD)
@pytest.mark.parametrize("given", [{}, {"search_term": "", "keyword": ""}, {"search_term": "  "}])
def test_an_empty_keyword(ada: Asker, path: str, given: dict[str, str]) -> None:
    """The document's 400."""
    answer = ada.ask(path, query_string=given)
    assert answer.status_code == 400
    assert answer.get_json() == {"detail": "Keyword must not be empty"}


def test_the_longest_keyword(ada: Asker) -> None:
    """100 characters are taken, 101 are not."""
    assert ada.get("/api/chats/search", search_term="x" * 100)
    answer = ada.ask("/api/chats/search", query_string={"search_term": "x" * 101})
    assert answer.status_code == 422
    assert answer.get_json() == {"detail": "search_term must have at most 100 characters."}


@pytest.mark.parametrize("path", PAGED)
@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"page": "0"}, "page must be a whole number from 1 on."),
        ({"page": "-1"}, "page must be a whole number from 1 on."),
        ({"page": "\u0661"}, "page must be a whole number from 1 on."),
        ({"page": "1" * 10}, "page must be a whole number from 1 on."),
        ({"page_size": "0"}, "page_size must be a whole number from 1 to 100."),
        ({"page_size": "101"}, "page_size must be a whole number from 1 to 100."),
        ({"size": "many"}, "page_size must be a whole number from 1 to 100."),
        ({"ids": "both"}, "ids must be number or string."),
    ],
)
def test_malformed_paging(ada: Asker, path: str, given: dict[str, str], text: str) -> None:
    """422 as with the original, in the document's form of errors."""
    answer = ada.ask(path, query_string=SEARCHES[path] | given)
    assert (answer.status_code, answer.get_json()) == (422, {"detail": text})


@pytest.mark.parametrize("name", ["page_size", "size"])
def test_pages(ada: Asker, name: str) -> None:
    """Four and two; `size` is heard as well, which the original ignored."""
    first = ada.get("/api/chats/search", search_term="pie", **{name: 4})
    second = ada.get("/api/chats/search", search_term="pie", page=2, **{name: 4})
    assert [first["count"], second["count"], second["total_count"]] == [4, 2, 6]
    assert first["messages"] + second["messages"] == PRINTED_PIE["messages"]


@pytest.mark.parametrize("path", BY_DATE)
def test_start_after_end(ada: Asker, path: str) -> None:
    """The document's 400."""
    answer = ada.ask(path, query_string={"start_date": "2024-04-27", "end_date": "2024-04-26"})
    expected = {"detail": "Start date must be less than or equal to end date."}
    assert (answer.status_code, answer.get_json()) == (400, expected)


@pytest.mark.parametrize("path", BY_DATE)
@pytest.mark.parametrize("date", ["", "2024-02-30", "2024", "2024-04", "today", "2024-04-26T00:00"])
def test_malformed_dates(ada: Asker, path: str, date: str) -> None:
    """422 with the name of the parameter."""
    answer = ada.ask(path, query_string={"start_date": date, "end_date": "2024-04-26"})
    expected = {"detail": "start_date must be a date as YYYY-MM-DD."}
    assert (answer.status_code, answer.get_json()) == (422, expected)


def test_days_are_whole_and_in_utc(ada: Asker) -> None:
    """The last millisecond of a day is in it, the next one is not, and zones are minded."""
    query = {"start_date": "2024-05-02", "end_date": "2024-05-02"}
    (only,) = ada.get("/api/chats/search/by-date", **query)["messages"]
    assert only["content"] == "the end of a day"
    query = {"start_date": "2024-05-03", "end_date": "2024-05-03"}
    found = ada.get("/api/chats/search/by-date", **query)["messages"]
    assert [one["content"] for one in found] == [
        "the beginning of the next",
        "still the day before in UTC",
    ]
    assert {one["message_date"] for one in found} == {"2024-05-03"}


def test_the_form_of_es(ada: Asker) -> None:
    """`data`, `total`, `page` and `page_size`."""
    answer = ada.get("/api/es/chats/search", keyword="pecan chocolate", page_size=3)
    assert list(answer) == ["data", "total", "page", "page_size"]
    assert (len(answer["data"]), answer["total"], answer["page"]) == (3, 4, 1)


def test_es_finds_any_word_and_context_all(ada: Asker) -> None:
    """As Elasticsearch's match and PostgreSQL's plainto_tsquery do."""
    wide = ada.get("/api/es/chats/search", keyword="pecan luck")
    assert wide["total"] == 4
    narrow = ada.get("/api/chats/context-search", search_term="pie pecan")
    assert narrow["total_count"] == 3


# Defects of the original, by their number in the specification


@pytest.mark.parametrize(
    ("term", "expected"),
    [
        ("100%", ["100% sure"]),
        ("snake_case", ["snake_case"]),
        (r"C:\temp\demo", [r"C:\temp\demo"]),
        ("a*b", ["a*b"]),
        ("%", ["100% sure"]),
        ("_", ["snake_case"]),
    ],
)
def test_defect_5_wildcards_are_literal(ada: Asker, term: str, expected: list[str]) -> None:
    """A sign finds itself."""
    found = ada.get("/api/chats/search", search_term=term)
    assert [one["content"] for one in found["messages"]] == expected
    assert found["total_count"] == len(expected)


def test_defect_7_no_answer_is_unbounded(
    tmp_path: Path, empty_sqlite: Path, master_key: Path
) -> None:
    """`search/all` stops at the setting, and says so."""
    node = served(tmp_path / "few", empty_sqlite, master_key, CHATS_MOST_RESULTS=2)
    bring(node, exported())
    answer = holder(node).get("/api/chats/search/all", search_term="pie")
    node.close()
    assert answer["messages"] == PRINTED_PIE["messages"][:2]
    assert (answer["count"], answer["total_count"]) == (2, 6)
    assert answer["detail"].startswith("Only the first 2 of 6 messages are given.")


@pytest.mark.parametrize("path", SEARCHES)
def test_defect_8_reading_takes_a_key(archive: SimulatedNode, path: str) -> None:
    """401 without one, with a wrong one, and with something else; nothing is told."""
    for key in (None, "dsck_wrong", ""):
        answer = Asker(archive, key).ask(path, query_string=SEARCHES[path])
        assert answer.status_code == 401
        assert set(answer.get_json()) == {"detail"}
        assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_defect_8_exceptions_are_not_shown(
    archive: SimulatedNode, ada: Asker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What goes wrong inside stays inside."""

    def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError("a secret of the inside")

    monkeypatch.setattr("downstream_node.chats.searching.listed", broken)
    answer = ada.ask("/api/chats/search?search_term=pie")
    assert answer.status_code == 500
    assert answer.get_json() == {"detail": "An internal error occurred"}
    assert archive.app


@pytest.mark.parametrize("path", SEARCHES)
def test_defect_8_ids_as_texts(ada: Asker, path: str) -> None:
    """No digit is lost in JavaScript."""
    answer = ada.get(path, **SEARCHES[path], ids="string")
    first = answer.get("messages", answer.get("data"))[0]
    assert (first["message_id"], first["channel_id"]) == ("1232782017872138200", str(CHANNEL))


@pytest.mark.parametrize(
    ("path", "count"),
    [
        ("/api/chats/search/all", 9),
        ("/api/chats/search", 9),
        ("/api/chats/context-search", 7),
    ],
)
def test_defect_9_stop_words_are_found(ada: Asker, path: str, count: int) -> None:
    """A search for nothing but stop words: "they" contains "the", and is another word."""
    assert ada.get(path, search_term="the")["count"] == count


def test_bug_the_cached_answer_has_the_same_form(ada: Asker) -> None:
    """The original's second answer by date had another shape than its first."""
    query = {"start_date": "2024-04-26", "end_date": "2024-04-27"}
    for path in BY_DATE:
        assert ada.get(path, **query) == ada.get(path, **query)


def test_bug_pages_neither_repeat_nor_miss(ada: Asker) -> None:
    """There is an order, so that pages fit together."""
    pages = [
        ada.get("/api/chats/search/by-date", start_date="2024-01-01", end_date="2024-12-31", page=n)
        for n in (1, 2)
    ]
    ids = [one["message_id"] for page in pages for one in page["messages"]]
    assert len(ids) == len(set(ids)) == pages[0]["total_count"] == 17
