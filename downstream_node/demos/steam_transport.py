"""One request to Steam, and what came back: everything else of Steam stands on this.

Tests give another transport; the rest of the library does not notice.
"""

import os
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any, NamedTuple

import msgspec
import requests
from urllib3.exceptions import HTTPError

from downstream_node.clock import monotonic
from downstream_node.errors import SteamFailed

WEB_API = "https://api.steampowered.com"
VARIABLE = "DOWNSTREAM_STEAM_API_URL"
"""The node's own setting, which whoever uses the library beside a node has, too."""
SECONDS = 10.0
LARGEST = 64 << 20
"""Bytes of an answer: a list of all servers of a game is a few MiB."""
PIECE = 1 << 16
NO_ANSWER = "Steam does not answer. Please try again later."
NOT_AS_DOCUMENTED = "Steam's answer cannot be read."
KEY_REFUSED = {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}


class Reply(NamedTuple):
    """What Steam answered: HTTP's status, and the body whole."""

    status: int
    body: bytes


Transport = Callable[[str, str, Mapping[str, str], float], Reply]
"""Takes the method, the address, the fields (of the query for GET, of the form for POST) and the
seconds that the request may take; raises SteamFailed if nothing comes back."""


def over_http(method: str, url: str, fields: Mapping[str, str], seconds: float) -> Reply:
    """One request over the network; *seconds* is also the longest time for the whole body.

    Raises SteamFailed, without the text of a network error: it contains the address, and so the
    key.
    """
    end = monotonic() + seconds
    place = "data" if method == "POST" else "params"
    options: dict[str, Any] = {place: fields, "allow_redirects": False, "stream": True}
    try:
        with (
            requests.Session() as session,
            session.request(method, url, timeout=seconds, **options) as response,
        ):
            return Reply(response.status_code, received(response, end))
    except (requests.RequestException, HTTPError, ValueError):
        raise SteamFailed(NO_ANSWER) from None


def received(response: requests.Response, end: float) -> bytes:
    """The body. Raises SteamFailed if it is too large or too slow."""
    body = bytearray()
    # Not iter_content: it waits for whole pieces, and the timeout starts anew with each byte.
    while piece := response.raw.read1(PIECE, decode_content=True):
        body += piece
        if monotonic() > end:
            raise SteamFailed(NO_ANSWER)
        if len(body) > LARGEST:
            raise SteamFailed(NOT_AS_DOCUMENTED)
    return bytes(body)


def require_good(reply: Reply) -> bytes:
    """The body of a good answer. Raises SteamFailed for every other status."""
    if reply.status != HTTPStatus.OK:
        raise SteamFailed(f"Steam answered with status {reply.status}. Please try again later.")
    return reply.body


class WebApi:
    """Steam's Web API at *base*; *seconds* is the longest time for one request.

    Without *base* it is where DOWNSTREAM_STEAM_API_URL in the environment says, or the real one.
    """

    def __init__(
        self, base: str = "", seconds: float = SECONDS, transport: Transport = over_http
    ) -> None:
        self.base = (base or os.environ.get(VARIABLE) or WEB_API).rstrip("/")
        self.seconds = seconds
        self.transport = transport

    def get(self, path: str, fields: Mapping[str, str]) -> dict[str, Any]:
        """What is below "response" in the answer of one method. Raises SteamFailed."""
        reply = self.transport("GET", f"{self.base}/{path}/", fields, self.seconds)
        if reply.status in KEY_REFUSED:
            raise SteamFailed("Steam does not accept the key for its Web API.")
        try:
            return msgspec.json.decode(require_good(reply), type=Answered).response
        except (msgspec.MsgspecError, UnicodeDecodeError):
            raise SteamFailed(NOT_AS_DOCUMENTED) from None


class Answered(msgspec.Struct):
    """What all methods of the Web API answer."""

    response: dict[str, Any]
