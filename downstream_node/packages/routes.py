"""The document's routes: POST /process, its status, data, blob and end; GET /health."""

import logging
import socket
from collections.abc import Iterator
from http import HTTPStatus
from urllib.parse import urlencode

import msgspec
from flask import Blueprint, Response, request
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from downstream_node.errors import (
    Busy,
    InvalidRequest,
    PackageRefused,
    RequestTooLarge,
)
from downstream_node.packages import door, queries, service
from downstream_node.packages.example import example_result
from downstream_node.packages.feature import Packages
from downstream_node.packages.forms import (
    Accepted,
    Blob,
    Deleted,
    Failure,
    Health,
    StatusAnswer,
    Submission,
    status_answer,
)
from downstream_node.packages.links import FetchRefusal
from downstream_node.packages.live import events
from downstream_node.packages.service import Address
from downstream_node.packages.states import DEMO, Code
from downstream_node.web import current_node, is_whole_number, json_response, read_body

log = logging.getLogger(__name__)

blueprint = Blueprint("packages", __name__)

GZIP = "application/octet-stream"
EVENTS = "text/event-stream"
MOST_DIGITS = 12
BUSY_SECONDS = "5"
STREAM_SECONDS = "1"


@blueprint.before_request
def count() -> None:
    """Nobody asks too often. Submissions have a limit of their own. Raises TooManyRequests."""
    if request.method == "OPTIONS":
        return
    node = current_node()
    part = node.feature(Packages)
    if request.endpoint == "packages.process":
        door.count(node, part.submissions, "submit")
    elif request.endpoint != "packages.health":
        door.count(node, part.questions, "ask")


@blueprint.after_request
def share(response: Response) -> Response:
    """Pages of other sites may use these routes, as the settings say."""
    return door.shared(response, current_node().settings.PACKAGES_CORS_ORIGINS)


# Errors: each has the fields of its route


@blueprint.errorhandler(PackageRefused)
def refused(error: PackageRefused) -> Response:
    """What is refused, with its code."""
    response = failure(error.code)
    if isinstance(error, door.TooManyRequests):
        response.headers["Retry-After"] = str(error.seconds)
    elif response.status_code == HTTPStatus.SERVICE_UNAVAILABLE:
        response.headers["Retry-After"] = STREAM_SECONDS
    return response


@blueprint.errorhandler(Busy)
def busy(_error: Busy) -> Response:
    """The database would not take it."""
    response = failure(Code.BUSY)
    response.headers["Retry-After"] = BUSY_SECONDS
    return response


@blueprint.errorhandler(InvalidRequest)
def malformed(_error: InvalidRequest) -> Response:
    """What makes no sense."""
    return failure(Code.INVALID_REQUEST)


@blueprint.errorhandler(RequestTooLarge)
@blueprint.errorhandler(RequestEntityTooLarge)
def too_large(_error: Exception) -> Response:
    """What is longer than any link."""
    return failure(FetchRefusal.TOO_LARGE)


@blueprint.errorhandler(HTTPException)
def framework(error: HTTPException) -> Response:
    """What the framework refuses, or a client that is gone."""
    response = failure(Code.INVALID_REQUEST)
    response.status_code = error.code or HTTPStatus.BAD_REQUEST
    return response


@blueprint.errorhandler(Exception)
def unforeseen(error: Exception) -> Response:
    """A bug, a lost database, a damaged file: the log has more, without what the request said."""
    log.error("Request %s %s failed.", request.method, request.endpoint, exc_info=error)
    return failure(Code.SERVER_ERROR)


def failure(code: str) -> Response:
    """An error with this *code*, in the form of the route that was asked."""
    status = door.STATUS.get(code, HTTPStatus.INTERNAL_SERVER_ERROR)
    body: object = Failure(code)
    if request.endpoint == "packages.process":
        body = Accepted(is_accepted=False, package_id=None, error_message_code=code)
    elif request.endpoint == "packages.status":
        body = StatusAnswer(is_errored=True, error_message_code=code)
    elif request.endpoint == "packages.delete":
        body = Deleted(is_deleted=False, error_message_code=code)
    return json_response(body, status)


# Routes


@blueprint.post("/process")
def process() -> Response:
    """Take the package behind a link."""
    try:
        submission = msgspec.json.decode(read_body(), type=Submission)
    except msgspec.MsgspecError:
        door.refuse(Code.INVALID_REQUEST, "The body is not as documented.")
    if not isinstance(submission.package_link, str):
        door.refuse(Code.INVALID_REQUEST, "The link is no text.")
    package_id = service.submit_link(current_node(), submission.package_link)
    return json_response(Accepted(is_accepted=True, package_id=package_id, error_message_code=None))


@blueprint.get("/process/<package_id>/status")
def status(package_id: str) -> Response:
    """How far a package is."""
    secret = service.require_owner(door.secret(), package_id)
    return json_response(status_answer(service.status(current_node(), secret)))


@blueprint.get("/process/<package_id>/events")
def live(package_id: str) -> Response:
    """The same, as it changes."""
    node = current_node()
    secret = service.require_owner(door.secret(), package_id)
    part = node.feature(Packages)
    part.listen()
    response = Response(
        events(lambda: status_answer(service.status(node, secret))), content_type=EVENTS
    )
    response.call_on_close(part.streams.release)
    # Proxies are to pass each event on at once.
    response.headers["X-Accel-Buffering"] = "no"
    return response


@blueprint.get("/process/<package_id>/data")
def data(package_id: str) -> Response:
    """The result, opened with the secret that the request shows."""
    if package_id == DEMO:
        return file_response(iter([example_result()]), len(example_result()))
    secret = service.require_owner(door.secret(), package_id)
    return file_response(service.data(current_node(), secret), None)


@blueprint.get("/process/<package_id>/blob")
def blob(package_id: str) -> Response:
    """Where the sealed result may be fetched, to be opened by its owner."""
    if package_id == DEMO:
        return address_response(service.demo_address(current_node()))
    secret = service.require_owner(door.secret(), package_id)
    return address_response(service.address(current_node(), secret))


@blueprint.get("/process/<package_id>/blob/file")
def blob_file(package_id: str) -> Response:
    """The sealed result, at an address of `blob`."""
    node = current_node()
    expires, signature = request.args.get("expires", ""), request.args.get("signature", "")
    if not is_whole_number(expires, MOST_DIGITS):
        door.refuse(Code.INVALID_SIGNATURE, "The address is not one of ours.")
    if package_id == DEMO:
        service.require_signature(node, DEMO, b"", int(expires), signature)
        return file_response(iter([example_result()]), len(example_result()))
    pieces, size = service.sealed(node, package_id, int(expires), signature)
    return file_response(pieces, size)


@blueprint.delete("/process/<package_id>")
def delete(package_id: str) -> Response:
    """Delete a package, and all that came of it."""
    secret = service.require_owner(door.secret(), package_id)
    deleted = service.delete(current_node(), secret)
    code = None if deleted else Code.UNKNOWN_PACKAGE_ID
    return json_response(Deleted(is_deleted=deleted, error_message_code=code))


@blueprint.get("/health")
def health() -> Response:
    """Whether the node is up, and how many workers it has."""
    node = current_node()
    now = node.wall_clock()
    workers = node.database.read(lambda found: queries.count_live_workers(found, now))
    return json_response(Health("ok", socket.gethostname(), workers))


def file_response(pieces: Iterator[bytes], size: int | None) -> Response:
    """*pieces* as a file to save. Where they break off, so does the connection."""
    response = Response(pieces, content_type=GZIP)
    if size is not None:
        response.content_length = size
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


def address_response(address: Address) -> Response:
    """*address* as a URL."""
    query = urlencode({"expires": address.expires, "signature": address.signature})
    url = f"{request.host_url}process/{address.package_id}/blob/file?{query}"
    return json_response(Blob(url, address.iv, address.ttl))
