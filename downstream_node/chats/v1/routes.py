"""Routes below /api/chats/v1: one search for all, and what goes with it."""

import logging
from collections.abc import Callable, Iterator
from http import HTTPStatus
from typing import TypeVar

import msgspec
from flask import Blueprint, Response, g, request

from downstream_node.chats import access, searching
from downstream_node.chats.importing import import_export
from downstream_node.chats.scopes import Asker
from downstream_node.chats.searching import NO_MESSAGE, Question
from downstream_node.chats.v1 import views
from downstream_node.chats.v1.parameters import (
    AuthorParameters,
    ContextParameters,
    FacetParameters,
    ImportParameters,
    SearchParameters,
    TimelineParameters,
    UploadParameters,
)
from downstream_node.errors import (
    ArchiveUnavailable,
    DamagedFile,
    InvalidSearch,
    NoChatKey,
    StorageFailed,
    StorageFull,
    TooManyRequests,
    UnknownMessage,
)
from downstream_node.node import Node
from downstream_node.status.v2.parameters import NoParameters, read
from downstream_node.web import (
    client_ip,
    current_node,
    error_response,
    is_whole_number,
    json_response,
    unforeseen_error,
)

log = logging.getLogger(__name__)

blueprint = Blueprint("chats_v1", __name__)

LONGEST_ID = 19
LARGEST_ID = (1 << 63) - 1
PIECE = 1 << 16
UNBOUNDED = 1 << 62

Parameters = TypeVar("Parameters", bound=msgspec.Struct)
Work = Callable[[Node, Asker], object]


@blueprint.before_request
def enter() -> None:
    """Find out who asks, and count the request. Raises TooManyRequests, NoChatKey."""
    node = current_node()
    client = node.keys.ip_hash(client_ip())
    g.asker = access.enter(node, request.headers.get("Authorization", ""), client)


def given(kind: type[Parameters]) -> Parameters:
    """The parameters in the query. Raises InvalidRequest."""
    return read(kind, request.args.to_dict(flat=False))


def answered(work: Work) -> Response:
    """What *work* finds for who asks, or 304 where the client has it already.

    An answer is named after the version of the archive and the scope, so that to know that it is
    the same takes no search.
    """
    node, who = current_node(), access.reader(g.asker)
    tag = searching.version(node, who)
    if request.if_none_match.contains(tag):
        answer = Response(status=HTTPStatus.NOT_MODIFIED)
    else:
        answer = json_response(work(node, who))
    answer.set_etag(tag)
    answer.headers["Cache-Control"] = "private, no-cache"
    answer.vary.add("Authorization")
    return answer


# Searching


@blueprint.get("/search")
def search() -> Response:
    """One page of hits."""
    asked = given(SearchParameters)
    question = Question(asked.q, asked.order, asked.cursor, asked.limit, asked.total, asked.context)
    return answered(
        lambda node, who: views.found(searching.search(node, who, question), asked.snippet)
    )


@blueprint.get("/facets")
def facets() -> Response:
    """What hits can be narrowed by."""
    asked = given(FacetParameters)
    return answered(
        lambda node, who: views.facets(searching.facets(node, who, asked.q, asked.limit))
    )


@blueprint.get("/timeline")
def timeline() -> Response:
    """Hits by month."""
    asked = given(TimelineParameters)
    return answered(lambda node, who: {"months": searching.timeline(node, who, asked.q)})


# Messages


def message_id(text: str) -> int:
    """The id of a message in a path. Raises UnknownMessage if it can be nobody's."""
    if not is_whole_number(text, LONGEST_ID) or int(text) > LARGEST_ID:
        raise UnknownMessage(NO_MESSAGE)
    return int(text)


@blueprint.get("/messages/<message>")
def one(message: str) -> Response:
    """One message."""
    given(NoParameters)
    return answered(
        lambda node, who: views.message(searching.message(node, who, message_id(message)))
    )


@blueprint.get("/messages/<message>/context")
def context(message: str) -> Response:
    """What was said around a message."""
    asked = given(ContextParameters)

    def find(node: Node, who: Asker) -> object:
        found = searching.around(node, who, message_id(message), asked.before, asked.after)
        return {"messages": views.messages(found)}

    return answered(find)


@blueprint.get("/messages/<message>/revisions")
def revisions(message: str) -> Response:
    """What a message said before it was edited."""
    given(NoParameters)

    def find(node: Node, who: Asker) -> object:
        found = searching.revisions(node, who, message_id(message))
        return {"revisions": [views.revision(one) for one in found]}

    return answered(find)


# What there is


@blueprint.get("/channels")
def channels() -> Response:
    """The channels that may be read."""
    given(NoParameters)
    return answered(
        lambda node, who: {
            "channels": [views.channel(one) for one in searching.channels(node, who)]
        }
    )


@blueprint.get("/authors")
def authors() -> Response:
    """Authors whose names begin like this."""
    asked = given(AuthorParameters)
    return answered(
        lambda node, who: {
            "authors": [
                views.known_author(one)
                for one in searching.authors(node, who, asked.q, asked.limit)
            ]
        }
    )


@blueprint.get("/version")
def version() -> Response:
    """Another text after every import that changed anything that may be read."""
    given(NoParameters)
    return answered(lambda node, who: {"version": searching.version(node, who)})


# Imports


@blueprint.post("/exports")
def upload() -> Response:
    """Import an export: the body is the file, plain or gzip. 201 comes after the commit."""
    who, node = access.importer(g.asker), current_node()
    asked = given(UploadParameters)
    # Not held in memory: it is read piece by piece, and the import counts what is unpacked.
    request.max_content_length = UNBOUNDED
    done = import_export(
        node,
        pieces(),
        asked.name,
        mark_missing=asked.mark_missing,
        allowed=access.allowed(node, who),
    )
    return json_response(views.report(done), HTTPStatus.CREATED)


def pieces() -> Iterator[bytes]:
    """The body of the request in pieces."""
    while piece := request.stream.read(PIECE):
        yield piece


@blueprint.get("/exports")
def imports() -> Response:
    """The last imports into channels that the key may import into."""
    who = access.importer(g.asker)
    asked = given(ImportParameters)
    found = searching.imports(current_node(), who, asked.limit)
    answer = json_response({"imports": [views.past_import(one) for one in found]})
    answer.headers["Cache-Control"] = "private, no-store"
    return answer


# Errors


@blueprint.errorhandler(NoChatKey)
def nobody(error: NoChatKey) -> Response:
    """401, with what to show."""
    answer = error_response(str(error), HTTPStatus.UNAUTHORIZED)
    answer.headers["WWW-Authenticate"] = "Bearer"
    return answer


@blueprint.errorhandler(TooManyRequests)
def too_many(error: TooManyRequests) -> Response:
    """429, with the time to wait."""
    answer = error_response(str(error), HTTPStatus.TOO_MANY_REQUESTS)
    answer.headers["Retry-After"] = str(error.wait)
    return answer


@blueprint.errorhandler(ArchiveUnavailable)
def unavailable(error: ArchiveUnavailable) -> Response:
    """503. What is wrong with the archive stands in the log only."""
    log.error("The archive is unavailable: %s", error)
    return error_response(access.UNAVAILABLE, HTTPStatus.SERVICE_UNAVAILABLE)


@blueprint.errorhandler(DamagedFile)
@blueprint.errorhandler(StorageFailed)
def not_kept(error: StorageFailed | DamagedFile) -> Response:
    """A failure of the disk, told without details; that it is full is worth knowing."""
    if isinstance(error, StorageFull):
        return error_response(str(error), HTTPStatus.INSUFFICIENT_STORAGE)
    return unforeseen_error(error)


@blueprint.errorhandler(InvalidSearch)
def unreadable(error: InvalidSearch) -> Response:
    """400, with the position where the search goes wrong."""
    told = {"status": "error", "message": str(error), "position": error.position}
    return json_response(told, HTTPStatus.BAD_REQUEST)
