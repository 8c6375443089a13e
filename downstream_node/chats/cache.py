"""Answers of the archive that were given before, in memory or in Redis.

An answer's key contains the version of the archive, so an import makes all earlier answers
unreachable, and nothing is ever flushed: they go when there is no room, or after an hour.
"""

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Protocol, TypeVar

import msgspec
from redis import Redis

from downstream_node import __version__
from downstream_node.shared import Shared

PREFIX = "downstream:chats:"
LIFETIME = 3600
"""Seconds after which Redis forgets an answer; most are unreachable by then."""
LARGEST_PART = 8
"""An answer that takes more than this part of the memory is not kept."""
OVERHEAD = 200
"""Bytes that an entry takes beside its key and value, about."""

Value = TypeVar("Value")


class Store(Protocol):
    """Where answers are kept."""

    def get(self, key: str) -> bytes | None:
        """What was put under *key*, if it is still there."""

    def put(self, key: str, value: bytes) -> None:
        """Keep *value*, which may be forgotten at any time."""


class Memory:
    """Answers in this process, at most *most_bytes*; the least recently used go first."""

    def __init__(self, most_bytes: int) -> None:
        self.most_bytes = most_bytes
        self.bytes = 0
        self.entries: OrderedDict[str, bytes] = OrderedDict()
        self.lock = threading.Lock()

    def get(self, key: str) -> bytes | None:
        """What was put under *key*, if it is still there."""
        with self.lock:
            found = self.entries.get(key)
            if found is not None:
                self.entries.move_to_end(key)
            return found

    def takes(self, key: str, value: bytes) -> bool:
        """Whether *value* is small enough to be kept."""
        return size_of(key, value) <= self.most_bytes // LARGEST_PART

    def put(self, key: str, value: bytes) -> None:
        """Keep *value*, if it is not too large."""
        if not self.takes(key, value):
            return
        with self.lock:
            former = self.entries.pop(key, None)
            self.bytes -= 0 if former is None else size_of(key, former)
            self.entries[key] = value
            self.bytes += size_of(key, value)
            while self.bytes > self.most_bytes:
                gone, old = self.entries.popitem(last=False)
                self.bytes -= size_of(gone, old)


def size_of(key: str, value: bytes) -> int:
    """Bytes that an entry takes."""
    return len(key) + len(value) + OVERHEAD


class InRedis:
    """Answers in Redis; while it is gone, in *memory*."""

    def __init__(self, shared: Shared, memory: Memory) -> None:
        self.shared = shared
        self.memory = memory
        self.redis: Redis = Redis(connection_pool=shared.pool)

    def get(self, key: str) -> bytes | None:
        """What was put under *key*, if it is still there."""
        found = self.shared.ask(lambda: self.redis.get(PREFIX + key))
        return found if isinstance(found, bytes) else self.memory.get(key)

    def put(self, key: str, value: bytes) -> None:
        """Keep *value* for LIFETIME, if memory would take it: Redis is no place for whole chats."""
        if not self.memory.takes(key, value):
            return
        if self.shared.ask(lambda: self.redis.set(PREFIX + key, value, ex=LIFETIME)) is None:
            self.memory.put(key, value)


class Cache:
    """Answers by what was asked."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def remembered(
        self, kind: type[Value], question: tuple[object, ...], make: Callable[[], Value]
    ) -> Value:
        """The answer of this *kind* to *question*: given before, or made now.

        *question* names all on which the answer depends, the archive's version first. What comes
        from the store is parsed as data; what is no such answer counts as none.
        """
        key = key_of(kind, question)
        raw = self.store.get(key)
        if raw is not None:
            try:
                return msgspec.msgpack.decode(raw, type=kind)
            except msgspec.MsgspecError:
                # Somebody else wrote there; it is replaced.
                pass
        value = make()
        self.store.put(key, msgspec.msgpack.encode(value))
        return value


def key_of(kind: object, question: tuple[object, ...]) -> str:
    """A text that stands for *question* and the form of its answer."""
    return hashlib.sha256(repr((__version__, str(kind), question)).encode()).hexdigest()
