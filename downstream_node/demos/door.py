"""What all requests about recordings have in common: who asks, how often, errors as plain text."""

import logging
from http import HTTPStatus
from typing import TypeVar

import msgspec
from flask import Blueprint, Response, request
from werkzeug.exceptions import HTTPException

from downstream_node.demos import access
from downstream_node.demos.access import User
from downstream_node.demos.feature import Demos
from downstream_node.demos.states import Scope
from downstream_node.errors import Busy, DemoRefused, DownstreamError, TooManyRequests
from downstream_node.web import current_node, read_body, status_of

log = logging.getLogger(__name__)

KEY_PARAMETER = "api_key"
KEY_HEADER = "X-Api-Key"
BEARER = "bearer"
TEXT = "text/plain; charset=utf-8"
UNFORESEEN = "Internal Error Occurred!"
BUSY_SECONDS = "5"
NO_STORE = "no-store"

Form = TypeVar("Form", bound=msgspec.Struct)


def shown_key() -> str | None:
    """The key that the request shows: in a header, or as the document has it in the query."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == BEARER:
        return token.strip()
    return request.headers.get(KEY_HEADER) or request.args.get(KEY_PARAMETER)


def caller(scope: Scope | None = None) -> User:
    """Who asks. Raises DemoRefused (401) unless the key is good (for *scope*)."""
    return access.require(current_node(), shown_key(), scope)


def required(name: str) -> str:
    """The query parameter *name*. Raises DemoRefused (400) if it is missing or empty."""
    value = request.args.get(name, "")
    if not value:
        raise DemoRefused(HTTPStatus.BAD_REQUEST, f"Missing required query parameter '{name}'")
    return value


def body_as(form: type[Form]) -> Form:
    """The body of the request. Raises DemoRefused (400)."""
    try:
        return msgspec.json.decode(read_body(), type=form)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        message = f"The body is not as documented: {error}"
        raise DemoRefused(HTTPStatus.BAD_REQUEST, message) from None


def count() -> None:
    """Count the request for its address, which the node keeps only hashed.

    Raises TooManyRequests.
    """
    node = current_node()
    client = node.keys.ip_hash(request.remote_addr or "")
    seconds = node.feature(Demos).requests.hit(f"demos {client}")
    if seconds:
        raise TooManyRequests(seconds)


def plain(message: str, status: int) -> Response:
    """An answer in words, as all errors of the document are."""
    return Response(message, status, content_type=TEXT)


def prepare(blueprint: Blueprint) -> None:
    """Count the requests of *blueprint*, keep its answers out of caches, say its errors plainly."""
    blueprint.before_request(count)
    blueprint.after_request(private)
    blueprint.register_error_handler(DownstreamError, domain_error)
    blueprint.register_error_handler(HTTPException, framework_error)
    blueprint.register_error_handler(Exception, unforeseen)


def private(response: Response) -> Response:
    """*response*, which no cache keeps unless its route said otherwise."""
    response.headers.setdefault("Cache-Control", NO_STORE)
    return response


def domain_error(error: DownstreamError) -> Response:
    """What is refused on purpose."""
    if isinstance(error, DemoRefused):
        return plain(str(error), error.status)
    status = status_of(error)
    if status is None:
        return unforeseen(error)
    response = plain(str(error), status)
    if isinstance(error, TooManyRequests):
        response.headers["Retry-After"] = str(error.wait)
    if isinstance(error, Busy):
        response.headers["Retry-After"] = BUSY_SECONDS
    return response


def framework_error(error: HTTPException) -> Response:
    """What the framework refuses."""
    return plain(error.description or error.name, error.code or HTTPStatus.BAD_REQUEST)


def unforeseen(error: Exception) -> Response:
    """A bug, a lost database: the log has more, without what the request said."""
    log.error("Request %s %s failed.", request.method, request.endpoint, exc_info=error)
    return plain(UNFORESEEN, HTTPStatus.INTERNAL_SERVER_ERROR)
