"""What is sent to Elasticsearch and OpenSearch, and what an interrupted import leaves there."""

import os
from collections.abc import Iterator
from typing import Any

import pytest
from chats.archives import NOW, bring
from chats.elastic_server import Store, serve
from chats.generated import Chats, changed, chats
from chats.reference import Reference

from downstream_node.chats import marks
from downstream_node.chats.engines import elastic_writing
from downstream_node.chats.engines.elastic import ElasticArchive
from downstream_node.chats.engines.elastic_queries import MAPPINGS, document, index, matching
from downstream_node.chats.places import Place
from downstream_node.chats.query import (
    And,
    Between,
    Condition,
    Contains,
    Everything,
    Marked,
    Not,
    Or,
    Words,
)
from downstream_node.errors import ArchiveUnavailable, Busy


@pytest.fixture
def store() -> Store:
    """What a server has."""
    return Store()


@pytest.fixture
def archive(store: Store) -> Iterator[ElasticArchive]:
    """An archive on the small counterpart of a server."""
    server = serve(store)
    made = ElasticArchive(f"http://127.0.0.1:{server.server_port}/chats")
    made.prepare()
    yield made
    made.close()
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="session")
def few_chats() -> Chats:
    """Some messages."""
    return chats(600)


@pytest.mark.parametrize(
    ("condition", "query"),
    [
        (Everything(), {"match_all": {}}),
        (Marked(frozenset()), {"match_none": {}}),
        (Words(("pie",)), {"term": {"stems": {"value": "pie"}}}),
        (
            Words(("pecan", "pie")),
            {"match_phrase": {"stems": {"query": "pecan pie", "slop": 0}}},
        ),
        (Contains("100%"), {"wildcard": {"folded": {"value": "*100%*"}}}),
        (Contains("c:\\*?"), {"wildcard": {"folded": {"value": "*c:\x7f\ufffe\uffff*"}}}),
        (Marked(frozenset({"b", "a"})), {"terms": {"marks": ["a", "b"]}}),
        (Between(Place(1), Place(2)), {"range": {"place": {"gte": 1, "lt": 2}}}),
        (Between(beyond=Place(2)), {"range": {"place": {"lt": 2}}}),
        (
            And((Words(("a",)), Everything())),
            {"bool": {"filter": [{"term": {"stems": {"value": "a"}}}, {"match_all": {}}]}},
        ),
        (
            Or((Everything(), Words(("a",)))),
            {
                "bool": {
                    "should": [{"match_all": {}}, {"term": {"stems": {"value": "a"}}}],
                    "minimum_should_match": 1,
                }
            },
        ),
        (Not(Everything()), {"bool": {"must_not": [{"match_all": {}}]}}),
    ],
)
def test_searches_are_the_documented_json(condition: Condition, query: dict[str, Any]) -> None:
    """Each condition is one query of the query DSL."""
    assert matching(condition) == query


def test_documents_fit_the_mapping(few_chats: Chats) -> None:
    """The mapping is strict: a field that it does not name would be refused."""
    one = few_chats.messages[0]
    assert set(document(one, 1, None, "x")) == set(MAPPINGS["messages"])
    assert document(one, 1, 5, "x")["marks"] == [*one.marks, "x"]
    assert index("messages")["mappings"]["dynamic"] == "strict"
    assert MAPPINGS["messages"]["folded"] == {"type": "wildcard"}


def test_pages_go_on_behind_a_place(
    archive: ElasticArchive, store: Store, few_chats: Chats
) -> None:
    """Deep pages are asked for by `search_after`, never by `from`; counts are exact."""
    bring(archive, few_chats, few_chats.of(0))
    place = few_chats.of(0)[50].place
    store.requests.clear()
    archive.page(Everything(), "newest", 10, place)
    [(method, path, body), *_] = store.requests
    assert (method, path) == ("POST", "/chats-messages/_search")
    assert body == {
        "timeout": "10s",
        "query": {"bool": {"filter": [{"match_all": {}}]}},
        "sort": [{"place": {"order": "desc"}}],
        "size": 10,
        "track_total_hits": False,
        "_source": True,
        "search_after": [place],
    }
    archive.count(Everything())
    assert store.requests[-1][2]["track_total_hits"] is True


def test_writes_are_guarded(archive: ElasticArchive, store: Store, few_chats: Chats) -> None:
    """New messages are created, changed ones replace the version that was read."""
    own = few_chats.of(0)
    bring(archive, few_chats, own)
    store.requests.clear()
    bring(archive, few_chats, [changed(own[0], "else", NOW), *own[1:]], exported=NOW)
    bulks = [body for _, path, body in store.requests if path == "/_bulk"]
    heads = [line for body in bulks for line in body[::2]]
    [head] = [h["index"] for h in heads if h.get("index", {}).get("_index") == "chats-messages"]
    assert {"_id", "_index", "if_seq_no", "if_primary_term"} == set(head)


def test_same_import_again_changes_nothing(
    archive: ElasticArchive, store: Store, few_chats: Chats
) -> None:
    """Not a document is written but the record of the import."""
    bring(archive, few_chats, few_chats.of(0))
    version = archive.version()
    store.requests.clear()
    done = bring(archive, few_chats, few_chats.of(0))
    assert (done.new, done.unchanged) == (0, len(few_chats.of(0)))
    assert not [path for _, path, _ in store.requests if path == "/_bulk"]
    assert archive.version() == version


@pytest.mark.parametrize("answered", range(8, 60, 7))
def test_interrupted_imports_are_completed(
    archive: ElasticArchive, store: Store, few_chats: Chats, answered: int
) -> None:
    """Wherever the server goes away, the same file brings the same archive in the end."""
    own = few_chats.of(0)
    bring(archive, few_chats, own)
    edited = [changed(one, one.content + " indeed", NOW) for one in own[:40]]
    later = edited + own[60:]
    whole = (own[0].place, Place(own[-1].place + 1))
    store.requests.clear()
    store.refuse_after = answered
    failed = False
    try:
        bring(archive, few_chats, later, exported=NOW, batch=10, missing=whole)
    except ArchiveUnavailable:
        failed = True
    store.refuse_after = None
    assert failed
    release(store)
    bring(archive, few_chats, later, exported=NOW, batch=10, missing=whole)
    gone = Marked(frozenset({marks.is_("deleted")}))
    assert (archive.count(Everything()), archive.count(gone)) == (len(own), 20)
    assert archive.count(Words(("inde",))) == Reference(edited).count(Words(("inde",)))
    assert [len(archive.revisions(one.place)) for one in own] == [1] * 40 + [0] * (len(own) - 40)
    assert len(archive.imports(10)) == 2


def release(store: Store) -> None:
    """Let the lock of whoever was interrupted run out."""
    held = store.indexes["chats-archive"].latest.get("lock")
    if held is not None:
        held["_source"]["value"]["until"] = 0


def test_second_import_waits(
    archive: ElasticArchive, few_chats: Chats, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One at a time; the other gives up after a while."""
    monkeypatch.setattr(elastic_writing, "WAIT_SECONDS", 0.1)
    with (
        archive.writing(few_chats.export(0), bytes(32), "n", NOW),
        pytest.raises(Busy),
        archive.writing(few_chats.export(1), bytes(32), "n", NOW),
    ):
        pass


def test_no_server() -> None:
    """Nobody listens there; the address, which may have a password, is not told."""
    nowhere = ElasticArchive("http://user:secret@127.0.0.1:9/chats")
    with pytest.raises(ArchiveUnavailable) as caught:
        nowhere.prepare()
    assert "secret" not in str(caught.value)


def test_foreign_index_is_refused(archive: ElasticArchive, store: Store) -> None:
    """An index of somebody else under our name is not written to."""
    store.indexes["chats-messages"].fields = {"text": {"type": "text"}}
    with pytest.raises(ArchiveUnavailable):
        archive.prepare()


@pytest.mark.skipif("TEST_ELASTICSEARCH_URL" not in os.environ, reason="no real server is named")
def test_real_server(few_chats: Chats) -> None:
    """A real server finds the signs of its own language literally; the whole suite runs there."""
    real = ElasticArchive(f"{os.environ['TEST_ELASTICSEARCH_URL'].rstrip('/')}/test-{os.getpid()}")
    real.prepare()
    bring(real, few_chats, few_chats.of(0))
    right = Reference(few_chats.of(0))
    for text in ("pecan pie", "100%", "c:\\temp", "*", "?", "++"):
        assert real.count(Contains(text)) == right.count(Contains(text)), text
    real.close()
