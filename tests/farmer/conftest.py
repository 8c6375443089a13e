"""Nodes and farmers for the tests of the farmer; on SQLite, since SQL is not the point here."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import NodeMaker
from farmer.served import ScriptedNode, ServedNode, Volunteer, serving

from downstream_node.farmer.node_client import NodeClient

INTERVAL = 60


@pytest.fixture
def database_uri(sqlite_uri: str) -> str:
    """An SQLite database."""
    return sqlite_uri


@pytest.fixture
def node_settings() -> dict[str, object]:
    """Settings of the served node beyond the usual; tests parametrize them."""
    return {}


@pytest.fixture
def served(make_node: NodeMaker, node_settings: dict[str, object]) -> ServedNode:
    """A node with ten chunks of 1 KiB that takes any address; it is not up yet."""
    usual = {"DEFAULT_INTERVAL": INTERVAL, "MIN_SJCX_BALANCE": 0}
    return ServedNode(make_node(**{**usual, **node_settings}).fill_pool(10))


@pytest.fixture
def volunteer(served: ServedNode, tmp_path: Path) -> Iterator[Volunteer]:
    """A farmer with room for three of the node's chunks."""
    volunteer = Volunteer(served, tmp_path / "farmer", limit=3 * 1024)
    yield volunteer
    volunteer.client.close()


@pytest.fixture
def scripted() -> Iterator[ScriptedNode]:
    """A node that says what it is told."""
    server = ScriptedNode()
    with serving(server):
        yield server


@pytest.fixture
def client(scripted: ScriptedNode) -> Iterator[NodeClient]:
    """A client of the scripted node that waits for half a second."""
    client = NodeClient(scripted.url, silence=0.5)
    yield client
    client.close()
