"""The operator's pages, and their JSON form for monitoring."""

from http import HTTPStatus

from flask import Blueprint, Flask, Response, current_app, redirect, request, url_for
from flask_wtf.csrf import CSRFError, CSRFProtect
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response as AnyResponse

from downstream_node import html, web
from downstream_node.dashboard import words
from downstream_node.errors import DownstreamError, InvalidRequest
from downstream_node.operators import keys, sessions
from downstream_node.operators.attempts import Attempts
from downstream_node.operators.service import health
from downstream_node.web import (
    client_ip,
    current_node,
    error_response,
    is_whole_number,
    json_response,
)

blueprint = Blueprint(
    "operator",
    __name__,
    template_folder="templates",
    static_folder="static",
    url_prefix=sessions.PATH,
)
monitoring = Blueprint("monitoring", __name__, url_prefix="/api/downstream/v2/operator")

EXTENSION = "downstream_operators"
MOST_DIGITS = 15
"""The number of an outage with more digits makes no sense; this many fit 64 bits."""
LARGEST_FORM = 16384
"""Bytes: a form holds a key and a token, and anybody may send one."""


class Doors:
    """What stands before the operator's pages, for one application."""

    def __init__(self) -> None:
        self.csrf = CSRFProtect()
        # Apart, so that a monitor with a wrong key does not keep its operator from logging in.
        self.logins = Attempts()
        self.monitors = Attempts()


def prepare(app: Flask) -> None:
    """Give *app* protection against cross-site requests, for pages with forms to ask for."""
    app.config.update(
        # Few pages have forms with tokens; their `guard` asks for them.
        WTF_CSRF_CHECK_DEFAULT=False,
        # A token is good for as long as its session.
        WTF_CSRF_TIME_LIMIT=None,
    )
    opened = app.extensions[EXTENSION] = Doors()
    opened.csrf.init_app(app)


def doors() -> Doors:
    """Those of the current application."""
    found = current_app.extensions[EXTENSION]
    assert isinstance(found, Doors)  # noqa: S101 - put there by prepare
    return found


# The pages


@blueprint.before_request
def guard() -> None:
    """Refuse large forms, and forms that another site sent. Raises HTTPException."""
    request.max_content_length = LARGEST_FORM
    doors().csrf.protect()


@blueprint.get("", strict_slashes=False)
def show() -> AnyResponse:
    """What is failing now, for who is logged in."""
    node = current_node()
    operator = sessions.current(node)
    if operator is None:
        return redirect(url_for("operator.ask"), HTTPStatus.SEE_OTHER)
    before = read_before()
    return html.page(
        "operators/operator.html",
        health=health(node, before),
        operator=operator.name,
        paged=before is not None,
    )


@blueprint.get("/login", strict_slashes=False)
def ask() -> AnyResponse:
    """The form for the key."""
    if sessions.current(current_node()):
        return redirect(url_for("operator.show"), HTTPStatus.SEE_OTHER)
    return login_page()


def login_page(error: str | None = None, status: HTTPStatus = HTTPStatus.OK) -> Response:
    """The form for the key, with what went wrong the last time."""
    return html.page("operators/login.html", status, error=error)


@blueprint.post("/login", strict_slashes=False)
def log_in() -> AnyResponse:
    """Begin a session for who has a key. Where it leads does not depend on the request."""
    node = current_node()
    client, tries = node.keys.ip_hash(client_ip()), doors().logins
    wait = tries.begin(client, node.wall_clock())
    if wait:
        answer = login_page(words.operator.too_many(wait), HTTPStatus.TOO_MANY_REQUESTS)
        answer.headers["Retry-After"] = str(wait)
        return answer
    operator = keys.shown(node, request.form.get("key", ""))
    if operator is None:
        return login_page(words.operator.WRONG_KEY, HTTPStatus.FORBIDDEN)
    tries.succeeded(client)
    sessions.log_in(node, operator)
    return redirect(url_for("operator.show"), HTTPStatus.SEE_OTHER)


@blueprint.post("/logout", strict_slashes=False)
def log_out() -> AnyResponse:
    """End the session."""
    sessions.log_out()
    return redirect(url_for("operator.ask"), HTTPStatus.SEE_OTHER)


def read_before() -> int | None:
    """The number of an outage from the query, before which its page begins.

    Raises InvalidRequest if it is no number.
    """
    text = request.args.get("before")
    if text is None:
        return None
    if not is_whole_number(text, MOST_DIGITS):
        raise InvalidRequest("Invalid before: it is the number of an outage.")
    return int(text)


@blueprint.errorhandler(CSRFError)
def foreign_form(error: CSRFError) -> Response:
    """A form without its token: from another site, or from before the cookie was lost."""
    text = words.operator.foreign_form(error.description or "")
    return error_page(text, HTTPStatus.BAD_REQUEST)


@blueprint.errorhandler(HTTPException)
def framework_error(error: HTTPException) -> Response:
    """What the framework refuses, as a page."""
    status = HTTPStatus(error.code or HTTPStatus.INTERNAL_SERVER_ERROR)
    return error_page(error.description or status.phrase, status)


@blueprint.errorhandler(DownstreamError)
@blueprint.errorhandler(Exception)
def own_error(error: Exception) -> Response:
    """Our errors and unforeseen ones, logged and told as `web` does, as a page."""
    status = HTTPStatus(web.any_error(error).status_code)
    if status == HTTPStatus.INTERNAL_SERVER_ERROR:
        return error_page(words.operator.FAILED, status)
    return error_page(str(error), status)


def error_page(text: str, status: HTTPStatus) -> Response:
    """*text* for who waits for a page."""
    return html.page("operators/error.html", status, text=text, code=status)


# The JSON form


@monitoring.get("/health")
def report() -> Response:
    """What is failing now, for who shows a key as a bearer token; cookies do not count."""
    node = current_node()
    given = request.authorization
    if given is None or given.type != "bearer" or not given.token:
        return unauthorized("Show an operator's key: Authorization: Bearer dsop_...")
    client, tries = node.keys.ip_hash(client_ip()), doors().monitors
    wait = tries.begin(client, node.wall_clock())
    if wait:
        answer = error_response(words.operator.too_many(wait), HTTPStatus.TOO_MANY_REQUESTS)
        answer.headers["Retry-After"] = str(wait)
        return answer
    if keys.shown(node, given.token) is None:
        return unauthorized(words.operator.WRONG_KEY)
    tries.succeeded(client)
    return json_response(health(node, read_before()))


def unauthorized(text: str) -> Response:
    """A 401 that says what is wanted."""
    answer = error_response(text, HTTPStatus.UNAUTHORIZED)
    answer.headers["WWW-Authenticate"] = "Bearer"
    return answer


@blueprint.after_request
@monitoring.after_request
def seal(answer: Response) -> Response:
    """Keep all of it out of caches, frames and other sites."""
    answer.headers["Cache-Control"] = "no-store"
    # Browsers name the page a form was sent from to ourselves only; the check of forms that
    # came by https asks for it.
    answer.headers["Referrer-Policy"] = "same-origin"
    return answer
