"""Nodes that take packages from a shop on loopback."""

from collections.abc import Iterator

import pytest
from conftest import NodeMaker
from packages.journey import Owner, Shop, open_shop, small_package, worker_of
from simulator import SimulatedNode

from downstream_node.packages.worker import Worker

QUICK = {"PACKAGES_LEASE": 1, "PACKAGES_SUBMIT_LIMIT": 0, "PACKAGES_RATE_LIMIT": 0}


@pytest.fixture
def shop() -> Iterator[Shop]:
    """Where packages are fetched from."""
    with open_shop() as opened:
        yield opened


@pytest.fixture
def taking(make_node: NodeMaker, shop: Shop, tmp_path: object) -> SimulatedNode:
    """A node that takes packages from the shop, as many as one likes."""
    return make_node(
        PACKAGES_ALLOWED_HOSTS=shop.origin, PACKAGES_PATH=str(tmp_path) + "/packages", **QUICK
    )


@pytest.fixture
def owner(taking: SimulatedNode, shop: Shop) -> Owner:
    """Somebody whose package is in the shop."""
    return Owner(taking, shop.put("/ada.zip", small_package()))


@pytest.fixture
def worker(taking: SimulatedNode) -> Worker:
    """A worker of the node."""
    return worker_of(taking)
