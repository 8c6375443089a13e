"""The archive's pages: search, one channel read through, and the login with a key."""

from dataclasses import dataclass
from functools import reduce
from http import HTTPStatus
from urllib.parse import urlencode

from flask import Blueprint, Response, current_app, redirect, request, url_for
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response as AnyResponse

from downstream_node import html, web
from downstream_node.chat_pages import choice as choices
from downstream_node.chat_pages import conversations as talks
from downstream_node.chat_pages import sessions, timeline, view
from downstream_node.chat_pages.choice import Choice, read_choice
from downstream_node.chat_pages.content import visible
from downstream_node.chat_pages.conversations import Conversation
from downstream_node.chats import access, language, searching
from downstream_node.chats.answers import Facets, Found
from downstream_node.chats.records import Stored
from downstream_node.chats.scopes import Asker
from downstream_node.chats.searching import Question
from downstream_node.dashboard import words
from downstream_node.errors import (
    DownstreamError,
    InvalidRequest,
    InvalidSearch,
    TooManyRequests,
    UnknownMessage,
)
from downstream_node.node import Node
from downstream_node.operators.attempts import Attempts
from downstream_node.web import client_ip, current_node, is_whole_number

blueprint = Blueprint(
    "chat_pages",
    __name__,
    template_folder="templates",
    static_folder="static",
    url_prefix=sessions.PATH,
)

HITS = 15
"""On one page."""
NEIGHBOURS = 2
"""Messages before and after a hit."""
LATEST = 30
"""Messages of the first page, before anything is searched for."""
FACETS = 8
READ_BEFORE, READ_AFTER = 20, 30
"""Messages around the one from which a channel is read."""
MOST_DIGITS = 19
"""The largest id of a message, 2**63 - 1, has so many."""
LARGEST_FORM = 16384
"""Bytes: a form holds a key and a search, and anybody may send one."""
logins = Attempts()


@blueprint.before_request
def guard() -> None:
    """Refuse large forms, and forms that another site sent. Raises HTTPException."""
    request.max_content_length = LARGEST_FORM
    current_app.extensions["csrf"].protect()


def enter(node: Node) -> Asker:
    """Who asks for a page. Raises TooManyRequests."""
    return sessions.enter(node, node.keys.ip_hash(client_ip()))


# Search


@blueprint.get("", strict_slashes=False)
def search() -> AnyResponse:
    """What is searched for, or the latest messages. Raises InvalidRequest."""
    node = current_node()
    asker = enter(node)
    choice = read_choice(request.args)
    added = choices.filters(request.args)
    if added is not None:
        # The form's filters become part of the text, so that this page has one address.
        text = reduce(language.narrowed, added, choice.text)
        return redirect(to_search(choice.searching(text)), HTTPStatus.SEE_OTHER)
    if is_closed(asker):
        return login_page(asker, choice)
    try:
        return results_page(node, asker, choice)
    except InvalidSearch as error:
        problem = view.problem(choice.text, str(error), error.position)
        return search_page(node, asker, choice, HTTPStatus.BAD_REQUEST, problem=problem)


def is_closed(asker: Asker) -> bool:
    """Whether there is nothing to see without a key."""
    return asker.name is None and asker.reads.is_empty


def results_page(node: Node, asker: Asker, choice: Choice) -> Response:
    """One page of results with all that leads on from it. Raises InvalidSearch, InvalidRequest."""
    limit, near = (HITS, NEIGHBOURS) if choice.text else (LATEST, 0)
    question = Question(choice.text, choice.order, choice.cursor, limit, neighbours=near)
    found = searching.search(node, asker, question)
    facets = searching.facets(node, asker, choice.text, FACETS)
    return search_page(
        node,
        asker,
        choice,
        told=told(choice, found, facets),
        chips=view.chips(choice, found.terms),
        orders=view.orders(choice),
        conversations=whole(node, asker, talks.conversations(found.hits, gapless=not choice.text)),
        channels=view.channels(choice, facets, found.terms),
        authors=view.authors(choice, facets, found.terms),
        counted=facets.counted,
        months=view.months(choice, found.terms, undated(node, asker, choice, found), facets.months),
        unknown=view.unknown_names(found),
        ranked=found.ranked if found.ranked and found.ranked < (found.total or 0) else None,
        previous=found.previous and choice.at(found.previous).query(),
        next=found.next and choice.at(found.next).query(),
        empty=not choice.text and not found.hits,
        autofocus=not choice.text or not found.hits,
    )


def search_page(
    node: Node,
    asker: Asker,
    choice: Choice,
    status: HTTPStatus = HTTPStatus.OK,
    **found: object,
) -> Response:
    """The page of the search with what was *found*, or with what is wrong about it."""
    return html.page(
        "chat_pages/search.html",
        status,
        choice=choice,
        problem=found.pop("problem", None),
        autofocus=found.pop("autofocus", True),
        channel_names=view.channel_choices(searching.channels(node, asker)),
        viewer=asker.name,
        link=lambda message_id: to_message(message_id, choice),
        timeline_height=timeline.HEIGHT,
        **found,
    )


def told(choice: Choice, found: Found, facets: Facets) -> str:
    """How many there are."""
    total = found.total or 0
    if choice.text:
        return words.chats.found(total) if total else words.chats.NOTHING_HEADING
    return words.chats.archived(total) if facets.channels else words.chats.EMPTY_HEADING


def undated(node: Node, asker: Asker, choice: Choice, found: Found) -> view.AllMonths:
    """The months of the search without its dates, for a timeline that stays whole."""
    if not view.is_dated(found.terms):
        return None
    text = choices.without_dates(choice.text)
    return searching.facets(node, asker, text, 1).months


def whole(node: Node, asker: Asker, found: list[Conversation]) -> list[Conversation]:
    """*found* with what messages answer, and with earlier texts of the hits."""
    replied = {
        message.id: message
        for message in (known(node, asker, one) for one in talks.answered(found))
        if message
    }
    earlier = {one: searching.revisions(node, asker, one) for one in talks.edited(found)}
    return [talks.completed(one, replied, earlier) for one in found]


def known(node: Node, asker: Asker, message_id: int) -> Stored | None:
    """The message with this id, None if there is none that *asker* may see."""
    try:
        return searching.message(node, asker, message_id)
    except UnknownMessage:
        return None


# One channel, read through


@blueprint.get("/messages/<message_id>", strict_slashes=False)
def read(message_id: str) -> AnyResponse:
    """A message in its channel. Raises UnknownMessage, InvalidRequest."""
    node = current_node()
    asker = enter(node)
    choice = read_choice(request.args)
    chosen = read_id("id", message_id)
    if is_closed(asker):
        return login_page(asker, choice, message_id)
    return read_page(node, asker, choice, chosen, stretch(node, asker, chosen))


@dataclass(frozen=True, slots=True)
class Stretch:
    """Messages of one channel; *first*, *last*: there are none before, after them."""

    messages: list[Stored]
    first: bool
    last: bool


def stretch(node: Node, asker: Asker, chosen: int) -> Stretch:
    """What is to be read: around *chosen*, or before or after another message of the query."""
    before, after = id_in_query("before"), id_in_query("after")
    many = READ_BEFORE + READ_AFTER
    if before is not None:
        found = searching.around(node, asker, before, many, 0)
        return Stretch(found, first=len(found) <= many, last=False)
    if after is not None:
        found = searching.around(node, asker, after, 0, many)
        return Stretch(found, first=False, last=len(found) <= many)
    found = searching.around(node, asker, chosen, READ_BEFORE, READ_AFTER)
    at = next(number for number, one in enumerate(found) if one.id == chosen)
    return Stretch(found, first=at < READ_BEFORE, last=len(found) - 1 - at < READ_AFTER)


def read_page(node: Node, asker: Asker, choice: Choice, chosen: int, read_now: Stretch) -> Response:
    """The page with one stretch of a channel, in which *chosen* stands out."""
    found = read_now.messages
    (talk,) = whole(node, asker, [talks.read_through(found, chosen)])
    channel = next(one for one in searching.channels(node, asker) if one.id == talk.channel)
    turned = choice.query()

    def turn(name: str, message_id: int) -> str:
        query = urlencode({name: message_id}) + (f"&{turned}" if turned else "")
        return f"{url_for('chat_pages.read', message_id=chosen)}?{query}#m{message_id}"

    return html.page(
        "chat_pages/read.html",
        conversation=talk,
        guild_name=visible(channel.guild_name),
        topic=visible(channel.topic or ""),
        before=None if read_now.first else turn("before", found[0].id),
        after=None if read_now.last else turn("after", found[-1].id),
        back=to_search(choice),
        searched=bool(choice.text),
        link=lambda message_id: to_message(message_id, choice),
    )


def to_search(choice: Choice) -> str:
    """The address of the results of *choice*."""
    query = choice.query()
    return url_for("chat_pages.search") + (f"?{query}" if query else "")


def to_message(message_id: int, choice: Choice) -> str:
    """The address of a message in its channel, from where *choice* leads back."""
    query = choice.query()
    path = url_for("chat_pages.read", message_id=message_id)
    return f"{path}{f'?{query}' if query else ''}#m{message_id}"


def id_in_query(name: str) -> int | None:
    """An id from the query, None if it is not there. Raises InvalidRequest."""
    text = request.args.get(name)
    return None if text is None else read_id(name, text)


def read_id(name: str, text: str) -> int:
    """*text* as the id of a message. Raises InvalidRequest."""
    if not is_whole_number(text, MOST_DIGITS):
        raise InvalidRequest(f"Invalid {name}: it is the id of a message.")
    return int(text)


# The login


@blueprint.get("/login", strict_slashes=False)
def ask() -> AnyResponse:
    """The form for a key."""
    asker = sessions.current(current_node())
    if asker.name is not None:
        return redirect(url_for("chat_pages.search"), HTTPStatus.SEE_OTHER)
    return login_page(asker, Choice())


def login_page(
    asker: Asker,
    choice: Choice,
    message_id: str = "",
    error: str | None = None,
    status: HTTPStatus = HTTPStatus.OK,
) -> Response:
    """The form for a key, with what went wrong the last time, and what was asked for."""
    return html.page(
        "chat_pages/login.html",
        status,
        error=error,
        private=is_closed(asker),
        choice=choice,
        message_id=message_id,
    )


@blueprint.post("/login", strict_slashes=False)
def log_in() -> AnyResponse:
    """Begin a session for who has a key, and go on to what was asked for. Raises InvalidRequest."""
    node = current_node()
    choice, message_id = read_choice(request.form), request.form.get("message", "")
    client = node.keys.ip_hash(client_ip())
    wait = logins.begin(client, node.wall_clock())
    if wait:
        told, status = words.chats.too_many(wait), HTTPStatus.TOO_MANY_REQUESTS
        answer = login_page(access.anybody(node), choice, message_id, told, status)
        answer.headers["Retry-After"] = str(wait)
        return answer
    asker = access.with_key(node, request.form.get("key", ""))
    if asker is None or asker.key_hash is None:
        told, status = words.chats.WRONG_KEY, HTTPStatus.FORBIDDEN
        return login_page(access.anybody(node), choice, message_id, told, status)
    logins.succeeded(client)
    sessions.log_in(node, asker.key_hash)
    # Made of parts that were read and checked: it never leads to another site.
    there = to_message(read_id("message", message_id), choice) if message_id else to_search(choice)
    return redirect(there, HTTPStatus.SEE_OTHER)


@blueprint.post("/logout", strict_slashes=False)
def log_out() -> AnyResponse:
    """End the session."""
    sessions.log_out()
    return redirect(url_for("chat_pages.search"), HTTPStatus.SEE_OTHER)


# Errors


def notice(status: HTTPStatus, heading: str, advice: str) -> Response:
    """What went wrong, and what to do."""
    return html.page("chat_pages/notice.html", status, code=status, heading=heading, advice=advice)


@blueprint.errorhandler(CSRFError)
def foreign_form(_error: CSRFError) -> Response:
    """A form without its token: from another site, or from before the cookie was lost."""
    heading, _ = words.ERRORS[HTTPStatus.BAD_REQUEST]
    return notice(HTTPStatus.BAD_REQUEST, heading, words.chats.FOREIGN_FORM)


@blueprint.errorhandler(HTTPException)
def framework_error(error: HTTPException) -> Response:
    """What the framework refuses, as a page."""
    status = HTTPStatus(error.code or HTTPStatus.INTERNAL_SERVER_ERROR)
    heading, advice = words.ERRORS.get(status, (status.phrase, error.description or ""))
    return notice(status, heading, advice)


@blueprint.errorhandler(DownstreamError)
@blueprint.errorhandler(Exception)
def own_error(error: Exception) -> Response:
    """Our errors and unforeseen ones, logged and told as `web` does, as a page."""
    status = HTTPStatus(web.any_error(error).status_code)
    if isinstance(error, UnknownMessage):
        return notice(status, *words.chats.NO_SUCH_MESSAGE)
    if isinstance(error, TooManyRequests):
        told = notice(status, words.chats.RATE_HEADING, words.chats.too_fast(error.wait))
        told.headers["Retry-After"] = str(error.wait)
        return told
    heading, advice = words.ERRORS.get(status, (status.phrase, ""))
    # What an error of the server says may name files: it is in the log.
    server = status >= HTTPStatus.INTERNAL_SERVER_ERROR
    return notice(status, heading, advice if server else str(error))


@blueprint.after_request
def seal(answer: Response) -> Response:
    """Keep pages out of caches: who may see what changes, and what is private stays so."""
    if request.endpoint != "chat_pages.static":
        answer.headers["Cache-Control"] = "no-store"
    return answer
