"""Keys and what they are good for: issued once, kept as hashes, found by what a request shows."""

import base64
import hashlib
from typing import NamedTuple

from sqlalchemy import Connection, select, update

from downstream_node import entropy
from downstream_node.clock import WallTime
from downstream_node.database import insert_missing
from downstream_node.demos.models import DemoUser
from downstream_node.demos.states import Scope
from downstream_node.errors import DemoRefused
from downstream_node.node import Node

PREFIX = "MB-"
"""As the document's keys begin."""
KEY_BYTES = 32
UNAUTHORIZED = 401
FORBIDDEN = 403


class User(NamedTuple):
    """Whoever a key belongs to."""

    steam_id: int
    scopes: frozenset[Scope]

    def has(self, scope: Scope) -> bool:
        """Whether the user's key is good for this."""
        return scope in self.scopes


def issue(node: Node, steam_id: int, now: WallTime) -> str:
    """A new key for this user, who may upload with it; an earlier one is worth nothing any more.

    The scopes of a user who is there already stay. Nobody but the caller ever sees the key.
    Raises DemoRefused (403) if the operator has shut the user out.
    """
    key = new_key()
    node.database.write(lambda connection: give(connection, steam_id, hash_of(key), now))
    return key


def require_welcome(user: User) -> User:
    """*user*. Raises DemoRefused (403) if the operator has shut them out."""
    if user.has(Scope.BLOCKED):
        raise DemoRefused(FORBIDDEN, "The operator of this node has taken your key back.")
    return user


def new_key() -> str:
    """A key of 256 random bits, url-safe."""
    return PREFIX + base64.urlsafe_b64encode(entropy.random_bytes(KEY_BYTES)).rstrip(b"=").decode()


def hash_of(key: str) -> bytes:
    """What the database knows of a key. 256 random bits need no salt and no slow hash."""
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).digest()


def give(connection: Connection, steam_id: int, key_hash: bytes, now: WallTime) -> None:
    """Make this the key of the user."""
    require_welcome(known(connection, steam_id))
    insert_missing(
        connection, DemoUser, steam_id=steam_id, scopes=Scope.UPLOAD, created=now, updated=now
    )
    changed = update(DemoUser).where(DemoUser.steam_id == steam_id)
    connection.execute(changed.values(key_hash=key_hash, updated=now))


def found(connection: Connection, key: str) -> User | None:
    """Whose key this is."""
    return with_hash(connection, hash_of(key))


def with_hash(connection: Connection, key_hash: bytes) -> User | None:
    """Whose key has this hash."""
    query = select(DemoUser.steam_id, DemoUser.scopes).where(DemoUser.key_hash == key_hash)
    row = connection.execute(query).one_or_none()
    return None if row is None else User(row.steam_id, scopes_of(row.scopes))


def known(connection: Connection, steam_id: int) -> User:
    """The user with this Steam id, whom Steam vouches for; a new one may upload."""
    query = select(DemoUser.scopes).where(DemoUser.steam_id == steam_id)
    scopes = connection.execute(query).scalar_one_or_none()
    return User(steam_id, frozenset({Scope.UPLOAD}) if scopes is None else scopes_of(scopes))


def scopes_of(text: str) -> frozenset[Scope]:
    """The scopes in a column."""
    return frozenset(map(Scope, text.split()))


def require(node: Node, key: str | None, scope: Scope | None = None) -> User:
    """Whose *key* this is, if it is good for *scope*. Raises DemoRefused (401)."""
    user = node.database.read(lambda connection: found(connection, key)) if key else None
    if user is None or (scope is not None and not user.has(scope)):
        raise DemoRefused(UNAUTHORIZED, "Unauthorized")
    return user
