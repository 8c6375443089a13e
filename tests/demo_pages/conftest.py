"""Nodes that take recordings, and who looks at their pages."""

from collections.abc import Callable

import pytest
from conftest import NodeMaker
from demo_pages.visiting import Visitor
from demos.journey import ANALYST, UPLOADER, user
from demos.kept import REVIEWER
from simulator import SimulatedNode

from downstream_node.demo_pages import routes
from downstream_node.demos.states import Scope
from downstream_node.operators.attempts import Attempts

SCOPES = {UPLOADER: (), ANALYST: (Scope.ANALYST,), REVIEWER: (Scope.REVIEWER,)}

SignedIn = Callable[..., Visitor]


@pytest.fixture(autouse=True)
def no_attempts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody has tried a wrong key yet: they are counted for the whole process."""
    monkeypatch.setattr(routes, "logins", Attempts())


@pytest.fixture
def demo_node(make_node: NodeMaker) -> SimulatedNode:
    """A node that takes recordings of any game server, as many as one likes."""
    return make_node(DEMOS_CHECK_SERVERS=False, DEMOS_RATE_LIMIT=0)


@pytest.fixture
def signed_in(demo_node: SimulatedNode) -> SignedIn:
    """Make a visitor who has signed in with a key, with the scopes of a steam id."""

    def make(steam_id: int = UPLOADER) -> Visitor:
        key = user(demo_node, steam_id, *SCOPES.get(steam_id, ()))
        return Visitor(demo_node).sign_in(key)

    return make


@pytest.fixture
def stranger(demo_node: SimulatedNode) -> Visitor:
    """A visitor who has not."""
    return Visitor(demo_node)
