"""The routes of packages, and of uploads by tus."""

from typing import Any

from downstream_node.openapi.parts import (
    JSON,
    SLASHES,
    TEXT,
    Object,
    Part,
    json_answer,
    json_body,
    path_parameter,
    ref,
    struct_schemas,
)
from downstream_node.packages import forms
from downstream_node.packages.door import STATUS
from downstream_node.packages.links import PREFIX
from downstream_node.packages.states import Code

TAG = "packages"
DESCRIPTION = (
    "A person's data package becomes statistics, sealed under a key that the node does not keep. "
    "The header `Authorization: Bearer <secret>` shows whose it is: the secret is what follows "
    "`upn=` in the link, or what the client made for an upload. Errors have a code in "
    "`errorMessageCode`. Uploads are tus 1.0.0 with creation, creation-with-upload, termination, "
    "checksum and expiration."
)
PREFIXED = "Package"
ID = "0f1e2d3c4b5a69788796a5b4c3d2e1f0"
ANY_ID: Object = {"type": "string", "example": ID}
DEFINED = struct_schemas(
    forms.Accepted,
    forms.StatusAnswer,
    forms.Blob,
    forms.Deleted,
    forms.Failure,
    forms.Health,
    prefix=PREFIXED,
)
BINARY: Object = {"application/octet-stream": {"schema": {"type": "string"}}}
OFFSET_TYPE = "application/offset+octet-stream"
PLACE = {
    "user": 12,
    "total": 230,
    "userWhenStarted": 20,
    "totalWhenStarted": 200,
    "premiumQueueTotal": 2,
    "standardQueueTotal": 228,
    "premiumQueueUser": 0,
    "standardQueueUser": 12,
    "standardWhenJoined": 198,
    "premiumWhenJoined": 2,
}
EXAMPLE = {
    "isDataAvailable": False,
    "isUpgraded": False,
    "isErrored": False,
    "errorMessageCode": None,
    "isProcessing": True,
    "processingStep": "ANALYZING",
    "processingQueuePosition": PLACE,
    "processingDetail": "messages",
    "processingProgress": 0.42,
    "isPartial": None,
    "size": None,
    "expiresAt": None,
}


def header(name: str, description: str, *, required: bool = False) -> Object:
    """A header of the request."""
    about = {"description": description, "required": required}
    return {"name": name, "in": "header", "schema": TEXT, **about}


OWNER = header("Authorization", "Any scheme, then the secret of the package.")
VERSION = header("Tus-Resumable", "1.0.0")
PACKAGE = path_parameter("package_id", "The id that POST /process gave.", ANY_ID)


def failed(code: str, form: str = "Failure") -> Object:
    """An error with *code*, in the form of the route; or in that of the node, for its own."""
    schema = {"anyOf": [ref(PREFIXED + form), ref("Error")]}
    return {"description": code, "content": {JSON: {"schema": schema}}}


def failures(form: str, *codes: str) -> dict[str, Object]:
    """The errors of one route, by status; those that all can have are added."""
    found: dict[str, Object] = {"308": SLASHES}
    always = (Code.TOO_MANY_REQUESTS, Code.BUSY, Code.SERVER_ERROR)
    for code in (*codes, *always):
        status = str(int(STATUS.get(code, 500)))
        found[status] = failed(code, form)
    found.setdefault("404", failed("There is no such path.", form))
    return found


def operation(name: str, summary: str, answers: dict[str, Object], **more: Any) -> Object:  # noqa: ANN401 - JSON
    """One operation."""
    return {"operationId": f"packages_{name}", "summary": summary, **more, "responses": answers}


PROCESS = operation(
    "process",
    "Have the package behind a link processed.",
    {
        "200": json_answer(
            "Whether it is accepted (INVALID_LINK if not). A known package stays as it is.",
            ref("PackageAccepted"),
            {"isAccepted": True, "packageId": ID, "errorMessageCode": None},
        )
    }
    | failures("Accepted", Code.INVALID_REQUEST, "TOO_LARGE"),
    requestBody=json_body(
        {
            "type": "object",
            "properties": {"package_link": TEXT},
            "required": ["package_link"],
        },
        {"package_link": f"{PREFIX}<UPN_KEY>"},
    ),
)
STATUS_OF = operation(
    "status",
    "How far a package is, and its place in the queue.",
    {"200": json_answer("With UNKNOWN_PACKAGE_ID too.", ref("PackageStatusAnswer"), EXAMPLE)}
    | failures("StatusAnswer", Code.UNAUTHORIZED),
    parameters=[PACKAGE, OWNER],
)
EVENTS = operation(
    "events",
    "The same as server-sent events, one for each change, until it is done or has failed.",
    {
        "200": {
            "description": "Events named status, whose data is the JSON of the status.",
            "content": {"text/event-stream": {"schema": TEXT}},
        }
    }
    | failures("Failure", Code.UNAUTHORIZED, Code.TOO_MANY_STREAMS),
    parameters=[PACKAGE, OWNER],
)
DATA = operation(
    "data",
    "The statistics: gzip of an SQLite file, opened by the node. `demo` is open to all.",
    {"200": {"description": "The file.", "content": BINARY}}
    | failures("Failure", Code.UNAUTHORIZED, Code.DATA_NOT_AVAILABLE),
    parameters=[PACKAGE, OWNER],
)
BLOB = operation(
    "blob",
    "Where the statistics may be fetched sealed, for a while, to be opened by their owner.",
    {
        "200": json_answer(
            "The iv is the header of the sealed stream in hex; null for `demo`, which is not "
            "sealed. The ttl is in seconds.",
            ref("PackageBlob"),
            {
                "url": f"https://node.example/process/{ID}/blob/file?expires=1800000300&signature=0",
                "iv": "00" * 24,
                "ttl": 300,
            },
        )
    }
    | failures("Failure", Code.UNAUTHORIZED, Code.DATA_NOT_AVAILABLE),
    parameters=[PACKAGE, OWNER],
)


def asked(name: str) -> Object:
    """A parameter of the address that `blob` gave."""
    return {"name": name, "in": "query", "description": "As given.", "schema": TEXT}


FILE = operation(
    "blob_file",
    "The sealed statistics, at the address that `blob` gave.",
    {"200": {"description": "The file.", "content": BINARY}}
    | failures("Failure", Code.INVALID_SIGNATURE, Code.UNKNOWN_PACKAGE_ID),
    parameters=[PACKAGE, asked("expires"), asked("signature")],
)
DELETE = operation(
    "delete",
    "Delete a package and all that came of it, also while it is processed.",
    {
        "200": json_answer(
            "Whether there was one (UNKNOWN_PACKAGE_ID if not).",
            ref("PackageDeleted"),
            {"isDeleted": True, "errorMessageCode": None},
        )
    }
    | failures("Deleted", Code.UNAUTHORIZED),
    parameters=[PACKAGE, OWNER],
)
HEALTH = operation(
    "health",
    "Whether the node is up, and how many workers process packages.",
    {
        "200": json_answer(
            "It is.",
            ref("PackageHealth"),
            {"status": "ok", "hostname": "node", "workers": 1},
        )
    }
    | failures("Failure"),
)

UPLOADED = {
    "Upload-Offset": {"required": True, "description": "Bytes that are durable.", "schema": TEXT},
    "Upload-Expires": {"required": True, "schema": TEXT},
    "Tus-Resumable": {"required": True, "schema": {"const": "1.0.0"}},
}
UPLOAD_ERRORS = (
    Code.UNAUTHORIZED,
    Code.UNKNOWN_UPLOAD,
    Code.INVALID_REQUEST,
    Code.UNSUPPORTED_VERSION,
)
SENDING_ERRORS = (
    Code.WRONG_OFFSET,
    "TOO_LARGE",
    Code.CHECKSUM_MISMATCH,
    Code.STORAGE_FULL,
)
BYTES: Object = {"content": {OFFSET_TYPE: {"schema": {"type": "string"}}}}
CHECKSUM = header("Upload-Checksum", "sha1, sha256 or md5, then the base64 of the body's hash.")

CREATE = operation(
    "upload_create",
    "Begin an upload under a secret that the client made: base64url, 43 characters or more.",
    {
        "201": {
            "description": "It is begun, or was begun with the same length before.",
            "headers": UPLOADED | {"Location": {"required": True, "schema": TEXT}},
        }
    }
    | failures("Failure", *UPLOAD_ERRORS, Code.ALREADY_KNOWN, *SENDING_ERRORS),
    parameters=[OWNER, VERSION, header("Upload-Length", "Bytes in all."), CHECKSUM],
    requestBody=BYTES,
)
SHOW = operation(
    "upload_show",
    "How many bytes of an upload are there.",
    {
        "200": {
            "description": "So many.",
            "headers": UPLOADED | {"Upload-Length": {"required": True, "schema": TEXT}},
        }
    }
    | failures("Failure", *UPLOAD_ERRORS),
    parameters=[PACKAGE, OWNER, VERSION],
)
SEND = operation(
    "upload_send",
    "Send the next bytes. With the last one the package is queued.",
    {"204": {"description": "They are durable.", "headers": UPLOADED}}
    | failures("Failure", *UPLOAD_ERRORS, *SENDING_ERRORS),
    parameters=[PACKAGE, OWNER, VERSION, header("Upload-Offset", "Where they belong."), CHECKSUM],
    requestBody=BYTES,
)
TERMINATE = operation(
    "upload_terminate",
    "Give an upload up, and the package that it has become.",
    {"204": {"description": "It is gone."}} | failures("Failure", *UPLOAD_ERRORS),
    parameters=[PACKAGE, OWNER, VERSION],
)

PATHS: dict[str, Object] = {
    "/process": {"post": PROCESS},
    "/process/{package_id}": {"delete": DELETE},
    "/process/{package_id}/status": {"get": STATUS_OF},
    "/process/{package_id}/events": {"get": EVENTS},
    "/process/{package_id}/data": {"get": DATA},
    "/process/{package_id}/blob": {"get": BLOB},
    "/process/{package_id}/blob/file": {"get": FILE},
    "/packages/uploads": {"post": CREATE},
    "/packages/uploads/{package_id}": {"head": SHOW, "patch": SEND, "delete": TERMINATE},
    "/health": {"get": HEALTH},
}

PART = Part(TAG, DESCRIPTION, PATHS, DEFINED)
