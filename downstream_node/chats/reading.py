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
MOST_DIGITS = 19
Kind = TypeVar("Kind")

MINUTE = re.compile(r"(\d{4}-\d\d-\d\d)[Tt ]([01]\d|2[0-3]):([0-5]\d)", re.ASCII)
SECOND = re.compile(r":([0-5]\d)", re.ASCII)
REST = re.compile(
    r"(?:[.,](\d{1,9}))?(?:([Zz])|([+-])([01]\d|2[0-3]):?([0-5]\d)?)?",
    re.ASCII,
)
"""A time as ISO 8601 has it, in three parts: a fraction or none, a zone or none, whole hours of one
too. Each part is one of few in an export, and is remembered."""
MINUTE_END, SECOND_END = 16, 19
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
MESSAGES = msgspec.json.Decoder(list[_Message])
ELEMENTS = msgspec.json.Decoder(list[msgspec.Raw])
PERSON = msgspec.json.Decoder(_Person)
REFERENCE = msgspec.json.Decoder(_Reference)
FORWARDED = msgspec.json.Decoder(_Forwarded)
INTERACTION = msgspec.json.Decoder(_Interaction)
ATTACHMENTS = msgspec.json.Decoder(list[_Attachment])
EMBEDS = msgspec.json.Decoder(list[_Embed])
REACTIONS = msgspec.json.Decoder(list[_Reaction])
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
    if not (found.isascii() and found.isdigit() and len(found) <= MOST_DIGITS):
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
    try:
        rest, has_zone = _rest_of(stamp[SECOND_END:])
        second = _second_of(stamp[MINUTE_END:SECOND_END])
        return _minute_of(stamp[:MINUTE_END]) + second + rest, has_zone
    except _NoTime as error:
        raise InvalidExport(f"{stamp[:40]!r} is no time{error}.") from None


class _NoTime(ValueError):
    """Part of a timestamp is none; its text says more, if there is more to say."""


def _matched(pattern: re.Pattern[str], part: str) -> re.Match[str]:
    """*part* as *pattern* has it. Raises _NoTime."""
    found = pattern.fullmatch(part)
    if found is None:
        raise _NoTime
    return found


@lru_cache(maxsize=4096)
def _minute_of(part: str) -> int:
    """The ms since 1970 at which a minute began. Raises _NoTime."""
    day, hour, minute = _matched(MINUTE, part).groups()
    try:
        began = day_of(day)
    except ValueError:
        raise _NoTime(": there is no such day") from None
    return began + int(hour) * 3_600_000 + int(minute) * 60_000


@lru_cache(maxsize=64)
def _second_of(part: str) -> int:
    """The ms of whole seconds. Raises _NoTime."""
    return int(_matched(SECOND, part)[1]) * 1000


@lru_cache(maxsize=4096)
def _rest_of(part: str) -> tuple[int, bool]:
    """The ms that a fraction and a zone add, and whether there is a zone. Raises _NoTime."""
    fraction, zulu, sign, hours, minutes = _matched(REST, part).groups()
    added = int(fraction[:3].ljust(3, "0")) if fraction else 0
    if sign:
        offset = (int(hours) * 60 + int(minutes or 0)) * 60_000
        added += offset if sign == "-" else -offset
    return added, bool(zulu or sign)


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
    extras: bytes
    """The extras of a message that has nothing else than its author's roles."""
    by: str
    """The mark of what they wrote."""


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
            return self._message(MESSAGE.decode(raw))
        except (msgspec.DecodeError, InvalidExport) as error:
            return Broken(self._index, str(error)[:LONGEST_REASON])

    def read_list(self, raw: bytes) -> Iterator[Message | Broken]:
        """The messages of a list in JSON."""
        try:
            found = MESSAGES.decode(raw)
        except msgspec.DecodeError:
            # One of them is broken, or several are.
            yield from map(self.read, map(bytes, ELEMENTS.decode(raw)))
            return
        for one in found:
            self._index += 1
            try:
                yield self._message(one)
            except (msgspec.DecodeError, InvalidExport) as error:
                yield Broken(self._index, str(error)[:LONGEST_REASON])

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
        extras: dict[str, Any] = {}
        parts, mentioned = NO_PARTS, NOBODY
        if any(rest):
            extras = dict(pair for pair in zip(EXTRAS, rest, strict=True) if pair[1])
            parts = parts_of(found, extras)
            if found.mentions:
                mentioned = sorted({self._person(one).id for one in found.mentions})
        content = found.content or parts.forwarded
        if len(content) > LONGEST_CONTENT:
            raise InvalidExport(f"Its text has more than {LONGEST_CONTENT} characters.")
        kind = "Default" if found.type is None else str(found.type)
        words = [self._mark, author.by]
        words += map(marks.mentions, mentioned)
        words += map(marks.has, has(content, kind, parts))
        words += map(marks.is_, is_(found, edited, kind, parts, author.is_bot))
        if extras and author.roles:
            extras["roles"] = author.roles
        if self.first is None or place < self.first:
            self.first = place
        if self.last is None or place > self.last:
            self.last = place
        said = f"{edited}\0{kind}\0{bool(found.isPinned)}\0{content}\0{mentioned}"
        return Message(
            place,
            number,
            self._channel,
            author.id,
            kind,
            edited,
            content,
            packed(extras) if extras else author.extras,
            fingerprint(said, parts.changing),
            parts.reply_to,
            text.fold(content),
            text.stems(content),
            words,
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
            roles = packed({"roles": found.roles}) if found.roles else b""
            known = _Known(number, bool(found.isBot), found.roles, roles, marks.by(number))
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
NOBODY: list[int] = []


def parts_of(found: _Message, extras: Mapping[str, Any]) -> _Parts:
    """What *found* has beside its text. Raises DecodeError, InvalidExport."""
    reference = as_kind(found.reference, REFERENCE) or _Reference()
    forwarded = as_kind(found.forwardedMessage, FORWARDED) or _Forwarded()
    is_forwarded = bool(found.forwardedMessage) or reference.type == FORWARD
    attachments = as_kind(found.attachments, ATTACHMENTS) or []
    carried = as_kind(forwarded.attachments, ATTACHMENTS) or []
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


def as_kind(value: object, kind: msgspec.json.Decoder[Kind]) -> Kind | None:
    """*value*, parts of which are JSON, as *kind*; None if there is none. Raises DecodeError."""
    return kind.decode(ENCODER.encode(value)) if value else None


def packed(value: Mapping[str, Any]) -> bytes:
    """*value*, parts of which are JSON, as JSON without space between."""
    return msgspec.json.format(ENCODER.encode(value), indent=-1)


def parts_that_are_there(found: _Message, attachments: Sequence[_Attachment]) -> Iterator[str]:
    """What `has:` finds because of the parts of *found*."""
    if attachments:
        yield "attachment"
        yield from sorted({form_of(one) for one in attachments})
    for name in ("embed", "sticker", "reaction", "mention"):
        if getattr(found, f"{name}s"):
            yield name
    embeds = as_kind(found.embeds, EMBEDS) or []
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
    interaction = as_kind(found.interaction, INTERACTION)
    kept = {
        **extras,
        "mentions": None,
        "attachments": [(one.id, one.fileName) for one in attachments],
        "reactions": as_kind(found.reactions, REACTIONS),
        "interaction": interaction,
    }
    return SIGNATURE.sub(b"", packed(kept))


def has(content: str, kind: str, parts: _Parts) -> list[str]:
    """What `has:` finds in a message."""
    found = [*parts.has]
    # Nearly no text has these three, and it is seen at once.
    if "://" in content and LINK.search(content):
        found.append("link")
    if kind in POLLS and "poll" not in found:
        found.append("poll")
    return found


def is_(found: _Message, edited: int | None, kind: str, parts: _Parts, is_bot: bool) -> list[str]:
    """What `is:` finds of a message."""
    there = []
    if found.isPinned:
        there.append("pinned")
    if edited is not None:
        there.append("edited")
    if kind in REPLIES:
        there.append("reply")
    if parts.is_forwarded:
        there.append("forwarded")
    if is_bot:
        there.append("bot")
    return there


def fingerprint(said: str, parts: bytes) -> int:
    """63 bits of a hash of all that can change of a message."""
    hashed = blake2b(f"{said}\0".encode() + parts, digest_size=8)
    return int.from_bytes(hashed.digest()) >> 1
