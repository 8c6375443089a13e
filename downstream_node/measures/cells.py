"""What names a cell: the start, the app and the groups of its measures. Pure.

A group is stored as the JSON text of its value, so that "1" and 1 stay different.
"""

import hashlib
import json
import math
from typing import TypeAlias

import msgspec

NAME = 100
"""Characters of the name of a measure, an app or a group's key."""
GROUP = 200
"""Characters of a group's value as JSON text, and of every other text in a measure."""
Scalar: TypeAlias = str | int | float | bool
"""The value of a group."""

LARGEST_WHOLE = (1 << 63) - 1


def cell_key(
    start: int,
    created_by: str | None,
    group1: str | None,
    group2: str | None,
    group3: str | None,
) -> bytes:
    """The SHA-256 (32 bytes) of what names a cell of a definition.

    *start* is in milliseconds, groups are their JSON texts; None stands for nothing given, and
    equals itself, as SQL's null does not.
    """
    parts = [start, created_by, group1, group2, group3]
    return hashlib.sha256(msgspec.json.encode(parts)).digest()


def is_text(value: object, longest: int) -> bool:
    """Whether *value* is a text of at most *longest* characters that every database takes."""
    if not isinstance(value, str) or len(value) > longest or "\0" in value:
        return False
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def is_name(value: object, longest: int) -> bool:
    """Whether *value* can be the name of something: printable, with no space around it.

    MariaDB takes texts that differ in spaces at the end for equal.
    """
    if not isinstance(value, str) or not is_text(value, longest):
        return False
    return value.isprintable() and value.strip() == value != ""


def group_text(value: object) -> str | None:
    """*value* as compact JSON; None unless it is a scalar of at most GROUP characters as JSON.

    Numbers are finite and, if whole, of 64 bits: others are not the same in every JSON reader.
    """
    if isinstance(value, int) and abs(value) > LARGEST_WHOLE:
        return None
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if not isinstance(value, str | int | float):
        return None
    text = json.dumps(value, ensure_ascii=False)
    return text if is_text(text, GROUP) else None


def group_value(text: str) -> Scalar:
    """The value whose `group_text` is *text*."""
    value: Scalar = msgspec.json.decode(text, type=Scalar)
    return value
