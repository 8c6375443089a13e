"""A node with definitions, and those who use them."""

import pytest
from measures.sending import DAILY, KONNECTOR, Sender, define
from simulator import SimulatedNode


@pytest.fixture
def owner(node: SimulatedNode) -> Sender:
    """The organisation that owns both definitions of the tests."""
    define(node, DAILY, KONNECTOR)
    return Sender(node, "grandlyon")


@pytest.fixture
def app(node: SimulatedNode, owner: Sender) -> Sender:
    """The app that produces the measures."""
    assert owner.token
    return Sender(node, "ecolyo")


@pytest.fixture
def stranger(node: SimulatedNode, owner: Sender) -> Sender:
    """Another organisation with a valid token."""
    assert owner.token
    return Sender(node, "elsewhere")
