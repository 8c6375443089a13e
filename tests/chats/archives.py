"""Archives of every engine for the tests, and imports into them."""

import os
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

from chats.elastic_server import Store, serve
from chats.generated import EXPORTED, Chats
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from downstream_node.chats.archive import Archive
from downstream_node.chats.feature import opened
from downstream_node.chats.places import Place
from downstream_node.chats.records import Counts, Message
from downstream_node.entropy import random_bytes

ArchiveMaker = Callable[[], Archive]
SERVERS = {"postgresql": "TEST_POSTGRESQL_URI"}
NOW = EXPORTED + 1000


def engines() -> list[str]:
    """The engines to test."""
    named = [name for name, variable in SERVERS.items() if os.environ.get(variable)]
    everything = bool(os.environ.get("REQUIRE_ALL"))
    # The counterpart of Elasticsearch is slow; what is particular to it, test_elastic.py tests.
    elastic = everything or bool(os.environ.get("TEST_ELASTICSEARCH_URL"))
    return ["sqlite", *["elastic"] * elastic, *(SERVERS if everything else named)]


def address(engine: str, folder: Path, number: int = 1) -> str:
    """The address of an archive that is not there yet; each *number* is another one."""
    if engine == "sqlite":
        return f"sqlite:///{folder / 'chats.db'}"
    if engine == "elastic":
        return f"{elastic_url()}/test-{random_bytes(8).hex()}"
    url = make_url(os.environ[SERVERS[engine]])
    worker = os.environ.get("PYTEST_XDIST_WORKER", "")
    own = url.set(database=f"{url.database}{worker}_chats{number}")
    recreate(own.render_as_string(hide_password=False))
    return own.render_as_string(hide_password=False)


@cache
def elastic_url() -> str:
    """A real server if one is named, else a small counterpart in this process."""
    named = os.environ.get("TEST_ELASTICSEARCH_URL")
    if named:
        return named.rstrip("/")
    return f"http://127.0.0.1:{serve(Store()).server_port}"


def recreate(uri: str) -> None:
    """Make the PostgreSQL database of *uri* anew, and empty."""
    url = make_url(uri)
    engine = create_engine(url.set(database="postgres"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"DROP DATABASE IF EXISTS {url.database} WITH (FORCE)"))
        connection.execute(text(f"CREATE DATABASE {url.database}"))
    engine.dispose()


def new_archive(engine: str, folder: Path, number: int = 1) -> Archive:
    """A new, empty archive; one of the same *number* goes on a server."""
    archive = opened(address(engine, folder, number))
    archive.prepare()
    return archive


def bring(  # noqa: PLR0913 - as many as an import has
    archive: Archive,
    chats: Chats,
    messages: Sequence[Message],
    channel: int = 0,
    *,
    exported: int | None = EXPORTED,
    now: int = NOW,
    batch: int = 700,
    missing: tuple[Place, Place] | None = None,
) -> Counts:
    """Import *messages* as an export of one channel; *missing* is the time that it covers."""
    export = chats.export(channel, exported)
    with archive.writing(export, bytes(32), "export.json", now) as writing:
        writing.authors(chats.authors)
        for start in range(0, len(messages), batch):
            writing.add(messages[start : start + batch])
        if missing is not None:
            writing.missing(*missing)
        return writing.finish(0)


def bring_all(archive: Archive, chats: Chats, batch: int = 700) -> None:
    """Import everything, channel by channel."""
    for channel in range(len(chats.channels)):
        bring(archive, chats, chats.of(channel), channel, batch=batch)
