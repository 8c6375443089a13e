"""The dashboard's pages: the network, one farmer, its badge, statistics; and what they load."""

import hashlib
import re
from functools import cache
from http import HTTPStatus
from itertools import chain
from pathlib import Path

from flask import Blueprint, Response, redirect, render_template, request, url_for
from flask.blueprints import BlueprintSetupState
from jinja2 import StrictUndefined
from werkzeug.exceptions import HTTPException, NotFound
from werkzeug.utils import send_from_directory
from werkzeug.wrappers import Response as AnyResponse

from downstream_node import __version__, html, spreadsheets, web
from downstream_node.dashboard import charts, statistics, view, words, worldmap
from downstream_node.dashboard.choice import Choice, is_address, read_choice, read_page
from downstream_node.errors import DownstreamError, UnknownFarmer
from downstream_node.farmers.queries import is_farmer_id
from downstream_node.status import service
from downstream_node.status.reports import FarmerPage, State
from downstream_node.web import current_node

blueprint = Blueprint("dashboard", __name__, template_folder="templates")

STATIC = Path(__file__).parent / "static"
SHORT_ID = re.compile("[0-9a-f]{6,19}")
"""The beginning of a farmer's id, long enough to mean one."""
FOREVER = 365 * 86400
"""Seconds: an address with a content hash always means the same file."""
SHORTLY = 60
FRESH_BADGE = "public, max-age=60"
COUNTRIES = 8
"""Shown at once; the others can be opened."""
OUTAGES = 5
FAILURES = 10
HASH_DIGITS = 12
API = "/api/"

BADGE_COLOURS: dict[State, str] = {"online": "#0b6358", "offline": "#a02c48", "new": "#566660"}


@blueprint.record_once
def prepare(state: BlueprintSetupState) -> None:
    """Make a template that uses an unknown name fail, and give all of them what they need."""
    environment = state.app.jinja_env
    environment.undefined = StrictUndefined
    environment.globals.update(
        words=words, charts=charts, worldmap=worldmap, asset=asset, version=__version__
    )


@blueprint.app_context_processor
def names() -> dict[str, object]:
    """What the frame of every page shows."""
    settings = current_node().settings
    return {"node_name": settings.NODE_NAME, "has_demos": settings.DEMOS}


@cache
def content_hash(name: str) -> str:
    """The beginning of the SHA-256 of the static file *name*."""
    return hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:HASH_DIGITS]


def asset(name: str) -> str:
    """The address of the static file *name*, which changes with its content."""
    return url_for("dashboard.static_file", name=name, v=content_hash(name))


@blueprint.get("/static/<path:name>")
def static_file(name: str) -> AnyResponse:
    """A style, script or drawing."""
    kept = FOREVER if request.args.get("v") else SHORTLY
    response = send_from_directory(STATIC, name, request.environ, max_age=kept)
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


# The network


def front() -> AnyResponse:
    """The network: how many, how much, where, and who. Raises InvalidRequest."""
    choice = read_choice(request.args)
    sought = choice.find.lower()
    # Pages show the first digits of an id; they lead to the farmer if no other begins with them.
    found = service.ids_that_begin(current_node(), sought, 2) if SHORT_ID.fullmatch(sought) else []
    if len(found) == 1:
        return redirect(url_for("dashboard.farmer_page", farmer_id=found[0]), HTTPStatus.SEE_OTHER)
    if is_farmer_id(sought):
        return redirect(url_for("dashboard.farmer_page", farmer_id=sought), HTTPStatus.SEE_OTHER)
    return fresh(network_page(choice))


def network_page(choice: Choice) -> Response:
    """The page of the network with the list that was chosen."""
    node = current_node()
    problem = words.CANNOT_FIND if choice.find and not is_address(choice.find) else None
    found = FarmerPage(farmers=[], total=0, next=None)
    if problem is None:
        found = service.farmers(node, choice.listing())
    places = service.places(node)
    return html.page(
        "dashboard/front.html",
        totals=service.totals(node),
        trends=view.trends(service.history(node, "hour", view.HOURS)),
        discs=worldmap.discs(places.points),
        countries=places.countries,
        shown_countries=COUNTRIES,
        country_names=country_names(choice, [one.country for one in places.countries]),
        rows=view.rows(found.farmers, service.bars(node, [one.id for one in found.farmers])),
        total=found.total,
        pages=view.pages(choice, found.total),
        columns=view.headings(choice),
        choice=choice,
        problem=problem,
        outages=service.outages(node, OUTAGES),
        place_shown=True,
    )


def country_names(choice: Choice, countries: list[str | None]) -> list[str]:
    """The countries to choose from, in order; the chosen one is always there."""
    names = {name for name in countries if name} | ({choice.country} - {""})
    return sorted(names)


def fresh(response: Response) -> Response:
    """*response* as one that may be kept for a moment, apart from what JSON clients get."""
    response.headers["Cache-Control"] = web.public_cache_control()
    response.headers["Vary"] = "Accept"
    return response


# One farmer


@blueprint.get("/farmer/<farmer_id>", strict_slashes=False)
def farmer_page(farmer_id: str) -> Response:
    """One farmer: whether it is well, and if not, why. Raises UnknownFarmer, InvalidRequest."""
    node = current_node()
    page = read_page(request.args.get("page", "1"))
    detail = service.farmer(node, farmer_id)
    failures = service.failures(node, farmer_id, FAILURES, page - 1)
    # The first failure of the next page, if there is one.
    following = service.failures(node, farmer_id, 1, page * FAILURES)
    badge_path = url_for("dashboard.badge", farmer_id=farmer_id)
    own_path = url_for("dashboard.farmer_page", farmer_id=farmer_id)
    answer = html.page(
        "dashboard/farmer.html",
        detail=detail,
        days=view.days(detail.days),
        failures=failures,
        pages=view.failure_pages(page, more=bool(following)),
        badge_path=badge_path,
        snippet=words.snippet(badge_path, farmer_id, own_path),
        place_shown=bool(detail.farmer.city or detail.farmer.country),
    )
    return fresh(answer)


@blueprint.get("/farmer/<farmer_id>/badge.svg")
def badge(farmer_id: str) -> Response:
    """The uptime and state of a farmer as a picture for other pages. Raises UnknownFarmer."""
    farmer = service.farmer(current_node(), farmer_id).farmer
    text = words.badge(farmer.state, farmer.uptime)
    parts = view.badge_parts([words.states.UPTIME, text])
    width = round(sum(part.width for part in parts), 1)
    colour = BADGE_COLOURS[farmer.state]
    told = words.badge_alternative(text)
    drawing = render_template(
        "dashboard/badge.svg", parts=parts, width=width, told=told, colour=colour
    )
    response = Response(drawing, mimetype="image/svg+xml")
    response.headers["Cache-Control"] = FRESH_BADGE
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    response.headers["Content-Security-Policy"] = "default-src 'none'"
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


# Statistics


@blueprint.get("/statistics", strict_slashes=False)
def statistics_page() -> AnyResponse:
    """What public measures say, as far as their rules let it out."""
    if request.query_string:
        # There is nothing to ask for, and each query would be made anew past the cache.
        return redirect(url_for("dashboard.statistics_page"), HTTPStatus.SEE_OTHER)
    found = statistics.statistics(current_node())
    width, height = statistics.WIDTH, statistics.HEIGHT
    page = "dashboard/statistics.html"
    return fresh(html.page(page, statistics=found, width=width, height=height))


@blueprint.get("/statistics/<path:name>.csv")
def statistics_csv(name: str) -> AnyResponse:
    """The same results as a table: a line of names, a line a result. Raises NotFound."""
    if request.query_string:
        return redirect(url_for("dashboard.statistics_csv", name=name), HTTPStatus.SEE_OTHER)
    node = current_node()
    definition = next((one for one in statistics.public(node) if one.name == name), None)
    if definition is None:
        raise NotFound
    pages = statistics.csv_pages(node, definition)
    # The first page is read at once, so that its errors are answered.
    first: list[list[object]] = [[*statistics.csv_columns(definition)], *next(pages)]
    response = Response(spreadsheets.csv_pieces(chain([first], pages)), mimetype="text/csv")
    response.headers["Cache-Control"] = web.public_cache_control()
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


# Errors


def error_page(status: int, told: tuple[str, str], detail: str = "") -> Response:
    """What went wrong, and what to do."""
    heading, advice = told
    return html.page(
        "dashboard/error.html", status, code=status, heading=heading, advice=advice, detail=detail
    )


@blueprint.errorhandler(DownstreamError)
def domain_error(error: DownstreamError) -> Response:
    """An error of ours on a page, for people; programs get the API's form."""
    plain = web.domain_error(error)
    if not html.wants_html():
        return plain
    if isinstance(error, UnknownFarmer):
        return error_page(plain.status_code, words.NO_SUCH_FARMER)
    detail = str(error) if plain.status_code < HTTPStatus.INTERNAL_SERVER_ERROR else ""
    return error_page(plain.status_code, words.ERRORS[plain.status_code], detail)


@blueprint.errorhandler(Exception)
def unforeseen_error(error: Exception) -> Response:
    """A bug or a lost database, for people; programs get the API's form."""
    plain = web.unforeseen_error(error)
    if not html.wants_html():
        return plain
    return error_page(plain.status_code, words.ERRORS[plain.status_code])


@blueprint.app_errorhandler(NotFound)
def not_found(error: HTTPException) -> Response:
    """An address that leads nowhere: a page for who looks with a browser, outside of the API."""
    if request.path.startswith(API) or not html.wants_html():
        return web.framework_error(error)
    return error_page(HTTPStatus.NOT_FOUND, words.ERRORS[HTTPStatus.NOT_FOUND])
