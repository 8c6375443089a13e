"""The routes of v2: the public status, and the operator's monitoring."""

from typing import Any

import msgspec

from downstream_node.openapi.parts import (
    JSON,
    SLASHES,
    TEXT,
    Object,
    Part,
    list_of,
    nullable,
    obj,
    query_parameter,
    ref,
    refusal,
    struct_schemas,
)
from downstream_node.openapi.v1 import BUSY, FARMER_ID, NO_PATH, UNFORESEEN
from downstream_node.operators.reports import Health
from downstream_node.status.reports import (
    Failure,
    FarmerDetail,
    FarmerSummary,
    HistoryPoint,
    Outage,
    Places,
    Totals,
)
from downstream_node.status.v2.parameters import (
    NO_FARMER,
    HistoryParameters,
    ListParameters,
    NoParameters,
    PageParameters,
    schema_of,
)

STATUS = "/api/downstream/v2/status"
HEALTH = "/api/downstream/v2/operator/health"
TAG = "v2"
DESCRIPTION = (
    "The public status for new readers: filters before limits, any sort, cursors, CSV. Every "
    "answer has an ETag, says how long it may be kept, and is open to pages of all origins. "
    "An unknown parameter, or one that is given twice, is an error."
)
OPERATOR = "Operator"
"""Before the names of the operator's schemas, some of which are named like public ones."""

PUBLIC_HEADERS: Object = {
    "ETag": {"description": "Names this content; send it as If-None-Match.", "schema": TEXT},
    "Cache-Control": {"description": "How long it may be kept.", "schema": TEXT},
    "Access-Control-Allow-Origin": {"required": True, "schema": {"const": "*"}},
}
LINK: Object = {
    "Link": {
        "description": 'URLs of the pages rel="first" and, if there is one, rel="next".',
        "required": True,
        "schema": TEXT,
    }
}
UNCHANGED: Object = {
    "description": "What If-None-Match names is still what there is.",
    "headers": PUBLIC_HEADERS,
}
BAD_QUERY = (
    "Unknown parameter: x. Known are: limit, page.",
    "Invalid limit: it is given twice.",
    "Invalid limit: it must be a whole number from 1 to 1000.",
)


def parameters_of(kind: type[msgspec.Struct]) -> list[Object]:
    """The query parameters that *kind* reads, with its own descriptions and limits."""
    properties: dict[str, Any] = schema_of(kind)["properties"]
    return [
        query_parameter(
            name, form["description"], {key: form[key] for key in form if key != "description"}
        )
        for name, form in properties.items()
    ]


def reading(  # noqa: PLR0913 - as many parts as an operation has
    name: str,
    summary: str,
    content: Object,
    kind: type[msgspec.Struct] = NoParameters,
    *,
    path: tuple[Object, ...] = (),
    linked: bool = False,
    errors: tuple[str, ...] = (),
) -> Object:
    """One public GET with its answers."""
    headers = PUBLIC_HEADERS | (LINK if linked else {})
    responses: Object = {
        "200": {"description": summary, "headers": headers, "content": content},
        "304": UNCHANGED,
        "400": refusal("The query makes no sense.", *BAD_QUERY, *errors),
        "500": UNFORESEEN,
        "503": BUSY,
    }
    if path:
        responses["308"] = SLASHES
        responses["404"] = refusal("There is no such farmer.", NO_FARMER, NO_PATH)
    return {
        "operationId": f"{TAG}_{name}",
        "summary": summary,
        "parameters": [*path, *parameters_of(kind)],
        "responses": dict(sorted(responses.items())),
    }


def json(schema: Object) -> Object:
    """JSON of this form."""
    return {JSON: {"schema": schema}}


def some_fields(schema: Object) -> Object:
    """*schema* of an object, any part of it."""
    return {key: value for key, value in schema.items() if key != "required"}


PUBLIC = struct_schemas(Totals, FarmerSummary, FarmerDetail, Failure, HistoryPoint, Places, Outage)
SCHEMAS = {
    **PUBLIC,
    "FarmerFields": some_fields(PUBLIC["FarmerSummary"])
    | {"description": "The fields of FarmerSummary that were asked for."},
    **struct_schemas(Health, prefix=OPERATOR),
}
FARMER_LIST = obj(
    {"farmers": list_of(ref("FarmerFields")), "total": {"type": "integer"}, "next": nullable(TEXT)}
)
HISTORY = obj({"step": TEXT, "points": list_of(ref("HistoryPoint"))})
LIST_ERRORS = (
    "Give either a page or a cursor.",
    "Invalid cursor: take the one that came with the page before.",
)
HEALTH_ANSWERS: Object = {
    "200": {"description": "What is failing now.", "content": json(ref(f"{OPERATOR}Health"))},
    "400": refusal("The query makes no sense.", "Invalid before."),
    "401": refusal(
        "No key, or a wrong one.",
        "Show an operator's key: Authorization: Bearer dsop_...",
        "This is not the key of an operator. Keys begin with dsop_; mind capitals.",
    ),
    "429": refusal(
        "Too many wrong keys.", "Too many wrong keys from your address. Please try again in 60 s."
    ),
    "500": UNFORESEEN,
    "503": BUSY,
}
PATHS: dict[str, Object] = {
    f"{STATUS}/totals": {"get": reading("totals", "The network in one line.", json(ref("Totals")))},
    f"{STATUS}/farmers": {
        "get": reading(
            "farmers",
            "A page of farmers.",
            json(FARMER_LIST),
            ListParameters,
            linked=True,
            errors=LIST_ERRORS,
        )
    },
    f"{STATUS}/farmers.csv": {
        "get": reading(
            "farmers_csv",
            "A page of farmers as a table: a line of names, then a line a farmer.",
            {"text/csv": {"schema": TEXT}},
            ListParameters,
            linked=True,
            errors=LIST_ERRORS,
        )
    },
    f"{STATUS}/farmers/{{farmer_id}}": {
        "get": reading(
            "farmer", "Everything about one farmer.", json(ref("FarmerDetail")), path=(FARMER_ID,)
        )
    },
    f"{STATUS}/farmers/{{farmer_id}}/failures": {
        "get": reading(
            "failures",
            "What went wrong with one farmer's answers, newest first.",
            json(obj({"failures": list_of(ref("Failure"))})),
            PageParameters,
            path=(FARMER_ID,),
        )
    },
    f"{STATUS}/history": {
        "get": reading(
            "history",
            "The network by hour or day, oldest first.",
            json(HISTORY),
            HistoryParameters,
            errors=("Invalid points: at most 744.",),
        )
    },
    f"{STATUS}/places": {
        "get": reading("places", "Where farmers are, most farmers first.", json(ref("Places")))
    },
    f"{STATUS}/outages": {
        "get": reading(
            "outages",
            "When the node itself was down, newest first.",
            json(obj({"outages": list_of(ref("Outage"))})),
            PageParameters,
        )
    },
    HEALTH: {
        "get": {
            "operationId": f"{TAG}_health",
            "summary": "What is failing now, for the operator's monitoring.",
            "parameters": [
                {
                    "name": "Authorization",
                    "in": "header",
                    "required": True,
                    "description": "`Bearer ` and an operator's key.",
                    "schema": TEXT,
                },
                query_parameter(
                    "before", "Outages before the one with this id.", {"type": "integer"}
                ),
            ],
            "responses": HEALTH_ANSWERS,
        }
    },
}

PART = Part(TAG, DESCRIPTION, PATHS, SCHEMAS)
