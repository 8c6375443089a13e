"""Export files as DiscordChatExporter writes them, small or as long as wanted."""

import json
import random
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

GUILD = {
    "id": "869237617789648900",
    "name": "Guild",
    "iconUrl": "https://cdn.example.invalid/i.png",
}
CHANNEL = 1165030189714129000
START = datetime(2024, 4, 1, tzinfo=UTC)
DISCORD_EPOCH = datetime(2015, 1, 1, tzinfo=UTC)
WORDS = ("the", "pie", "was", "good", "pecan", "running", "late", "proof", "storage", "\U0001f600")
EVERY = timedelta(seconds=40)


def stamp(moment: datetime) -> str:
    """*moment* as .NET writes it: without the zeros at the end of its fraction."""
    fraction = f"{moment.microsecond // 1000:03d}".rstrip("0")
    return f"{moment:%Y-%m-%dT%H:%M:%S}{f'.{fraction}' if fraction else ''}+00:00"


def author(number: int) -> dict[str, Any]:
    """One of the people who write."""
    return {
        "id": str(200000000000000000 + number),
        "name": f"user_{number}",
        "discriminator": "0000",
        "nickname": f"User {number}",
        "color": None,
        "isBot": number == 13,
        "roles": [],
        "avatarUrl": f"https://cdn.example.invalid/avatars/{number}.png",
    }


def message(number: int, **values: Any) -> dict[str, Any]:
    """Message *number* of a channel: the same each time, but for *values*."""
    chance = random.Random(number)  # noqa: S311 - the same for the same number
    # Every third one is on a whole second.
    sent = START + number * EVERY + timedelta(milliseconds=number % 3 * 300)
    milliseconds = (sent - DISCORD_EPOCH) // timedelta(milliseconds=1)
    made: dict[str, Any] = {
        "id": str((milliseconds << 22) + number % 4096),
        "type": "Default",
        "timestamp": stamp(sent),
        "timestampEdited": None,
        "callEndedTimestamp": None,
        "isPinned": False,
        "content": " ".join(chance.choices(WORDS, k=chance.randint(1, 14))) + f" {number}",
        "author": author(number % 17),
        "attachments": [],
        "embeds": [],
        "stickers": [],
        "reactions": [],
        "mentions": [],
        "inlineEmojis": [],
    }
    return made | values


def edited(number: int) -> dict[str, Any]:
    """The same message with another text, edited 90 seconds after it was sent."""
    moment = START + number * EVERY + timedelta(seconds=90)
    return message(number, content=f"corrected {number}", timestampEdited=stamp(moment))


def messages(
    count: int, *, first: int = 0, edit_every: int = 0, drop_every: int = 0
) -> Iterator[dict[str, Any]]:
    """*count* messages, of which every so many are edited or left out."""
    for number in range(first, first + count):
        if drop_every and number % drop_every == drop_every - 1:
            continue
        yield edited(number) if edit_every and number % edit_every == 0 else message(number)


def pieces(  # noqa: PLR0913 - as many as a head has
    said: Iterable[dict[str, Any]],
    *,
    channel: int = CHANNEL,
    exported: str | None = "2024-12-31T00:00:00+00:00",
    after: str | None = None,
    before: str | None = None,
    count: int | None = None,
) -> Iterator[bytes]:
    """An export file, indented as the exporter does it, message by message."""
    head = {
        "guild": GUILD,
        "channel": {
            "id": str(channel),
            "type": "GuildTextChat",
            "name": f"channel-{channel % 100}",
        },
        "dateRange": {"after": after, "before": before},
        "exportedAt": exported,
    }
    yield json.dumps(head, indent=2)[:-2].encode() + b',\n  "messages": ['
    number = 0
    for number, one in enumerate(said, start=1):
        text = json.dumps(one, indent=2, ensure_ascii=False).replace("\n", "\n    ")
        yield f"{',' if number > 1 else ''}\n    {text}".encode()
    end = b"\n  ]" if number else b"]"
    yield end + f',\n  "messageCount": {number if count is None else count}\n}}\n'.encode()


def export(said: Iterable[dict[str, Any]], **head: Any) -> bytes:
    """The same as one text."""
    return b"".join(pieces(said, **head))
