"""Nodes that take recordings."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import NodeMaker
from demos.journey import Site, site_of
from simulator import SimulatedNode

QUICK = {"DEMOS_CHECK_SERVERS": False, "DEMOS_RATE_LIMIT": 0}


@pytest.fixture
def demo_node(make_node: NodeMaker) -> SimulatedNode:
    """A node that takes recordings of any game server, as many as one likes."""
    return make_node(**QUICK)


@pytest.fixture
def site(sqlite_uri: str, master_key: Path, tmp_path: Path) -> Iterator[Site]:
    """The same, to be served by gunicorn; streams hardly touch the database."""
    with site_of(tmp_path, sqlite_uri, master_key, **QUICK) as made:
        yield made


@pytest.fixture
def any_site(database_uri: str, master_key: Path, tmp_path: Path) -> Iterator[Site]:
    """The same on each kind of database."""
    with site_of(tmp_path, database_uri, master_key, **QUICK) as made:
        yield made


@pytest.fixture(scope="module")
def shared_site(
    empty_sqlite: Path, master_key: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    """The same, served, for the tests of a file that change nothing of it."""
    folder = tmp_path_factory.mktemp("site")
    shutil.copy(empty_sqlite, folder / "node.db")
    with site_of(folder, f"sqlite:///{folder / 'node.db'}", master_key, **QUICK) as made:
        yield made.start()
