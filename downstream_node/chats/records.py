"""What an export holds and what an archive gives back, as values. Pure.

Instants are milliseconds since 1970 in UTC. Ids are the numbers of Discord; as JSON they go out as
numbers and as text, since JavaScript loses the last digits of large numbers.
"""

import msgspec

from downstream_node.chats.places import Place

Extras = bytes
"""What a message has beside its text, as one JSON object: only the fields that are not empty, of
`attachments`, `embeds`, `stickers`, `reactions`, `mentions`, `reference`, `forwardedMessage`,
`interaction`, `inlineEmojis`, `callEndedTimestamp` and `roles` of the author, as the export has
them."""

HAS = (
    "attachment",
    "image",
    "video",
    "sound",
    "file",
    "link",
    "embed",
    "sticker",
    "reaction",
    "mention",
    "poll",
)
"""What `has:` can ask for. `file` is an attachment that is no image, video or sound."""
IS = ("pinned", "edited", "reply", "forwarded", "bot", "deleted")
"""What `is:` can ask for. `deleted`: missing in a later export that covers its time."""


class Guild(msgspec.Struct, frozen=True, gc=False):
    """A server; 0 with the name "Direct Messages" for what is said outside of any."""

    id: int
    name: str
    icon_url: str | None = None


class Channel(msgspec.Struct, frozen=True, gc=False):
    """A channel or thread of a guild."""

    id: int
    guild: int
    name: str
    kind: str = ""
    category: str | None = None
    topic: str | None = None


class Author(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Who wrote; names as in the latest export."""

    id: int
    name: str
    nickname: str | None = None
    discriminator: str | None = None
    bot: bool = False
    color: str | None = None
    avatar_url: str | None = None


class Export(msgspec.Struct, frozen=True, gc=False):
    """One export file: where it comes from, and which time it covers.

    *names_guild*: a guild that the archive has is named as in it; else it keeps its name.
    """

    guild: Guild
    channel: Channel
    exported: int | None
    after: int | None
    before: int | None
    names_guild: bool = True


class Message(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One message as it is imported, with all that is indexed of it.

    *fingerprint* is a 63-bit number of everything that can change: text, time of the edit, extras,
    pin. *marks* are the exact conditions that it meets, as `marks.py` writes them.
    """

    place: Place
    id: int
    channel: int
    author: int
    kind: str
    edited: int | None
    content: str
    extras: Extras
    fingerprint: int
    reply_to: int | None
    folded: str
    stems: list[str]
    marks: list[str]


class Stored(msgspec.Struct, frozen=True, gc=False):
    """One message as an archive gives it back."""

    place: Place
    id: int
    guild: int
    channel: int
    channel_name: str
    author: Author
    kind: str
    edited: int | None
    content: str
    extras: Extras
    reply_to: int | None
    pinned: bool
    deleted: bool
    revisions: int


class Revision(msgspec.Struct, frozen=True, gc=False):
    """What a message said before it was edited."""

    content: str
    edited: int | None
    replaced: int | None
    """When the export was made that no longer had it."""


class Counts(msgspec.Struct, frozen=True, gc=False):
    """What an import did. *read* = new + changed + unchanged + older + broken.

    *older*: the archive has a later edit already; what the export says is kept as a revision.
    """

    new: int = 0
    changed: int = 0
    unchanged: int = 0
    older: int = 0
    broken: int = 0
    deleted: int = 0
    restored: int = 0
