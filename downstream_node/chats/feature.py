"""What chats keep open while the node runs: the archive, opened when it is first needed."""

import threading
from functools import cached_property
from pathlib import Path

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from downstream_node.chats.archive import Archive
from downstream_node.chats.cache import Cache, InRedis, Memory
from downstream_node.errors import InvalidSettings
from downstream_node.limiting import Limiter, NoLimit, PerMinute
from downstream_node.settings import Settings
from downstream_node.shared import Shared


class Chats:
    """The archive of a node, `node.feature(Chats)`. A node without chats never makes its file."""

    def __init__(self, values: Settings) -> None:
        self._values = values
        self._uri = values.CHATS_ARCHIVE
        self._lock = threading.Lock()
        self._archive: Archive | None = None

    @property
    def archive(self) -> Archive:
        """The archive, its schema up to date. Raises ArchiveUnavailable, InvalidSettings."""
        with self._lock:
            if self._archive is None:
                archive = opened(self._uri)
                archive.prepare()
                self._archive = archive
            return self._archive

    def close(self) -> None:
        """Close the archive if it was opened; it may be opened again."""
        with self._lock:
            archive, self._archive = self._archive, None
        if archive is not None:
            archive.close()
        if "shared" in self.__dict__ and self.shared is not None:
            self.shared.close()

    # Each is made at most twice, if two threads are the first to want it: both are good.

    @cached_property
    def shared(self) -> Shared | None:
        """Redis, if there is one. Raises InvalidSettings."""
        url = self._values.REDIS_URL
        return Shared(url) if url else None

    @cached_property
    def cache(self) -> Cache:
        """Answers that were given before."""
        memory = Memory(self._values.CHATS_CACHE_SIZE)
        return Cache(memory if self.shared is None else InRedis(self.shared, memory))

    @cached_property
    def limiter(self) -> Limiter:
        """How often one may ask."""
        amount = self._values.CHATS_RATE_LIMIT
        return PerMinute(amount, self.shared) if amount else NoLimit()


def opened(uri: str) -> Archive:
    """The engine for the address *uri* of CHATS_ARCHIVE. Raises InvalidSettings."""
    # Each engine is imported when it is the one: their libraries take memory.
    if uri.startswith(("http://", "https://")):
        from downstream_node.chats.engines.elastic import ElasticArchive  # noqa: PLC0415

        return ElasticArchive(uri)
    try:
        url = make_url(uri)
    except ArgumentError:
        # The address itself is not shown: it may contain a password.
        raise InvalidSettings("CHATS_ARCHIVE is not the address of an archive.") from None
    backend = url.get_backend_name()
    if backend == "sqlite" and url.database:
        from downstream_node.chats.engines.sqlite import SqliteArchive  # noqa: PLC0415

        return SqliteArchive(Path(url.database))
    if backend == "postgresql":
        from downstream_node.chats.engines.postgresql import PostgresqlArchive  # noqa: PLC0415

        return PostgresqlArchive(uri)
    raise InvalidSettings(
        "CHATS_ARCHIVE must be sqlite:///FILE, postgresql+psycopg://... or http(s)://..."
    )
