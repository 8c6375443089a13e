"""The document's routes. Errors have its form: {"detail": text}."""

import logging
from http import HTTPStatus
from typing import Any

import msgspec
from flask import Blueprint, Response, g, request
from werkzeug.exceptions import HTTPException

from downstream_node.chats import access, documented, searching
from downstream_node.chats.exporting import export_channel
from downstream_node.chats.places import LARGEST
from downstream_node.chats.query import Condition
from downstream_node.chats.scopes import Asker
from downstream_node.clock import monotonic
from downstream_node.errors import (
    ArchiveUnavailable,
    DownstreamError,
    InvalidParameter,
    InvalidRequest,
    NoChatKey,
    TooManyRequests,
)
from downstream_node.web import (
    client_ip,
    current_node,
    domain_error,
    framework_error,
    is_whole_number,
    json_response,
    unforeseen_error,
)

log = logging.getLogger(__name__)

blueprint = Blueprint("chats", __name__, url_prefix="/api")

TOKEN_HEADER = "X-Token"  # noqa: S105 - the name of a header
LONGEST_ID = 19
SEARCH_FAILED = "An internal error occurred"
EXPORT_FAILED = "An error occurred while processing your request."
CUT = "Only the first {shown} of {total} messages are given. Use /api/chats/search for pages."


@blueprint.before_request
def enter() -> None:
    """Find out who asks, and count the request. Raises TooManyRequests, NoChatKey."""
    node = current_node()
    client = node.keys.ip_hash(client_ip())
    g.asker = access.enter(node, request.headers.get("Authorization", ""), client)


def reader() -> Asker:
    """Who asks, and may read something. Raises NoChatKey."""
    return access.reader(g.asker)


# Exports


@blueprint.post("/chats/export/<channel_id>")
@blueprint.post("/es/chats/export/<channel_id>")
def export(channel_id: str) -> Response:
    """Import what a channel said in the last days; see `exporting.export_channel`."""
    began, node = monotonic(), current_node()
    who = access.operator() if node.settings.CHATS_OPEN_EXPORT else access.importer(g.asker)
    channel = read_channel(channel_id)
    # It goes to the exporter's environment and nowhere else.
    token = request.headers.get(TOKEN_HEADER, "")
    if not token:
        raise InvalidRequest(documented.NO_TOKEN)
    access.require_channel(node, who, channel)
    allowed = access.allowed(node, who)
    done = export_channel(node, channel, token, node.wall_clock(), allowed=allowed)
    message = f"Successfully inserted {done.inserted} messages into the database."
    took = f"{monotonic() - began:.4f} seconds"
    return json_response({"status": "success", "data": {"message": message}, "process_time": took})


def read_channel(text: str) -> int:
    """The id of a channel in a path. Raises InvalidParameter."""
    if not is_whole_number(text, LONGEST_ID) or int(text) > LARGEST:
        raise InvalidParameter(documented.BAD_CHANNEL)
    return int(text)


# Searches


@blueprint.get("/chats/search")
@blueprint.get("/search/keyword")
def search() -> Response:
    """Messages that contain the term."""
    return page(reader(), documented.containing(documented.keyword(request.args, "search_term")))


@blueprint.get("/chats/context-search")
def context_search() -> Response:
    """Messages with all words of the term, in any form."""
    return page(reader(), documented.in_context(documented.keyword(request.args, "search_term")))


@blueprint.get("/chats/search/by-date")
@blueprint.get("/search/date")
def search_by_date() -> Response:
    """Messages of some days."""
    return page(reader(), documented.days(request.args))


@blueprint.get("/chats/search/all")
def search_all() -> Response:
    """All messages that contain the term, up to CHATS_MOST_RESULTS."""
    who = reader()
    wanted = documented.containing(documented.keyword(request.args, "search_term"))
    as_texts = documented.wants_texts(request.args)
    node = current_node()
    found = searching.listed(node, who, wanted, 0, node.settings.CHATS_MOST_RESULTS)
    if not found.messages:
        return nothing_found()
    shown = len(found.messages)
    answer: dict[str, Any] = {
        "messages": documented.messages(found.messages, as_texts=as_texts),
        "count": shown,
    }
    if shown < found.total:
        answer |= {
            "total_count": found.total,
            "detail": CUT.format(shown=shown, total=found.total),
        }
    return json_response(answer)


@blueprint.get("/es/chats/search")
def es_search() -> Response:
    """Messages with any word of the keyword."""
    return es_page(reader(), documented.matching(documented.keyword(request.args, "keyword")))


@blueprint.get("/es/chats/search/by-date")
def es_search_by_date() -> Response:
    """Messages of some days, in the other form."""
    return es_page(reader(), documented.days(request.args))


def page(who: Asker, wanted: Condition) -> Response:
    """One page of what is *wanted* for *who* asks."""
    paging, as_texts = documented.paging(request.args), documented.wants_texts(request.args)
    found = searching.listed(current_node(), who, wanted, paging.skip, paging.size)
    if not found.messages:
        return nothing_found()
    return json_response(
        {
            "messages": documented.messages(found.messages, as_texts=as_texts),
            "count": len(found.messages),
            "total_count": found.total,
        }
    )


def es_page(who: Asker, wanted: Condition) -> Response:
    """One page of what is *wanted* for *who* asks, in the form of the routes below /api/es."""
    paging, as_texts = documented.paging(request.args), documented.wants_texts(request.args)
    found = searching.listed(current_node(), who, wanted, paging.skip, paging.size)
    if not found.messages:
        return nothing_found()
    return json_response(
        {
            "data": documented.messages(found.messages, as_texts=as_texts),
            "total": found.total,
            "page": paging.page,
            "page_size": paging.size,
        }
    )


def nothing_found() -> Response:
    """The document's answer where there is no message: 200, with a word."""
    return json_response({"detail": documented.NONE_FOUND})


@blueprint.after_request
def seal(answer: Response) -> Response:
    """Keep it out of caches of others: it is for who asks."""
    answer.headers["Cache-Control"] = "private, no-cache"
    answer.vary.add("Authorization")
    return answer


# Errors


@blueprint.errorhandler(NoChatKey)
def nobody(error: NoChatKey) -> Response:
    """401, with what to show."""
    answer = detail(str(error), HTTPStatus.UNAUTHORIZED)
    answer.headers["WWW-Authenticate"] = "Bearer"
    return answer


@blueprint.errorhandler(TooManyRequests)
def too_many(error: TooManyRequests) -> Response:
    """429, with the time to wait."""
    answer = detail(str(error), HTTPStatus.TOO_MANY_REQUESTS)
    answer.headers["Retry-After"] = str(error.wait)
    return answer


@blueprint.errorhandler(ArchiveUnavailable)
def unavailable(error: ArchiveUnavailable) -> Response:
    """503. What is wrong with the archive stands in the log only."""
    log.error("The archive is unavailable: %s", error)
    return detail(access.UNAVAILABLE, HTTPStatus.SERVICE_UNAVAILABLE)


@blueprint.errorhandler(DownstreamError)
def error_on_purpose(error: DownstreamError) -> Response:
    """An error that we raised on purpose."""
    return in_the_documents_form(domain_error(error))


@blueprint.errorhandler(HTTPException)
def error_of_the_framework(error: HTTPException) -> Response:
    """413 and the like."""
    return in_the_documents_form(framework_error(error))


@blueprint.errorhandler(Exception)
def error_unforeseen(error: Exception) -> Response:
    """A bug or a lost database, told without details."""
    return in_the_documents_form(unforeseen_error(error))


def in_the_documents_form(answer: Response) -> Response:
    """An error of this API as {"detail": text}; the texts of failures are the document's."""
    if answer.status_code == HTTPStatus.INTERNAL_SERVER_ERROR:
        text = EXPORT_FAILED if request.endpoint == "chats.export" else SEARCH_FAILED
    else:
        text = msgspec.json.decode(answer.data)["message"]
    answer.data = msgspec.json.encode({"detail": text})
    return answer


def detail(text: str, status: HTTPStatus) -> Response:
    """An error in the document's form."""
    return json_response({"detail": text}, status)
