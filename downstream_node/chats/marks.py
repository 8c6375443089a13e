"""Marks: exact conditions on a message, written as words that no text contains. Pure.

They stand in the same index as the stems, so that `from:`, `in:`, `has:` and `is:` are found as
fast as words are, and combine with them in every way.
"""

SIGN = "\ue000"
"""For private use in Unicode: no letter or digit, so never part of a stem."""


def by(author: int) -> str:
    """Written by this author."""
    return f"{SIGN}a{author}"


def within(channel: int) -> str:
    """In this channel."""
    return f"{SIGN}c{channel}"


def mentions(author: int) -> str:
    """Mentions this author."""
    return f"{SIGN}m{author}"


def has(what: str) -> str:
    """Has an attachment, a link, ...: one of `records.HAS`."""
    return f"{SIGN}h{what}"


def is_(what: str) -> str:
    """Is pinned, edited, ...: one of `records.IS`."""
    return f"{SIGN}i{what}"
