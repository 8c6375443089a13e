"""The route of public files."""

from downstream_node.custody.reading import NO_SUCH_PART
from downstream_node.errors import UnknownFile
from downstream_node.openapi.parts import (
    SLASHES,
    TEXT,
    Object,
    Part,
    path_parameter,
    refusal,
)
from downstream_node.openapi.v1 import BUSY, NO_PATH

TAG = "files"
DESCRIPTION = (
    "Public files in custody, named by their SHA-256. What is sent was checked against hashes "
    "before; if a file turns out to be damaged after its first MiB, the connection is cut."
)
DIGITS = {"type": "string", "pattern": "^[0-9a-f]{64}$"}
EXAMPLE = "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae"
LABELS: Object = {
    "ETag": {"required": True, "description": "The hash.", "schema": TEXT},
    "Cache-Control": {"required": True, "schema": {"const": "no-cache"}},
    "Accept-Ranges": {"required": True, "schema": {"const": "bytes"}},
    "Content-Security-Policy": {"required": True, "schema": TEXT},
    "X-Content-Type-Options": {"required": True, "schema": {"const": "nosniff"}},
}
SAVED: Object = {
    "Content-Disposition": {
        "required": True,
        "description": "An attachment, with the file's name.",
        "schema": TEXT,
    }
}
RANGE: Object = {
    "Content-Range": {
        "required": True,
        "description": "Which bytes of how many.",
        "schema": TEXT,
    }
}
BYTES: Object = {"*/*": {"schema": {"type": "string", "contentEncoding": "binary"}}}


def header(name: str, description: str) -> Object:
    """An optional header of the request."""
    return {"name": name, "in": "header", "description": description, "schema": TEXT}


FILE: Object = {
    "operationId": "files_file",
    "summary": "A public file, or a part of it.",
    "parameters": [
        path_parameter("digits", "The SHA-256 in hex.", DIGITS | {"example": EXAMPLE}),
        header("Range", "One part, like bytes=0-1023; with several parts, the whole is sent."),
        header("If-Range", "The ETag: send the part only if this is still the file."),
        header("If-None-Match", "The ETag: send nothing if the file is still there."),
    ],
    "responses": {
        "200": {"description": "The whole file.", "headers": LABELS | SAVED, "content": BYTES},
        "206": {
            "description": "The part that was asked for.",
            "headers": LABELS | SAVED | RANGE,
            "content": BYTES,
        },
        "304": {"description": "If-None-Match names the file.", "headers": LABELS},
        "308": SLASHES,
        "404": refusal("No public file has this hash.", str(UnknownFile()), NO_PATH),
        "416": refusal("The file is shorter.", NO_SUCH_PART) | {"headers": RANGE},
        "500": refusal(
            "The file is damaged, or a bug; the node's log says more.",
            f"The file {EXAMPLE} is damaged: block 0 is wrong.",
            "Internal Server Error",
        ),
        "503": BUSY,
    },
}

PART = Part(TAG, DESCRIPTION, {"/files/{digits}": {"get": FILE}}, {})
