"""What the headers of tus say. Pure. Source: the tus resumable upload protocol 1.0.0."""

import base64
import binascii
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Protocol

from downstream_node.clock import SECOND
from downstream_node.errors import PackageRefused
from downstream_node.packages.states import Code
from downstream_node.packages.uploads import ALGORITHMS, Checksum

VERSION = "1.0.0"
EXTENSIONS = "creation,creation-with-upload,termination,checksum,expiration"
OFFSET_TYPE = "application/offset+octet-stream"
MOST_DIGITS = 15


class Headers(Protocol):
    """Those of a request."""

    def get(self, key: str, /) -> str | None:
        """The value of one, if it is there."""


def refused(sentence: str) -> PackageRefused:
    """The refusal of a malformed header."""
    return PackageRefused(Code.INVALID_REQUEST, sentence)


def require_version(headers: Headers) -> None:
    """Raise PackageRefused unless the client speaks our version."""
    if headers.get("Tus-Resumable") != VERSION:
        raise PackageRefused(Code.UNSUPPORTED_VERSION, "Tus-Resumable must be 1.0.0.")


def number(headers: Headers, name: str) -> int:
    """The whole number in a header. Raises PackageRefused."""
    text = headers.get(name) or ""
    if not (text.isascii() and text.isdigit() and len(text) <= MOST_DIGITS):
        raise refused(f"{name} must be a whole number.")
    return int(text)


def length(headers: Headers) -> int:
    """The Upload-Length, which has to be known at once and is not 0. Raises PackageRefused."""
    found = number(headers, "Upload-Length")
    if not found:
        raise refused("Upload-Length must not be 0.")
    return found


def checksum(headers: Headers) -> Checksum | None:
    """What Upload-Checksum says. Raises PackageRefused."""
    text = headers.get("Upload-Checksum")
    if text is None:
        return None
    algorithm, _, encoded = text.partition(" ")
    try:
        digest = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        raise refused("Upload-Checksum is malformed.") from None
    if algorithm not in ALGORITHMS:
        raise refused("Upload-Checksum names no algorithm of ours.")
    return Checksum(algorithm, digest)


def require_type(headers: Headers) -> None:
    """Raise PackageRefused unless the body is bytes of the upload."""
    if headers.get("Content-Type") != OFFSET_TYPE:
        raise refused(f"Content-Type must be {OFFSET_TYPE}.")


def date(wall: int) -> str:
    """*wall* milliseconds as an HTTP date."""
    return format_datetime(datetime.fromtimestamp(wall / SECOND, tz=UTC), usegmt=True)
