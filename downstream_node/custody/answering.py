"""A file as the answer to a request: whole or in part, to save and not to show."""

from collections.abc import Callable, Iterator
from http import HTTPStatus
from itertools import chain

from flask import Response, request

from downstream_node.custody import service
from downstream_node.custody.claims import disposition
from downstream_node.custody.queries import StoredFile
from downstream_node.custody.ranges import Bounds, wanted_part
from downstream_node.custody.reading import NO_SUCH_PART
from downstream_node.node import Node

Refusing = Callable[[str, int], Response]
"""Makes the answer of an error in the form of the route: its text, its status."""


def answer(
    node: Node, stored: StoredFile, name: str, media_type: str, refusing: Refusing
) -> Response:
    """What of *stored* this request asks for, by its headers Range, If-Range, If-None-Match.

    Whether who asks may have it is decided before. Raises UnknownFile, DamagedFile.
    """
    digits = stored.sha256.hex()
    tag = f'"{digits}"'
    if request.if_none_match.contains_weak(digits):
        return labelled(Response(status=HTTPStatus.NOT_MODIFIED), tag)
    part = part_of(tag, stored.size)
    if part is not None and part[0] >= part[1]:
        refusal = refusing(NO_SUCH_PART, HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE)
        refusal.headers["Content-Range"] = f"bytes */{stored.size}"
        return refusal
    start, end = part or (0, stored.size)
    response = sending(node, stored, start, end)
    response.content_length = end - start
    response.headers["Content-Type"] = media_type
    response.headers["Content-Disposition"] = disposition(name)
    if part is not None:
        response.status_code = HTTPStatus.PARTIAL_CONTENT
        response.headers["Content-Range"] = f"bytes {start}-{end - 1}/{stored.size}"
    return labelled(response, tag)


def part_of(tag: str, size: int) -> Bounds | None:
    """The part that is asked for of the file with this *tag* and *size*; None: the whole."""
    # Compared as it stands: a date or a weak tag never names these very bytes.
    if request.headers.get("If-Range", tag) != tag or request.method == "HEAD":
        return None
    return wanted_part(request.headers.get("Range", ""), size)


def sending(node: Node, stored: StoredFile, start: int, end: int) -> Response:
    """The bytes from *start* up to *end*. Raises UnknownFile, DamagedFile.

    The first piece is read before anything is sent, so damage in it is an answer of its own. Where
    damage shows later, the exception has the server cut the connection: an answer that is shorter
    than it says is no whole one.
    """
    if request.method == "HEAD":
        return Response()
    opened = service.open_file(node, stored.sha256)
    try:
        pieces = opened.read(start, end)
        body: Iterator[bytes] = chain([next(pieces, b"")], pieces)
    except BaseException:
        opened.close()
        raise
    response = Response(body)
    response.call_on_close(opened.close)
    return response


def labelled(response: Response, tag: str) -> Response:
    """*response* with what says how it may be kept and used.

    It may be kept, but has to be asked for again each time: removal takes effect at once. What a
    stranger wrote must not run as a page of this node.
    """
    response.headers["ETag"] = tag
    response.headers["Cache-Control"] = "no-cache"
    response.headers["Accept-Ranges"] = "bytes"
    response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response
