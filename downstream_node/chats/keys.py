"""Keys for the archive: made, listed, removed, found by what somebody shows; and publishing."""

import base64
import hashlib
import re
from collections.abc import Iterable
from typing import Literal

import msgspec
from sqlalchemy import Connection, bindparam, delete, insert, select, update

from downstream_node import entropy
from downstream_node.chats.models import LONGEST_NAME, ArchiveKey, ArchivePublished
from downstream_node.chats.scopes import Scope
from downstream_node.clock import SECOND, WallTime
from downstream_node.database import insert_missing
from downstream_node.errors import InvalidChatKey
from downstream_node.node import Node

PREFIX = "dsck_"
"""Marks a text as a key for the archive, for people and for programs that look for leaks."""
KEY_BYTES = 32
NAME = re.compile(rf"[A-Za-z0-9][A-Za-z0-9._@-]{{0,{LONGEST_NAME - 1}}}")
MOST_IDS = 1000
"""Guilds and channels of one key."""
LARGEST_ID = (1 << 63) - 1
NOTED_EVERY = 3600 * SECOND
"""`last_used` of a key that a program shows all the time is written this often."""

Kind = Literal["guild", "channel"]


class Opened(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a key opens, as it is stored."""

    everything: bool
    guilds: list[int]
    channels: list[int]

    def scope(self) -> Scope:
        """The same for use."""
        return Scope(self.everything, frozenset(self.guilds), frozenset(self.channels))


class Key(msgspec.Struct, frozen=True):
    """One key as it is known; times are wall time."""

    name: str
    key_hash: bytes
    scope: Scope
    may_import: bool
    created: int
    last_used: int | None


COLUMNS = (
    ArchiveKey.name,
    ArchiveKey.key_hash,
    ArchiveKey.scope,
    ArchiveKey.may_import,
    ArchiveKey.created,
    ArchiveKey.last_used,
)
# Made once: to make a statement takes longer than to have it answered.
BY_HASH = select(*COLUMNS).where(ArchiveKey.key_hash == bindparam("key_hash"))
PUBLISHED = select(ArchivePublished.kind, ArchivePublished.subject)


def hash_of(key: str) -> bytes:
    """What is stored of *key*: its SHA-256, 32 bytes."""
    return hashlib.sha256(key.encode(errors="surrogatepass")).digest()


def add(node: Node, name: str, scope: Scope, *, may_import: bool) -> str:
    """A new key of this *name* for *scope*; it is not stored and cannot be shown again.

    Raises InvalidChatKey if the name has other characters or is taken, or an id is none.
    """
    if not NAME.fullmatch(name):
        raise InvalidChatKey(
            f"{name!r} is no name for a key: use 1 to {LONGEST_NAME} of A-Z a-z 0-9 . _ @ -, "
            "beginning with a letter or digit."
        )
    require_ids([*scope.guilds, *scope.channels])
    secret = base64.urlsafe_b64encode(entropy.random_bytes(KEY_BYTES))
    key = PREFIX + secret.decode().rstrip("=")
    opened = Opened(scope.everything, sorted(scope.guilds), sorted(scope.channels))
    row = {
        "name": name,
        "key_hash": hash_of(key),
        "scope": msgspec.json.encode(opened).decode(),
        "may_import": may_import,
        "created": node.wall_clock(),
    }

    def store(connection: Connection) -> None:
        taken = select(ArchiveKey.id).where(ArchiveKey.name == name)
        if connection.execute(taken).one_or_none() is not None:
            raise InvalidChatKey(f"There is a key {name} already; remove it first.")
        connection.execute(insert(ArchiveKey).values(row))

    node.database.write(store)
    return key


def require_ids(ids: Iterable[int]) -> None:
    """Raise InvalidChatKey unless *ids* can be ids, and are not too many."""
    count = 0
    for one in ids:
        count += 1
        if not 0 <= one <= LARGEST_ID:
            raise InvalidChatKey(f"{one} is no id of a guild or channel.")
    if count > MOST_IDS:
        raise InvalidChatKey(f"A key opens at most {MOST_IDS} guilds and channels by id.")


def stored(node: Node) -> list[Key]:
    """All keys, by name."""
    query = select(*COLUMNS).order_by(ArchiveKey.name)
    return node.database.read(
        lambda connection: [key_of(*row) for row in connection.execute(query)]
    )


def remove(node: Node, name: str) -> None:
    """Remove the key of *name*: it opens nothing from the next request on.

    Raises InvalidChatKey if there is none.
    """
    statement = delete(ArchiveKey).where(ArchiveKey.name == name)
    if not node.database.write(lambda connection: connection.execute(statement).rowcount):
        raise InvalidChatKey(f"There is no key {name}.")


def find(connection: Connection, key_hash: bytes) -> Key | None:
    """The key with this hash."""
    # No comparison of secrets, so none that could be timed: the index sees hashes only, and
    # nobody can choose the hash of a guess.
    row = connection.execute(BY_HASH, {"key_hash": key_hash}).one_or_none()
    return key_of(*row) if row else None


def key_of(  # noqa: PLR0913, PLR0917 - one for each column
    name: str, key_hash: bytes, scope: str, may_import: bool, created: int, last_used: int | None
) -> Key:
    """A row as a value."""
    opened = msgspec.json.decode(scope, type=Opened)
    return Key(name, bytes(key_hash), opened.scope(), bool(may_import), created, last_used)


def note_use(node: Node, key: Key, now: WallTime) -> None:
    """Note that *key* is used *now*, unless that was noted less than NOTED_EVERY ago."""
    if key.last_used is not None and key.last_used <= now < key.last_used + NOTED_EVERY:
        return
    statement = update(ArchiveKey).where(ArchiveKey.key_hash == key.key_hash).values(last_used=now)
    node.database.write(lambda connection: connection.execute(statement))


# What everybody may read


def published(connection: Connection) -> Scope:
    """What everybody may read."""
    rows = [(kind, subject) for kind, subject in connection.execute(PUBLISHED)]
    return Scope(
        guilds=frozenset(subject for kind, subject in rows if kind == "guild"),
        channels=frozenset(subject for kind, subject in rows if kind == "channel"),
    )


def publish(node: Node, kind: Kind, subject: int) -> None:
    """Let everybody read a guild or channel; twice is once."""
    row = {"kind": kind, "subject": subject, "since": node.wall_clock()}
    node.database.write(lambda connection: insert_missing(connection, ArchivePublished, **row))


def unpublish(node: Node, subject: int) -> int:
    """Let only keys read the guild or channel with this id; how many of them were published."""
    statement = delete(ArchivePublished).where(ArchivePublished.subject == subject)
    return node.database.write(lambda connection: connection.execute(statement).rowcount)
