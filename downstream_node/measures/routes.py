"""The document's routes, at the root: send a measure, ask for results, ask for the health."""

import logging
from http import HTTPStatus
from itertools import chain

import msgspec
from flask import Blueprint, Response, request
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from downstream_node.errors import Busy, DownstreamError, NoMeasureToken
from downstream_node.measures import parsing, results
from downstream_node.measures.access import caller, readable, sender
from downstream_node.measures.answers import as_list
from downstream_node.measures.collecting import HTTP_STATUS, Item, collect
from downstream_node.measures.models import MeasureDefinition
from downstream_node.node import Node
from downstream_node.web import (
    JSON,
    current_node,
    domain_error,
    framework_error,
    json_response,
    read_body,
    unforeseen_error,
)

log = logging.getLogger(__name__)

blueprint = Blueprint("measures", __name__)

HEALTH = select(MeasureDefinition.id).limit(1)
KEY_HEADER = "Idempotency-Key"
METHODS = {"GET", "POST", "PUT", "PATCH", "DELETE"}
ROUTES = {"/measure": {"POST"}, "/aggregate": {"GET", "POST"}, "/status": {"GET"}}


@blueprint.post("/measure")
def measure() -> Response:
    """Store one measure; the answer comes after the commit."""
    node = current_node()
    authorization = request.headers.get("Authorization", "")
    try:
        body = parsing.loads(read_body())
    except (DownstreamError, HTTPException):
        # Who shows no token is told that, whatever else is wrong.
        caller(node, authorization)
        raise
    name = body.get("measureName") if isinstance(body, dict) else None
    org, found = sender(node, authorization, name)
    item = Item(body, request.headers.get(KEY_HEADER))
    (outcome,) = collect(node, org, [item], node.wall_clock(), found)
    status = HTTP_STATUS[outcome.verdict]
    return json_response({"error": outcome.error} if outcome.error else {"ok": True}, status)


@blueprint.route("/aggregate", methods=sorted(ROUTES["/aggregate"]))
def aggregate() -> Response:
    """The results of one measure in a range of starts, as far as they may be given out.

    However many: the first page is read before the answer begins, so that errors have their status,
    and the rest while it is sent. What fails then ends the connection within the list, so nobody
    takes it for the whole.
    """
    node = current_node()
    org = caller(node, request.headers.get("Authorization", ""))
    params = parsing.filled(question(), parsing.EMPTY_QUESTION)
    definition = readable(node, org, parsing.name_of(params))
    start, end = (parsing.time_of(params, field) for field in ("startDate", "endDate"))
    created_by = parsing.name_or_none(params, "createdBy")
    pages = results.pages(node, definition, start, end, created_by)
    first = next(pages)
    list_of_all = as_list(definition, chain([first], pages))
    is_all = len(first) < results.PAGE
    # Most answers are one page: they have their length, and keep HTTP/1.0 connections open.
    response = Response(b"".join(list_of_all) if is_all else list_of_all, mimetype=JSON)
    response.headers["Cache-Control"] = "private, no-cache"
    return response


def question() -> object:
    """The params of a question: the body, or the query string where there is no body."""
    body = read_body()
    return parsing.loads(body) if body else request.args.to_dict()


@blueprint.get("/status")
def status() -> Response:
    """Whether the database answers. What is wrong with it stands in the log only."""
    works = database_works(current_node())
    word = "ok" if works else "ko"
    code = HTTPStatus.OK if works else HTTPStatus.SERVICE_UNAVAILABLE
    response = json_response({"db": {"status": word}, "global_status": word}, code)
    response.headers["Cache-Control"] = "no-store"
    return response


def database_works(node: Node) -> bool:
    """Whether a table of ours can be read."""
    try:
        node.database.read(lambda connection: connection.execute(HEALTH).all())
    except (SQLAlchemyError, Busy):
        log.exception("The database does not answer.")
        return False
    return True


# Errors


def wrong_method() -> Response:
    """Refuse a method that the path does not know, in the document's form."""
    raise MethodNotAllowed(sorted(ROUTES[request.path]))


for path, known in ROUTES.items():
    blueprint.add_url_rule(path, view_func=wrong_method, methods=sorted(METHODS - known))


@blueprint.errorhandler(NoMeasureToken)
def nobody(error: NoMeasureToken) -> Response:
    """401 as the document has it: a plain text."""
    response = Response(str(error), status=HTTPStatus.UNAUTHORIZED, mimetype="text/plain")
    response.headers["WWW-Authenticate"] = "Bearer"
    return response


@blueprint.errorhandler(DownstreamError)
def error_on_purpose(error: DownstreamError) -> Response:
    """An error that we raised on purpose."""
    return in_the_documents_form(domain_error(error))


@blueprint.errorhandler(HTTPException)
def error_of_the_framework(error: HTTPException) -> Response:
    """405, 413 and the like."""
    return in_the_documents_form(framework_error(error))


@blueprint.errorhandler(Exception)
def error_unforeseen(error: Exception) -> Response:
    """A bug or a lost database, told without details."""
    return in_the_documents_form(unforeseen_error(error))


def in_the_documents_form(response: Response) -> Response:
    """An error of this API as {"error": text}."""
    message = msgspec.json.decode(response.data)["message"]
    response.data = msgspec.json.encode({"error": message})
    return response
