"""The routes of measures: the document's at the root, and the others below /api/measures/v1."""

from typing import Any

from downstream_node.measures import parsing
from downstream_node.measures.access import NO_ACCESS
from downstream_node.measures.cells import GROUP, NAME
from downstream_node.measures.collecting import KEY_REUSED, NOT_A_WRITER
from downstream_node.measures.definitions import Definition
from downstream_node.measures.v1.parameters import BAD_CURSOR, Range
from downstream_node.openapi.parts import (
    JSON,
    SLASHES,
    TEXT,
    Object,
    Part,
    json_answer,
    json_body,
    list_of,
    nullable,
    obj,
    path_parameter,
    query_parameter,
    ref,
    refusal,
    struct_schemas,
)
from downstream_node.openapi.v1 import BAD_BODIES, BUSY, NO_PATH, TOO_LARGE, UNFORESEEN
from downstream_node.openapi.v2 import parameters_of

API = "/api/measures/v1"
TAG = "measures"
DESCRIPTION = (
    "Numbers collected from many, given out only as aggregates. The caller shows the token of its "
    "organisation or app: `Authorization: Bearer dsmt_...`. Errors of `/measure`, `/aggregate` and "
    '`/status` have the form `{"error": "..."}`; whoever shows no valid token there gets a plain '
    "text."
)
EXAMPLE_NAME = "connection-count-daily"
MEASURE: dict[str, Any] = {
    "measureName": EXAMPLE_NAME,
    "value": 1,
    "startDate": "2022-01-01",
    "createdBy": "ecolyo",
    "group1": {"device": "desktop"},
}
ROW: dict[str, Any] = {
    "measureName": EXAMPLE_NAME,
    "startDate": "2022-01-01T00:00:00",
    "createdBy": "ecolyo",
    "group1": {"device": "desktop"},
    "sum": 9410.0,
    "count": 173,
    "countNotZero": 172,
    "min": 0.0,
    "max": 100.0,
    "avg": 54.393063583815,
    "std": 28.94,
}
WHEN = {"description": "ISO 8601; UTC where it names no zone.", **TEXT}
NUMBER = {"type": "number"}
WHOLE = {"type": "integer"}
SCALAR: Object = {"anyOf": [TEXT, NUMBER, {"type": "boolean"}]}
GROUP_FORM: Object = {
    "description": "One key, the definition's, and a scalar.",
    "type": "object",
    "minProperties": 1,
    "maxProperties": 1,
    "additionalProperties": SCALAR,
}
GROUPS = dict.fromkeys(parsing.SLOTS, GROUP_FORM)
NUMBERS = ("sum", "min", "max", "avg", "std", "median", "firstQuartile", "thirdQuartile")
FLAGS: Object = {
    "approximate": {"const": True, "description": "The quartiles come from a sketch."},
    "noisy": {"const": True, "description": "Noise was added."},
}
ROW_FIELDS: Object = {
    "measureName": TEXT,
    "startDate": {"description": "UTC, without a zone.", **TEXT},
    "createdBy": TEXT,
    **GROUPS,
    **dict.fromkeys(NUMBERS, NUMBER),
    "count": WHOLE,
    "countNotZero": WHOLE,
    **FLAGS,
}
ALWAYS = {"measureName", "startDate", "sum", "count", "avg"}
MEASURE_FIELDS: Object = {
    "measureName": TEXT,
    "value": {"description": "From -10^15 to 10^15.", "anyOf": [NUMBER, TEXT]},
    "startDate": WHEN,
    "createdBy": nullable(TEXT),
    "aggregationPeriod": nullable(TEXT),
    "contributor": nullable(
        {"description": f"At most {GROUP} characters; kept only as a hash.", **TEXT}
    ),
    **GROUPS,
}
NEEDED = {"measureName", "value", "startDate"}
OPTIONAL = sorted(MEASURE_FIELDS.keys() - NEEDED)
REFUSED = obj({"index": WHOLE, "status": WHOLE, "error": TEXT})
SCHEMAS: dict[str, Object] = {
    "MeasureError": obj({"error": TEXT}, description="An error in the document's form."),
    "Measure": obj(MEASURE_FIELDS, optional=OPTIONAL, closed=False),
    "Aggregate": obj(ROW_FIELDS, optional=sorted(ROW_FIELDS.keys() - ALWAYS)),
    "BatchReport": obj(
        {
            "stored": WHOLE,
            "repeated": list_of(WHOLE) | {"description": "Indices of what came before."},
            "refused": list_of(REFUSED) | {"description": "What was not taken, with its index."},
        }
    ),
    **struct_schemas(Definition),
}

# Errors


def wrong(description: str, *texts: str) -> Object:
    """An error in the document's form, with the texts that it can have."""
    examples = {f"text-{n}": {"value": {"error": text}} for n, text in enumerate(texts, 1)}
    content = {JSON: {"schema": ref("MeasureError"), "examples": examples}}
    return {"description": description, "content": content}


def in_documents_form(answer: Object) -> Object:
    """An error of the house, as the document's routes give it."""
    examples = answer["content"][JSON]["examples"].values()
    return wrong(answer["description"], *(example["value"]["message"] for example in examples))


NOBODY: Object = {
    "description": "No token, or one of nobody.",
    "headers": {"WWW-Authenticate": {"required": True, "schema": {"const": "Bearer"}}},
    "content": {"text/plain": {"schema": {"const": "Unauthorized Access"}}},
}
NOBODY_V1 = refusal("No token, or one of nobody.", "Unauthorized Access") | {
    "headers": NOBODY["headers"]
}
UNKNOWN = "No measure definition found for: x"
NO_READER = f"{NO_ACCESS}: {EXAMPLE_NAME}"
NO_DATES = tuple(
    text
    for field in ("startDate", "endDate")
    for text in (f"{field} must be given", f"{field} type is incorrect, it must be a date")
)
BAD_MEASURES = (
    parsing.EMPTY_MEASURE,
    parsing.NO_NAME,
    UNKNOWN,
    parsing.NO_VALUE,
    parsing.WRONG_VALUE,
    *NO_DATES[:2],
    parsing.WRONG_GROUPS,
    *(f"Group{n} key does not match measure definition: x" for n in (1, 2, 3)),
    "createdBy type is incorrect, it must be a name",
    "contributor type is incorrect, it must be a short text",
    "idempotencyKey type is incorrect, it must be a short text",
)
BAD_QUESTIONS = (parsing.EMPTY_QUESTION, parsing.NO_NAME, UNKNOWN, *NO_DATES)
LOST: Object = {"500": UNFORESEEN, "503": BUSY}
LOST_AT_ROOT: Object = {code: in_documents_form(answer) for code, answer in LOST.items()}
AUTHORIZATION: Object = {
    "name": "Authorization",
    "in": "header",
    "description": "`Bearer ` and a token.",
    "schema": TEXT,
}

# The document's routes

SEND: Object = {
    "operationId": "measures_send",
    "summary": "Send one measure.",
    "description": "201 comes after the commit.",
    "parameters": [
        AUTHORIZATION,
        {
            "name": "Idempotency-Key",
            "in": "header",
            "description": f"What comes again with it counts once. 1 to {GROUP} characters.",
            "schema": TEXT,
        },
    ],
    "requestBody": json_body(ref("Measure"), MEASURE),
    "responses": {
        "201": json_answer("It is stored.", obj({"ok": {"const": True}}), {"ok": True}),
        "400": wrong("The measure is malformed.", *BAD_MEASURES, *BAD_BODIES),
        "401": NOBODY,
        "403": wrong("Not the owner nor the app.", f"{NOT_A_WRITER}: {EXAMPLE_NAME}"),
        "409": wrong("The key is used up.", KEY_REUSED),
        "413": in_documents_form(TOO_LARGE),
        **LOST_AT_ROOT,
    },
}
QUESTION = {"measureName": EXAMPLE_NAME, "startDate": "2022-01-01", "endDate": "2022-01-02"}
RESULTS = json_answer(
    "By start, app and groups; only what may be given out.", list_of(ref("Aggregate")), [ROW]
)
ASKING: Object = {
    "200": RESULTS,
    "400": wrong("The question is malformed.", *BAD_QUESTIONS, *BAD_BODIES),
    "401": NOBODY,
    "403": wrong("Not for this caller.", NO_READER),
    "413": in_documents_form(TOO_LARGE),
    **LOST_AT_ROOT,
}
ASK_BY_QUERY: Object = {
    "operationId": "measures_aggregate",
    "summary": "Results with startDate <= start < endDate.",
    "description": "The parameters may stand in a JSON body instead, as with POST.",
    "parameters": [
        AUTHORIZATION,
        query_parameter("measureName", "The name of the measure.", TEXT),
        query_parameter("startDate", "The first start to give.", TEXT),
        query_parameter("endDate", "The first start not to give.", TEXT),
        query_parameter("createdBy", "Only those of this app.", TEXT),
    ],
    "responses": ASKING,
}
ASK: Object = {
    "operationId": "measures_aggregate_by_post",
    "summary": "Results with startDate <= start < endDate.",
    "parameters": [AUTHORIZATION],
    "requestBody": json_body(
        obj(
            {"measureName": TEXT, "startDate": WHEN, "endDate": WHEN, "createdBy": nullable(TEXT)},
            optional=["createdBy"],
            closed=False,
        ),
        QUESTION,
    ),
    "responses": ASKING,
}


def health(word: str) -> Object:
    """The answer of `/status` with this word."""
    form = obj({"db": obj({"status": {"const": word}}), "global_status": {"const": word}})
    return json_answer(
        f"The database is {word}.", form, {"db": {"status": word}, "global_status": word}
    )


STATUS: Object = {
    "operationId": "measures_status",
    "summary": "Whether the database answers.",
    "responses": {"200": health("ok"), "503": health("ko")},
}

# The others

BATCH: Object = {
    "operationId": "measures_batch",
    "summary": "Send up to 5,000 measures in one transaction.",
    "description": "What is malformed is told by index; the rest is stored.",
    "parameters": [AUTHORIZATION],
    "requestBody": json_body(
        obj({"measures": list_of({})}, closed=False),
        {"measures": [MEASURE | {"idempotencyKey": "8f14e45f"}]},
    ),
    "responses": {
        "200": json_answer(
            "What became of them. Each refusal has the status and text of `POST /measure`.",
            ref("BatchReport"),
            {
                "stored": 1,
                "repeated": [],
                "refused": [{"index": 1, "status": 400, "error": parsing.NO_VALUE}],
            },
        ),
        "400": refusal(
            "The body is no batch.",
            'The body must be an object with a list "measures".',
            "Too many items: at most 5000 are taken at once.",
            *BAD_BODIES,
        ),
        "401": NOBODY_V1,
        "413": TOO_LARGE,
        **LOST,
    },
}
TAGGED: Object = {
    "ETag": {"description": "Names this content; send it as If-None-Match.", "schema": TEXT},
    "Cache-Control": {"required": True, "schema": {"const": "private, no-cache"}},
}
MEASURE_NAME = path_parameter("name", "The name of the measure.", TEXT | {"maxLength": NAME})


def reading(
    name: str, summary: str, content: Object, *more: Object, answers: Object | None = None
) -> Object:
    """One GET of the API, with *more* parameters and the *answers* that are its own."""
    media = {JSON: {"schema": content}}
    responses = {
        "200": {"description": summary, "headers": TAGGED, "content": media},
        "304": {"description": "What If-None-Match names is what there is.", "headers": TAGGED},
        "400": refusal("The query makes no sense.", "Unknown parameter: x. Known are: none."),
        "401": NOBODY_V1,
        **LOST,
        **(answers or {}),
    }
    if any(parameter["in"] == "path" for parameter in more):
        responses["308"] = SLASHES
        responses["404"] = refusal("There is no such measure.", UNKNOWN, NO_PATH)
    return {
        "operationId": f"measures_{name}",
        "summary": summary,
        "parameters": [AUTHORIZATION, *more],
        "responses": dict(sorted(responses.items())),
    }


PAGE = reading(
    "page",
    "A page of results, by start, app and groups.",
    obj({"aggregates": list_of(ref("Aggregate")), "next": nullable(TEXT)}),
    MEASURE_NAME,
    *parameters_of(Range),
    answers={
        "400": refusal(
            "The query makes no sense.",
            BAD_CURSOR,
            "start type is incorrect, it must be a date",
            "createdBy type is incorrect, it must be a name",
            "Invalid limit: it must be a whole number from 1 to 5000.",
        ),
        "403": refusal("Not for this caller.", NO_READER),
    },
)
PATHS: dict[str, Object] = {
    "/measure": {"post": SEND},
    "/aggregate": {"get": ASK_BY_QUERY, "post": ASK},
    "/status": {"get": STATUS},
    f"{API}/measures": {"post": BATCH},
    f"{API}/measures/{{name}}/aggregates": {"get": PAGE},
    f"{API}/definitions": {
        "get": reading(
            "definitions",
            "The definitions of what the caller may write or read.",
            obj({"definitions": list_of(ref("Definition"))}),
        )
    },
    f"{API}/definitions/{{name}}": {
        "get": reading(
            "definition",
            "One definition, if the caller may write or read what it defines.",
            ref("Definition"),
            MEASURE_NAME,
        )
    },
}

PART = Part(TAG, DESCRIPTION, PATHS, SCHEMAS)
