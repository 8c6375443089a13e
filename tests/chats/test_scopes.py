"""Who has a key for a part sees an archive in which there is nothing but that part.

Two nodes are asked the same with the same scope: one has everything, the other only what the scope
opens. Their answers are the same, for whatever is asked, by every route.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from chats.archives import address, engines
from chats.asking import EVERYTHING, Asker, bring, export_of, holder, said, served
from hypothesis import given, settings
from hypothesis import strategies as st
from simulator import SimulatedNode

from downstream_node.chats import keys, scopes
from downstream_node.chats.query import Everything, Marked
from downstream_node.chats.records import Channel
from downstream_node.chats.scopes import Scope

OURS, THEIRS, ALSO_OURS, FAR = 10, 20, 30, 40
"""Channels: OURS and ALSO_OURS are opened; THEIRS is in the same guild, FAR in another."""
GUILD, OTHER_GUILD = 1, 2
SCOPE = Scope(channels=frozenset({OURS, ALSO_OURS}))
NAMES = {OURS: "general", THEIRS: "general", ALSO_OURS: "tea", FAR: "far"}


def person(number: int, name: str) -> dict[str, Any]:
    """An author."""
    return {"id": str(number), "name": name, "nickname": name.title(), "isBot": False}


BOTH, OUR_OWN, THEIR_OWN, NAMESAKE = (
    person(5, "ada"),
    person(6, "bo"),
    person(7, "cyrus"),
    person(8, "bo"),
)
"""NAMESAKE, who is called as OUR_OWN, writes elsewhere only, as THEIR_OWN does."""


def export(channel: int) -> bytes:
    """What was said in a channel; half of the words are said in no other."""
    people = (BOTH, OUR_OWN) if channel in (OURS, ALSO_OURS) else (BOTH, THEIR_OWN, NAMESAKE)
    messages = [
        said(
            1000 * channel + n,
            f"2024-0{1 + n % 4}-{1 + channel // 10:02}T1{n % 10}:00:00+00:00",
            f"word{n % 3} pie said{channel} in{channel}x{n}",
            author=people[n % len(people)],
            mentions=[people[-1 - n % len(people)]],
            isPinned=n == 1,
            timestampEdited="2024-07-01T00:00:00+00:00" if n == 2 else None,
        )
        for n in range(8)
    ]
    guild = OTHER_GUILD if channel == FAR else GUILD
    return export_of(
        messages, channel=channel, name=NAMES[channel], guild=guild, guild_name=f"Guild {guild}"
    )


ARCHIVE = 12
"""The number of this file's archive on a server."""


@pytest.fixture(scope="module", params=engines())
def nodes(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    empty_sqlite: Path,
    master_key: Path,
) -> Iterator[tuple[SimulatedNode, SimulatedNode]]:
    """One that has everything, on each engine, and one on SQLite that has what is opened only."""
    folder = tmp_path_factory.mktemp("scopes")
    place = address(str(request.param), folder, ARCHIVE)
    whole = served(folder / "whole", empty_sqlite, master_key, CHATS_ARCHIVE=place)
    part = served(folder / "part", empty_sqlite, master_key)
    for channel in NAMES:
        bring(whole, export(channel), f"{channel}.json")
    for channel in (OURS, ALSO_OURS):
        bring(part, export(channel), f"{channel}.json")
    yield whole, part
    whole.close()
    part.close()


@pytest.fixture(scope="module")
def askers(nodes: tuple[SimulatedNode, SimulatedNode]) -> tuple[Asker, Asker]:
    """Somebody with a key for what is opened, at either node."""
    whole, part = nodes
    made = [holder(node, SCOPE, name="ours", may_import=True) for node in (whole, part)]
    return made[0], made[1]


WORDS = [
    *("pie", "word1", f"said{OURS}", f"said{THEIRS}", f"in{FAR}x3", "-pie", "OR", "zymurgy"),
    *("from:ada", "from:bo", "from:cyrus", "from:5", "from:7", "from:8", "from:nobody"),
    *("in:general", "in:tea", "in:far", f"in:{OURS}", f"in:{THEIRS}", f"in:{GUILD}"),
    *(f"in:{OTHER_GUILD}", 'in:"Guild 1"', 'in:"Guild 2"', "mentions:bo", "mentions:cyrus"),
    *("is:pinned", "is:edited", "before:2024-02", "after:2024-02-03", "during:2024-03", "("),
    *('contains:"in2"', 'contains:"x"', "mentions:7", "-from:cyrus", "-in:far"),
]
SEARCHES = st.lists(st.sampled_from(WORDS), max_size=4).map(" ".join)
IDS = st.builds(
    lambda channel, n: 1000 * channel + n, st.sampled_from(list(NAMES)), st.integers(0, 9)
)
LIMITS = st.integers(1, 12)
TERMS = st.sampled_from(
    ["pie", "in1", "in2", "0x", "said20", "said10", "word1 pie", "zymurgy", "_"]
)
DATES = st.sampled_from(["2024-01-01", "2024-02-02", "2024-03-03", "2024-04-05", "2024-06-01"])
Question = tuple[str, dict[str, Any]]


def asked(path: str, **query: st.SearchStrategy[Any]) -> st.SearchStrategy[Question]:
    """A question at one path."""
    return st.tuples(st.just(path), st.fixed_dictionaries(query))


PAGING = {"page": st.integers(1, 4), "page_size": LIMITS}
QUESTIONS = st.one_of(
    asked(
        "/api/chats/v1/search",
        q=SEARCHES,
        order=st.sampled_from(["newest", "oldest", "relevance"]),
        limit=LIMITS,
        context=st.integers(0, 3),
    ),
    asked("/api/chats/v1/facets", q=SEARCHES, limit=LIMITS),
    asked("/api/chats/v1/timeline", q=SEARCHES),
    asked("/api/chats/v1/channels"),
    asked("/api/chats/v1/exports"),
    asked("/api/chats/v1/authors", q=st.sampled_from(["", "a", "B", "bo", "cy", "Cyr", "x"])),
    st.tuples(
        st.builds(
            "/api/chats/v1/messages/{}{}".format,
            IDS,
            st.sampled_from(["", "/context", "/revisions"]),
        ),
        st.just({}),
    ),
    *(
        asked(path, search_term=TERMS, **PAGING)
        for path in ("/api/chats/search", "/api/search/keyword", "/api/chats/context-search")
    ),
    asked("/api/chats/search/all", search_term=TERMS),
    asked("/api/es/chats/search", keyword=TERMS, **PAGING),
    *(
        asked(path, start_date=DATES, end_date=DATES, **PAGING)
        for path in (
            "/api/chats/search/by-date",
            "/api/search/date",
            "/api/es/chats/search/by-date",
        )
    ),
)


def answer(asker: Asker, question: Question) -> tuple[int, Any]:
    """Status and body, less the times of imports, which differ."""
    path, query = question
    response = asker.ask(path, query_string=query)
    body = response.get_json()
    for one in body.get("imports", []):
        del one["committed"]
    return response.status_code, body


@given(QUESTIONS)
@settings(max_examples=300, deadline=None)
def test_what_is_not_opened_is_as_if_it_were_not_there(
    askers: tuple[Asker, Asker], question: Question
) -> None:
    """No page, count, facet, completion, context or error tells of it."""
    whole, part = askers
    assert answer(whole, question) == answer(part, question)


def test_the_questions_have_answers(askers: tuple[Asker, Asker]) -> None:
    """What is opened is found: the test above compares more than nothing."""
    whole, _ = askers
    assert len(whole.found("pie", limit=100)) == 16
    assert whole.get("/api/chats/search", search_term="pie")["total_count"] == 16
    assert len(whole.get("/api/chats/v1/exports")["imports"]) == 2
    found = whole.get("/api/chats/v1/authors", q="b")["authors"]
    assert [(one["id"], one["term"]) for one in found] == [("6", "from:bo")]


def test_who_may_read_everything_finds_more(nodes: tuple[SimulatedNode, SimulatedNode]) -> None:
    """The rest is there, for who has the key to it."""
    ada = holder(nodes[0], name="everything")
    assert len(ada.found("pie", limit=100)) == 32
    facets = ada.get("/api/chats/v1/facets")
    assert {one["id"] for one in facets["channels"]} == {"10", "20", "30", "40"}
    assert {one["term"] for one in facets["authors"]} == {
        "from:ada",
        "from:6",
        "from:8",
        "from:cyrus",
    }


def test_versions_differ_by_scope(nodes: tuple[SimulatedNode, SimulatedNode]) -> None:
    """So that an answer for one scope is never taken for that of another."""
    seen = {
        holder(nodes[0], scope, name=f"v{n}").get("/api/chats/v1/version")["version"]
        for n, scope in enumerate([EVERYTHING, SCOPE, Scope(guilds=frozenset({10, 30}))])
    }
    assert len(seen) == 3


# Publishing


def test_what_is_published_is_read_without_a_key(
    nodes: tuple[SimulatedNode, SimulatedNode],
) -> None:
    """And nothing else is; a key reads it beside its own, and a wrong key is refused."""
    whole = nodes[0]
    stranger = Asker(whole)
    assert stranger.ask("/api/chats/v1/search").status_code == 401
    keys.publish(whole.parts, "guild", OTHER_GUILD)
    keys.publish(whole.parts, "guild", OTHER_GUILD)
    try:
        assert len(stranger.found("pie")) == 8
        assert stranger.found(f"said{OURS}") == []
        assert stranger.ask("/api/chats/v1/exports").status_code == 401
        ours = holder(whole, Scope(channels=frozenset({OURS})), name="beside")
        assert ours.get("/api/chats/v1/search", q="pie")["total"] == 16
        assert Asker(whole, "dsck_wrong").ask("/api/chats/v1/search").status_code == 401
    finally:
        assert keys.unpublish(whole.parts, OTHER_GUILD) == 1
    assert stranger.ask("/api/chats/v1/search").status_code == 401


# Pure rules


def test_nothing_opens_nothing() -> None:
    """A scope without anything finds no message, and everything has no condition."""
    channels = [Channel(OURS, GUILD, "general")]
    assert scopes.condition(Scope(), channels) == Marked(frozenset())
    assert scopes.condition(EVERYTHING, channels) == Everything()
    assert Scope().is_empty
    assert not SCOPE.is_empty


def test_digests_differ() -> None:
    """A guild and a channel with one id are not the same."""
    seen = {
        scopes.digest(one)
        for one in (
            Scope(),
            EVERYTHING,
            Scope(guilds=frozenset({1})),
            Scope(channels=frozenset({1})),
        )
    }
    assert len(seen) == 4
