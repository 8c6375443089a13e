"""Nodes that take recordings."""

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
def site(database_uri: str, master_key: Path, tmp_path: Path) -> Iterator[Site]:
    """The same, served by gunicorn on each kind of database."""
    with site_of(tmp_path, database_uri, master_key, **QUICK) as made:
        yield made
