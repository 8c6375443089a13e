"""Which member of a package is what, by the shape of names alone. Pure.

Folders are translated ("Nachrichten"), were lower-case once, and may be absent: so none is
looked for by its name.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

USER = re.compile(r"([^/]+/)user\.json")
CHANNEL = re.compile(r"((?:.*/)?)(c?([0-9]{16,32})/)channel\.json")
GUILD = re.compile(r"((?:.*/)?)([0-9]{16,32})/guild\.json")
INDEX = re.compile(r"([^/]+/)index\.json")
ANALYTICS, JSON = "/analytics", ".json"
CHANNEL_FOLDER = re.compile(r"c?([0-9]{16,32})/")
ENGLISH_MESSAGES = "messages/"
PAYMENTS = "user_data_exports/discord_billing/payments.json"
MESSAGE_FILES = ("messages.json", "messages.csv")
"""Where a folder has both, the first is read: they say the same."""


@dataclass(frozen=True, slots=True)
class ChannelFiles:
    """The members about one channel. A field is None for what is not there."""

    id: str
    description: str | None
    messages: str | None


@dataclass(frozen=True, slots=True)
class Layout:
    """The members of a package by what they hold. A field is None for what is not there."""

    user: str | None
    payments: str | None
    message_index: str | None
    channels: tuple[ChannelFiles, ...]
    server_index: str | None
    servers: dict[str, str]
    """guild.json by the id of the guild."""
    analytics: tuple[str, ...]
    """All shards, by name."""


def find(names: Iterable[str]) -> Layout:
    """The layout of a package with the members *names*, in the archive's order."""
    present = dict.fromkeys(names)
    user = first(USER, present)
    messages = first(CHANNEL, present)
    message_folder = messages[1] if messages else english_messages(present)
    server_index, servers = find_servers(present, message_folder)
    index = f"{message_folder}index.json"
    payments = f"{user[1]}{PAYMENTS}" if user else ""
    return Layout(
        user=user[0] if user else None,
        payments=payments if payments in present else None,
        message_index=index if message_folder and index in present else None,
        channels=() if message_folder is None else tuple(channels(present, message_folder)),
        server_index=server_index,
        servers=servers,
        analytics=tuple(sorted(filter(is_analytics, present))),
    )


def first(pattern: re.Pattern[str], names: Iterable[str]) -> re.Match[str] | None:
    """The first of *names* that has this shape."""
    return next(filter(None, map(pattern.fullmatch, names)), None)


def is_analytics(name: str) -> bool:
    """Whether *name* is that of a shard: /analytics*.json, matched in linear time."""
    return name.endswith(JSON) and ANALYTICS in name.removesuffix(JSON)


def english_messages(names: Iterable[str]) -> str | None:
    """The folder called Messages, which is all there is to go by where there is no channel."""
    folders = (name[: len(ENGLISH_MESSAGES)] for name in names)
    return next((folder for folder in folders if folder.lower() == ENGLISH_MESSAGES), None)


def find_servers(
    names: dict[str, None], message_folder: str | None
) -> tuple[str | None, dict[str, str]]:
    """The index of guilds, and guild.json of each guild.

    Without any guild.json, the first index that is not that of the messages is taken. The folder
    of messages is known by its channels, so a translated one is not taken for that of guilds.
    """
    found = first(GUILD, names)
    if not found:
        indexes = filter(None, map(INDEX.fullmatch, names))
        return next((index[0] for index in indexes if index[1] != message_folder), None), {}
    folder = found[1]
    matches = filter(None, map(GUILD.fullmatch, names))
    servers = {match[2]: match[0] for match in matches if match[1] == folder}
    index = f"{folder}index.json"
    return index if index in names else None, servers


def channels(names: dict[str, None], prefix: str) -> Iterator[ChannelFiles]:
    """The channels in the folder *prefix*, in the archive's order; one may have two folders."""
    inner = (name[len(prefix) :] for name in names if name.startswith(prefix))
    folders = dict.fromkeys(match[0] for match in map(CHANNEL_FOLDER.match, inner) if match)
    for own in folders:
        description = f"{prefix}{own}channel.json"
        messages = (f"{prefix}{own}{file}" for file in MESSAGE_FILES)
        yield ChannelFiles(
            id=own.strip("c/"),
            description=description if description in names else None,
            messages=next((name for name in messages if name in names), None),
        )
