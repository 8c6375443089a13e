"""v2 routes of the public status: JSON and CSV, for everybody and from every origin.

An answer says how long it may be kept, and `page_cache` keeps it: readers in between cost no SQL.
"""

import csv
import io
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

import msgspec
from flask import Blueprint, Response, request, url_for

from downstream_node.errors import UnknownFarmer
from downstream_node.status import service
from downstream_node.status.reports import FarmerPage, FarmerSummary
from downstream_node.status.v2.parameters import (
    NO_FARMER,
    HistoryParameters,
    ListParameters,
    NoParameters,
    PageParameters,
    Parameters,
    read,
)
from downstream_node.web import (
    current_node,
    error_response,
    json_response,
    public_cache_control,
)

blueprint = Blueprint("status_v2", __name__)


@blueprint.after_request
def open_to_all(response: Response) -> Response:
    """Let pages of other origins read everything here, errors too."""
    response.headers["Access-Control-Allow-Origin"] = "*"
    response.headers["Access-Control-Expose-Headers"] = "ETag, Link"
    if request.method == "OPTIONS":
        response.headers["Access-Control-Allow-Methods"] = "GET, HEAD, OPTIONS"
        response.headers["Access-Control-Allow-Headers"] = "If-None-Match"
    elif response.status_code == HTTPStatus.OK:
        response.headers["Cache-Control"] = public_cache_control()
    return response


@blueprint.errorhandler(UnknownFarmer)
def unknown_farmer(_error: UnknownFarmer) -> Response:
    """A 404 in plain words; v1's text is the original's."""
    return error_response(NO_FARMER, HTTPStatus.NOT_FOUND)


@blueprint.get("/totals")
def totals() -> Response:
    """The network in one line."""
    query(NoParameters)
    return json_response(service.totals(current_node()))


@blueprint.get("/farmers")
def farmers() -> Response:
    """A page of farmers: filtered, sorted, with the fields that were asked for."""
    parameters = query(ListParameters)
    chosen = parameters.chosen()
    page = service.farmers(current_node(), parameters.listing())
    body = {"farmers": cells(page.farmers, chosen), "total": page.total, "next": page.next}
    return linked(json_response(body), page)


@blueprint.get("/farmers.csv")
def farmers_csv() -> Response:
    """The same as a table: a line of names, a line a farmer."""
    parameters = query(ListParameters)
    chosen = parameters.chosen()
    page = service.farmers(current_node(), parameters.listing())
    text = io.StringIO()
    writer = csv.DictWriter(text, chosen)
    writer.writeheader()
    writer.writerows(msgspec.to_builtins(cells(page.farmers, chosen)))
    return linked(Response(text.getvalue(), mimetype="text/csv"), page)


@blueprint.get("/farmers/<farmer_id>")
def farmer(farmer_id: str) -> Response:
    """Everything about one farmer."""
    query(NoParameters)
    return json_response(service.farmer(current_node(), farmer_id))


@blueprint.get("/farmers/<farmer_id>/failures")
def failures(farmer_id: str) -> Response:
    """What went wrong with one farmer's answers, newest first."""
    parameters = query(PageParameters)
    found = service.failures(current_node(), farmer_id, parameters.limit, parameters.page)
    return json_response({"failures": found})


@blueprint.get("/history")
def history() -> Response:
    """The network by hour or day."""
    parameters = query(HistoryParameters)
    points = service.history(current_node(), parameters.step, parameters.count())
    return json_response({"step": parameters.step, "points": points})


@blueprint.get("/places")
def places() -> Response:
    """Where farmers are."""
    query(NoParameters)
    return json_response(service.places(current_node()))


@blueprint.get("/outages")
def outages() -> Response:
    """When the node itself was down, newest first."""
    parameters = query(PageParameters)
    found = service.outages(current_node(), parameters.limit, parameters.page)
    return json_response({"outages": found})


def query(kind: type[Parameters]) -> Parameters:
    """The parameters of this request. Raises InvalidRequest."""
    return read(kind, dict(request.args.lists()))


def cells(farmers_found: Sequence[FarmerSummary], chosen: Sequence[str]) -> list[dict[str, Any]]:
    """The *chosen* fields of farmers."""
    return [{name: getattr(one, name) for name in chosen} for one in farmers_found]


def linked(response: Response, page: FarmerPage) -> Response:
    """*response* with a Link header to the first page and the one that follows."""
    kept = {name: text for name, text in request.args.items() if name not in {"page", "cursor"}}
    targets: dict[str, dict[str, Any]] = {"first": kept}
    if page.next is not None:
        targets["next"] = {**kept, "cursor": page.next}
    endpoint = request.endpoint or ""
    response.headers["Link"] = ", ".join(
        f'<{url_for(endpoint, **arguments)}>; rel="{relation}"'
        for relation, arguments in targets.items()
    )
    return response
