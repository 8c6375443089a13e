"""Recordings that are there: lists, bytes, tables, reports, analysis, news."""

import hashlib
from collections.abc import Sequence
from http import HTTPStatus
from itertools import chain

from flask import Blueprint, Response, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from downstream_node import html
from downstream_node.clock import WallTime, iso
from downstream_node.custody import answering
from downstream_node.custody import service as custody
from downstream_node.custody.claims import disposition
from downstream_node.demos import analysis, broadcasts, door, filing, ids, listing, reports
from downstream_node.demos import parameters as asked
from downstream_node.demos.access import User
from downstream_node.demos.export import Table, csv_of
from downstream_node.demos.forms import Ingest, Report, Review
from downstream_node.demos.listing import Demo, Filters, Page
from downstream_node.demos.models import LONGEST_NAME
from downstream_node.demos.states import Reason, Scope, State
from downstream_node.errors import DemoRefused, UnknownFile
from downstream_node.node import Node
from downstream_node.web import current_node, json_response

blueprint = Blueprint("demo_records", __name__)
door.prepare(blueprint)

MEDIA_TYPE = "text/plain"
"""The document's. Nobody takes a recording for a page: it is to be saved, and browsers told so."""
EMPTY = hashlib.sha256().hexdigest()
LAST_PAGE = 100_000
MOST_JOBS = 1000
NEXT = "X-Next-Cursor"
NEWS_SECONDS = 60

STILL_ACTIVE = "Session is still active, cannot retrieve data!"
NOT_FOUND = "Demo not found!"


# Lists


@blueprint.get("/list_demos")
def list_demos() -> Response:
    """The caller's closed sessions."""
    user = door.caller()
    integers = ids.wanted_integers()
    found = page_of(Filters(user=user.steam_id))
    return listed(found, [row(demo, user, integers) for demo in found.rows])


@blueprint.get("/analyst_list_demos")
def analyst_list_demos() -> Response:
    """Everybody's closed sessions, for analysts."""
    user = door.caller(Scope.ANALYST)
    integers = ids.wanted_integers()
    filters = filters_of(user)
    found = page_of(filters) if filters else Page([], None)
    return listed(found, [row(demo, user, integers) | more(demo) for demo in found.rows])


def page_of(filters: Filters) -> Page:
    """The page that is asked for, by its number or by where the one before it ended."""
    given = request.args
    size = asked.number("page_size", given, listing.MOST, 1, listing.MOST)
    number = asked.number("page_number", given, 1, 1, LAST_PAGE)
    after = given.get("after")
    offset = 0 if after else (number - 1) * size
    return listing.page(current_node(), filters, after, size, offset=offset)


def filters_of(user: User) -> Filters | None:
    """What an analyst wants to see; None: nothing can be it."""
    given = request.args
    first, last = asked.dates("from", given), asked.dates("to", given)
    uploader = None
    anonymous = asked.text("anonymous_id", given, len(EMPTY))
    if anonymous is not None:
        uploader = listing.uploader_of(current_node(), anonymous.lower(), user.steam_id)
        if uploader is None:
            return None
    return Filters(
        user=uploader,
        map=asked.text("map", given, LONGEST_NAME),
        server=asked.text("server", given, LONGEST_NAME),
        first=first.first if first else None,
        beyond=last.beyond if last else None,
        reported=asked.flag("reported", given),
        reason=asked.word("reason", given, Reason),
    )


def listed(page: Page, rows: Sequence[dict[str, object]]) -> Response:
    """*rows* as an answer, with what leads to those behind them."""
    response = json_response(rows)
    if page.next is not None:
        response.headers[NEXT] = page.next
    return response


def row(demo: Demo, user: User, integers: bool) -> dict[str, object]:
    """The document's fields of one session, for *user*."""
    return {
        "demo_name": demo.name,
        "session_id": ids.shown(demo.session_id, integers),
        "map": demo.map,
        "start_time": date(demo.started),
        "end_time": date(demo.ended),
        "demo_size": demo.size,
        "anonymous_id": listing.anonymous_id(demo.user, user.steam_id),
    }


def more(demo: Demo) -> dict[str, object]:
    """What analysts see besides."""
    return {
        "fake_ip": demo.fake_ip,
        "header_map": demo.header_map,
        "server": demo.header_server,
        "seconds": demo.header_seconds,
        "sha256": demo.sha256.hex() if demo.sha256 else None,
        "reports": demo.reports,
        "ingested": demo.is_ingested,
        "pruned": demo.pruned is not None,
    }


def date(wall: int | None) -> str | None:
    """A time as it stands in answers."""
    return None if wall is None else iso(WallTime(wall))


# Bytes


@blueprint.get("/demodata")
def demodata() -> Response:
    """The recording of a closed session, or a part: for analysts, and for who uploaded it."""
    user = door.caller()
    node = current_node()
    demo = fetched(node, user, door.required("session_id"))
    if demo.size and demo.sha256 is None:
        filing.ensure_filed(node, demo.id)
        demo = fetched(node, user, demo.session_id)
    try:
        response = sent(node, demo)
    except UnknownFile:
        # It may have been let go since it was looked up: then this says why.
        fetched(node, user, demo.session_id)
        raise
    response.headers["Cache-Control"] = "private, no-cache"
    return response


def fetched(node: Node, user: User, session_id: str) -> Demo:
    """The closed session whose bytes *user* may have.

    Raises DemoRefused: 401 for others' sessions, 404, 403 while it goes on, 410 if it was let go.
    """
    known = ids.given(session_id)
    demo = listing.one(node, known) if known else None
    if not user.has(Scope.ANALYST) and (demo is None or demo.user != user.steam_id):
        raise DemoRefused(HTTPStatus.UNAUTHORIZED, "Unauthorized")
    if demo is None:
        raise DemoRefused(HTTPStatus.NOT_FOUND, NOT_FOUND)
    if demo.state != State.CLOSED:
        raise DemoRefused(HTTPStatus.FORBIDDEN, STILL_ACTIVE)
    if demo.pruned is not None:
        said = f"The demo was let go on {date(demo.pruned)}. {demo.prune_reason or ''}"
        raise DemoRefused(HTTPStatus.GONE, said.rstrip())
    return demo


def sent(node: Node, demo: Demo) -> Response:
    """The bytes of a demo. Raises UnknownFile, DamagedFile."""
    name = f"{demo.session_id}.dem"
    if demo.sha256 is None:
        head = {"Content-Disposition": disposition(name)}
        empty = Response(b"", headers=head, content_type=MEDIA_TYPE)
        return answering.labelled(empty, f'"{EMPTY}"')
    stored = custody.find(node, demo.sha256)
    if stored is None:
        raise UnknownFile
    return answering.answer(node, stored, name, MEDIA_TYPE, door.plain)


@blueprint.get("/db_export")
def db_export() -> Response:
    """A table as CSV, for analysts. A failure in the middle cuts the connection."""
    door.caller(Scope.ANALYST)
    door.required("table")
    table = asked.word("table", request.args, Table)
    since = asked.dates("since", request.args)
    assert table is not None  # noqa: S101 - required above
    pieces = csv_of(current_node(), table, since.first if since else 0)
    # Two pieces before anything is sent: the header, and what the database says first.
    body = chain([next(pieces), next(pieces, "")], pieces)
    response = Response(body, mimetype="text/csv")
    response.headers["Content-Disposition"] = disposition(f"{table}.csv")
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


# What is said of them


@blueprint.post("/report")
def report() -> Response:
    """Report a player of a session."""
    user = door.caller()
    said = door.body_as(Report)
    node = current_node()
    now = node.wall_clock()
    reports.add(node, user.steam_id, said.session_id, said.target_steam_id, said.reason, now)
    return json_response({"report_added": True}, HTTPStatus.CREATED)


@blueprint.get("/jobs")
def jobs() -> Response:
    """The sessions that have waited longest for an analysis, for analysts' programs."""
    door.caller(Scope.ANALYST)
    integers = ids.wanted_integers()
    limit = asked.number("limit", request.args, 1, 1, MOST_JOBS)
    found = analysis.waiting(current_node(), limit)
    return json_response([ids.shown(session_id, integers) for session_id in found])


@blueprint.post("/ingest")
def ingest() -> Response:
    """Take in analyses: what became of each session's."""
    door.caller(Scope.ANALYST)
    said = door.body_as(Ingest)
    node = current_node()
    now = node.wall_clock()
    stored = analysis.ingest_stored(node, said.session_ids, now)
    return json_response(stored | analysis.ingest_given(node, said.analyses, now))


@blueprint.post("/review")
def review() -> Response:
    """Say what a reviewer makes of a player in a session."""
    user = door.caller(Scope.REVIEWER)
    said = door.body_as(Review)
    node = current_node()
    now = node.wall_clock()
    analysis.review(node, user.steam_id, said.session_id, said.target_steam_id, said.verdict, now)
    return json_response({"review_added": True}, HTTPStatus.CREATED)


@blueprint.get("/reviews")
def reviews() -> Response:
    """The detections and reviews of one session, for analysts and reviewers."""
    user = door.caller()
    if not (user.has(Scope.ANALYST) or user.has(Scope.REVIEWER)):
        raise DemoRefused(HTTPStatus.UNAUTHORIZED, "Unauthorized")
    node = current_node()
    known = ids.given(door.required("session_id"))
    demo = listing.one(node, known) if known else None
    if demo is None:
        raise DemoRefused(HTTPStatus.NOT_FOUND, NOT_FOUND)
    return json_response(
        {
            "session_id": ids.shown(demo.session_id, ids.wanted_integers()),
            "detections": [
                {
                    "target_steam_id": str(one.target),
                    "algorithm": one.algorithm,
                    "detection_count": one.detections,
                }
                for one in analysis.of(node, demo.id)
            ],
            "reviews": [
                {
                    "target_steam_id": str(one.target),
                    "reviewer_steam_id": str(one.reviewer),
                    "verdict": one.verdict,
                    "created_at": date(one.created),
                }
                for one in analysis.reviews_of(node, demo.id)
            ],
        }
    )


@blueprint.get("/broadcasts")
def news() -> Response:
    """News for the clients, the newest first; for everybody."""
    found = [
        {
            "message": one.message,
            "importance": one.importance,
            "post_date": date(one.created),
        }
        for one in broadcasts.shown(current_node())
    ]
    response = json_response(found)
    response.headers["Cache-Control"] = f"public, max-age={NEWS_SECONDS}"
    return response


@blueprint.get("/schema")
def schema() -> AnyResponse:
    """On to the description of all routes: as a page for browsers, else as OpenAPI."""
    endpoint = "openapi.docs" if html.wants_html() else "openapi.openapi_json"
    response = redirect(url_for(endpoint), HTTPStatus.SEE_OTHER)
    response.vary.add("Accept")
    return response
