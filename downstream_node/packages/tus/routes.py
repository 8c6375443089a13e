"""POST /packages/uploads, and HEAD, PATCH and DELETE of what it makes."""

import logging
from http import HTTPStatus

from flask import Blueprint, Response, request
from werkzeug.exceptions import HTTPException

from downstream_node.errors import Busy, PackageRefused, StorageFull
from downstream_node.packages import door, uploads
from downstream_node.packages.door import STATUS
from downstream_node.packages.feature import Packages
from downstream_node.packages.forms import Failure
from downstream_node.packages.segments import StoredUpload
from downstream_node.packages.service import require_owner
from downstream_node.packages.states import Code
from downstream_node.packages.tus import headers
from downstream_node.web import current_node, json_response

log = logging.getLogger(__name__)

blueprint = Blueprint("uploads", __name__)

COLLECTION = "/packages/uploads"
UPLOAD = "/packages/uploads/<package_id>"
BUSY_SECONDS = "5"


@blueprint.before_request
def admit() -> None:
    """Count the request and look at its version. Raises PackageRefused."""
    if request.method == "OPTIONS":
        return
    node = current_node()
    part = node.feature(Packages)
    if request.method == "POST":
        door.count(node, part.submissions, "submit")
    else:
        door.count(node, part.questions, "ask")
    headers.require_version(request.headers)


@blueprint.after_request
def share(response: Response) -> Response:
    """What all answers of tus say; pages of other sites may use it, as the settings say."""
    settings = current_node().settings
    response.headers["Tus-Resumable"] = headers.VERSION
    if request.method == "OPTIONS" or response.status_code == HTTPStatus.PRECONDITION_FAILED:
        response.headers["Tus-Version"] = headers.VERSION
    if request.method == "OPTIONS":
        response.headers["Tus-Extension"] = headers.EXTENSIONS
        response.headers["Tus-Max-Size"] = str(settings.PACKAGES_MAX_SIZE)
        response.headers["Tus-Checksum-Algorithm"] = ",".join(uploads.ALGORITHMS)
    return door.shared(response, settings.PACKAGES_CORS_ORIGINS)


@blueprint.errorhandler(PackageRefused)
def refused(error: PackageRefused) -> Response:
    """What is refused, with its code."""
    response = failure(error.code)
    if isinstance(error, door.TooManyRequests):
        response.headers["Retry-After"] = str(error.seconds)
    return response


@blueprint.errorhandler(Busy)
def busy(_error: Busy) -> Response:
    """The database would not take it."""
    response = failure(Code.BUSY)
    response.headers["Retry-After"] = BUSY_SECONDS
    return response


@blueprint.errorhandler(StorageFull)
def full(_error: StorageFull) -> Response:
    """There is no space."""
    return failure(Code.STORAGE_FULL)


@blueprint.errorhandler(HTTPException)
def malformed(error: HTTPException) -> Response:
    """What the framework refuses, or a client that is gone."""
    return json_response(Failure(Code.INVALID_REQUEST), error.code or HTTPStatus.BAD_REQUEST)


@blueprint.errorhandler(Exception)
def unforeseen(error: Exception) -> Response:
    """A bug, a lost database, a disk that fails."""
    log.error("Request %s %s failed.", request.method, request.endpoint, exc_info=error)
    return failure(Code.SERVER_ERROR)


def failure(code: str) -> Response:
    """An error with this code."""
    return json_response(Failure(code), STATUS.get(code, HTTPStatus.INTERNAL_SERVER_ERROR))


@blueprint.route(COLLECTION, methods=["OPTIONS"], provide_automatic_options=False)
@blueprint.route(UPLOAD, methods=["OPTIONS"], provide_automatic_options=False)
def options(package_id: str = "") -> Response:  # noqa: ARG001 - as the path has it
    """What this server can do."""
    return Response(status=HTTPStatus.NO_CONTENT)


@blueprint.post(COLLECTION, provide_automatic_options=False)
def create() -> Response:
    """A new upload, with its first bytes if there are some."""
    node, secret = current_node(), door.secret()
    if secret is None:
        door.refuse(Code.UNAUTHORIZED, "An upload needs a secret of its own.")
    upload = uploads.begin(node, secret, headers.length(request.headers))
    if request.headers.get("Content-Type") == headers.OFFSET_TYPE and not upload.offset:
        upload = uploads.append(node, secret, 0, body(), headers.checksum(request.headers))
    response = progress(upload, HTTPStatus.CREATED)
    response.headers["Location"] = f"{request.host_url}packages/uploads/{upload.package_id}"
    return response


@blueprint.route(UPLOAD, methods=["HEAD"], provide_automatic_options=False)
def show(package_id: str) -> Response:
    """How many bytes are there."""
    upload = uploads.find(current_node(), require_owner(door.secret(), package_id))
    response = progress(upload, HTTPStatus.OK)
    response.headers["Upload-Length"] = str(upload.length)
    return response


@blueprint.patch(UPLOAD, provide_automatic_options=False)
def append(package_id: str) -> Response:
    """The next bytes."""
    secret = require_owner(door.secret(), package_id)
    headers.require_type(request.headers)
    offset = headers.number(request.headers, "Upload-Offset")
    checksum = headers.checksum(request.headers)
    upload = uploads.append(current_node(), secret, offset, body(), checksum)
    return progress(upload, HTTPStatus.NO_CONTENT)


@blueprint.delete(UPLOAD, provide_automatic_options=False)
def terminate(package_id: str) -> Response:
    """Give the upload up, and the package that it has become."""
    uploads.terminate(current_node(), require_owner(door.secret(), package_id))
    return Response(status=HTTPStatus.NO_CONTENT)


def body() -> uploads.Stream:
    """The body as it comes, however long: an upload's own length bounds it."""
    request.max_content_length = None
    return request.stream


def progress(upload: StoredUpload, status: int) -> Response:
    """How many bytes of *upload* are there, and for how long."""
    response = Response(status=status)
    response.headers["Upload-Offset"] = str(upload.offset)
    response.headers["Upload-Expires"] = headers.date(upload.expires)
    return response
