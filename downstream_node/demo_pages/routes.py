"""Pages of recordings: the entrance, one recording and its file, the analysts' list, sign-in."""

from dataclasses import dataclass
from http import HTTPStatus

from flask import Blueprint, Response, current_app, redirect, request, url_for
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response as AnyResponse

from downstream_node import html, web
from downstream_node.clock import calendar
from downstream_node.custody import answering
from downstream_node.custody import service as custody
from downstream_node.dashboard import words
from downstream_node.demo_pages import choice as choices
from downstream_node.demo_pages import sessions, view
from downstream_node.demo_pages.choice import Choice, read_choice
from downstream_node.demos import (
    access,
    analysis,
    door,
    filing,
    listing,
    reports,
    sign_in,
    tickets,
)
from downstream_node.demos.access import User
from downstream_node.demos.listing import Demo, Filters
from downstream_node.demos.models import SESSION_ID
from downstream_node.demos.states import Scope, State, Verdict
from downstream_node.errors import (
    DemoRefused,
    DownstreamError,
    SteamFailed,
    TooManyRequests,
)
from downstream_node.node import Node
from downstream_node.operators.attempts import Attempts
from downstream_node.web import client_ip, current_node, is_whole_number

blueprint = Blueprint(
    "demo_pages",
    __name__,
    template_folder="templates",
    static_folder="static",
    url_prefix=sessions.PATH,
)

MINE = 20
"""Of one's own demos on a page."""
ALL = 50
SHOWN_STREAMS = 100
LARGEST_FORM = 16384
"""Bytes: a form holds a key, and anybody may send one."""
BACK = f"{sessions.PATH}/signed-in"
logins = Attempts()


@dataclass(frozen=True, slots=True)
class Shown:
    """A page of a list."""

    lines: list[view.Line]
    next: str | None
    """The cursor of the page behind it."""


@blueprint.before_request
def guard() -> None:
    """Count requests, refuse large forms, and forms that another site sent.

    Raises TooManyRequests, HTTPException.
    """
    request.max_content_length = LARGEST_FORM
    if request.endpoint != "demo_pages.static":
        door.count()
    current_app.extensions["csrf"].protect()


# The entrance


@blueprint.get("", strict_slashes=False)
def entrance() -> Response:
    """What streams now, and one's own demos. Raises DemoRefused (400) for a strange cursor."""
    return entrance_page()


def entrance_page(problem: str | None = None, status: HTTPStatus = HTTPStatus.OK) -> Response:
    """The entrance, with what went wrong with the key that was shown."""
    node = current_node()
    now = node.wall_clock()
    viewer = sessions.current(node)
    streams = listing.live(node)
    return html.page(
        "demo_pages/recordings.html",
        status,
        as_of=calendar(now),
        streams=view.lines(node, streams[:SHOWN_STREAMS], now),
        stream_count=len(streams),
        stream_rate=sum(one.bytes_per_second for one in streams),
        viewer=viewer,
        scopes=words_of(viewer),
        sees_all=sees_all(viewer),
        mine=None if viewer is None else own_demos(node, viewer),
        steam=None if viewer else to_sign_in(node),
        problem=problem,
        choice=Choice({}, request.args.get("after")),
    )


def own_demos(node: Node, viewer: User) -> Shown:
    """A page of the demos of who looks, the newest first."""
    return shown(node, Filters(user=viewer.steam_id, state=None), request.args.get("after"), MINE)


def shown(node: Node, filters: Filters, after: str | None, limit: int) -> Shown:
    """A page of the recordings of *filters*. Raises DemoRefused (400)."""
    page = listing.page(node, filters, after, limit, newest=True)
    return Shown(view.lines(node, page.rows, node.wall_clock()), page.next)


def words_of(viewer: User | None) -> list[str]:
    """The scopes of who looks, in the order of Scope."""
    return [] if viewer is None else [scope for scope in Scope if viewer.has(scope)]


def sees_all(viewer: User | None) -> bool:
    """Whether *viewer* may see what is said of players, and all recordings."""
    return viewer is not None and (viewer.has(Scope.ANALYST) or viewer.has(Scope.REVIEWER))


# All recordings


@blueprint.get("/all", strict_slashes=False)
def all_recordings() -> Response:
    """The analysts' list. Raises DemoRefused (401, 403)."""
    node = current_node()
    require(sees_all(required()), words.demos.ANALYSTS_ONLY)
    choice = read_choice(request.args)
    try:
        found = shown(node, choices.filters(choice), choice.after, ALL)
    except DemoRefused as error:
        return list_page(choice, Shown([], None), str(error), HTTPStatus.BAD_REQUEST)
    return list_page(choice, found)


def list_page(
    choice: Choice, found: Shown, problem: str | None = None, status: HTTPStatus = HTTPStatus.OK
) -> Response:
    """The list, or what is wrong with what was asked for."""
    return html.page("demo_pages/all.html", status, choice=choice, found=found, problem=problem)


# One recording


@blueprint.get("/<session_id>", strict_slashes=False)
def recording(session_id: str) -> Response:
    """One recording: what everybody may know, and for analysts and reviewers what is said of it.

    Raises DemoRefused (404).
    """
    node = current_node()
    return recording_page(node, found(node, session_id), sessions.current(node))


def recording_page(
    node: Node,
    demo: Demo,
    viewer: User | None,
    problem: str | None = None,
    status: HTTPStatus = HTTPStatus.OK,
) -> Response:
    """The page of *demo* for *viewer*, with what was wrong with a verdict."""
    now = node.wall_clock()
    whole = view.whole(node, demo, now)
    may_fetch = is_fetcher(demo, viewer)
    sees_players = sees_all(viewer)
    return html.page(
        "demo_pages/recording.html",
        status,
        as_of=calendar(now),
        demo=demo,
        whole=whole,
        line=whole.line,
        sees_name=may_fetch or sees_players,
        sees_players=sees_players,
        uploader=listing.anonymous_id(demo.user, viewer.steam_id)
        if viewer is not None and sees_players
        else None,
        fetchable=may_fetch and whole.line.standing in FETCHABLE,
        suspects=view.suspects(node, demo.id, viewer.steam_id)
        if viewer is not None and sees_players
        else [],
        judges=viewer is not None and viewer.has(Scope.REVIEWER),
        verdicts=list(Verdict),
        player=request.values.get("player", ""),
        problem=problem,
    )


FETCHABLE = ("closed", "filed")
"""Standings in which there is a file to fetch."""


def found(node: Node, session_id: str) -> Demo:
    """The recording with this id. Raises DemoRefused (404)."""
    demo = listing.one(node, session_id) if is_whole_number(session_id, SESSION_ID) else None
    if demo is None:
        raise DemoRefused(HTTPStatus.NOT_FOUND, words.demos.NO_SUCH_DEMO)
    return demo


def is_fetcher(demo: Demo, viewer: User | None) -> bool:
    """Whether *viewer* may have the file: who recorded it, and analysts."""
    return viewer is not None and (viewer.steam_id == demo.user or viewer.has(Scope.ANALYST))


@blueprint.get("/<session_id>/file", strict_slashes=False)
def file(session_id: str) -> Response:
    """The file, whole or in part.

    Raises DemoRefused: 401, 403, 404, 409 while it streams, 410 if it was let go; DamagedFile.
    """
    node = current_node()
    viewer = required()
    demo = found(node, session_id)
    require(is_fetcher(demo, viewer), words.demos.NOT_YOURS)
    if demo.state == State.ACTIVE:
        raise DemoRefused(HTTPStatus.CONFLICT, words.demos.STILL_ACTIVE)
    filing.ensure_filed(node, demo.id)
    demo = found(node, session_id)
    if demo.sha256 is None:
        raise DemoRefused(HTTPStatus.NOT_FOUND, words.demos.NO_BYTES)
    stored = custody.find(node, demo.sha256)
    if demo.pruned is not None or stored is None or stored.removed is not None:
        raise DemoRefused(HTTPStatus.GONE, words.demos.let_go(demo.prune_reason))
    name = f"{demo.session_id}.dem"
    return answering.answer(node, stored, name, filing.MEDIA_TYPE, refused_part)


def refused_part(text: str, status: int) -> Response:
    """A part of a file that it has not."""
    return notice(HTTPStatus(status), text=text)


@blueprint.post("/<session_id>/verdict", strict_slashes=False)
def judge(session_id: str) -> AnyResponse:
    """Note a reviewer's verdict on a player. Raises DemoRefused (400, 401, 403, 404)."""
    node = current_node()
    viewer = required()
    require(viewer.has(Scope.REVIEWER), words.demos.REVIEWERS_ONLY)
    demo = found(node, session_id)
    player = reports.player_in(request.form.get("player", "").strip())
    if player is None:
        told, status = words.demos.BAD_STEAM_ID, HTTPStatus.BAD_REQUEST
        return recording_page(node, demo, viewer, told, status)
    verdict = verdict_in(request.form.get("verdict", ""))
    analysis.review(node, viewer.steam_id, session_id, player, verdict, node.wall_clock())
    there = url_for("demo_pages.recording", session_id=session_id)
    return redirect(f"{there}#found", HTTPStatus.SEE_OTHER)


def verdict_in(text: str) -> Verdict:
    """The verdict that a form says. Raises DemoRefused (400)."""
    try:
        return Verdict(text)
    except ValueError:
        raise DemoRefused(HTTPStatus.BAD_REQUEST, words.demos.NO_VERDICT) from None


# Sign-in


def required() -> User:
    """Who is signed in. Raises DemoRefused (401)."""
    viewer = sessions.current(current_node())
    if viewer is None:
        raise DemoRefused(HTTPStatus.UNAUTHORIZED, words.demos.NEEDS_SIGN_IN)
    return viewer


def require(condition: bool, otherwise: str) -> None:
    """Raise DemoRefused (403), saying *otherwise*, unless *condition*."""
    if not condition:
        raise DemoRefused(HTTPStatus.FORBIDDEN, otherwise)


def to_sign_in(node: Node) -> str | None:
    """Where one signs in with Steam; None: this node cannot have anybody do that.

    At the address to which Steam sends people back: the cookie of the sign-in is kept there.
    """
    try:
        return sign_in.base_url(node, request.url_root) + url_for("demo_pages.to_steam")
    except DemoRefused:
        return None


@blueprint.get("/sign-in", strict_slashes=False)
def to_steam() -> AnyResponse:
    """To Steam, with a cookie by which this browser is known when it comes back.

    Raises DemoRefused (503).
    """
    node = current_node()
    ticket = tickets.new_ticket()
    base = sign_in.base_url(node, request.url_root)
    answer = redirect(sign_in.login_url(node, base, f"{BACK}/{ticket}"), HTTPStatus.SEE_OTHER)
    return tickets.hand_out(answer, ticket, BACK)


@blueprint.get("/signed-in/<ticket>")
def signed_in(ticket: str) -> Response:
    """Back from Steam. Raises DemoRefused (401, 403), SteamFailed."""
    node = current_node()
    if not tickets.is_good(ticket):
        raise DemoRefused(HTTPStatus.UNAUTHORIZED, words.demos.STARTED_ELSEWHERE)
    base = sign_in.base_url(node, request.url_root)
    steam_id = sign_in.signed_in(node, request.args, base, f"{BACK}/{ticket}")
    sessions.log_in_with_steam(node, steam_id)
    # A page and no redirect: its cookie is sent only where a page of this node leads, and a
    # redirect would still be where Steam led.
    answer = tickets.take_back(html.page("demo_pages/signed_in.html"), BACK)
    answer.headers["Referrer-Policy"] = "no-referrer"
    return answer


@blueprint.post("/sign-in", strict_slashes=False)
def sign_in_with_key() -> AnyResponse:
    """Begin a session for who has a key."""
    node = current_node()
    client = node.keys.ip_hash(client_ip())
    wait = logins.begin(client, node.wall_clock())
    if wait:
        answer = entrance_page(words.demos.too_many(wait), HTTPStatus.TOO_MANY_REQUESTS)
        answer.headers["Retry-After"] = str(wait)
        return answer
    key = request.form.get("key", "").strip()
    user = node.database.read(lambda connection: access.found(connection, key))
    if user is None:
        return entrance_page(words.demos.WRONG_KEY, HTTPStatus.FORBIDDEN)
    logins.succeeded(client)
    sessions.log_in(node, access.hash_of(key))
    return redirect(url_for("demo_pages.entrance"), HTTPStatus.SEE_OTHER)


@blueprint.post("/sign-out", strict_slashes=False)
def sign_out() -> AnyResponse:
    """End the session."""
    sessions.log_out()
    return redirect(url_for("demo_pages.entrance"), HTTPStatus.SEE_OTHER)


@blueprint.post("/key", strict_slashes=False)
def new_key() -> Response:
    """A new key for who is signed in, shown once. Raises DemoRefused (401)."""
    node = current_node()
    viewer = required()
    key = access.issue(node, viewer.steam_id, node.wall_clock())
    # The session goes on, though it may have begun with the key that is worth nothing now.
    sessions.log_in(node, access.hash_of(key))
    return html.page("demo_pages/key.html", key=key)


# Errors


def notice(status: HTTPStatus, heading: str = "", text: str = "") -> Response:
    """What went wrong, and what to do."""
    known, advice = words.ERRORS.get(status, (status.phrase, ""))
    return html.page(
        "demo_pages/notice.html",
        status,
        code=status.value,
        heading=heading or words.demos.HEADINGS.get(status) or known,
        advice=text or advice,
    )


@blueprint.errorhandler(CSRFError)
def foreign_form(_error: CSRFError) -> Response:
    """A form without its token: from another site, or from before the cookie was lost."""
    return notice(HTTPStatus.BAD_REQUEST, text=words.demos.FOREIGN_FORM)


@blueprint.errorhandler(HTTPException)
def framework_error(error: HTTPException) -> Response:
    """What the framework refuses, as a page."""
    return notice(HTTPStatus(error.code or HTTPStatus.INTERNAL_SERVER_ERROR))


@blueprint.errorhandler(DemoRefused)
def refused(error: DemoRefused) -> Response:
    """What is refused on purpose."""
    return notice(HTTPStatus(error.status), text=str(error))


@blueprint.errorhandler(TooManyRequests)
def too_fast(error: TooManyRequests) -> Response:
    """Requests that came too often, and when to come again."""
    text = words.demos.too_fast(error.wait)
    answer = notice(HTTPStatus.TOO_MANY_REQUESTS, words.demos.RATE_HEADING, text)
    answer.headers["Retry-After"] = str(error.wait)
    return answer


@blueprint.errorhandler(DownstreamError)
@blueprint.errorhandler(Exception)
def own_error(error: Exception) -> Response:
    """Our errors and unforeseen ones, logged and told as `web` does, as a page."""
    status = HTTPStatus(web.any_error(error).status_code)
    # What an error of the server says may name files: it is in the log.
    told = isinstance(error, SteamFailed) or status < HTTPStatus.INTERNAL_SERVER_ERROR
    return notice(status, text=str(error) if told else "")


@blueprint.after_request
def seal(answer: Response) -> Response:
    """Keep pages and files out of caches that others see: who may see what differs."""
    if request.endpoint == "demo_pages.file" and answer.headers.get("ETag"):
        answer.headers["Cache-Control"] = "private, no-cache"
    elif request.endpoint != "demo_pages.static":
        answer.headers["Cache-Control"] = "no-store"
    return answer
