"""What chats keep open while the node runs: the archive, opened when it is first needed."""

import threading
from pathlib import Path

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from downstream_node.chats.archive import Archive
from downstream_node.errors import InvalidSettings
from downstream_node.settings import Settings


class Chats:
    """The archive of a node, `node.feature(Chats)`. A node without chats never makes its file."""

    def __init__(self, values: Settings) -> None:
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
