"""Archives of every engine."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from chats.archives import SERVERS, bring_all, engines, new_archive
from chats.generated import Chats, chats
from conftest import require

from downstream_node.chats.archive import Archive


@pytest.fixture(scope="session", params=engines())
def engine(request: pytest.FixtureRequest) -> str:
    """Each engine in turn."""
    name = str(request.param)
    if name in SERVERS:
        require(os.environ.get(SERVERS[name]), f"{SERVERS[name]} names no server")
    return name


@pytest.fixture
def archive(engine: str, tmp_path: Path) -> Iterator[Archive]:
    """An empty archive."""
    made = new_archive(engine, tmp_path)
    yield made
    made.close()


@pytest.fixture(scope="session")
def some_chats() -> Chats:
    """A few thousand messages."""
    return chats(4000)


@pytest.fixture(scope="session")
def many_chats() -> Chats:
    """10^5 messages."""
    return chats(100_000)


@pytest.fixture(scope="session")
def filled(
    engine: str, some_chats: Chats, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Archive]:
    """An archive of those, to read only."""
    made = new_archive(engine, tmp_path_factory.mktemp("filled"))
    bring_all(made, some_chats)
    yield made
    made.close()
