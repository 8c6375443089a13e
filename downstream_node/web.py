"""HTTP for all features: JSON out, bounded bodies in, errors in the API's form."""

import logging
import zlib
from http import HTTPStatus

import msgspec
from flask import Flask, Response, current_app, request
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge
from werkzeug.middleware.proxy_fix import ProxyFix

from downstream_node.errors import (
    AccessRefused,
    ArchiveUnavailable,
    Busy,
    DamagedFile,
    DownstreamError,
    ExportFailed,
    InvalidParameter,
    InvalidRequest,
    NoChatKey,
    NoMeasureToken,
    NoMessagesFound,
    RequestTooLarge,
    SteamFailed,
    StorageFailed,
    StorageFull,
    TooManyRequests,
    UnknownFarmer,
    UnknownFile,
    UnknownMessage,
    UnknownToken,
)
from downstream_node.node import Node

log = logging.getLogger(__name__)

EXTENSION = "downstream"
JSON = "application/json"
GZIP_MAGIC = b"\x1f\x8b"
GZIP_WINDOW = 31
"""zlib's number for the largest window with a gzip header."""

HTTP_STATUS: dict[type[DownstreamError], HTTPStatus] = {
    InvalidRequest: HTTPStatus.BAD_REQUEST,
    InvalidParameter: HTTPStatus.UNPROCESSABLE_ENTITY,
    TooManyRequests: HTTPStatus.TOO_MANY_REQUESTS,
    RequestTooLarge: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    UnknownToken: HTTPStatus.BAD_REQUEST,
    UnknownFarmer: HTTPStatus.NOT_FOUND,
    UnknownFile: HTTPStatus.NOT_FOUND,
    NoMeasureToken: HTTPStatus.UNAUTHORIZED,
    NoChatKey: HTTPStatus.UNAUTHORIZED,
    UnknownMessage: HTTPStatus.NOT_FOUND,
    NoMessagesFound: HTTPStatus.NOT_FOUND,
    ExportFailed: HTTPStatus.BAD_GATEWAY,
    ArchiveUnavailable: HTTPStatus.SERVICE_UNAVAILABLE,
    AccessRefused: HTTPStatus.FORBIDDEN,
    DamagedFile: HTTPStatus.INTERNAL_SERVER_ERROR,
    StorageFailed: HTTPStatus.INTERNAL_SERVER_ERROR,
    StorageFull: HTTPStatus.INSUFFICIENT_STORAGE,
    Busy: HTTPStatus.SERVICE_UNAVAILABLE,
    SteamFailed: HTTPStatus.BAD_GATEWAY,
}


def current_node() -> Node:
    """The node that serves this request."""
    node = current_app.extensions[EXTENSION]
    assert isinstance(node, Node)  # noqa: S101 - put there by create_app
    return node


def json_response(value: object, status: int = HTTPStatus.OK) -> Response:
    """*value* as JSON."""
    return Response(msgspec.json.encode(value), status=status, mimetype=JSON)


def error_response(message: str, status: int) -> Response:
    """An error in the form of the v1 API."""
    return json_response({"status": "error", "message": message}, status)


def is_whole_number(text: str, most_digits: int) -> bool:
    """Whether *text* is a whole number of no more digits: no sign, no space, ASCII only."""
    return text.isascii() and text.isdigit() and len(text) <= most_digits


def public_cache_control() -> str:
    """For how long everybody may show a status page again."""
    age = current_node().settings.STATUS_MAX_AGE
    return f"public, max-age={age}" if age else "no-cache"


def client_ip() -> str:
    """The address of the client: of the socket, or what trusted proxies say."""
    return request.remote_addr or ""


def user_agent() -> str:
    """What the client says of itself, "" if nothing."""
    return request.headers.get("User-Agent", "")


def read_body() -> bytes:
    """The request's body, unpacked if it is gzip. Raises RequestTooLarge.

    What the body is decides, not what Content-Encoding says: the published farmer announces
    gzip and sends plain JSON.
    """
    limit = current_node().settings.MAX_BODY_SIZE
    body = request.get_data(cache=False)
    if not body.startswith(GZIP_MAGIC):
        return body
    unpacker = zlib.decompressobj(GZIP_WINDOW)
    try:
        unpacked = unpacker.decompress(body, limit + 1)
    except zlib.error:
        raise InvalidRequest("The body is not valid gzip.") from None
    if len(unpacked) > limit:
        raise RequestTooLarge(f"The body is larger than {limit} bytes when unpacked.")
    if not unpacker.eof:
        raise InvalidRequest("The gzip body is cut off.")
    if unpacker.unused_data:
        raise InvalidRequest("Something follows the gzip body.")
    return unpacked


def prepare(app: Flask, node: Node) -> None:
    """Give *app* the limits and the error form of the API."""
    app.extensions[EXTENSION] = node
    app.config["MAX_CONTENT_LENGTH"] = node.settings.MAX_BODY_SIZE
    hops = node.settings.TRUSTED_PROXIES
    if hops:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)  # type: ignore[method-assign]
    app.register_error_handler(DownstreamError, domain_error)
    app.register_error_handler(HTTPException, framework_error)
    app.register_error_handler(Exception, unforeseen_error)


def domain_error(error: DownstreamError) -> Response:
    """An error that we raised on purpose."""
    status = status_of(error)
    if status is None:
        return unforeseen_error(error)
    return error_response(str(error), status)


def status_of(error: DownstreamError) -> HTTPStatus | None:
    """The status of an error that we raised on purpose; None if it was not meant for clients."""
    return next((HTTP_STATUS[kind] for kind in type(error).__mro__ if kind in HTTP_STATUS), None)


def any_error(error: Exception) -> Response:
    """What the two handlers, of our errors and of unforeseen ones, answer."""
    if isinstance(error, DownstreamError):
        return domain_error(error)
    return unforeseen_error(error)


def framework_error(error: HTTPException) -> Response:
    """404, 405 and the like, in the API's form instead of HTML."""
    if isinstance(error, RequestEntityTooLarge):
        limit = current_node().settings.MAX_BODY_SIZE
        return error_response(f"The body is larger than {limit} bytes.", error.code)
    code = error.code or HTTPStatus.INTERNAL_SERVER_ERROR
    response = error_response(error.description or error.name, code)
    for name, value in error.get_headers():
        if name == "Allow":
            response.headers[name] = value
    return response


def unforeseen_error(error: Exception) -> Response:
    """A bug or a lost database: logged whole, told without details."""
    log.error("Request %s %s failed.", request.method, request.endpoint, exc_info=error)
    return error_response("Internal Server Error", HTTPStatus.INTERNAL_SERVER_ERROR)
