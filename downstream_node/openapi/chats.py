"""The routes of chats: the document's, and the others below /api/chats/v1."""

from typing import Any

from downstream_node.chats import access, documented, searching
from downstream_node.chats.cursors import BAD_CURSOR
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
from downstream_node.openapi.parts import (
    JSON,
    SLASHES,
    TEXT,
    Object,
    Part,
    json_answer,
    list_of,
    obj,
    path_parameter,
    query_parameter,
    ref,
    refusal,
    struct_schemas,
)
from downstream_node.openapi.v1 import BAD_BODIES, NO_PATH, UNFORESEEN
from downstream_node.openapi.v2 import parameters_of

API = "/api/chats/v1"
TAG = "chats"
PREFIX = "Chat"
"""Before the names of this part's schemas, some of which are common words."""
DESCRIPTION = (
    "An archive of chats. Who asks shows a key, `Authorization: Bearer dsck_...`, which opens all "
    "of it or some guilds and channels; what is published needs none. What a key does not open is "
    "not there. The document's routes (those without `v1`) answer errors as "
    '`{"detail": "..."}` and give messages by time, the oldest first.'
)

# What all routes have in common

AUTHORIZATION: Object = {
    "name": "Authorization",
    "in": "header",
    "description": "`Bearer ` and a key of the archive.",
    "schema": TEXT,
}
PRIVATE: Object = {"Cache-Control": {"required": True, "schema": {"const": "private, no-cache"}}}
BEARER: Object = {"WWW-Authenticate": {"required": True, "schema": {"const": "Bearer"}}}
RETRY: Object = {
    "Retry-After": {"description": "Seconds.", "required": True, "schema": {"type": "integer"}}
}
NO_KEY = "This needs a key of the archive: Authorization: Bearer dsck_..."
TOO_MANY = "Too many requests. Please try again in 12 s."
BUSY_TEXT = "The node is too busy to take this now. Please try again."
WHOLE = {"type": "integer", "minimum": 0}

# The document's routes


def wrong(description: str, *texts: str, headers: Object | None = None) -> Object:
    """An error in the document's form, with the texts that it can have."""
    examples = {f"text-{n}": {"value": {"detail": text}} for n, text in enumerate(texts, 1)}
    content = {JSON: {"schema": ref("ChatDetail"), "examples": examples}}
    return {"description": description, "content": content, "headers": PRIVATE | (headers or {})}


ERRORS: Object = {
    "401": wrong("No key, or one of nobody.", NO_KEY, headers=BEARER),
    "429": wrong("Too many requests.", TOO_MANY, headers=RETRY),
    "503": wrong("The archive does not answer.", access.UNAVAILABLE, BUSY_TEXT),
}
SEARCH_FAILED: Object = {"500": wrong("A bug, or no database.", "An internal error occurred")}
IDS = query_parameter(
    "ids",
    "`string`: ids as texts, since JavaScript rounds large numbers.",
    {"type": "string", "enum": ["number", "string"], "default": "number"},
)
PAGING = (
    query_parameter("page", "Pages count from 1.", {"type": "integer", "minimum": 1, "default": 1}),
    query_parameter(
        "page_size",
        "Messages on a page; `size` is another name.",
        {"type": "integer", "minimum": 1, "maximum": 100, "default": 10},
    ),
)
BAD_PAGING = (documented.BAD_PAGE, documented.BAD_PAGE_SIZE, documented.BAD_IDS)
EXAMPLE: Any = {
    "message_id": 1233571991882305500,
    "channel_id": 1165030189714129000,
    "content": "the pecan pie was so good",
    "message_date": "2024-04-26",
}
ID: Object = {"anyOf": [WHOLE, TEXT]}
MESSAGE = obj(
    {
        "message_id": ID,
        "channel_id": ID,
        "content": TEXT,
        "message_date": TEXT | {"format": "date", "description": "UTC."},
    },
    description="A message in the document's form.",
)
MESSAGES = list_of(ref("ChatDocumentMessage"))
PAGE = obj({"messages": MESSAGES, "count": WHOLE, "total_count": WHOLE})
ES_PAGE = obj({"data": MESSAGES, "total": WHOLE, "page": WHOLE, "page_size": WHOLE})
ALL = obj(
    {"messages": MESSAGES, "count": WHOLE, "total_count": WHOLE, "detail": TEXT},
    optional=["total_count", "detail"],
)


def found(schema: Object, example: object) -> Object:
    """A 200: what was found, or a word that nothing was."""
    answer = json_answer(
        f'What was found; `{{"detail": "{documented.NONE_FOUND}"}}` if nothing was.',
        {"anyOf": [schema, ref("ChatDetail")]},
        example,
    )
    return answer | {"headers": PRIVATE}


def keyword(name: str) -> Object:
    """The parameter that says what to search for."""
    schema = TEXT | {"minLength": 1, "maxLength": documented.LONGEST_KEYWORD}
    return query_parameter(name, "What to search for.", schema) | {"required": True}


def day(name: str, description: str) -> Object:
    """The parameter that names a day."""
    return query_parameter(name, description, TEXT | {"format": "date"}) | {"required": True}


def reading(  # noqa: PLR0913, PLR0917 - as many parts as an operation has
    name: str,
    summary: str,
    answer: Object,
    parameters: tuple[Object, ...],
    bad: tuple[str, ...],
    malformed: tuple[str, ...],
) -> Object:
    """One GET of the document's."""
    return {
        "operationId": f"chats_{name}",
        "summary": summary,
        "parameters": [AUTHORIZATION, *parameters, IDS],
        "responses": {
            "200": answer,
            "400": wrong("The question makes no sense.", *bad),
            "422": wrong("A parameter is malformed.", *malformed),
            **ERRORS,
            **SEARCH_FAILED,
        },
    }


def by_keyword(name: str, summary: str, parameter: str, answer: Object) -> Object:
    """A search for a keyword, page by page."""
    long = documented.LONG_KEYWORD.format(name=parameter)
    return reading(
        name,
        summary,
        answer,
        (keyword(parameter), *PAGING),
        (documented.EMPTY_KEYWORD,),
        (long, *BAD_PAGING),
    )


def by_date(name: str, answer: Object) -> Object:
    """A search for days, page by page."""
    days = (
        day("start_date", "The first day, YYYY-MM-DD, UTC."),
        day("end_date", "The last day, the same or a later one."),
    )
    bad = tuple(documented.BAD_DATE.format(name=one) for one in ("start_date", "end_date"))
    return reading(
        name,
        "Messages of some days.",
        answer,
        (*days, *PAGING),
        (documented.START_AFTER_END,),
        (*bad, *BAD_PAGING),
    )


FOUND = found(PAGE, {"messages": [EXAMPLE], "count": 1, "total_count": 1})
ES_FOUND = found(ES_PAGE, {"data": [EXAMPLE], "total": 1, "page": 1, "page_size": 10})
ALL_FOUND = found(ALL, {"messages": [EXAMPLE], "count": 1})


def export(name: str) -> Object:
    """One of the two routes that have a channel exported."""
    done = obj(
        {"status": {"const": "success"}, "data": obj({"message": TEXT}), "process_time": TEXT}
    )
    example = {
        "status": "success",
        "data": {"message": "Successfully inserted 11 messages into the database."},
        "process_time": "2.8182 seconds",
    }
    answers: Object = {
        "200": json_answer("What is new in the archive.", done, example) | {"headers": PRIVATE},
        "308": SLASHES,
        "400": wrong(
            "Something is missing.", documented.NO_TOKEN, "The Discord token is malformed."
        ),
        "403": wrong("Not with this key.", access.NO_IMPORT),
        "404": {
            "description": "There is nothing to import, or no such path.",
            "content": {JSON: {"schema": {"anyOf": [ref("ChatDetail"), ref("Error")]}}},
        },
        "422": wrong("The path names no channel.", documented.BAD_CHANNEL),
        "500": wrong("A failure.", "An error occurred while processing your request."),
        "502": wrong("The exporter failed.", "The program that exports channels failed."),
        "507": wrong("There is no space left.", "The node has no space left for files."),
        **ERRORS,
    }
    return {
        "operationId": f"chats_{name}",
        "summary": "Import what a channel said in the last days.",
        "description": "The key has to have the right to import, except with CHATS_OPEN_EXPORT.",
        "parameters": [
            AUTHORIZATION,
            path_parameter("channel_id", "The channel at Discord.", {"type": "integer"}),
            {
                "name": "X-Token",
                "in": "header",
                "description": "A Discord token for the exporter. It is not kept anywhere.",
                "schema": TEXT,
            },
        ],
        "responses": dict(sorted(answers.items())),
    }


DOCUMENTED: dict[str, Object] = {
    "/api/chats/export/{channel_id}": {"post": export("export")},
    "/api/es/chats/export/{channel_id}": {"post": export("es_export")},
    "/api/chats/search": {
        "get": by_keyword("search", "Messages that contain the term.", "search_term", FOUND)
    },
    "/api/search/keyword": {
        "get": by_keyword("search_old", "The same under its older path.", "search_term", FOUND)
    },
    "/api/chats/search/all": {
        "get": reading(
            "search_all",
            "All messages that contain the term, up to CHATS_MOST_RESULTS.",
            ALL_FOUND,
            (keyword("search_term"),),
            (documented.EMPTY_KEYWORD,),
            (documented.LONG_KEYWORD.format(name="search_term"), documented.BAD_IDS),
        )
    },
    "/api/chats/context-search": {
        "get": by_keyword(
            "context_search", "Messages with all words, in any form.", "search_term", FOUND
        )
    },
    "/api/chats/search/by-date": {"get": by_date("search_by_date", FOUND)},
    "/api/search/date": {"get": by_date("search_by_date_old", FOUND)},
    "/api/es/chats/search": {
        "get": by_keyword(
            "es_search", "Messages with any of the words, in any form.", "keyword", ES_FOUND
        )
    },
    "/api/es/chats/search/by-date": {"get": by_date("es_search_by_date", ES_FOUND)},
}

# The others

NOBODY = refusal("No key, or one of nobody.", NO_KEY) | {"headers": BEARER}
OWN_ERRORS: Object = {
    "401": NOBODY,
    "429": refusal("Too many requests.", TOO_MANY) | {"headers": RETRY},
    "500": UNFORESEEN,
    "503": refusal("The archive does not answer.", access.UNAVAILABLE, BUSY_TEXT),
}
TAGGED: Object = PRIVATE | {
    "ETag": {"description": "Names this content; send it as If-None-Match.", "schema": TEXT}
}
UNKNOWN = "Unknown parameter: x. Known are: none."
BAD_SEARCH: Object = {
    "description": "The query makes no sense; *position*: the character of `q` where.",
    "content": {
        JSON: {
            "schema": {"anyOf": [ref("ChatSearchError"), ref("Error")]},
            "examples": {
                "search": {
                    "value": {
                        "status": "error",
                        "message": "This parenthesis is not closed.",
                        "position": 12,
                    }
                },
                "cursor": {"value": {"status": "error", "message": BAD_CURSOR}},
            },
        }
    },
}
SEARCH_ERROR = obj(
    {"status": {"const": "error"}, "message": TEXT, "position": WHOLE},
    description="A search that cannot be read.",
)
MESSAGE_ID = path_parameter("message", "The id of a message.", TEXT | {"pattern": "^[0-9]+$"})


def own(name: str, summary: str, schema: Object, *parameters: Object) -> Object:
    """One GET of ours."""
    searches = any(parameter["name"] == "cursor" for parameter in parameters) or name in (
        "facets",
        "timeline",
    )
    answers: Object = {
        "200": {"description": summary, "headers": TAGGED, "content": {JSON: {"schema": schema}}},
        "304": {"description": "What If-None-Match names is what there is.", "headers": TAGGED},
        "400": BAD_SEARCH if searches else refusal("The query makes no sense.", UNKNOWN),
        **OWN_ERRORS,
    }
    if any(parameter["in"] == "path" for parameter in parameters):
        answers["308"] = SLASHES
        answers["404"] = refusal("There is no such message.", searching.NO_MESSAGE, NO_PATH)
    return {
        "operationId": f"chats_v1_{name}",
        "summary": summary,
        "parameters": [AUTHORIZATION, *parameters],
        "responses": dict(sorted(answers.items())),
    }


IMPORTS: Object = {
    "operationId": "chats_v1_imports",
    "summary": "The last imports into channels that the key may import into.",
    "parameters": [AUTHORIZATION, *parameters_of(ImportParameters)],
    "responses": {
        "200": {
            "description": "The latest first.",
            "content": {JSON: {"schema": obj({"imports": list_of(ref("ChatImportJson"))})}},
        },
        "400": refusal("The query makes no sense.", UNKNOWN),
        "403": refusal("Not with this key.", access.NO_IMPORT),
        **OWN_ERRORS,
    },
}
UPLOAD: Object = {
    "operationId": "chats_v1_upload",
    "summary": "Import an export of DiscordChatExporter.",
    "description": "The body is the JSON file, plain or gzip. It is imported whole or not at all.",
    "parameters": [AUTHORIZATION, *parameters_of(UploadParameters)],
    "requestBody": {"required": True, "content": {JSON: {"schema": {"type": "object"}}}},
    "responses": {
        "201": {
            "description": "It is in the archive; what of it was new.",
            "content": {JSON: {"schema": ref("ChatReportJson")}},
        },
        "400": refusal("It is no export, or the query makes no sense.", UNKNOWN, *BAD_BODIES[3:]),
        "403": refusal("Not with this key.", access.NO_IMPORT),
        "413": refusal(
            "The file is larger than CHATS_MAX_EXPORT_SIZE.", "The export is too large."
        ),
        "507": refusal("There is no space left.", "The node has no space left for files."),
        **OWN_ERRORS,
    },
}
OWN: dict[str, Object] = {
    "/search": {
        "get": own(
            "search", "One page of hits.", ref("ChatFoundJson"), *parameters_of(SearchParameters)
        )
    },
    "/facets": {
        "get": own(
            "facets",
            "What hits can be narrowed by.",
            ref("ChatFacetsJson"),
            *parameters_of(FacetParameters),
        )
    },
    "/timeline": {
        "get": own(
            "timeline",
            "Hits by month.",
            obj({"months": list_of(ref("ChatMonth"))}),
            *parameters_of(TimelineParameters),
        )
    },
    "/messages/{message}": {
        "get": own("message", "One message.", ref("ChatMessageJson"), MESSAGE_ID)
    },
    "/messages/{message}/context": {
        "get": own(
            "context",
            "What was said around a message, in order of time.",
            obj({"messages": list_of(ref("ChatMessageJson"))}),
            MESSAGE_ID,
            *parameters_of(ContextParameters),
        )
    },
    "/messages/{message}/revisions": {
        "get": own(
            "revisions",
            "What a message said before it was edited, oldest first.",
            obj({"revisions": list_of(ref("ChatRevisionJson"))}),
            MESSAGE_ID,
        )
    },
    "/channels": {
        "get": own(
            "channels",
            "The channels that may be read.",
            obj({"channels": list_of(ref("ChatChannelJson"))}),
        )
    },
    "/authors": {
        "get": own(
            "authors",
            "Authors whose names begin like this.",
            obj({"authors": list_of(ref("ChatKnownAuthorJson"))}),
            *parameters_of(AuthorParameters),
        )
    },
    "/version": {
        "get": own(
            "version",
            "Another text after every import that changed anything.",
            obj({"version": TEXT}),
        )
    },
    "/exports": {"get": IMPORTS, "post": UPLOAD},
}

SCHEMAS: dict[str, Object] = {
    "ChatDetail": obj({"detail": TEXT}, description="An error in the document's form."),
    "ChatDocumentMessage": MESSAGE,
    "ChatSearchError": SEARCH_ERROR,
    **struct_schemas(
        views.FoundJson,
        views.FacetsJson,
        views.ChannelJson,
        views.KnownAuthorJson,
        views.RevisionJson,
        views.ReportJson,
        views.ImportJson,
        prefix=PREFIX,
    ),
}

PART = Part(
    TAG,
    DESCRIPTION,
    DOCUMENTED | {API + path: item for path, item in OWN.items()},
    SCHEMAS,
)
