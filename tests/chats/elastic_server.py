"""A small working counterpart of Elasticsearch: as much of its HTTP as the archive uses.

It does what the reference documentation says of these requests, over plain dictionaries, and
answers 400 to everything else: so a test with it shows that we send what is documented and that
our side works. It cannot show that a real server does what is documented.
"""

import json
import threading
from collections import Counter
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from typing import Any
from urllib.parse import parse_qs, urlsplit

Json = dict[str, Any]
Test = Callable[[Json], bool]
SEARCH_KEYS = {
    *("query", "sort", "size", "search_after", "track_total_hits", "_source", "aggs", "timeout")
}
MOST_HITS = 10_000


class Refused(Exception):
    """The request ends with this status."""

    def __init__(self, status: int, reason: str = "") -> None:
        super().__init__(reason)
        self.status = status


class Index:
    """Documents by id as they were written, and as the last refresh left them to searches."""

    def __init__(self, fields: Json) -> None:
        self.fields = fields
        self.latest: dict[str, Json] = {}
        self.searched: dict[str, Json] = {}
        self._found: dict[str, list[Json]] = {}

    def refresh(self) -> None:
        """Let searches see everything."""
        self.searched = dict(self.latest)
        self._found.clear()

    def hits(self, query: Json) -> list[Json]:
        """What meets *query*; remembered until the next refresh, for the next page."""
        key = json.dumps(query)
        if key not in self._found:
            meets = tester(query)
            self._found[key] = [one for one in self.searched.values() if meets(one["_source"])]
        return self._found[key]


class Store:
    """All indexes of one server."""

    def __init__(self) -> None:
        self.indexes: dict[str, Index] = {}
        self.numbers = count()
        self.lock = threading.Lock()
        self.requests: list[tuple[str, str, Any]] = []
        self.refuse_after: int | None = None
        """So many requests are answered, then none."""

    def answer(self, method: str, path: str, body: bytes) -> Any:
        """The answer to one request. Raises Refused."""
        with self.lock:
            url = urlsplit(path)
            lines = [json.loads(line) for line in body.splitlines()] if body else []
            given = lines if url.path.endswith("_bulk") else (lines[0] if lines else None)
            self.requests.append((method, path, given))
            if self.refuse_after is not None and len(self.requests) > self.refuse_after:
                raise Refused(500, "the server is gone")
            query = {name: value for name, [value] in parse_qs(url.query).items()}
            return self._route(method, url.path.strip("/").split("/"), query, given)

    def _route(  # noqa: C901, PLR0911 - one line for each kind of request
        self, method: str, parts: list[str], query: dict[str, str], body: Any
    ) -> Any:
        match (method, parts):
            case ("POST", ["_bulk"]):
                return {"items": [*map(self._action, body[::2], body[1::2])], "errors": False}
            case ("PUT", [name]):
                return self._make(name, body)
            case ("GET", [name, "_mapping"]):
                found = self._index(name)
                return {name: {"mappings": {"properties": found.fields}}}
            case ("POST", [name, "_refresh"]):
                self._index(name).refresh()
                return {"_shards": {"failed": 0}}
            case ("POST", [name, "_mget"]):
                return {"docs": [self._get(self._index(name), one) for one in body["ids"]]}
            case ("POST", [name, "_search"]):
                return search(self._index(name), body)
            case ("POST", [name, "_delete_by_query"]):
                return self._delete_matching(self._index(name), body)
            case ("PUT", [name, "_create", number]):
                return self._put(self._index(name), number, body, {"op_type": "create"})
            case ("PUT", [name, "_doc", number]):
                return self._put(self._index(name), number, body, query)
            case ("GET", [name, "_doc", number]):
                return self._found(self._get(self._index(name), number))
            case ("DELETE", [name, "_doc", number]):
                return self._delete(self._index(name), number, query)
        raise Refused(400, f"{method} {parts}")

    def _index(self, name: str) -> Index:
        if name not in self.indexes:
            raise Refused(404, name)
        return self.indexes[name]

    def _make(self, name: str, body: Json) -> Json:
        if name in self.indexes:
            raise Refused(400, "exists")
        assert body["mappings"]["dynamic"] == "strict"
        self.indexes[name] = Index(body["mappings"]["properties"])
        return {"acknowledged": True}

    @staticmethod
    def _get(index: Index, number: str) -> Json:
        found = index.latest.get(number)
        return {"_id": number, "found": False} if found is None else {**found, "found": True}

    @staticmethod
    def _found(answer: Json) -> Json:
        if not answer["found"]:
            raise Refused(404)
        return answer

    def _action(self, head: Json, body: Json) -> Json:
        [(action, where)] = head.items()
        query = {
            name: str(where[name]) for name in ("if_seq_no", "if_primary_term") if name in where
        }
        if action == "create":
            query["op_type"] = "create"
        elif action != "index":
            raise Refused(400, action)
        try:
            self._put(self._index(where["_index"]), where["_id"], body, query)
        except Refused as refused:
            return {action: {"status": refused.status}}
        return {action: {"status": 201}}

    def _put(self, index: Index, number: str, body: Json, query: dict[str, str]) -> Json:
        if not set(body) <= set(index.fields):
            raise Refused(400, "strict_dynamic_mapping_exception")
        guarded(index.latest.get(number), query)
        version = {"_seq_no": next(self.numbers), "_primary_term": 1}
        index.latest[number] = {"_id": number, "_source": body, **version}
        if query.get("refresh") == "true":
            index.refresh()
        return version

    def _delete(self, index: Index, number: str, query: dict[str, str]) -> Json:
        guarded(index.latest.get(number), query)
        if index.latest.pop(number, None) is None:
            raise Refused(404)
        if query.get("refresh") == "true":
            index.refresh()
        return {"result": "deleted"}

    @staticmethod
    def _delete_matching(index: Index, body: Json) -> Json:
        gone = [n for n, one in index.searched.items() if tester(body["query"])(one["_source"])]
        for number in gone:
            del index.latest[number]
        index.refresh()
        return {"deleted": len(gone)}


def guarded(found: Json | None, query: dict[str, str]) -> None:
    """Refuse what was written for another version of a document. Raises Refused."""
    if query.get("op_type") == "create" and found is not None:
        raise Refused(409)
    if "if_seq_no" in query and (found is None or str(found["_seq_no"]) != query["if_seq_no"]):
        raise Refused(409)


def tester(query: Json) -> Test:  # noqa: C901, PLR0911 - one line for each kind of query
    """A query as a test of one document. Raises Refused for one that we do not send."""
    [(kind, value)] = query.items()
    match kind:
        case "match_all":
            return lambda _: True
        case "match_none":
            return lambda _: False
        case "bool":
            return boolean(value)
    [(field, wanted)] = value.items()
    match kind:
        case "term":
            return lambda one: wanted["value"] in values(one, field)
        case "terms":
            return lambda one: not set(wanted).isdisjoint(values(one, field))
        case "prefix":
            return lambda one: any(x.startswith(wanted["value"]) for x in values(one, field))
        case "exists":
            return lambda one: bool(values(one, wanted))
        case "range":
            return lambda one: any(in_range(x, wanted) for x in values(one, field))
        case "match_phrase":
            words = wanted["query"].split()
            return lambda one: in_a_row(values(one, field), words)
        case "wildcard":
            # Only ever a literal part: nothing in it may mean anything.
            literal = wanted["value"][1:-1]
            assert wanted["value"] == f"*{literal}*"
            assert not set(literal) & set("*?\\")
            return lambda one: literal in one[field]
    raise Refused(400, kind)


def boolean(value: Json) -> Test:
    """A query of queries."""
    if not set(value) <= {"filter", "should", "must_not", "minimum_should_match"}:
        raise Refused(400, "bool")
    needed = [tester(part) for part in value.get("filter", ())]
    some = [tester(part) for part in value.get("should", ())]
    none = [tester(part) for part in value.get("must_not", ())]
    assert not some or value["minimum_should_match"] == 1
    return lambda one: (
        all(part(one) for part in needed)
        and not any(part(one) for part in none)
        and (not some or any(part(one) for part in some))
    )


def values(one: Json, field: str) -> list[Any]:
    """The indexed values of a field: the words of a text, the members of a list."""
    value = one.get(field)
    if value is None:
        return []
    if field == "stems":
        return list(value.split())
    return value if isinstance(value, list) else [value]


def in_range(value: int, wanted: Json) -> bool:
    """Whether *value* is within the bounds."""
    tests = {"gte": value.__ge__, "gt": value.__gt__, "lt": value.__lt__, "lte": value.__le__}
    return all(tests[name](bound) for name, bound in wanted.items())


def in_a_row(words: list[str], wanted: list[str]) -> bool:
    """Whether *wanted* stands in *words* in this order without a gap."""
    return any(words[at : at + len(wanted)] == wanted for at in range(len(words)))


def search(index: Index, body: Json) -> Json:
    """The answer to a search."""
    if not set(body) <= SEARCH_KEYS or body.get("size", 10) > MOST_HITS:
        raise Refused(400, "search")
    hits = index.hits(body["query"])
    answer: Json = {"timed_out": False, "_shards": {"failed": 0}}
    if "aggs" in body:
        answer["aggregations"] = {
            name: aggregated(what, [one["_source"] for one in hits])
            for name, what in body["aggs"].items()
        }
    listed = ordered(hits, body)[: body.get("size", 10)]
    total = len(hits) if body.get("track_total_hits") is True else min(len(hits), MOST_HITS)
    answer["hits"] = {"total": {"value": total}, "hits": listed}
    return answer


def ordered(hits: list[Json], body: Json) -> list[Json]:
    """Hits in the order of the search, behind its cursor."""
    for key in reversed(body.get("sort", [])):
        [(field, how)] = key.items()
        hits = sorted(hits, key=lambda one: one["_source"][field], reverse=how["order"] == "desc")
    keys = [field for key in body.get("sort", []) for field in key]
    listed = [
        {
            "_id": one["_id"],
            "_source": one["_source"] if body.get("_source", True) else None,
            "sort": [one["_source"][field] for field in keys],
        }
        for one in hits
    ]
    if "search_after" in body:
        [after] = body["search_after"]
        falling = next(iter(body["sort"][0].values()))["order"] == "desc"
        listed = [
            one for one in listed if (one["sort"][0] < after if falling else one["sort"][0] > after)
        ]
    return listed


def aggregated(what: Json, found: list[Json]) -> Json:
    """One aggregation."""
    [(kind, value)] = what.items()
    if kind == "filters":
        return {
            "buckets": {
                name: {"doc_count": sum(map(tester(query), found))}
                for name, query in value["filters"].items()
            }
        }
    if kind != "composite":
        raise Refused(400, kind)
    [source] = value["sources"]
    field = source["key"]["terms"]["field"]
    counts = sorted(Counter(one[field] for one in found).items())
    if "after" in value:
        counts = [(key, number) for key, number in counts if key > value["after"]["key"]]
    buckets = [
        {"key": {"key": key}, "doc_count": number} for key, number in counts[: value["size"]]
    ]
    return {"buckets": buckets} | ({"after_key": buckets[-1]["key"]} if buckets else {})


class Handler(BaseHTTPRequestHandler):
    """Hands requests to the store."""

    store: Store
    protocol_version = "HTTP/1.1"

    def _do(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        try:
            status, answer = 200, self.store.answer(self.command, self.path, body)
        except Refused as refused:
            status, answer = refused.status, {"error": str(refused), "status": refused.status}
        data = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST = do_PUT = do_DELETE = _do  # noqa: N815 - the names that HTTP's server wants

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def serve(store: Store) -> ThreadingHTTPServer:
    """Serve *store* on a free port of this machine, in a thread, until it is shut down."""
    handler = type("Bound", (Handler,), {"store": store})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server
