"""A session from its start to its close, and the stream of its bytes."""

import ssl
from collections.abc import Iterable
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote

import msgspec
from flask import Blueprint, Response, request
from websockets.http11 import Request
from websockets.server import ServerProtocol

from downstream_node.clock import SECOND, monotonic
from downstream_node.demos import door, game_servers, sessions
from downstream_node.demos.feature import Demos
from downstream_node.demos.ids import given, shown, wanted_integers
from downstream_node.demos.spool import Held, Wish, spool_of
from downstream_node.demos.streams import Limits, Stream
from downstream_node.errors import DemoRefused
from downstream_node.node import Node
from downstream_node.web import current_node, json_response

blueprint = Blueprint("demo_sessions", __name__)
door.prepare(blueprint)

YIELD_SECONDS = 0.3
SOCKETS = ("gunicorn.socket", "werkzeug.socket")
HANDSHAKE = {
    *("Host", "Upgrade", "Connection", "Origin"),
    *("Sec-Websocket-Key", "Sec-Websocket-Version", "Sec-Websocket-Protocol"),
}
ALL = "all"
UNNAMED = "unnamed.dem"
"""The document's example leaves the demo's name out."""


class LateBytes(msgspec.Struct, frozen=True):
    """The last 16 bytes of a demo's header, in hex."""

    late_bytes: str


@blueprint.get("/session_id")
def session_id() -> Response:
    """Begin a session."""
    node = current_node()
    user = door.caller()
    fake_ip, map_name = unquote(door.required("fake_ip")), door.required("map")
    sessions.require_free(node, user.steam_id)
    if node.settings.DEMOS_CHECK_SERVERS:
        game_servers.require_real(node, fake_ip)
    name = request.args.get("demo_name") or UNNAMED
    started = sessions.start(node, user.steam_id, name, fake_ip, map_name, node.wall_clock())
    return json_response({"session_id": shown(started, wanted_integers())})


@blueprint.post("/late_bytes")
def late_bytes() -> Response:
    """Note the late bytes of the caller's session."""
    user = door.caller()
    data = from_hex(door.body_as(LateBytes).late_bytes)
    sessions.put_late_bytes(current_node(), user.steam_id, data)
    return json_response({"late_bytes": True}, HTTPStatus.CREATED)


@blueprint.get("/close_session")
def close_session() -> Response:
    """Close the caller's session."""
    return closed(None)


@blueprint.post("/close_session")
def close_session_with_late_bytes() -> Response:
    """The same with the late bytes in one request."""
    door.caller()
    return closed(from_hex(door.body_as(LateBytes).late_bytes))


def closed(late: bytes | None) -> Response:
    """Close the session, and say so."""
    node = current_node()
    owner = door.caller().steam_id
    which = request.args.get("session_id")
    if which is not None and given(which) is None:
        raise DemoRefused(HTTPStatus.FORBIDDEN, sessions.NOT_IN_SESSION)
    sessions.close(node, owner, node.wall_clock(), session_id=which, late=late)
    return json_response({"closed_successfully": True})


def from_hex(text: str) -> bytes:
    """Late bytes. Raises DemoRefused (400)."""
    try:
        data = bytes.fromhex(text)
    except ValueError:
        raise DemoRefused(HTTPStatus.BAD_REQUEST, "The late bytes are not hexadecimal.") from None
    sessions.require_late_bytes(data)
    return data


# The stream


# Two rules: a request that is no WebSocket's is told so, instead of not being found.
@blueprint.route("/demos", methods=["GET"], websocket=True)
@blueprint.route("/demos", methods=["GET"], endpoint="demos_plain")
def demos() -> Response:
    """Take over the connection for the bytes of the caller's session."""
    node = current_node()
    user = door.caller()
    which = door.required("session_id")
    row = sessions.active(node, user.steam_id, which)
    connection = socket_of(request.environ)
    protocol = ServerProtocol(max_size=(None, node.settings.DEMOS_MAX_FRAME))
    answer = protocol.accept(opening(protocol))
    if answer.status_code != HTTPStatus.SWITCHING_PROTOCOLS:
        return door.plain(answer.body.decode() or answer.reason_phrase, answer.status_code)
    part = node.feature(Demos)
    if part.streamer.is_full:
        raise DemoRefused(HTTPStatus.SERVICE_UNAVAILABLE, "There are too many streams: try again.")
    try:
        recording = spool_of(node).wait_for(which, Wish.YIELD, YIELD_SECONDS)
    except Held:
        message = "Another connection streams this session: try again when it is gone."
        raise DemoRefused(HTTPStatus.CONFLICT, message) from None
    try:
        # Only now, with the file in hand, is it certain that nobody closes the session.
        row = sessions.active(node, user.steam_id, which)
        recording.sync()
        protocol.send_response(answer)
        now = monotonic()
        left = row.started / SECOND + node.settings.DEMOS_MAX_TIME - node.wall_clock() / SECOND
        stream = Stream(
            connection,
            protocol,
            recording,
            which,
            Limits.of(node.settings),
            now + left,
            now,
            node.wall_clock,
            tells_all=request.args.get("acks") == ALL,
        )
        return HandedOver(node, stream)
    except BaseException:
        if not recording.size:
            recording.remove()
        recording.close()
        raise


def opening(protocol: ServerProtocol) -> Request:
    """The request, brought to the library as if it had come over the connection."""
    lines = ["GET /demos HTTP/1.1"]
    lines += [f"{name}: {value}" for name, value in request.headers.items() if name in HANDSHAKE]
    protocol.receive_data("\r\n".join([*lines, "", ""]).encode("latin-1"))
    (event,) = protocol.events_received()
    assert isinstance(event, Request)  # noqa: S101 - the server has parsed it before
    return event


def socket_of(environ: dict[str, Any]) -> Any:  # noqa: ANN401 - the server's own kind of socket
    """The connection of the request. Raises DemoRefused (501) where it cannot be taken over."""
    connection = next((environ[name] for name in SOCKETS if environ.get(name)), None)
    if connection is None or isinstance(connection, ssl.SSLSocket):
        message = "Streams need gunicorn or the development server, with TLS ended before it."
        raise DemoRefused(HTTPStatus.NOT_IMPLEMENTED, message)
    return connection


class HandedOver(Response):
    """No answer: the connection belongs to the streamer, and the server forgets it."""

    def __init__(self, node: Node, stream: Stream) -> None:
        super().__init__()
        self._node = node
        self._stream = stream

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:  # noqa: ANN401, ARG002 - WSGI's
        """Take the socket from the server."""
        try:
            self._stream.take_socket()
            self._node.feature(Demos).streamer.add(self._stream)
        except BaseException:
            self._stream.recording.close()
            raise
        if "gunicorn.socket" in environ:
            # Its sign for: close this connection. There is nothing left in the server's hand.
            raise StopIteration
        raise ConnectionAbortedError
