"""The routes of game recordings; the stream, which is no HTTP, in words."""

from typing import Any

from downstream_node.demos import analysis, forms, listing
from downstream_node.demos.export import Table
from downstream_node.demos.ids import INTEGERS
from downstream_node.demos.record_routes import MOST_JOBS, NEXT, NOT_FOUND, STILL_ACTIVE
from downstream_node.demos.reports import UNKNOWN_TARGET
from downstream_node.demos.sessions import (
    ALREADY_SUBMITTED,
    IN_SESSION,
    NO_ACTIVE_SESSION,
    NOT_IN_SESSION,
)
from downstream_node.demos.states import Reason
from downstream_node.openapi.parts import (
    TEXT,
    Object,
    Part,
    json_answer,
    json_body,
    list_of,
    nullable,
    obj,
    one_of_texts,
    path_parameter,
    query_parameter,
    ref,
    struct_schemas,
)

TAG = "demos"
DESCRIPTION = (
    "Players' clients stream recordings of their games, and analysts look at them. The key that "
    "`/provision` shows goes into the header `Authorization: Bearer <key>` or `X-Api-Key`, or as "
    "in the original into the parameter `api_key`. Errors are plain text. Ids of sessions are "
    "strings of digits; with `?integers=true` they are JSON numbers of up to 39 digits, which "
    "JavaScript would round."
)
PREFIXED = "Demo"
DEFINED = struct_schemas(
    forms.Report, forms.Review, forms.Ingest, analysis.Analysis, analysis.Outcome, prefix=PREFIXED
)
ID = "212121212121212121212121212121212121212"
PLAYER = "76561198000000001"
HASH = "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae"
NUMBER: Object = {"type": "integer", "minimum": 0}
FLAG: Object = {"type": "boolean"}
DATE: Object = {"type": "string", "format": "date-time"}
SESSION: Object = {
    "anyOf": [{"type": "string", "pattern": "^[0-9]{1,39}$"}, {"type": "integer"}],
    "description": "The id of a session.",
}
PLAIN: Object = {"text/plain": {"schema": TEXT}}
BYTES: Object = {"text/plain": {"schema": {"type": "string", "contentEncoding": "binary"}}}
HTML: Object = {"text/html": {"schema": TEXT}}


def said(description: str) -> Object:
    """An error, or another answer in words."""
    return {"description": description, "content": PLAIN}


COMMON: dict[str, Object] = {
    "429": said("Too many requests of one address; Retry-After says when to come again."),
    "500": said("A bug, or no database: `Internal Error Occurred!`"),
    "503": said("The node is too busy, or something that it needs does not answer. Try again."),
}
NO_KEY: dict[str, Object] = {"401": said("`Unauthorized`: no key, or none that is good for this.")}
BAD: dict[str, Object] = {"400": said("A parameter or the body is missing or malformed.")}
LARGE: dict[str, Object] = {"413": said("The body is larger than MAX_BODY_SIZE.")}

KEY = query_parameter("api_key", "The key, where no header shows it.", TEXT)
WANTS_INTEGERS = query_parameter(INTEGERS, "Ids of sessions as JSON numbers.", FLAG)


def needed(name: str, description: str, schema: Object) -> Object:
    """A parameter that has to be there."""
    return query_parameter(name, description, schema) | {"required": True}


SESSION_ID = needed("session_id", "The id of a session.", TEXT)


def operation(
    name: str,
    summary: str,
    answers: dict[str, Object],
    *parameters: Object,
    **more: Any,  # noqa: ANN401 - JSON
) -> Object:
    """One operation."""
    given = {"parameters": list(parameters)} if parameters else {}
    told = {"operationId": f"demos_{name}", "summary": summary, **given, **more}
    return {**told, "responses": COMMON | answers}


# Signing in

PROVISION = operation(
    "provision",
    "Sign in with Steam, with a browser.",
    {
        "303": {
            "description": "On to Steam, which sends back below `/provision_handler`.",
            "headers": {"Location": {"required": True, "schema": TEXT}},
            "content": HTML,
        }
    },
)
BACK: Object = {
    "200": {"description": "The key; or, without Steam's fields, nothing.", "content": HTML},
    **{
        status: {"description": description, "content": HTML}
        for status, description in (
            ("400", "What came is no answer of Steam's."),
            ("401", "Steam does not confirm it, it was used before, or began in another browser."),
            ("403", "The account is limited, or the operator has shut it out."),
            ("502", "Steam does not answer."),
            ("503", "The node has no key for Steam, or is too busy."),
        )
    },
}
HANDLER = operation(
    "provision_handler", "Where nobody comes who signs in: who lacks a ticket is told.", BACK
)
COMING_BACK = operation(
    "provision_handler_ticket",
    "Where Steam sends the browser back: a page that shows the new key, once.",
    BACK,
    path_parameter("ticket", "What `/provision` gave the browser, in a cookie, too.", TEXT),
)

# Sessions

STARTED = obj({"session_id": SESSION})
START = operation(
    "session_id",
    "Begin a session: a user is in one at a time.",
    {
        "200": json_answer("Its id.", STARTED, {"session_id": ID}),
        "403": said(f"`{IN_SESSION}`"),
        "401": said("`Unauthorized`, or Steam knows no such game server."),
    }
    | BAD,
    KEY,
    needed("fake_ip", "The game server, as host:port; may be URL-quoted.", TEXT),
    needed("map", "Its map.", TEXT),
    query_parameter("demo_name", "What the client calls the recording.", TEXT),
    WANTS_INTEGERS,
)
STREAM = operation(
    "stream",
    "The stream of a session's bytes: a WebSocket.",
    {
        "101": {"description": "The WebSocket is open."},
        "401": NO_KEY["401"],
        "403": said(f"`{NOT_IN_SESSION}`: the session is over, or somebody else's."),
        "409": said("Another connection streams this session."),
        "426": said("This is no WebSocket."),
        "501": said("The server cannot hand connections over."),
    }
    | BAD,
    KEY,
    SESSION_ID,
    description=(
        "Binary frames of up to DEMOS_MAX_FRAME bytes are appended to the recording. The server "
        'sends `{"offset": n}` as text when the stream opens, and again and again: so many bytes '
        "are durable. A client that was cut off opens the stream again and goes on from there; "
        "one that reads nothing does no harm. The session stays open until `/close_session`, or "
        "until nothing comes for DEMOS_STALE seconds."
    ),
)
LATE_BODY = json_body(
    obj({"late_bytes": TEXT}, closed=False), {"late_bytes": "0123456789abcdef0123456789abcdef"}
)
LATE = operation(
    "late_bytes",
    "The last 16 bytes of the recording's header, in hex: known only when it ends.",
    {
        "201": json_answer(
            "They will be in place.", obj({"late_bytes": FLAG}), {"late_bytes": True}
        ),
        "422": said(f"`{ALREADY_SUBMITTED}` or `{NO_ACTIVE_SESSION}`"),
    }
    | NO_KEY
    | BAD
    | LARGE,
    KEY,
    requestBody=LATE_BODY,
)
CLOSED: dict[str, Object] = {
    "200": json_answer(
        "It is closed with all that arrived.",
        obj({"closed_successfully": FLAG}),
        {"closed_successfully": True},
    ),
    "403": said(f"`{NOT_IN_SESSION}`"),
}
WHICH = query_parameter(
    "session_id", "With it, asking again is answered like the first time.", TEXT
)
CLOSE = operation("close", "Close the session.", CLOSED | NO_KEY | BAD, KEY, WHICH)
CLOSE_LATE = operation(
    "close_with_late_bytes",
    "Close the session, with its late bytes.",
    CLOSED | {"422": LATE["responses"]["422"]} | NO_KEY | BAD | LARGE,
    KEY,
    WHICH,
    requestBody=LATE_BODY,
)

# Lists

FIELDS: dict[str, Object] = {
    "demo_name": TEXT,
    "session_id": SESSION,
    "map": TEXT,
    "start_time": DATE,
    "end_time": nullable(DATE),
    "demo_size": NUMBER | {"description": "Bytes."},
    "anonymous_id": TEXT
    | {
        "description": (
            "SHA-256 of the uploader's Steam id followed by that of who asks: it tells who is the "
            "same, and hides nobody from those who try all Steam ids."
        )
    },
}
MORE: dict[str, Object] = {
    "fake_ip": TEXT,
    "server": nullable(TEXT),
    "seconds": nullable({"type": "number"}),
    "sha256": nullable(TEXT),
    "reports": NUMBER,
    "ingested": FLAG,
    "pruned": FLAG | {"description": "The bytes were let go."},
}
EXAMPLE = {
    "demo_name": "match.dem",
    "session_id": ID,
    "map": "pl_badwater",
    "start_time": "2026-11-22T01:44:00Z",
    "end_time": "2026-11-22T02:14:00Z",
    "demo_size": 31457280,
    "anonymous_id": HASH,
}
EXAMPLE_MORE = {
    "fake_ip": "169.254.189.228:41928",
    "server": "Valve Matchmaking Server",
    "seconds": 1800.5,
    "sha256": HASH,
    "reports": 1,
    "ingested": False,
    "pruned": False,
}
LISTED: Object = {
    "headers": {NEXT: {"description": "What to list `after`; without it, nothing.", "schema": TEXT}}
}
PAGES = (
    query_parameter(
        "page_size",
        "Sessions on a page.",
        {"type": "integer", "minimum": 1, "maximum": listing.MOST},
    ),
    query_parameter("page_number", "From 1.", {"type": "integer", "minimum": 1}),
    query_parameter("after", f"The {NEXT} of the page before, in place of a number.", TEXT),
    WANTS_INTEGERS,
)


def listed(description: str, fields: dict[str, Object], example: Object) -> Object:
    """A page."""
    return json_answer(description, list_of(obj(fields)), [example]) | LISTED


LIST = operation(
    "list",
    "The caller's closed sessions, by their start.",
    {"200": listed("A page.", FIELDS, EXAMPLE)} | NO_KEY | BAD,
    KEY,
    *PAGES,
)
ANALYST_LIST = operation(
    "analyst_list",
    "Everybody's closed sessions, for analysts.",
    {"200": listed("A page.", FIELDS | MORE, EXAMPLE | EXAMPLE_MORE)} | NO_KEY | BAD,
    KEY,
    *PAGES,
    query_parameter("map", "On this map, as the client said.", TEXT),
    query_parameter("server", "Part of the server's address or name.", TEXT),
    query_parameter("from", "Started then or later: a date, or a time.", TEXT),
    query_parameter("to", "Started then or before; a date counts to its end.", TEXT),
    query_parameter("reported", "Whether somebody is reported.", FLAG),
    query_parameter("reason", "Somebody is reported for this.", one_of_texts(*Reason)),
    query_parameter("anonymous_id", "By this uploader.", TEXT),
)

# Bytes

RANGE: Object = {"name": "Range", "in": "header", "description": "One part.", "schema": TEXT}
SENT: Object = {
    "ETag": {"required": True, "description": "The SHA-256.", "schema": TEXT},
    "Content-Disposition": {"required": True, "schema": TEXT},
}
PART_SENT: Object = {"Content-Range": {"required": True, "schema": TEXT}}
SENDING: dict[str, Object] = {
    "200": {"description": "All of it.", "headers": SENT, "content": BYTES},
    "206": {"description": "A part.", "headers": SENT | PART_SENT, "content": BYTES},
    "304": {"description": "If-None-Match names it."},
    "403": said(f"`{STILL_ACTIVE}`"),
    "404": said(f"`{NOT_FOUND}`"),
    "410": said("It was let go; why, and when."),
    "416": said("It is shorter.") | {"headers": PART_SENT},
    "507": said("The node has no space to file it."),
}
DATA = operation(
    "data",
    "The recording of a closed session, for analysts and its uploader.",
    SENDING | NO_KEY | BAD,
    KEY,
    SESSION_ID,
    RANGE,
)
EXPORT = operation(
    "export",
    "A table as CSV, for analysts.",
    {
        "200": {
            "description": (
                "A line of names, then a line a row. A text that a spreadsheet would take for a "
                "formula has a quote before it."
            ),
            "content": {"text/csv": {"schema": TEXT}},
        }
    }
    | NO_KEY
    | BAD,
    KEY,
    needed("table", "Which one.", one_of_texts(*Table)),
    query_parameter("since", "Sessions started, or reports made, then or later.", TEXT),
)

# What is said of them

UNKNOWN_SESSION: dict[str, Object] = {"402": said("`Unknown session ID ...`")}
UNKNOWN_PLAYER: dict[str, Object] = {"403": said(f"`{UNKNOWN_TARGET}`")}


def adding(what: str, form: str, example: Object, summary: str) -> Object:
    """Something is said of a player in a session."""
    added = f"{what}_added"
    answer = json_answer("It is noted.", obj({added: FLAG}), {added: True})
    told = {"session_id": ID, "target_steam_id": PLAYER, **example}
    answers = {"201": answer} | UNKNOWN_SESSION | UNKNOWN_PLAYER | NO_KEY | BAD | LARGE
    body = json_body(ref(PREFIXED + form), told)
    return operation(what, summary, answers, KEY, requestBody=body)


REPORT = adding(
    "report",
    "Report",
    {"reason": "cheater"},
    "Report a player of a session; again: another reason.",
)
REVIEW = adding(
    "review",
    "Review",
    {"verdict": "confirmed"},
    "Say what a reviewer makes of a player; again: another verdict.",
)
COUNTED = obj({"target_steam_id": TEXT, "algorithm": TEXT, "detection_count": NUMBER})
REVIEWED = obj(
    {"target_steam_id": TEXT, "reviewer_steam_id": TEXT, "verdict": TEXT, "created_at": DATE}
)
REVIEWS = operation(
    "reviews",
    "The detections and reviews of one session, for analysts and reviewers.",
    {
        "200": json_answer(
            "Both.",
            obj(
                {
                    "session_id": SESSION,
                    "detections": list_of(COUNTED),
                    "reviews": list_of(REVIEWED),
                }
            ),
            {
                "session_id": ID,
                "detections": [
                    {"target_steam_id": PLAYER, "algorithm": "viewangles", "detection_count": 3}
                ],
                "reviews": [],
            },
        ),
        "404": said(f"`{NOT_FOUND}`"),
    }
    | NO_KEY
    | BAD,
    KEY,
    SESSION_ID,
    WANTS_INTEGERS,
)
JOBS = operation(
    "jobs",
    "The sessions that have waited longest for an analysis, for analysts' programs.",
    {"200": json_answer("Their ids.", list_of(SESSION), [ID])} | NO_KEY | BAD,
    KEY,
    query_parameter(
        "limit",
        "How many; 1 if not given.",
        {"type": "integer", "minimum": 1, "maximum": MOST_JOBS},
    ),
    WANTS_INTEGERS,
)
ANALYSES: Object = {
    "type": "object",
    "properties": {
        "session_ids": DEFINED["DemoIngest"]["properties"]["session_ids"],
        "analyses": {
            "type": "object",
            "additionalProperties": ref("DemoAnalysis"),
            "description": "Each is checked for itself.",
        },
    },
}
INGEST = operation(
    "ingest",
    "Take analyses in: from the folder `analysis` of DEMOS_PATH (SESSION.json), or from the body.",
    {
        "200": json_answer(
            "What became of each session's.",
            {"type": "object", "additionalProperties": ref("DemoOutcome")},
            {
                ID: {"ingested": True, "reason": None},
                "1": {"ingested": False, "reason": analysis.NO_BLOB},
            },
        )
    }
    | NO_KEY
    | BAD
    | LARGE,
    KEY,
    requestBody=json_body(
        ANALYSES,
        {
            "session_ids": ["1"],
            "analyses": {
                ID: {
                    "author": "analysts",
                    "duration": 1800,
                    "map": "pl_badwater",
                    "server_ip": "169.254.189.228:41928",
                    "detections": [
                        {"tick": 1200, "algorithm": "viewangles", "player": PLAYER, "data": {}}
                    ],
                }
            },
        },
    ),
)
NEWS = operation(
    "broadcasts",
    "News for the clients, the newest first.",
    {
        "200": json_answer(
            "For everybody.",
            list_of(obj({"message": TEXT, "importance": TEXT, "post_date": DATE})),
            [
                {
                    "message": "Update your client!",
                    "importance": "high",
                    "post_date": "2026-11-22T01:44:00Z",
                }
            ],
        )
    },
)
SCHEMA = operation(
    "schema",
    "On to this description: to the page for browsers, else to the document.",
    {
        "303": {
            "description": "`/docs` or `/openapi.json`.",
            "headers": {"Location": {"required": True, "schema": TEXT}},
            "content": HTML,
        }
    },
)

PATHS: dict[str, Object] = {
    "/provision": {"get": PROVISION},
    "/provision_handler": {"get": HANDLER},
    "/provision_handler/{ticket}": {"get": COMING_BACK},
    "/session_id": {"get": START},
    "/demos": {"get": STREAM},
    "/late_bytes": {"post": LATE},
    "/close_session": {"get": CLOSE, "post": CLOSE_LATE},
    "/list_demos": {"get": LIST},
    "/analyst_list_demos": {"get": ANALYST_LIST},
    "/demodata": {"get": DATA},
    "/db_export": {"get": EXPORT},
    "/report": {"post": REPORT},
    "/review": {"post": REVIEW},
    "/reviews": {"get": REVIEWS},
    "/jobs": {"get": JOBS},
    "/ingest": {"post": INGEST},
    "/broadcasts": {"get": NEWS},
    "/schema": {"get": SCHEMA},
}

USED = {name: schema for name, schema in DEFINED.items() if name != f"{PREFIXED}Ingest"}
"""The body of `/ingest` says more than its form: what each analysis has to be."""

PART = Part(TAG, DESCRIPTION, PATHS, USED)
