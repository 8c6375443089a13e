"""What all requests about packages have in common: who asks, how often, from which site; codes."""

from http import HTTPStatus
from typing import NoReturn

from flask import Response, request

from downstream_node.errors import PackageRefused
from downstream_node.limiting import Limiter
from downstream_node.node import Node
from downstream_node.packages.links import FetchRefusal
from downstream_node.packages.secrets import INVALID_SECRET, Secret, presented
from downstream_node.packages.states import Code

STATUS: dict[str, int] = {
    Code.INVALID_LINK: HTTPStatus.OK,
    Code.INVALID_REQUEST: HTTPStatus.BAD_REQUEST,
    INVALID_SECRET: HTTPStatus.BAD_REQUEST,
    Code.UNAUTHORIZED: HTTPStatus.UNAUTHORIZED,
    Code.INVALID_SIGNATURE: HTTPStatus.FORBIDDEN,
    Code.UNKNOWN_PACKAGE_ID: HTTPStatus.NOT_FOUND,
    Code.DATA_NOT_AVAILABLE: HTTPStatus.NOT_FOUND,
    Code.UNKNOWN_UPLOAD: HTTPStatus.NOT_FOUND,
    Code.ALREADY_KNOWN: HTTPStatus.CONFLICT,
    Code.WRONG_OFFSET: HTTPStatus.CONFLICT,
    Code.UNSUPPORTED_VERSION: HTTPStatus.PRECONDITION_FAILED,
    FetchRefusal.TOO_LARGE: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    Code.TOO_MANY_REQUESTS: HTTPStatus.TOO_MANY_REQUESTS,
    Code.CHECKSUM_MISMATCH: 460,
    Code.TOO_MANY_STREAMS: HTTPStatus.SERVICE_UNAVAILABLE,
    Code.BUSY: HTTPStatus.SERVICE_UNAVAILABLE,
    Code.STORAGE_FULL: HTTPStatus.INSUFFICIENT_STORAGE,
}
"""All others are 500. 460 is that of tus."""

EXPOSED = (
    "Location, Upload-Offset, Upload-Length, Upload-Expires, Tus-Resumable, Tus-Version, "
    "Tus-Extension, Tus-Max-Size, Tus-Checksum-Algorithm, Retry-After"
)
DAY = "86400"


class TooManyRequests(PackageRefused):
    """The client may ask again in *seconds*."""

    def __init__(self, seconds: int) -> None:
        super().__init__(Code.TOO_MANY_REQUESTS, "Too many requests.")
        self.seconds = seconds


def secret() -> Secret | None:
    """The secret that the request shows, None if it shows none."""
    return presented(request.headers.get("Authorization"))


def count(node: Node, limiter: Limiter, what: str) -> None:
    """Count the request for its address, which the node keeps only hashed.

    Raises TooManyRequests.
    """
    client = node.keys.ip_hash(request.remote_addr or "")
    seconds = limiter.hit(f"packages {what} {client}")
    if seconds:
        raise TooManyRequests(seconds)


def refuse(code: Code, sentence: str) -> NoReturn:
    """Raise PackageRefused."""
    raise PackageRefused(code, sentence)


def shared(response: Response, origins: str) -> Response:
    """*response*, which pages of *origins* (the setting) may read, and nobody may keep.

    Another site has nothing that opens a package unless the owner gave it the secret: browsers
    send no cookie or password of their own here.
    """
    response.headers["Cache-Control"] = "no-store"
    allowed = [origin.strip() for origin in origins.split(",") if origin.strip()]
    origin = request.headers.get("Origin", "")
    if "*" in allowed:
        response.headers["Access-Control-Allow-Origin"] = "*"
    elif allowed:
        response.vary.add("Origin")
        if origin not in allowed:
            return response
        response.headers["Access-Control-Allow-Origin"] = origin
    else:
        return response
    response.headers["Access-Control-Expose-Headers"] = EXPOSED
    if request.method == "OPTIONS":
        response.headers["Access-Control-Allow-Methods"] = "GET, HEAD, POST, PATCH, DELETE, OPTIONS"
        wanted = request.headers.get("Access-Control-Request-Headers", "")
        response.headers["Access-Control-Allow-Headers"] = wanted or "Authorization, Content-Type"
        response.headers["Access-Control-Max-Age"] = DAY
    return response
