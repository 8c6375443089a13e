"""What a package may cost at most, and the codes of packages that are refused. Pure."""

from dataclasses import dataclass
from enum import StrEnum

KIB = 1 << 10
MIB = 1 << 20
GIB = 1 << 30


class Refusal(StrEnum):
    """Why a package is refused. The first is the document's, the others are ours."""

    MISSING_USER_DATA = "MISSING_USER_DATA"
    BROKEN_ARCHIVE = "BROKEN_ARCHIVE"
    BROKEN_MEMBER = "BROKEN_MEMBER"
    UNSUPPORTED_ARCHIVE = "UNSUPPORTED_ARCHIVE"
    ENCRYPTED_MEMBER = "ENCRYPTED_MEMBER"
    UNSAFE_NAME = "UNSAFE_NAME"
    DUPLICATE_NAME = "DUPLICATE_NAME"
    SPECIAL_MEMBER = "SPECIAL_MEMBER"
    OVERLAPPING_MEMBERS = "OVERLAPPING_MEMBERS"
    TOO_MANY_MEMBERS = "TOO_MANY_MEMBERS"
    HUGE_MEMBER = "HUGE_MEMBER"
    ZIP_BOMB = "ZIP_BOMB"
    TOO_MANY_ROWS = "TOO_MANY_ROWS"


@dataclass(frozen=True, slots=True)
class Limits:
    """What one package may cost; more is refused. Sizes are in bytes.

    The defaults let through the largest packages that people have reported (9.9 GB unpacked).
    """

    members: int = 100_000
    directory_bytes: int = 32 * MIB
    """The archive's table of contents, which is the one thing of it that is held as a whole."""
    member_bytes: int = 8 * GIB
    unpacked_bytes: int = 16 * GIB
    """Of all members that are read, together."""
    ratio: int = 200
    """Unpacked to packed bytes, of one member and of the whole. Real packages reach 30."""
    ratio_floor: int = 16 * MIB
    """What unpacks to less than this may have any ratio."""
    document_bytes: int = 32 * MIB
    """A document that is read as a whole, such as user.json; a larger one counts as broken."""
    item_bytes: int = MIB
    """One line or message; a larger one counts as broken."""
    rows: int = 4_000_000
    """Rows of the result before the same things are counted together no further."""
    database_bytes: int = GIB - MIB
    """The result. An SQLite in memory holds less than 1 GiB."""
