"""v1 routes: get a token, get the heartbeat that goes with it."""

from http import HTTPStatus
from typing import Any

import msgspec
from flask import Blueprint, Response, request

from downstream_node.errors import InvalidRequest, UnknownToken
from downstream_node.farmers import service
from downstream_node.farmers.service import SignedMessage
from downstream_node.web import (
    JSON,
    client_ip,
    current_node,
    error_response,
    json_response,
    read_body,
    user_agent,
)

blueprint = Blueprint("farmers", __name__)

MISSING_PROOF = 'Posted data must be JSON encoded object including "signature" and "message"'


class Proof(msgspec.Struct):
    """The body of POST /new."""

    message: str
    signature: str


@blueprint.route("/new/<address>", methods=["GET", "POST"])
def new(address: str) -> Response:
    """A new token for an address."""
    node = current_node()
    now = node.clock.now()
    proof = read_proof() if request.method == "POST" else None
    token = service.join(node, address, proof, service.Caller(client_ip(), user_agent()), now)
    return json_response(described(token))


@blueprint.get("/heartbeat/<token>")
def heartbeat(token: str) -> Response:
    """The public heartbeat of a token; 404 if unknown, where all other routes say 400."""
    try:
        service.find(current_node(), token)
    except UnknownToken as error:
        return error_response(str(error), HTTPStatus.NOT_FOUND)
    return json_response(described(token))


def read_proof() -> SignedMessage:
    """The signed message of the body. Raises InvalidRequest in the original's words."""
    if request.mimetype != JSON:
        raise InvalidRequest(MISSING_PROOF)
    try:
        body = msgspec.json.decode(read_body(), type=Proof)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise InvalidRequest(MISSING_PROOF) from None
    return SignedMessage(body.message, body.signature)


def described(token: str) -> dict[str, Any]:
    """A token with what its farmer needs to make proofs."""
    scheme = current_node().scheme
    return {"token": token, "type": scheme.name, "heartbeat": scheme.public()}
