"""Signing in with Steam: verified whole, each sign-in good for one time."""

import hashlib
from http import HTTPStatus
from ipaddress import ip_address
from urllib.parse import urlsplit

from sqlalchemy import Connection, delete, insert
from sqlalchemy.exc import IntegrityError
from werkzeug.datastructures import MultiDict

from downstream_node.clock import SECOND, WallTime
from downstream_node.demos import access, openid
from downstream_node.demos.models import DemoNonce
from downstream_node.demos.steam_access import account
from downstream_node.demos.steam_transport import over_http, require_good
from downstream_node.errors import DemoRefused
from downstream_node.node import Node

HANDLER = "/provision_handler"
"""Where Steam sends people back who want a key."""
NONCES_KEPT = 60 * 60 * SECOND
"""A nonce is refused as too old long before its row is deleted, on every machine's clock."""
LIMITED = (
    "Your Steam account is limited. Keys are for accounts without limits: see Steam's support "
    "pages on limited accounts."
)


def base_url(node: Node, asked: str) -> str:
    """The address of the node to which Steam sends people back; *asked* is what a request says.

    A site of somebody else's, too, can get people's sign-ins from Steam, with its own address as
    the one to return to; it could hand them in here under that address. So without DEMOS_URL an
    address is good only where nobody else's site can be. Raises DemoRefused (503).
    """
    if node.settings.DEMOS_URL:
        return node.settings.DEMOS_URL.rstrip("/")
    if not is_loopback(urlsplit(asked).hostname or ""):
        raise DemoRefused(
            HTTPStatus.SERVICE_UNAVAILABLE,
            "Nobody can sign in yet: the operator of this node has to set DEMOS_URL to its "
            "address.",
        )
    return asked.rstrip("/")


def is_loopback(host: str) -> bool:
    """Whether *host* is this machine for every browser."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def login_url(node: Node, base: str, path: str = HANDLER) -> str:
    """Where a browser signs in, to be sent back to *path* of the node at *base*."""
    return openid.login_url(node.settings.STEAM_LOGIN_URL, base + path)


def signed_in(node: Node, arguments: MultiDict[str, str], base: str, path: str = HANDLER) -> int:
    """The steam id of somebody whom Steam sent back to *path* with *arguments*, verified.

    Raises DemoRefused (401) unless Steam confirms it, now and for the first time, and (403) if the
    account is limited; SteamFailed if Steam does not answer.
    """
    settings = node.settings
    now = node.wall_clock()
    assertion = openid.read_assertion(
        arguments.items(multi=True), settings.STEAM_LOGIN_URL, base + path, now
    )
    use_once(node, assertion.nonce, now)
    confirm(node, assertion.fields)
    require_unlimited(node, assertion.steam_id)
    return assertion.steam_id


def use_once(node: Node, nonce: str, now: WallTime) -> None:
    """Remember *nonce*. Raises DemoRefused (401) if it was used before."""
    digest = hashlib.sha256(nonce.encode()).digest()

    def remember(connection: Connection) -> None:
        connection.execute(delete(DemoNonce).where(DemoNonce.seen < now - NONCES_KEPT))
        connection.execute(insert(DemoNonce).values(nonce_hash=digest, seen=now))

    try:
        node.database.write(remember)
    except IntegrityError:
        raise DemoRefused(HTTPStatus.UNAUTHORIZED, openid.REFUSED) from None


def confirm(node: Node, fields: dict[str, str]) -> None:
    """Ask Steam whether it said *fields*. Raises DemoRefused (401) if not, SteamFailed."""
    settings = node.settings
    form = openid.to_confirm(fields)
    reply = over_http("POST", settings.STEAM_LOGIN_URL, form, settings.STEAM_TIMEOUT)
    if not openid.is_confirmed(require_good(reply)):
        raise DemoRefused(HTTPStatus.UNAUTHORIZED, openid.REFUSED)


def require_unlimited(node: Node, steam_id: int) -> None:
    """Raise DemoRefused (403) if the account is limited now; SteamFailed.

    A node without a key for the Web API cannot ask, and takes everybody whom Steam knows.
    """
    if node.settings.STEAM_API_KEY and account(node, steam_id).is_limited:
        raise DemoRefused(HTTPStatus.FORBIDDEN, LIMITED)


def new_key(node: Node, arguments: MultiDict[str, str], base: str, path: str) -> str:
    """A key for who signed in; their earlier one is worth nothing. Raises as `signed_in`."""
    steam_id = signed_in(node, arguments, base, path)
    return access.issue(node, steam_id, node.wall_clock())
