"""Routes below /api/measures/v1. Each names its caller by the token before anything else."""

from http import HTTPStatus
from typing import Any

from flask import Blueprint, Response, request

from downstream_node.errors import InvalidRequest, NoMeasureToken, UnknownMeasure
from downstream_node.measures import access, definitions, parsing
from downstream_node.measures.answers import documented
from downstream_node.measures.collecting import HTTP_STATUS, Item, Outcome, Verdict, collect
from downstream_node.measures.results import aggregates
from downstream_node.measures.v1.parameters import Range, cursor_text
from downstream_node.status.v2.parameters import NoParameters, read
from downstream_node.web import current_node, error_response, json_response, read_body

blueprint = Blueprint("measures_v1", __name__)

MOST_ITEMS = 5000
NO_LIST = 'The body must be an object with a list "measures".'


def caller() -> str:
    """Who asks. Raises NoMeasureToken."""
    return access.caller(current_node(), request.headers.get("Authorization", ""))


# Batches


@blueprint.post("/measures")
def collected() -> Response:
    """Store many measures in one transaction; what is not taken is told by index."""
    org, node = caller(), current_node()
    items = [item_of(body) for body in batch()]
    return json_response(report(collect(node, org, items, node.wall_clock())))


def batch() -> list[Any]:
    """The measures in the body. Raises InvalidRequest if it has another form, or too many."""
    body = parsing.loads(read_body())
    measures = body.get("measures") if isinstance(body, dict) else None
    if not isinstance(measures, list):
        raise InvalidRequest(NO_LIST)
    if len(measures) > MOST_ITEMS:
        raise InvalidRequest(f"Too many items: at most {MOST_ITEMS} are taken at once.")
    return measures


def item_of(body: object) -> Item:
    """One measure of a batch, which holds its key itself."""
    return Item(body, body.get("idempotencyKey") if isinstance(body, dict) else None)


def report(outcomes: list[Outcome]) -> dict[str, Any]:
    """How many were stored, which came before, and which were refused and why."""
    repeated = [n for n, outcome in enumerate(outcomes) if outcome.verdict is Verdict.REPEATED]
    refused = [
        {"index": n, "status": HTTP_STATUS[outcome.verdict], "error": outcome.error}
        for n, outcome in enumerate(outcomes)
        if outcome.error is not None
    ]
    stored = len(outcomes) - len(repeated) - len(refused)
    return {"stored": stored, "repeated": repeated, "refused": refused}


# Results and definitions


@blueprint.get("/measures/<name>/aggregates")
def page(name: str) -> Response:
    """One page of the results of a measure, in a stable order: start, app, groups."""
    org, node = caller(), current_node()
    definition = access.readable(node, org, name)
    wanted = read(Range, request.args.to_dict(flat=False))
    first, beyond, one_more = wanted.first(), wanted.beyond(), wanted.limit + 1
    rows = aggregates(node, definition, first, beyond, wanted.app(), wanted.after(), limit=one_more)
    shown = rows[: wanted.limit]
    following = cursor_text(shown[-1].order_key) if len(rows) > len(shown) else None
    return tagged({"aggregates": [documented(definition, row) for row in shown], "next": following})


@blueprint.get("/definitions")
def all_definitions() -> Response:
    """The definitions of what the caller may write or read, by name."""
    org = caller()
    read(NoParameters, request.args.to_dict(flat=False))
    found = current_node().database.read(definitions.all_of)
    shown = [definitions.described(row) for row in found if definitions.is_visible(row, org)]
    return tagged({"definitions": shown})


@blueprint.get("/definitions/<name>")
def one_definition(name: str) -> Response:
    """One definition, if the caller may write or read what it defines."""
    org = caller()
    read(NoParameters, request.args.to_dict(flat=False))
    return tagged(definitions.described(access.visible(current_node(), org, name)))


def tagged(value: object) -> Response:
    """*value* as JSON with an ETag, or 304 if the client has it; for this caller only."""
    response = json_response(value)
    response.headers["Cache-Control"] = "private, no-cache"
    response.vary.add("Authorization")
    response.add_etag()
    response.make_conditional(request)
    return response


# Errors


@blueprint.errorhandler(NoMeasureToken)
def nobody(error: NoMeasureToken) -> Response:
    """401, with what to show."""
    response = error_response(str(error), HTTPStatus.UNAUTHORIZED)
    response.headers["WWW-Authenticate"] = "Bearer"
    return response


@blueprint.errorhandler(UnknownMeasure)
def not_there(error: UnknownMeasure) -> Response:
    """A name in the path that is no measure's: the page is not there."""
    return error_response(str(error), HTTPStatus.NOT_FOUND)
