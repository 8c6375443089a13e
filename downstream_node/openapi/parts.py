"""What the description of the API is made of: parts, and small makers of their contents.

Paths, operations and schemas are dicts in the form of OpenAPI 3.1.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import msgspec

JSON = "application/json"
REFERENCE = "#/components/schemas/"

Object: TypeAlias = dict[str, Any]

ANYTHING: Object = {}
TEXT: Object = {"type": "string"}
EMPTY: Object = {"type": "null"}

SLASHES = {
    "description": "A path with an empty segment is sent on to the same path without it.",
    "headers": {"Location": {"required": True, "schema": TEXT}},
    "content": {"text/html": {"schema": TEXT}},
}
"""308: the framework's answer to two slashes in a row, also to those that %2F makes."""


@dataclass(frozen=True, slots=True)
class Part:
    """One group of operations, under one tag, with the schemas that they use."""

    tag: str
    description: str
    paths: dict[str, Object]
    schemas: dict[str, Object]


def ref(name: str) -> Object:
    """The component schema *name*."""
    return {"$ref": REFERENCE + name}


def list_of(items: Object) -> Object:
    """A list."""
    return {"type": "array", "items": items}


def nullable(schema: Object) -> Object:
    """*schema*, or null."""
    return {"anyOf": [schema, EMPTY]}


def obj(
    properties: dict[str, Object],
    *,
    optional: Sequence[str] = (),
    closed: bool = True,
    **more: object,
) -> Object:
    """An object; *closed*: it has no other properties, as all that we send and nothing we get."""
    required = [name for name in properties if name not in optional]
    form = {"type": "object", "properties": properties, "required": required, **more}
    return form | ({"additionalProperties": False} if closed else {})


def one_of_texts(*texts: str) -> Object:
    """One of these texts."""
    return {"type": "string", "enum": list(texts)}


def struct_schemas(*structs: type, prefix: str = "") -> dict[str, Object]:
    """The schemas of msgspec structs by name, with those that they use.

    *prefix* goes before all names. A field of type `object` holds any JSON value.
    """
    _, schemas = msgspec.json.schema_components(
        structs, schema_hook=any_object, ref_template=f"{REFERENCE}{prefix}{{name}}"
    )
    return {f"{prefix}{name}": schema for name, schema in schemas.items()}


def any_object(kind: type) -> Object:
    """The schema of the type `object`."""
    if kind is not object:
        raise NotImplementedError(f"{kind} has no schema")
    return {"description": "Any JSON value."}


def path_parameter(name: str, description: str, schema: Object) -> Object:
    """A parameter in the path."""
    place = {"in": "path", "required": True}
    return {"name": name, **place, "description": description, "schema": schema}


def query_parameter(name: str, description: str, schema: Object) -> Object:
    """An optional parameter after the question mark."""
    return {"name": name, "in": "query", "description": description, "schema": schema}


def json_body(schema: Object, example: object) -> Object:
    """A request body that has to be there."""
    return {"required": True, "content": {JSON: {"schema": schema, "example": example}}}


def json_answer(description: str, schema: Object, example: object) -> Object:
    """A successful answer."""
    return {"description": description, "content": {JSON: {"schema": schema, "example": example}}}


def refusal(description: str, *messages: str) -> Object:
    """An error in the form of the API, with the messages that it can have."""
    examples = {
        f"message-{number}": {"value": {"status": "error", "message": message}}
        for number, message in enumerate(messages, 1)
    }
    return {
        "description": description,
        "content": {JSON: {"schema": ref("Error"), "examples": examples}},
    }
