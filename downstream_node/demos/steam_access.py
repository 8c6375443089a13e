"""Steam as the node's settings have it."""

from downstream_node.demos import steam
from downstream_node.demos.steam import Account, WebApi
from downstream_node.errors import DemoRefused
from downstream_node.node import Node

UNAVAILABLE = 503


def web_api(node: Node) -> WebApi:
    """Steam's Web API, with the node's patience."""
    return WebApi(node.settings.STEAM_API_URL, node.settings.STEAM_TIMEOUT)


def required_key(node: Node) -> str:
    """The node's key for the Web API. Raises DemoRefused (503), which tells the operator."""
    if not node.settings.STEAM_API_KEY:
        raise DemoRefused(
            UNAVAILABLE,
            "This node cannot ask Steam about game servers and players: its operator has to set "
            "STEAM_API_KEY.",
        )
    return node.settings.STEAM_API_KEY


def account(node: Node, steam_id: int) -> Account:
    """What Steam knows of a player.

    Raises SteamFailed; DemoRefused (503) if the node has no key.
    """
    return steam.account(required_key(node), steam_id, web_api(node))
