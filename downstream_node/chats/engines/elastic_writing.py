"""One import into Elasticsearch or OpenSearch: documents under their places, guarded by versions.

Each batch is looked up by id (which sees the latest, refreshed or not), decided by `merging`, and
written with the versions that were read: if anybody else wrote in between, the server refuses. What
a message said before is stored before the message changes, under an id made of the text. So an
import that is interrupted anywhere may be run again.
"""

import hashlib
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import msgspec

from downstream_node.chats import merging
from downstream_node.chats.engines.elastic_http import CONFLICT, NOT_FOUND, TOO_BUSY, Client
from downstream_node.chats.engines.elastic_queries import Json, document, filtered
from downstream_node.chats.marks import is_
from downstream_node.chats.merging import Fate, Known
from downstream_node.chats.places import Place
from downstream_node.chats.records import Author, Counts, Export, Message
from downstream_node.chats.text import fold
from downstream_node.clock import monotonic, pause, system_clock
from downstream_node.entropy import random_bytes
from downstream_node.errors import ArchiveUnavailable, Busy, InvalidExport

BATCH = 2000
"""Messages of one request, 2 MB or so."""
LEASE = 120_000
"""Milliseconds after which a lock whose owner does not renew it is anybody's."""
WAIT_SECONDS = 300.0
PAUSE_SECONDS = 0.2
DELETED = is_("deleted")
DONE = {200, 201}


class Lock:
    """The right to change the archive, for LEASE milliseconds from the last `renew`."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._path = f"{client.index('archive')}/_doc/lock"
        self._owner = random_bytes(16).hex()
        self._until = 0
        self._guard = ""

    def taken(self) -> bool:
        """Whether it could be had now."""
        now = system_clock()
        held = self._client.ask("GET", self._path, allowed={NOT_FOUND})
        if not held.get("found"):
            return self._write("op_type=create", now)
        if held["_source"]["value"]["until"] > now:
            return False
        return self._write(guard(held), now)

    def renew(self) -> None:
        """Hold it for longer, when half of the time is over. Raises Busy if it was lost."""
        now = system_clock()
        if now > self._until - LEASE // 2 and not self._write(self._guard, now):
            raise Busy(TOO_BUSY)

    def free(self) -> None:
        """Let others have it."""
        self._client.ask("DELETE", f"{self._path}?{self._guard}", allowed={CONFLICT, NOT_FOUND})

    def _write(self, condition: str, now: int) -> bool:
        value = {"value": {"owner": self._owner, "until": now + LEASE}}
        answer = self._client.ask("PUT", f"{self._path}?{condition}", value, allowed={CONFLICT})
        if "_seq_no" not in answer:
            return False
        self._until, self._guard = now + LEASE, guard(answer)
        return True


def guard(found: Mapping[str, Any]) -> str:
    """That a document is still the one that was *found*, as parameters of a request."""
    return f"if_seq_no={found['_seq_no']}&if_primary_term={found['_primary_term']}"


@contextmanager
def exclusively(client: Client) -> Iterator[Lock]:
    """One import or removal at a time. Raises Busy."""
    lock = Lock(client)
    give_up = monotonic() + WAIT_SECONDS
    while not lock.taken():
        if monotonic() > give_up:
            raise Busy(TOO_BUSY)
        pause(PAUSE_SECONDS)
    try:
        yield lock
    finally:
        lock.free()


def bump(client: Client, versions: int = 1, imports: int = 0) -> int:
    """Count the archive's version up, or its imports; the number of imports."""
    state = client.documents("archive", ["state"])["state"]["_source"]["value"]
    state["version"] += versions
    state["imports"] += imports
    client.ask("PUT", f"{client.index('archive')}/_doc/state?refresh=true", {"value": state})
    return int(state["imports"])


def known_of(found: Json) -> Known:
    """What decides about a message that comes for the document *found*."""
    names = ("id", "channel", "fingerprint", "edited", "exported", "deleted")
    return Known(*(found["_source"][name] for name in names))


class ElasticWriting:
    """See `archive.Writing`."""

    def __init__(  # noqa: PLR0913, PLR0917 - as many as an import has
        self, client: Client, lock: Lock, export: Export, sha256: bytes, name: str, now: int
    ) -> None:
        self._client = client
        self._lock = lock
        self._export = export
        self._file = {"sha256": sha256.hex(), "name": name}
        self._now = now
        self._moment = merging.moment_of(export.exported, now)
        self._counts: Counter[str] = Counter()
        self._seen = array("q")
        self._changed = False
        self._name_channel()

    def _name_channel(self) -> None:
        """Know the guild and the channel. Raises InvalidExport if it was in another guild."""
        guild, channel = self._export.guild, self._export.channel
        known = self._client.documents("channels", [channel.id]).get(str(channel.id))
        if known is not None and known["_source"]["guild"] != guild.id:
            raise InvalidExport(
                f"Channel {channel.id} is of guild {known['_source']['guild']} in the archive, "
                f"and of guild {guild.id} in this export."
            )
        same = {"term": {"guild": {"value": guild.id}}}
        body = {"query": filtered(same, later(self._moment)), "size": 0}
        if self._export.names_guild:
            may_name = not self._client.search("channels", body)["hits"]["total"]["value"]
        else:
            may_name = not self._client.documents("guilds", [guild.id])
        if may_name:
            self._name("guilds", guild.id, msgspec.structs.asdict(guild))
        if known is None or known["_source"]["exported"] < self._moment:
            named = {**msgspec.structs.asdict(channel), "exported": self._moment}
            self._name("channels", channel.id, named)

    def _name(self, name: str, number: int, value: Json) -> None:
        """Store a guild or a channel, if it is another."""
        known = self._client.documents(name, [number]).get(str(number))
        if known is None or known["_source"] != value:
            path = f"{self._client.index(name)}/_doc/{number}?refresh=true"
            self._client.ask("PUT", path, value)
            self._touch()

    def _touch(self) -> None:
        """Have the archive another version: what was found before may no longer be right."""
        self._changed = True
        bump(self._client)

    def authors(self, authors: Iterable[Author]) -> None:
        """See `archive.Writing`."""
        given = {author.id: author for author in authors}
        known = self._client.documents("authors", given)
        lines: list[Mapping[str, Any]] = []
        for author in given.values():
            stored = known.get(str(author.id))
            if stored is not None and stored["_source"]["exported"] >= self._moment:
                continue
            lines += [
                {"index": {"_index": self._client.index("authors"), "_id": str(author.id)}},
                {
                    **msgspec.structs.asdict(author),
                    "folded_name": fold(author.name),
                    "folded_nickname": None if author.nickname is None else fold(author.nickname),
                    "exported": self._moment,
                },
            ]
        self._send(lines)

    def add(self, batch: Sequence[Message]) -> None:
        """See `archive.Writing`."""
        for part in merging.distinct(batch):
            for start in range(0, len(part), BATCH):
                self._add(part[start : start + BATCH])

    def _add(self, batch: Sequence[Message]) -> None:
        self._lock.renew()
        stored = self._client.documents("messages", [message.place for message in batch])
        revisions: list[tuple[Message | Json, str, int | None, int]] = []
        lines: list[Mapping[str, Any]] = []
        for message in batch:
            self._seen.append(message.place)
            found = stored.get(str(message.place))
            known = None if found is None else known_of(found)
            fate = merging.decide(message, known, self._moment)
            self._counts[fate.value] += 1
            if found is None or known is None:
                lines += self._write("create", message.place, self._document(message, None))
                continue
            if fate is Fate.FOREIGN:
                continue
            back = merging.is_restored(known, self._moment)
            self._counts["restored"] += back
            deleted = None if back else known.deleted
            old = found["_source"]
            if fate is Fate.CHANGED:
                if old["content"] != message.content:
                    revisions.append((message, old["content"], old["edited"], self._moment))
                new = self._document(message, deleted)
                lines += self._write("index", message.place, new, found)
            elif back:
                rest = [mark for mark in old["marks"] if mark != DELETED]
                new = {**old, "deleted": None, "marks": rest}
                lines += self._write("index", message.place, new, found)
            if fate is Fate.OLDER and message.content != old["content"]:
                revisions.append((message, message.content, message.edited, known.exported))
        self._revise(revisions)
        self._send(lines)

    def _document(self, message: Message, deleted: int | None) -> Json:
        return document(message, self._moment, deleted, DELETED)

    def _write(
        self, action: str, place: int, new: Json, found: Json | None = None
    ) -> list[Mapping[str, Any]]:
        """An action of a bulk request with its document."""
        head: Json = {"_index": self._client.index("messages"), "_id": str(place)}
        if found is not None:
            head |= {"if_seq_no": found["_seq_no"], "if_primary_term": found["_primary_term"]}
        return [{action: head}, new]

    def _revise(self, revisions: Sequence[tuple[Any, str, int | None, int]]) -> None:
        """Keep what messages said before, each text of a message once."""
        lines: list[Mapping[str, Any]] = []
        for message, content, edited, replaced in revisions:
            text = hashlib.blake2b(content.encode(), digest_size=16).hexdigest()
            number = f"{message.place}-{text}"
            lines += [
                {"create": {"_index": self._client.index("revisions"), "_id": number}},
                {
                    "place": message.place,
                    "channel": message.channel,
                    "content": content,
                    "edited": edited,
                    "replaced": replaced,
                },
            ]
        self._send(lines, known=True)

    def _send(self, lines: list[Mapping[str, Any]], *, known: bool = False) -> None:
        """Write; *known*: what is there already may stay. Raises Busy if somebody else wrote."""
        if not lines:
            return
        statuses = {status for _, status in self._client.bulk(lines)} - DONE
        if known:
            statuses -= {CONFLICT}
        if CONFLICT in statuses or any(status in {429, 503} for status in statuses):
            raise Busy(TOO_BUSY)
        if statuses:
            raise ArchiveUnavailable(
                f"The search server of the archive refused documents with {sorted(statuses)}."
            )
        self._touch()

    def missing(self, first: Place, beyond: Place) -> None:
        """See `archive.Writing`."""
        self._client.ask("POST", f"{self._client.index('messages')}/_refresh")
        seen = set(self._seen)
        behind: int | None = None
        while True:
            found = self._stored_between(first, beyond, behind)
            if not found:
                return
            behind = found[-1]["sort"][0]
            self._lock.renew()
            self._mark_missing([hit["_id"] for hit in found if hit["sort"][0] not in seen])

    def _stored_between(self, first: Place, beyond: Place, behind: int | None) -> list[Json]:
        """The next places of the channel that are not marked as deleted."""
        body: Json = {
            "query": {
                "bool": {
                    "filter": [
                        {"term": {"channel": {"value": self._export.channel.id}}},
                        {"range": {"place": {"gte": first, "lt": beyond}}},
                        {"range": {"exported": {"lt": self._moment}}},
                    ],
                    "must_not": [{"exists": {"field": "deleted"}}],
                }
            },
            "sort": [{"place": {"order": "asc"}}],
            "size": BATCH,
            "_source": False,
        }
        if behind is not None:
            body["search_after"] = [behind]
        hits: list[Json] = self._client.search("messages", body)["hits"]["hits"]
        return hits

    def _mark_missing(self, ids: list[str]) -> None:
        lines: list[Mapping[str, Any]] = []
        for found in self._client.documents("messages", ids).values():
            if not merging.is_missed(known_of(found), self._moment):
                continue
            old = found["_source"]
            new = {**old, "deleted": self._moment, "marks": [*old["marks"], DELETED]}
            lines += self._write("index", old["place"], new, found)
            self._counts["deleted"] += 1
        self._send(lines)

    def finish(self, broken: int) -> Counts:
        """See `archive.Writing`."""
        self._lock.renew()
        self._counts["broken"] = broken + self._counts.pop(Fate.FOREIGN.value, 0)
        counts = Counts(**self._counts)
        for name in ("messages", "revisions", "authors"):
            self._client.ask("POST", f"{self._client.index(name)}/_refresh")
        # The version counts on after the refresh: only then searches find it all.
        number = bump(self._client, versions=self._changed, imports=1)
        done = {
            **self._file,
            "number": number,
            "channel": self._export.channel.id,
            "exported": self._export.exported,
            "committed": self._now,
            "counts": msgspec.structs.asdict(counts),
        }
        path = f"{self._client.index('imports')}/_doc/{number}?refresh=true"
        self._client.ask("PUT", path, done)
        return counts


def later(moment: int) -> Json:
    """Of an export made after *moment*."""
    return {"range": {"exported": {"gt": moment}}}
