"""Operators' keys: made, listed, removed, and found by what somebody shows."""

import base64
import hashlib
import re
from dataclasses import dataclass

from sqlalchemy import Connection

from downstream_node import entropy
from downstream_node.clock import SECOND, WallTime
from downstream_node.errors import InvalidOperator
from downstream_node.node import Node
from downstream_node.operators import queries
from downstream_node.operators.models import LONGEST_NAME
from downstream_node.operators.queries import StoredKey

PREFIX = "dsop_"
"""Marks a text as an operator's key, for people and for programs that look for leaked keys."""
KEY_BYTES = 32
NAME = re.compile(rf"[A-Za-z0-9][A-Za-z0-9._@-]{{0,{LONGEST_NAME - 1}}}")
NOTED_EVERY = 3600 * SECOND
"""`last_used` of a key that a monitor shows every few seconds is written this often."""


@dataclass(frozen=True, slots=True)
class Operator:
    """Somebody who showed a key: its name, and its hash, which stands for the row."""

    name: str
    key_hash: bytes


def hash_of(key: str) -> bytes:
    """What is stored of *key*: its SHA-256, 32 bytes."""
    return hashlib.sha256(key.encode(errors="surrogatepass")).digest()


def add(node: Node, name: str) -> str:
    """A new key for the operator *name*; it is not stored and cannot be shown again.

    Raises InvalidOperator if the name has other characters or is taken.
    """
    if not NAME.fullmatch(name):
        raise InvalidOperator(
            f"{name!r} is no name for an operator: use 1 to {LONGEST_NAME} of A-Z a-z 0-9 . _ @ -, "
            "beginning with a letter or digit."
        )
    secret = base64.urlsafe_b64encode(entropy.random_bytes(KEY_BYTES))
    key = PREFIX + secret.decode().rstrip("=")

    def store(connection: Connection) -> None:
        if queries.has_name(connection, name):
            raise InvalidOperator(f"There is an operator {name} already; remove it first.")
        queries.add_key(connection, name, hash_of(key), node.wall_clock())

    node.database.write(store)
    return key


def stored(node: Node) -> list[StoredKey]:
    """All keys, by name."""
    return node.database.read(queries.list_keys)


def remove(node: Node, name: str) -> None:
    """Remove the key of *name*: who is logged in with it is logged out at the next request.

    Raises InvalidOperator if there is none.
    """
    if not node.database.write(lambda connection: queries.remove_key(connection, name)):
        raise InvalidOperator(f"There is no operator {name}.")


def find(node: Node, key_hash: bytes) -> Operator | None:
    """The operator whose key has this hash."""
    # No comparison of secrets, so none that could be timed: the index sees hashes only, and
    # nobody can choose the hash of a guess.
    found = node.database.read(lambda connection: queries.find_key(connection, key_hash))
    return Operator(found.name, key_hash) if found else None


def shown(node: Node, key: str) -> Operator | None:
    """The operator who shows *key*, noted as used now; None if it is nobody's."""
    key_hash = hash_of(key.strip())
    found = node.database.read(lambda connection: queries.find_key(connection, key_hash))
    if found is None:
        return None
    now = node.wall_clock()
    if is_long_ago(found.last_used, now):
        node.database.write(lambda connection: queries.note_use(connection, key_hash, now))
    return Operator(found.name, key_hash)


def is_long_ago(used: int | None, now: WallTime) -> bool:
    """Whether a key last noted as *used* then is to be noted again."""
    return used is None or not used <= now < used + NOTED_EVERY
