"""The description of the API as one OpenAPI 3.1 document, put together from parts."""

from collections.abc import Sequence

from downstream_node import __version__
from downstream_node.openapi.parts import TEXT, Object, Part, obj

OPENAPI = "3.1.0"

DESCRIPTION = """\
One node of Downstream: volunteers (farmers) hold chunks of data and prove it at regular intervals.

Bodies are JSON. Every error has the form `{"status": "error", "message": "..."}`. Any path that is
not described here is a 404 in this form, and any other method a 405 with the header `Allow`; HEAD
goes wherever GET does, and OPTIONS answers with `Allow`. Sizes are in bytes, durations in seconds,
dates in UTC.
"""

ERROR = obj(
    {"status": {"const": "error"}, "message": TEXT}, description="An error of the whole request."
)


def document(parts: Sequence[Part]) -> Object:
    """The document that describes *parts*, in their order.

    Raises ValueError if two parts describe one path, or name two different schemas alike.
    """
    schemas: dict[str, Object] = {"Error": ERROR}
    paths: dict[str, Object] = {}
    for part in parts:
        add(paths, {path: tagged(item, part.tag) for path, item in part.paths.items()})
        add(schemas, {name: item for name, item in part.schemas.items() if name != "Error"})
    return {
        "openapi": OPENAPI,
        "info": {
            "title": "Downstream node",
            "version": __version__,
            "description": DESCRIPTION,
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "/"}],
        "tags": [{"name": part.tag, "description": part.description} for part in parts],
        "paths": paths,
        "components": {"schemas": schemas},
    }


def add(whole: dict[str, Object], more: dict[str, Object]) -> None:
    """Add *more* to *whole*. Raises ValueError where something else is there already."""
    for name, value in more.items():
        if whole.setdefault(name, value) != value:
            raise ValueError(f"{name} is described twice")


def tagged(item: Object, tag: str) -> Object:
    """The operations of one path under *tag*."""
    return {method: {"tags": [tag], **operation} for method, operation in item.items()}
