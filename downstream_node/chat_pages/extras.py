"""What a message has beside its text, as the pages tell it: nothing of it is ever loaded. Pure.

Exports are written by other programs, so what has not the usual form is passed over; the archive
still has it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import msgspec

from downstream_node.chat_pages.content import has_host, visible

MOST = 50
"""Things of one kind that are told of one message."""
BEGINNING = 280
"""Characters of a description that are shown."""
WEB = ("http://", "https://")


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that was attached; *size* in bytes, None if it is not known."""

    name: str
    size: int | None


@dataclass(frozen=True, slots=True)
class Preview:
    """What a link led to when the message was written; *href* only if it is http or https."""

    title: str
    text: str
    href: str


@dataclass(frozen=True, slots=True)
class Reaction:
    """How many reacted with one emoji."""

    emoji: str
    count: int


@dataclass(frozen=True, slots=True)
class Extras:
    """All of it."""

    attachments: tuple[Attachment, ...] = ()
    previews: tuple[Preview, ...] = ()
    stickers: tuple[str, ...] = ()
    reactions: tuple[Reaction, ...] = ()
    forwarded: str | None = None
    """The text of a message that was passed on."""
    command: str = ""
    """Of a bot, to which the message is the answer."""


def read(extras: bytes) -> Extras:
    """What *extras* of a message say; nothing if they are no JSON object."""
    try:
        found = msgspec.json.decode(extras) if extras else {}
    except msgspec.DecodeError:
        return Extras()
    if not isinstance(found, dict):
        return Extras()
    return Extras(
        attachments=tuple(attachments(found)),
        previews=tuple(previews(found)),
        stickers=tuple(name for one in items(found, "stickers") if (name := text(one, "name"))),
        reactions=tuple(reactions(found)),
        forwarded=forwarded(found),
        command=text(part(found, "interaction"), "name"),
    )


def attachments(found: dict[str, Any]) -> Iterator[Attachment]:
    """The files, by name."""
    for one in items(found, "attachments"):
        name = text(one, "fileName")
        if name:
            yield Attachment(visible(name), count(one, "fileSizeBytes"))


def previews(found: dict[str, Any]) -> Iterator[Preview]:
    """Embeds that say something."""
    for one in items(found, "embeds"):
        title, told = text(one, "title"), text(one, "description")
        if title or told:
            href = text(one, "url")
            leads = href.lower().startswith(WEB) and has_host(href)
            yield Preview(visible(title), told[:BEGINNING], href if leads else "")


def reactions(found: dict[str, Any]) -> Iterator[Reaction]:
    """Emojis with how many used them; those of a server's own by their name."""
    for one in items(found, "reactions"):
        emoji = part(one, "emoji")
        name = text(emoji, "name") or text(emoji, "code")
        if name:
            own = bool(text(emoji, "id"))
            yield Reaction(f":{visible(name)}:" if own else name, count(one, "count") or 1)


def forwarded(found: dict[str, Any]) -> str | None:
    """The text of the message that this one passes on."""
    passed = part(found, "forwardedMessage")
    return text(passed, "content") if passed else None


def items(found: dict[str, Any], name: str) -> Iterator[dict[str, Any]]:
    """The objects in a list, not too many."""
    listed = found.get(name)
    for one in (listed if isinstance(listed, list) else [])[:MOST]:
        if isinstance(one, dict):
            yield one


def part(found: dict[str, Any], name: str) -> dict[str, Any]:
    """An object in another one."""
    inner = found.get(name)
    return inner if isinstance(inner, dict) else {}


def text(found: dict[str, Any], name: str) -> str:
    """A text, "" if there is none."""
    value = found.get(name)
    return value if isinstance(value, str) else ""


def count(found: dict[str, Any], name: str) -> int | None:
    """A whole number from 0 on."""
    value = found.get(name)
    is_count = isinstance(value, int) and not isinstance(value, bool) and value >= 0
    return value if is_count else None
