"""Routes: the description of the API for programs, and for people."""

from functools import cache

import msgspec
from flask import Blueprint, Response

from downstream_node import html
from downstream_node.openapi import chats, demos, files, measures, packages, v1, v2
from downstream_node.openapi.document import document
from downstream_node.openapi.parts import Object
from downstream_node.web import JSON

blueprint = Blueprint(
    "openapi",
    __name__,
    template_folder="templates",
    static_folder="static",
    static_url_path="/docs/static",
)

PARTS = (v1.PART, v2.PART, measures.PART, files.PART, chats.PART, packages.PART, demos.PART)
CACHE_CONTROL = "public, max-age=300"


@cache
def whole() -> Object:
    """The document; the same for as long as the process runs."""
    return document(PARTS)


@blueprint.get("/openapi.json")
def openapi_json() -> Response:
    """The description of the API as OpenAPI 3.1, for every site to read."""
    response = Response(msgspec.json.encode(whole()), mimetype=JSON)
    response.headers["Cache-Control"] = CACHE_CONTROL
    response.headers["Access-Control-Allow-Origin"] = "*"
    return response


@blueprint.get("/docs")
def docs() -> Response:
    """The description of the API as a page."""
    response = html.page("openapi/docs.html", document=whole(), current="docs")
    response.headers["Cache-Control"] = CACHE_CONTROL
    return response
