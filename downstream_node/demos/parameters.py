"""Query parameters of requests about recordings, checked one by one.

Unknown ones are ignored, as the document's server does: clients of other versions go on working.
"""

from collections.abc import Mapping
from enum import StrEnum
from http import HTTPStatus
from typing import TypeVar

from downstream_node.chats.dates import Period, period
from downstream_node.errors import DemoRefused
from downstream_node.web import is_whole_number

MOST_DIGITS = 9
FLAGS = {"true": True, "1": True, "false": False, "0": False}

Given = Mapping[str, str]
Word = TypeVar("Word", bound=StrEnum)


def bad(name: str, allowed: str) -> DemoRefused:
    """The refusal of what the parameter *name* is."""
    return DemoRefused(HTTPStatus.BAD_REQUEST, f"Invalid {name}: it must be {allowed}.")


def number(name: str, given: Given, default: int, least: int, most: int) -> int:
    """A whole number from *least* to *most*. Raises DemoRefused (400)."""
    text = given.get(name, "")
    if not text:
        return default
    if is_whole_number(text, MOST_DIGITS) and least <= int(text) <= most:
        return int(text)
    raise bad(name, f"a whole number from {least} to {most}")


def flag(name: str, given: Given) -> bool | None:
    """True or false, None if it is not given. Raises DemoRefused (400)."""
    text = given.get(name, "").lower()
    if text and text not in FLAGS:
        raise bad(name, "true or false")
    return FLAGS.get(text)


def word(name: str, given: Given, kind: type[Word]) -> Word | None:
    """One of the words of *kind*, None if it is not given. Raises DemoRefused (400)."""
    text = given.get(name, "")
    if not text:
        return None
    try:
        return kind(text)
    except ValueError:
        raise bad(name, f"one of {', '.join(kind)}") from None


def dates(name: str, given: Given) -> Period | None:
    """The time that a date names, None if it is not given. Raises DemoRefused (400)."""
    text = given.get(name, "")
    if not text:
        return None
    # A plus sign that was not encoded arrives as a blank.
    found = period(text.replace(" ", "+"))
    if found is None:
        raise bad(name, "a date like 2026-11-22 or 2026-11-22T01:44:00Z")
    return found


def text(name: str, given: Given, longest: int) -> str | None:
    """A text, None if it is missing or empty. Raises DemoRefused (400)."""
    value = given.get(name, "")
    if len(value) > longest or "\0" in value:
        raise bad(name, f"a text of at most {longest} characters")
    return value or None
