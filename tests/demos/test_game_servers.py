"""Whether a session's game server is one that Steam knows."""

from collections.abc import Iterator
from urllib.parse import unquote

import pytest
from conftest import NodeMaker
from demos.steamside import settings_of, steam_of
from simulator import SimulatedNode

from downstream_node.demos.game_servers import require_real
from downstream_node.demos.steam_stub import Stub
from downstream_node.errors import DemoRefused

KNOWN = "169.254.189.228:41928"
OPEN = "203.0.113.7:27015"


@pytest.fixture
def steam() -> Iterator[Stub]:
    """A stand-in for Steam."""
    with steam_of() as stub:
        yield stub


@pytest.fixture
def node(make_node: NodeMaker, steam: Stub) -> SimulatedNode:
    """A node that asks it."""
    return make_node(**settings_of(steam))


def refused(node: SimulatedNode, fake_ip: str) -> tuple[int, str]:
    """Status and text of the refusal."""
    with pytest.raises(DemoRefused) as told:
        require_real(node.parts, fake_ip)
    return told.value.status, str(told.value)


@pytest.mark.parametrize(
    "fake_ip", [KNOWN, KNOWN.replace(":", "%3A"), OPEN, "203.0.113.7%3a27015", "203.0.113.7"]
)
def test_weakness_10_real_servers_are_found(node: SimulatedNode, fake_ip: str) -> None:
    """Behind the relay, without any rules, and community servers; URL-quoted or not."""
    require_real(node.parts, fake_ip)


@pytest.mark.parametrize(
    "fake_ip",
    [
        *("169.254.189.228:41929", "169.254.189.228", "203.0.113.8:27015", "203.0.113.7:27016"),
        *("123.45.6789", "localhost:27015", "203.0.113.7:0", "203.0.113.7:70000", ":", "::1"),
        *("203.0.113.7:27015\\appid\\440", "203.0.113.7:²", "203.0.113.7:", "203.0.113.7%00"),
    ],
)
def test_weakness_10_other_servers_are_refused(node: SimulatedNode, fake_ip: str) -> None:
    """In the document's words: also where Steam's list is empty."""
    status, text = refused(node, fake_ip)
    assert status == 401
    assert text == f"Cannot accept data from a non-existent gameserver! ({unquote(fake_ip)})"


@pytest.mark.parametrize("fake_ip", [KNOWN, OPEN])
def test_a_steam_that_fails_is_no_server_that_is_not_there(
    node: SimulatedNode, steam: Stub, fake_ip: str
) -> None:
    """Who plays may try again."""
    steam.world.key = "another"
    assert refused(node, fake_ip) == (
        503,
        "The game server cannot be looked up. Steam does not accept the key for its Web API.",
    )


def test_a_node_without_a_key_names_the_setting(make_node: NodeMaker) -> None:
    """For its operator."""
    status, text = refused(make_node(STEAM_API_KEY=""), KNOWN)
    assert status == 503
    assert "STEAM_API_KEY" in text
