"""The archive in Elasticsearch or OpenSearch, for many machines.

There are no transactions. An import becomes visible batch by batch (when the server refreshes its
indexes, about once a second), and one that is interrupted leaves what it had stored until then:
whole messages, each findable, with the revisions that belong to them. Importing the same file again
completes it, and changes nothing that was stored. An import that fails counts as no import: it is
not among `imports()`. One import at a time is kept by a lock in an index, which runs out when its
owner is gone.
"""

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise

from downstream_node.chats import marks
from downstream_node.chats.archive import Facet, Group, Imported, Order, Writing
from downstream_node.chats.engines.elastic_http import CONFLICT, NOT_FOUND, Client
from downstream_node.chats.engines.elastic_queries import MAPPINGS, Json, filtered, index, matching
from downstream_node.chats.engines.elastic_writing import ElasticWriting, bump, exclusively
from downstream_node.chats.places import LARGEST, Place, month_of, month_start
from downstream_node.chats.query import Condition
from downstream_node.chats.records import (
    Author,
    Channel,
    Counts,
    Export,
    Guild,
    Revision,
    Stored,
)
from downstream_node.chats.simplifying import simple
from downstream_node.chats.text import UNSTORABLE, fold
from downstream_node.entropy import random_bytes
from downstream_node.errors import ArchiveUnavailable

WINDOW = 10_000
"""Hits that a server gives at once and no more."""
EXISTS = 400
"""What both products answer when an index is made twice."""


class ElasticArchive:
    """See `archive.Archive`, and above. *uri* is http(s)://[user:password@]host:port[/prefix]."""

    def __init__(self, uri: str) -> None:
        self._client = Client(uri)

    def prepare(self) -> None:
        """See `archive.Archive`: makes the indexes that are not there."""
        for name in MAPPINGS:
            full = self._client.index(name)
            known = self._client.ask("GET", f"{full}/_mapping", allowed={NOT_FOUND})
            if full not in known:
                self._client.ask("PUT", full, index(name), allowed={EXISTS})
                known = self._client.ask("GET", f"{full}/_mapping")
            given = known.get(full, {}).get("mappings", {}).get("properties", {})
            if name != "archive" and set(given) != set(MAPPINGS[name]):
                raise ArchiveUnavailable(f"The index {full} is there, but it is not an archive's.")
        first = {"value": {"identity": random_bytes(16).hex(), "version": 0, "imports": 0}}
        path = f"{self._client.index('archive')}/_create/state"
        self._client.ask("PUT", path, first, allowed={CONFLICT})

    def close(self) -> None:
        """See `archive.Archive`."""
        self._client.close()

    def version(self) -> str:
        """See `archive.Archive`."""
        state = self._client.documents("archive", ["state"])["state"]["_source"]["value"]
        return f"{state['identity']}.{state['version']}"

    @contextmanager
    def writing(self, export: Export, sha256: bytes, name: str, now: int) -> Iterator[Writing]:
        """See `archive.Archive`, but what an interrupted import had stored stays."""
        with exclusively(self._client) as lock:
            yield ElasticWriting(self._client, lock, export, sha256, name, now)

    def page(
        self,
        condition: Condition,
        order: Order,
        limit: int,
        after: Place | None = None,
        skip: int = 0,
    ) -> list[Stored]:
        """See `archive.Archive`."""
        query = matching(simple(condition))
        behind: int | None = after
        while skip > 0:
            step = self._hits(query, order, min(skip, WINDOW), behind, source=False)
            if not step:
                return []
            skip, behind = skip - len(step), step[-1]["sort"][0]
        found: list[Json] = []
        while len(found) < limit:
            size = min(limit - len(found), WINDOW)
            some = self._hits(query, order, size, behind)
            found += [hit["_source"] for hit in some]
            if len(some) < size:
                break
            behind = some[-1]["sort"][0]
        return self._stored(found)

    def _hits(
        self, query: Json, order: Order, size: int, behind: int | None, *, source: bool = True
    ) -> list[Json]:
        """The next hits behind a place."""
        body: Json = {
            "query": filtered(query),
            "sort": [{"place": {"order": "desc" if order == "newest" else "asc"}}],
            "size": size,
            "track_total_hits": False,
            "_source": source,
        }
        if behind is not None:
            body["search_after"] = [behind]
        hits: list[Json] = self._client.search("messages", body)["hits"]["hits"]
        return hits

    def count(self, condition: Condition) -> int:
        """See `archive.Archive`."""
        body = {
            "query": filtered(matching(simple(condition))),
            "size": 0,
            "track_total_hits": True,
        }
        return int(self._client.search("messages", body)["hits"]["total"]["value"])

    def facet(self, condition: Condition, by: Facet, limit: int) -> list[Group]:
        """See `archive.Archive`."""
        query = filtered(matching(simple(condition)))
        if by == "month":
            return self._months(query)
        groups = [Group(key, count) for key, count in self._composite("messages", query, by)]
        return sorted(groups, key=lambda group: (-group.count, group.key))[:limit]

    def _composite(self, name: str, query: Json, field: str) -> Iterator[tuple[int, int]]:
        """All values of a field with their numbers: exact, however many shards there are."""
        composite: Json = {"size": WINDOW, "sources": [{"key": {"terms": {"field": field}}}]}
        while True:
            body = {"query": query, "size": 0, "aggs": {"groups": {"composite": composite}}}
            answer = self._client.search(name, body)["aggregations"]["groups"]
            for bucket in answer["buckets"]:
                yield bucket["key"]["key"], bucket["doc_count"]
            if "after_key" not in answer or len(answer["buckets"]) < WINDOW:
                return
            composite = {**composite, "after": answer["after_key"]}

    def _months(self, query: Json) -> list[Group]:
        """Hits by month: ranges of places from the first hit to the last."""
        ends: list[int] = []
        for order in ("asc", "desc"):
            sort = [{"place": {"order": order}}]
            body = {"query": query, "sort": sort, "size": 1, "_source": False}
            ends += [
                hit["sort"][0] for hit in self._client.search("messages", body)["hits"]["hits"]
            ]
        if not ends:
            return []
        months = range(month_of(Place(ends[0])), month_of(Place(ends[-1])) + 2)
        # The bounds of a range aggregation are doubles, too coarse for places; a filter's are not.
        filters = {
            str(month): {"range": {"place": {"gte": month_start(month), "lt": month_start(after)}}}
            for month, after in pairwise(months)
        }
        found: dict[str, int] = {}
        names = list(filters)
        for start in range(0, len(names), 500):
            some = {name: filters[name] for name in names[start : start + 500]}
            body = {"query": query, "size": 0, "aggs": {"months": {"filters": {"filters": some}}}}
            buckets = self._client.search("messages", body)["aggregations"]["months"]["buckets"]
            found |= {name: bucket["doc_count"] for name, bucket in buckets.items()}
        return [Group(int(name), found[name]) for name in names if found[name]]

    def one(self, message_id: int) -> Stored | None:
        """See `archive.Archive`."""
        if not 0 <= message_id <= LARGEST:
            return None
        body = {"query": filtered({"term": {"id": {"value": message_id}}}), "size": 1}
        hits = self._client.search("messages", body)["hits"]["hits"]
        return next(iter(self._stored([hit["_source"] for hit in hits])), None)

    def around(self, place: Place, channel: int, before: int, after: int) -> list[Stored]:
        """See `archive.Archive`."""
        query = matching_channel(channel)
        earlier = self._hits(query, "newest", before, place) if before else []
        later = self._hits(query, "oldest", after + 1, place - 1)
        return self._stored([hit["_source"] for hit in [*reversed(earlier), *later]])

    def revisions(self, place: Place) -> list[Revision]:
        """See `archive.Archive`."""
        found = self._all("revisions", {"term": {"place": {"value": place}}})
        revisions = [Revision(one["content"], one["edited"], one["replaced"]) for one in found]
        return sorted(
            revisions, key=lambda one: (one.edited is not None, one.edited or 0, one.replaced or 0)
        )

    def guilds(self) -> list[Guild]:
        """See `archive.Archive`."""
        guilds = [Guild(**one) for one in self._all("guilds", {"match_all": {}})]
        return sorted(guilds, key=lambda guild: (guild.name, guild.id))

    def channels(self) -> list[Channel]:
        """See `archive.Archive`."""
        names = {guild.id: guild.name for guild in self.guilds()}
        found = self._all("channels", {"match_all": {}})
        channels = [
            Channel(**{name: one[name] for name in Channel.__struct_fields__}) for one in found
        ]
        return sorted(channels, key=lambda c: (names.get(c.guild, ""), c.guild, c.name, c.id))

    def authors_named(self, name: str) -> list[Author]:
        """See `archive.Archive`."""
        queries: list[Json] = [
            {"term": {field: {"value": fold(name)}}} for field in ("folded_name", "folded_nickname")
        ]
        if name.isascii() and name.isdecimal() and int(name) <= LARGEST:
            queries.append({"term": {"id": {"value": int(name)}}})
        found = self._all("authors", {"bool": {"should": queries, "minimum_should_match": 1}})
        return sorted(map(author_of, found), key=lambda author: author.id)

    def authors_like(self, beginning: str, limit: int) -> list[Author]:
        """See `archive.Archive`."""
        if UNSTORABLE.search(beginning):
            return []
        prefixes = [
            {"prefix": {field: {"value": fold(beginning)}}}
            for field in ("folded_name", "folded_nickname")
        ]
        body = {
            "query": filtered({"bool": {"should": prefixes, "minimum_should_match": 1}}),
            "sort": [{"folded_name": {"order": "asc"}}, {"id": {"order": "asc"}}],
            "size": limit,
        }
        hits = self._client.search("authors", body)["hits"]["hits"]
        return [author_of(hit["_source"]) for hit in hits]

    def authors(self, ids: Collection[int]) -> list[Author]:
        """See `archive.Archive`."""
        found = self._client.documents("authors", ids)
        return [author_of(one["_source"]) for one in found.values()]

    def imports(self, limit: int, channels: Collection[int] | None = None) -> list[Imported]:
        """See `archive.Archive`."""
        query: Json = (
            {"match_all": {}} if channels is None else {"terms": {"channel": sorted(channels)}}
        )
        sort = [{"number": {"order": "desc"}}]
        body = {"query": filtered(query), "sort": sort, "size": min(limit, WINDOW)}
        hits = self._client.search("imports", body)["hits"]["hits"]
        return [imported_of(hit["_source"]) for hit in hits]

    def remove_channel(self, channel: int) -> int:
        """See `archive.Archive`."""
        with exclusively(self._client):
            gone = 0
            query = {"query": {"term": {"channel": {"value": channel}}}}
            for name in ("revisions", "messages"):
                path = f"{self._client.index(name)}/_delete_by_query?refresh=true"
                self._client.ask("POST", f"{self._client.index(name)}/_refresh")
                gone = self._client.ask("POST", path, query)["deleted"]
            path = f"{self._client.index('channels')}/_doc/{channel}?refresh=true"
            self._client.ask("DELETE", path, allowed={NOT_FOUND})
            left = {one.guild for one in self.channels()}
            for guild in self.guilds():
                if guild.id not in left:
                    path = f"{self._client.index('guilds')}/_doc/{guild.id}?refresh=true"
                    self._client.ask("DELETE", path, allowed={NOT_FOUND})
            bump(self._client)
        return gone

    def _all(self, name: str, query: Json) -> list[Json]:
        """All documents of a small index that match."""
        body = {"query": filtered(query), "size": WINDOW}
        hits = self._client.search(name, body)["hits"]["hits"]
        return [hit["_source"] for hit in hits]

    def _stored(self, found: Sequence[Json]) -> list[Stored]:
        """Messages with what other indexes know of them."""
        if not found:
            return []
        channels = self._client.documents("channels", {one["channel"] for one in found})
        authors = self._client.documents("authors", {one["author"] for one in found})
        revisions: dict[int, int] = {}
        for start in range(0, len(found), WINDOW):
            places = {"terms": {"place": [one["place"] for one in found[start : start + WINDOW]]}}
            revisions |= dict(self._composite("revisions", filtered(places), "place"))
        return [
            stored_of(
                one,
                channels[str(one["channel"])]["_source"],
                authors.get(str(one["author"]), {}).get("_source"),
                revisions.get(one["place"], 0),
            )
            for one in found
        ]


def matching_channel(channel: int) -> Json:
    """What is in this channel."""
    return {"term": {"channel": {"value": channel}}}


def author_of(one: Json) -> Author:
    """A document of an author."""
    return Author(**{name: one[name] for name in Author.__struct_fields__})


def imported_of(one: Json) -> Imported:
    """A document of an import."""
    return Imported(
        number=one["number"],
        sha256=bytes.fromhex(one["sha256"]),
        name=one["name"],
        channel=one["channel"],
        exported=one["exported"],
        committed=one["committed"],
        counts=Counts(**one["counts"]),
    )


def stored_of(one: Json, channel: Json, author: Json | None, revisions: int) -> Stored:
    """A document of a message."""
    known = Author(one["author"], str(one["author"])) if author is None else author_of(author)
    return Stored(
        place=one["place"],
        id=one["id"],
        guild=channel["guild"],
        channel=one["channel"],
        channel_name=channel["name"],
        author=known,
        kind=one["kind"],
        edited=one["edited"],
        content=one["content"],
        extras=one["extras"].encode(),
        reply_to=one["reply_to"],
        pinned=marks.is_("pinned") in one["marks"],
        deleted=one["deleted"] is not None,
        revisions=revisions,
    )
