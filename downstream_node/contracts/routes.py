"""v1 routes: take chunks, ask for challenges, answer them.

Each reads the clock once, before anything else.
"""

from collections.abc import Iterable, Iterator
from http import HTTPStatus
from itertools import chain
from typing import TypeVar

import msgspec
from flask import Blueprint, Response, request

from downstream_node.contracts.answers import Answer, answer_challenges
from downstream_node.contracts.challenges import (
    NOT_FOUND,
    NULL,
    ChallengeReport,
    all_challenges,
    challenge_page,
    challenges_for,
    quoted,
)
from downstream_node.contracts.offers import offer_chunks
from downstream_node.errors import InvalidRequest
from downstream_node.farmers import service as farmers
from downstream_node.web import (
    JSON,
    client_ip,
    current_node,
    error_response,
    is_whole_number,
    json_response,
    read_body,
    user_agent,
)

blueprint = Blueprint("contracts", __name__)

MOST_DIGITS = 18
"""Numbers with more digits do not fit a signed 64-bit column."""


class Hashes(msgspec.Struct):
    """The body of POST /challenge/<token>."""

    hashes: list[msgspec.Raw]


class Proofs(msgspec.Struct):
    """The body of POST /answer/<token>; each proof is parsed by itself."""

    proofs: list[msgspec.Raw]


class ProofItem(msgspec.Struct):
    """One item of `Proofs`."""

    file_hash: msgspec.Raw
    proof: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


class SingleProof(msgspec.Struct):
    """The body of POST /answer/<token>/<file_hash>."""

    proof: msgspec.Raw


Body = TypeVar("Body")
ITEM = msgspec.json.Decoder(ProofItem)


@blueprint.get("/chunk/<token>", defaults={"size": None})
@blueprint.get("/chunk/<token>/<size>")
def chunk(token: str, size: str | None) -> Response:
    """New contracts of at most *size* bytes in all."""
    node = current_node()
    received = node.clock.now()
    farmer = farmers.find(node, token)
    wanted = node.settings.DEFAULT_CHUNK_SIZE if size is None else read_number("size", size)
    farmers.follow(node, farmer, caller())
    return json_response({"chunks": offer_chunks(node, farmer, wanted, received)})


@blueprint.get("/challenge/<token>")
def challenge_all(token: str) -> Response:
    """The challenges of all contracts, or with ?limit= and ?cursor= of one page of them."""
    node = current_node()
    received = node.clock.now()
    farmer = farmers.find(node, token)
    if "limit" not in request.args:
        return stream_reports(all_challenges(node, farmer, received))
    limit = read_number("limit", request.args["limit"])
    cursor = read_number("cursor", request.args.get("cursor", "0"))
    require_batch(limit)
    if limit < 1:
        raise InvalidRequest("Invalid limit: it must be at least 1.")
    reports, following = challenge_page(node, farmer, received, cursor, limit)
    return json_response(
        {"challenges": reports, "cursor": None if following is None else str(following)}
    )


@blueprint.get("/challenge/<token>/<file_hash>")
def challenge_one(token: str, file_hash: str) -> Response:
    """The challenge of one contract."""
    node = current_node()
    received = node.clock.now()
    farmer = farmers.find(node, token)
    (report,) = challenges_for(node, farmer, [quoted(file_hash)], received)
    if report.error is not None:
        return refused(report.error)
    values = msgspec.to_builtins(report)
    del values["file_hash"]
    return json_response(values)


@blueprint.post("/challenge/<token>")
def challenge_some(token: str) -> Response:
    """The challenges of the contracts that the body names."""
    node = current_node()
    received = node.clock.now()
    farmer = farmers.find(node, token)
    names = decode(Hashes, 'Posted data must be a JSON object with a list "hashes"').hashes
    require_batch(len(names))
    return json_response({"challenges": challenges_for(node, farmer, names, received)})


@blueprint.post("/answer/<token>/<file_hash>")
def answer_one(token: str, file_hash: str) -> Response:
    """Answer the challenge of one contract."""
    node = current_node()
    received = node.clock.now()
    farmer = farmers.find(node, token)
    body = decode(SingleProof, 'Posted data must be a JSON object with a "proof"')
    farmers.follow(node, farmer, caller())
    answers = [Answer(quoted(file_hash), bytes(body.proof))]
    (report,) = answer_challenges(node, farmer, answers, received)
    return json_response({"status": "ok"}) if report.error is None else refused(report.error)


@blueprint.post("/answer/<token>")
def answer_some(token: str) -> Response:
    """Answer the challenges of many contracts."""
    node = current_node()
    received = node.clock.now()
    farmer = farmers.find(node, token)
    items = decode(Proofs, 'Posted data must be a JSON object with a list "proofs"').proofs
    require_batch(len(items))
    farmers.follow(node, farmer, caller())
    answers = [read_answer(item) for item in items]
    return json_response({"report": answer_challenges(node, farmer, answers, received)})


def caller() -> farmers.Caller:
    """Who sends this request."""
    return farmers.Caller(client_ip(), user_agent())


def read_number(what: str, text: str) -> int:
    """*text* as a whole number. Raises InvalidRequest."""
    if not is_whole_number(text, MOST_DIGITS):
        raise InvalidRequest(f"Invalid {what}: it must be a whole number.")
    return int(text)


def decode(kind: type[Body], message: str) -> Body:
    """The request's body. Raises InvalidRequest with *message* if it is of another form."""
    try:
        return msgspec.json.decode(read_body(), type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise InvalidRequest(message) from None


def require_batch(count: int) -> None:
    """Raise InvalidRequest if *count* items are too many for one request."""
    limit = current_node().settings.MAX_BATCH
    if count > limit:
        raise InvalidRequest(f"Too many items: at most {limit} are taken at once.")


def read_answer(item: msgspec.Raw) -> Answer:
    """One item of a batch; what is malformed about it is reported with it."""
    try:
        parsed = ITEM.decode(item)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return Answer(NULL, None)
    if isinstance(parsed.proof, msgspec.UnsetType):
        return Answer(parsed.file_hash, None)
    return Answer(parsed.file_hash, bytes(parsed.proof))


def refused(error: str) -> Response:
    """Why there is no challenge, or an answer was not accepted, for one contract."""
    status = HTTPStatus.NOT_FOUND if error == NOT_FOUND else HTTPStatus.BAD_REQUEST
    return error_response(error, status)


def stream_reports(pages: Iterator[list[ChallengeReport]]) -> Response:
    """All *pages* as one list; the first is read at once, so that its errors are answered."""
    first = next(pages)
    return Response(json_pieces(chain([first], pages)), mimetype=JSON)


def json_pieces(pages: Iterable[list[ChallengeReport]]) -> Iterator[bytes]:
    """The JSON text of /challenge, a page at a time."""
    yield b'{"challenges":['
    separator = b""
    for page in pages:
        if page:
            yield separator + msgspec.json.encode(page)[1:-1]
            separator = b","
    yield b"]}"
