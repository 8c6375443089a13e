"""Whether a session's game server is one that Steam knows: made-up ones bring made-up demos."""

from http import HTTPStatus
from ipaddress import IPv4Address, IPv4Network
from typing import NamedTuple
from urllib.parse import unquote

from downstream_node.demos import steam
from downstream_node.demos.steam import Query, WebApi
from downstream_node.demos.steam_access import required_key, web_api
from downstream_node.errors import DemoRefused, NoServers, SteamFailed
from downstream_node.node import Node
from downstream_node.web import is_whole_number

RELAYED = IPv4Network("169.254.0.0/16")
"""Addresses that Steam Datagram Relay makes up for servers behind it."""
PORT_DIGITS = 5
LAST_PORT = 65535


class Place(NamedTuple):
    """Where a game server is said to be."""

    ip: IPv4Address
    port: int | None

    def __str__(self) -> str:
        return str(self.ip) if self.port is None else f"{self.ip}:{self.port}"


def require_real(node: Node, fake_ip: str) -> None:
    """Ask Steam for the game server at *fake_ip*, an address with a port, URL-quoted or not.

    Raises DemoRefused: 401 if there is none, 503 if Steam does not answer or the node has no key.
    """
    said = unquote(fake_ip)
    place = read_place(said)
    try:
        if place is None or not is_known(required_key(node), place, web_api(node)):
            message = f"Cannot accept data from a non-existent gameserver! ({said})"
            raise DemoRefused(HTTPStatus.UNAUTHORIZED, message)
    except SteamFailed as error:
        message = f"The game server cannot be looked up. {error}"
        raise DemoRefused(HTTPStatus.SERVICE_UNAVAILABLE, message) from None


def read_place(text: str) -> Place | None:
    """An IPv4 address, with or without a port; None if *text* is something else."""
    host, colon, port = text.partition(":")
    if colon and not (is_whole_number(port, PORT_DIGITS) and 0 < int(port) <= LAST_PORT):
        return None
    try:
        return Place(IPv4Address(host), int(port) if colon else None)
    except ValueError:
        return None


def is_known(api_key: str, place: Place, web: WebApi) -> bool:
    """Whether Steam knows a server there. Raises SteamFailed.

    Of a server behind the relay only the ping is asked for: most tell no rules at all.
    """
    if place.ip in RELAYED:
        ping = {steam.PING: steam.QUERY_TYPES[steam.PING]}
        return place.port is not None and bool(
            steam.details(api_key, str(place.ip), place.port, kinds=ping, web=web)
        )
    try:
        Query(api_key, {"gameaddr": str(place)}, limit=1, web=web).query()
    except NoServers:
        return False
    return True
