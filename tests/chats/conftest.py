"""Archives of every engine."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from chats.archives import SERVERS, address, bring_all, engines, new_archive
from chats.generated import Chats, chats
from conftest import require
from simulator import ManualClock, SimulatedNode

from downstream_node.chats.archive import Archive

FILLED = 0
"""The number of the archive that lives as long as the session."""


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
    made = new_archive(engine, tmp_path_factory.mktemp("filled"), FILLED)
    bring_all(made, some_chats)
    yield made
    made.close()


@pytest.fixture
def chat_maker(
    engine: str, tmp_path: Path, empty_sqlite: Path, master_key: Path, clock: ManualClock
) -> Iterator[Callable[..., SimulatedNode]]:
    """Make a node on SQLite with an empty archive of each engine, with settings by keyword."""
    made: list[SimulatedNode] = []

    def make(**values: object) -> SimulatedNode:
        folder = tmp_path / f"node-{len(made) + 1}"
        folder.mkdir()
        shutil.copy(empty_sqlite, folder / "node.db")
        own = {
            "SQLALCHEMY_DATABASE_URI": f"sqlite:///{folder / 'node.db'}",
            "MASTER_KEY_PATH": str(master_key),
            "FILES_PATH": str(folder / "files"),
            "CHATS_ARCHIVE": address(engine, folder, len(made) + 1),
            "CHATS_DROP_FOLDER": str(folder / "drop"),
        }
        made.append(SimulatedNode(clock, **own | values))
        return made[-1]

    yield make
    for node in made:
        node.close()


@pytest.fixture
def chat_node(chat_maker: Callable[..., SimulatedNode]) -> SimulatedNode:
    """A node with an empty archive of each engine."""
    return chat_maker()


@pytest.fixture
def another_chat_node(chat_maker: Callable[..., SimulatedNode]) -> SimulatedNode:
    """Another one, to compare with."""
    return chat_maker()
