"""Who claims a file, under which name and conditions: values, checked at the door.

The bytes of a file are kept as long as somebody claims them. Two parts of the node may claim the
same bytes under different names; neither sees the other's.
"""

import re
import unicodedata
from dataclasses import dataclass
from typing import Literal
from urllib.parse import quote

from downstream_node.errors import InvalidFile

Visibility = Literal["private", "public"]

SOURCE = 16
REFERENCE = 200
NAME = 255
MEDIA_TYPE = 127
MOST_COPIES = 1000
UNNAMED = "file"

SOURCES = re.compile(r"[a-z][a-z0-9-]*")
REFERENCES = re.compile(r"[!-~]+")
TOKEN = r"[A-Za-z0-9!#$&^_.+-]+"  # noqa: S105 - a media type is made of such tokens
MEDIA_TYPES = re.compile(rf'{TOKEN}/{TOKEN}(?:; ?{TOKEN}=(?:{TOKEN}|"[ !#-\[\]-~]*"))*')
BREAKING = {"Cc", "Cs", "Zl", "Zp"}
"""Control characters, halves of characters, and separators of lines and paragraphs."""
REORDERING = {chr(code) for code in (0x61C, 0x200E, 0x200F, *range(0x202A, 0x202F))} | {
    chr(code) for code in range(0x2066, 0x206A)
}
"""With these a name can read as if it ended otherwise than it does."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Claim:
    """What one part of the node says of a file. Construct through `checked`."""

    source: str
    """The part: a short word like "chats"."""
    reference: str
    """The part's own key for what the file is to it; printable ASCII."""
    name: str
    media_type: str
    redundancy: int
    """Copies wanted with farmers, 0 for none."""
    visibility: Visibility
    taken_in: int = 0
    """Wall time, milliseconds: when the claim was first made."""


def checked(claim: Claim) -> Claim:
    """*claim* with its name made fit for display. Raises InvalidFile for what is malformed."""
    require(SOURCES, claim.source, SOURCE, "source")
    require(REFERENCES, claim.reference, REFERENCE, "reference")
    require(MEDIA_TYPES, claim.media_type, MEDIA_TYPE, "media type")
    if not 0 <= claim.redundancy <= MOST_COPIES:
        raise InvalidFile(f"Invalid redundancy: it must be from 0 to {MOST_COPIES}.")
    if claim.visibility not in ("private", "public"):
        raise InvalidFile("Invalid visibility: it must be private or public.")
    return Claim(
        source=claim.source,
        reference=claim.reference,
        name=display_name(claim.name),
        media_type=claim.media_type,
        redundancy=claim.redundancy,
        visibility=claim.visibility,
        taken_in=claim.taken_in,
    )


def require(form: re.Pattern[str], text: str, longest: int, what: str) -> None:
    """Raise InvalidFile unless *text* has this *form* and at most *longest* characters."""
    if len(text) > longest or not form.fullmatch(text):
        raise InvalidFile(f"Invalid {what}.")


def display_name(text: str) -> str:
    """*text* as a name in one line of at most 255 characters, "file" if nothing is left.

    Names come from strangers; they are for people to read, and nothing is opened by them.
    """
    kept = "".join(
        character
        for character in text
        if unicodedata.category(character) not in BREAKING and character not in REORDERING
    )
    return kept.strip()[:NAME].rstrip() or UNNAMED


def disposition(name: str) -> str:
    """The value of Content-Disposition that has a browser save a file under *name*.

    Old clients read the first form, plain ASCII; all others the second, percent-encoded (RFC 6266).
    """
    safe = re.sub(r'[/\\:*?"<>|]', "_", name)
    plain = re.sub(r"[^ -~]|[%;]", "_", safe)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(safe, safe='')}"
