"""What an export says becomes values: its root fields, and each message by itself. Pure.

What one message says may be nonsense: it becomes a `Broken` with the reason, and the others are
read all the same.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from hashlib import blake2b
from typing import Any, NamedTuple, TypeVar

import msgspec

from downstream_node.chats import marks, text
from downstream_node.chats.places import Place, first_place, place_of
from downstream_node.chats.records import Author, Channel, Export, Guild, Message
from downstream_node.errors import InvalidExport

Id = int | str
Digits = re.compile(r"\d{1,19}", re.ASCII)
Kind = TypeVar("Kind")

STAMP = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt ]([01]\d|2[0-3]):([0-5]\d):([0-5]\d)(?:[.,](\d{1,9}))?"
    r"(?:([Zz])|([+-])([01]\d|2[0-3]):?([0-5]\d)?)?",
    re.ASCII,
)
"""A time as ISO 8601 has it: a fraction or none, a zone or none, whole hours of one too."""
LINK = re.compile(r"https?://[^\s<>]", re.IGNORECASE)
SIGNATURE = re.compile(rb"\?ex=[0-9a-f]+(?:(?:&|\\u0026)(?:is|hm)=[0-9a-f]+)*(?:&|\\u0026)?")
"""What Discord puts behind the address of a file so that it works for a day."""
DIRECT = "Direct Messages"
MOST_KNOWN = 50_000
"""People that are remembered by what was said of them, so that it is read once."""
ROOT_FIELDS = frozenset({"guild", "channel", "dateRange", "exportedAt", "messageCount"})
"""What is read of an export beside its messages."""
LONGEST_REASON = 200
LONGEST_CONTENT = 100_000
"""Characters; Discord allows 4,000, and what is much longer no engine can index."""

FORMS: dict[str, str] = {
    ending: form
    for form, endings in {
        "image": "apng avif bmp gif heic heif jfif jpeg jpg png svg tif tiff webp",
        "video": "avi flv m4v mkv mov mp4 mpeg mpg ogv webm wmv",
        "sound": "aac aif aiff flac m4a mid midi mp3 oga ogg opus wav weba wma",
    }.items()
    for ending in endings.split()
}
POLLS = frozenset({"Poll", "PollResult", "46"})
"""Kinds of messages; the number is what the exporter writes for one that it has no name for."""
REPLIES = frozenset({"Reply", "19"})
FORWARD = "Forward"

NAIVE = "{count} times have no time zone; they were taken as UTC."


class _Person(msgspec.Struct, gc=False):
    id: Id
    name: str | None = None
    discriminator: Id | None = None
    nickname: str | None = None
    color: str | None = None
    isBot: bool | None = None  # noqa: N815 - names of the format, here and below
    roles: list[msgspec.Raw] | None = None
    avatarUrl: str | None = None  # noqa: N815


class _Attachment(msgspec.Struct, gc=False):
    id: Id | None = None
    fileName: str | None = None  # noqa: N815
    url: str | None = None
    contentType: str | None = None  # noqa: N815


class _Emoji(msgspec.Struct, gc=False):
    id: Id | None = None
    name: str | None = None


class _Reaction(msgspec.Struct, gc=False):
    emoji: _Emoji | None = None
    count: int | None = None


class _Embed(msgspec.Struct, gc=False):
    type: Id | None = None


class _Reference(msgspec.Struct, gc=False):
    type: Id | None = None
    messageId: Id | None = None  # noqa: N815


class _Forwarded(msgspec.Struct, gc=False):
    content: str | None = None
    attachments: list[msgspec.Raw] | None = None


class _Interaction(msgspec.Struct, gc=False):
    id: Id | None = None
    name: str | None = None


Parts = list[msgspec.Raw] | None
Object = dict[str, msgspec.Raw] | None


class _Message(msgspec.Struct, gc=False):
    id: Id
    timestamp: str
    author: msgspec.Raw
    type: Id | None = None
    timestampEdited: str | None = None  # noqa: N815
    isPinned: bool | None = None  # noqa: N815
    content: str | None = None
    # From here on, what few messages have.
    callEndedTimestamp: str | None = None  # noqa: N815
    attachments: Parts = None
    embeds: Parts = None
    stickers: Parts = None
    reactions: Parts = None
    mentions: Parts = None
    reference: Object = None
    forwardedMessage: Object = None  # noqa: N815
    interaction: Object = None
    inlineEmojis: Parts = None  # noqa: N815
    poll: Object = None


EXTRAS = _Message.__struct_fields__[_Message.__struct_fields__.index("callEndedTimestamp") :]
"""The fields of a message that go into its extras as they are."""


class _Guild(msgspec.Struct):
    id: Id | None = None
    name: str | None = None
    iconUrl: str | None = None  # noqa: N815


class _Channel(msgspec.Struct):
    id: Id
    type: Id | None = None
    category: str | None = None
    name: str | None = None
    topic: str | None = None


class _Range(msgspec.Struct):
    after: str | None = None
    before: str | None = None


MESSAGE = msgspec.json.Decoder(_Message)
PERSON = msgspec.json.Decoder(_Person)
ENCODER = msgspec.json.Encoder()


@dataclass(frozen=True, slots=True)
class Broken:
    """One message of an export that could not be read."""

    index: int
    """Its place in the file, from 0."""
    reason: str


# Values


def number_of(found: Id, what: str) -> int:
    """The number of an id, which may be a text. Raises InvalidExport."""
    if isinstance(found, int):
        return found
    if not Digits.fullmatch(found):
        raise InvalidExport(f"{found[:30]!r} is no id of {what}.")
    return int(found)


@lru_cache(maxsize=1024)
def day_of(text: str) -> int:
    """When the day *text* (YYYY-MM-DD) began in UTC, in ms since 1970. Raises ValueError."""
    return (date.fromisoformat(text) - date(1970, 1, 1)).days * 86_400_000


def moment_of(stamp: str) -> tuple[int, bool]:
    """A timestamp in ms since 1970, what is finer cut off; and whether it names its zone.

    One without a zone is UTC. Raises InvalidExport.
    """
    found = STAMP.fullmatch(stamp)
    if found is None:
        raise InvalidExport(f"{stamp[:40]!r} is no time.")
    day, hour, minute, second, fraction, zulu, sign, hours, minutes = found.groups()
    try:
        moment = day_of(day)
    except ValueError:
        raise InvalidExport(f"{stamp[:40]!r} is no time: there is no such day.") from None
    moment += int(hour) * 3_600_000 + int(minute) * 60_000 + int(second) * 1000
    if fraction:
        moment += int(fraction[:3].ljust(3, "0"))
    if sign:
        offset = (int(hours) * 60 + int(minutes or 0)) * 60_000
        moment += offset if sign == "-" else -offset
    return moment, bool(zulu or sign)


# The root fields


def header(fields: Mapping[str, bytes]) -> Export:
    """Where an export comes from, by its root fields. Raises InvalidExport."""
    if "channel" not in fields:
        raise InvalidExport('This is no export of a chat: it has no "channel".')
    guild = field(fields, "guild", _Guild) or _Guild()
    channel = field(fields, "channel", _Channel)
    if channel is None:
        raise InvalidExport('This is no export of a chat: its "channel" is null.')
    guild_id = number_of(guild.id or 0, "a guild")
    covered = field(fields, "dateRange", _Range) or _Range()
    return Export(
        guild=Guild(guild_id, guild.name or (str(guild_id) if guild_id else DIRECT), guild.iconUrl),
        channel=Channel(
            id=within_range(number_of(channel.id, "a channel")),
            guild=guild_id,
            name=channel.name or str(channel.id),
            kind=str(channel.type or ""),
            category=channel.category,
            topic=channel.topic,
        ),
        exported=optional_moment(field(fields, "exportedAt", str)),
        after=optional_moment(covered.after),
        before=optional_moment(covered.before),
    )


def field(fields: Mapping[str, bytes], name: str, kind: type[Kind]) -> Kind | None:
    """The root field *name*, None if it is absent or null. Raises InvalidExport."""
    try:
        return msgspec.json.decode(fields.get(name, b"null"), type=kind | None)
    except msgspec.ValidationError as error:
        raise InvalidExport(f'This is no export of a chat: its "{name}": {error}.') from None


def optional_moment(stamp: str | None) -> int | None:
    """The moment of a timestamp that may not be there. Raises InvalidExport."""
    return None if stamp is None else moment_of(stamp)[0]


def within_range(found: int) -> int:
    """*found* if it fits 63 bits. Raises InvalidExport."""
    if not 0 <= found < 1 << 63:
        raise InvalidExport(f"{found} is no id.")
    return found


def count_note(fields: Mapping[str, bytes], found: int) -> str | None:
    """What to say if `messageCount` is not the number of messages that were *found*."""
    try:
        said = field(fields, "messageCount", int)
    except InvalidExport:
        return "Its messageCount is no number."
    if said in (None, found):
        return None
    return f"It says that it has {said} messages; there are {found}."


def covered(export: Export, first: Place | None, last: Place | None) -> tuple[Place, Place] | None:
    """The places that an export covers: (first, beyond); None if nobody can tell.

    From its date range, else from its first to its last message.
    """
    start = first if export.after is None else first_place(export.after)
    if export.before is not None:
        beyond: Place | None = first_place(export.before)
    else:
        beyond = None if last is None else Place(last + 1)
    if start is None or beyond is None or start >= beyond:
        return None
    return start, beyond


# Messages


class _Known(NamedTuple):
    """Somebody of whom the same was said before."""

    id: int
    is_bot: bool
    roles: Parts


class Reader:
    """Reads the messages of one channel, one after the other, and knows the people in them."""

    def __init__(self, channel: int) -> None:
        self.first: Place | None = None
        """The earliest place so far."""
        self.last: Place | None = None
        self._channel = channel
        self._mark = marks.within(channel)
        self._index = -1
        self._known: dict[bytes, _Known] = {}
        self._people: dict[int, Author] = {}
        self._without_zone = 0

    def read(self, raw: bytes) -> Message | Broken:
        """The message that *raw* JSON says."""
        self._index += 1
        try:
            message = self._message(MESSAGE.decode(raw))
        except (msgspec.DecodeError, InvalidExport) as error:
            return Broken(self._index, str(error)[:LONGEST_REASON])
        if self.first is None or message.place < self.first:
            self.first = message.place
        if self.last is None or message.place > self.last:
            self.last = message.place
        return message

    def people(self) -> list[Author]:
        """The people who occurred since this was last asked, as they were last."""
        people = list(self._people.values())
        self._people.clear()
        return people

    def notes(self) -> list[str]:
        """What is odd but was understood."""
        return [NAIVE.format(count=self._without_zone)] if self._without_zone else []

    def _message(self, found: _Message) -> Message:
        author = self._person(found.author)
        edited = None if found.timestampEdited is None else self._moment(found.timestampEdited)
        number = number_of(found.id, "a message")
        place = place_of(number, self._moment(found.timestamp))
        rest = msgspec.structs.astuple(found)[-len(EXTRAS) :]
        extras = (
            dict(pair for pair in zip(EXTRAS, rest, strict=True) if pair[1]) if any(rest) else {}
        )
        parts = parts_of(found, extras) if extras else NO_PARTS
        content = found.content or parts.forwarded
        if len(content) > LONGEST_CONTENT:
            raise InvalidExport(f"Its text has more than {LONGEST_CONTENT} characters.")
        kind = "Default" if found.type is None else str(found.type)
        words = [self._mark, marks.by(author.id)]
        mentioned = sorted({self._person(one).id for one in found.mentions or ()})
        words += map(marks.mentions, mentioned)
        words += map(marks.has, has(content, kind, parts))
        words += map(marks.is_, is_(found, edited, kind, parts, author.is_bot))
        if author.roles:
            extras["roles"] = author.roles
        return Message(
            place=place,
            id=number,
            channel=self._channel,
            author=author.id,
            kind=kind,
            edited=edited,
            content=content,
            extras=msgspec.json.format(ENCODER.encode(extras), indent=-1) if extras else b"",
            fingerprint=fingerprint(
                f"{edited}\0{kind}\0{bool(found.isPinned)}\0{content}\0{mentioned}", parts.changing
            ),
            reply_to=parts.reply_to,
            folded=text.fold(content),
            stems=text.stems(content),
            marks=words,
        )

    def _moment(self, stamp: str) -> int:
        """The moment of a timestamp. Raises InvalidExport."""
        moment, has_zone = moment_of(stamp)
        self._without_zone += not has_zone
        return moment

    def _person(self, raw: msgspec.Raw) -> _Known:
        """Who somebody is. Raises DecodeError, InvalidExport."""
        said = bytes(raw)
        known = self._known.get(said)
        if known is None:
            found = PERSON.decode(said)
            number = within_range(number_of(found.id, "an author"))
            known = _Known(number, bool(found.isBot), found.roles)
            if len(self._known) >= MOST_KNOWN:
                self._known.clear()
            self._known[said] = known
            self._people[number] = Author(
                id=number,
                name=found.name or str(number),
                nickname=found.nickname,
                discriminator=None if found.discriminator is None else str(found.discriminator),
                bot=known.is_bot,
                color=found.color,
                avatar_url=found.avatarUrl,
            )
        return known


class _Parts(NamedTuple):
    """What else a message has, as far as it is searched for or can change."""

    has: tuple[str, ...] = ()
    forwarded: str = ""
    """The text of the message that it forwards."""
    is_forwarded: bool = False
    reply_to: int | None = None
    changing: bytes = b""
    """All that can change of them, as bytes."""


NO_PARTS = _Parts()


def parts_of(found: _Message, extras: Mapping[str, Any]) -> _Parts:
    """What *found* has beside its text. Raises DecodeError, InvalidExport."""
    reference = as_kind(found.reference, _Reference) or _Reference()
    forwarded = as_kind(found.forwardedMessage, _Forwarded) or _Forwarded()
    is_forwarded = bool(found.forwardedMessage) or reference.type == FORWARD
    attachments = as_kind(found.attachments, list[_Attachment]) or []
    carried = as_kind(forwarded.attachments, list[_Attachment]) or []
    reply_to = None
    if reference.messageId is not None and not is_forwarded:
        reply_to = within_range(number_of(reference.messageId, "a message"))
    return _Parts(
        has=tuple(parts_that_are_there(found, attachments + carried)),
        forwarded=forwarded.content or "",
        is_forwarded=is_forwarded,
        reply_to=reply_to,
        changing=changing(found, attachments, extras),
    )


def as_kind(value: object, kind: type[Kind]) -> Kind | None:
    """*value*, parts of which are JSON, as *kind*; None if there is none. Raises DecodeError."""
    return msgspec.json.decode(ENCODER.encode(value), type=kind) if value else None


def parts_that_are_there(found: _Message, attachments: Sequence[_Attachment]) -> Iterator[str]:
    """What `has:` finds because of the parts of *found*."""
    if attachments:
        yield "attachment"
        yield from sorted({form_of(one) for one in attachments})
    for name in ("embed", "sticker", "reaction", "mention"):
        if getattr(found, f"{name}s"):
            yield name
    embeds = as_kind(found.embeds, list[_Embed]) or []
    if found.poll or any(one.type == "poll_result" for one in embeds):
        yield "poll"


def form_of(attachment: _Attachment) -> str:
    """What an attachment is: image, video, sound, or just a file."""
    for form in ("image", "video"):
        if (attachment.contentType or "").startswith(f"{form}/"):
            return form
    if (attachment.contentType or "").startswith("audio/"):
        return "sound"
    name = attachment.fileName or (attachment.url or "").split("?", maxsplit=1)[0]
    _, dot, ending = name.rpartition(".")
    return FORMS.get(ending.lower(), "file") if dot else "file"


def changing(
    found: _Message, attachments: Sequence[_Attachment], extras: Mapping[str, Any]
) -> bytes:
    """All of *extras* that can change by what somebody does to the message.

    Names and roles of people change without that, and addresses of files every day.
    """
    interaction = as_kind(found.interaction, _Interaction)
    kept = {
        **extras,
        "mentions": None,
        "attachments": [(one.id, one.fileName) for one in attachments],
        "reactions": as_kind(found.reactions, list[_Reaction]),
        "interaction": interaction,
    }
    return SIGNATURE.sub(b"", msgspec.json.format(ENCODER.encode(kept), indent=-1))


def has(content: str, kind: str, parts: _Parts) -> Iterator[str]:
    """What `has:` finds in a message."""
    yield from parts.has
    if LINK.search(content):
        yield "link"
    if kind in POLLS and "poll" not in parts.has:
        yield "poll"


def is_(
    found: _Message, edited: int | None, kind: str, parts: _Parts, is_bot: bool
) -> Iterator[str]:
    """What `is:` finds of a message."""
    if found.isPinned:
        yield "pinned"
    if edited is not None:
        yield "edited"
    if kind in REPLIES:
        yield "reply"
    if parts.is_forwarded:
        yield "forwarded"
    if is_bot:
        yield "bot"


def fingerprint(said: str, parts: bytes) -> int:
    """63 bits of a hash of all that can change of a message."""
    hashed = blake2b(f"{said}\0".encode() + parts, digest_size=8)
    return int.from_bytes(hashed.digest(), "big") >> 1
