"""The forms of answers of /api/chats/v1. Ids are texts, instants ISO 8601 in UTC."""

from collections.abc import Iterable
from datetime import datetime

import msgspec

from downstream_node.chats import highlighting
from downstream_node.chats.answers import (
    AuthorView,
    ChannelView,
    Facets,
    FacetValue,
    Found,
    Hit,
    Month,
    Span,
    Term,
)
from downstream_node.chats.archive import Imported
from downstream_node.chats.importing import ImportReport
from downstream_node.chats.places import sent_at
from downstream_node.chats.records import Author, Counts, Revision, Stored
from downstream_node.clock import WallTime, calendar


class AuthorJson(msgspec.Struct, frozen=True):
    """Who wrote."""

    id: str
    name: str
    nickname: str | None
    bot: bool
    color: str | None
    avatar_url: str | None


class MessageJson(msgspec.Struct, frozen=True):
    """One message. *extras*: attachments, embeds, reactions and so on, as the export has them."""

    id: str
    guild: str
    channel: str
    channel_name: str
    author: AuthorJson
    kind: str
    sent: datetime
    edited: datetime | None
    content: str
    extras: msgspec.Raw
    reply_to: str | None
    pinned: bool
    deleted: bool
    revisions: int


class SnippetJson(msgspec.Struct, frozen=True):
    """A part of a message, with what to highlight in it."""

    text: str
    highlights: list[Span]


class HitJson(msgspec.Struct, frozen=True):
    """One hit; *highlights* are [start, end) in code points of its content."""

    message: MessageJson
    highlights: list[Span]
    snippet: SnippetJson | None
    before: list[MessageJson]
    after: list[MessageJson]


class FoundJson(msgspec.Struct, frozen=True):
    """One page of a search."""

    hits: list[HitJson]
    total: int | None
    previous: str | None
    next: str | None
    ranked: int | None
    terms: list[Term]


class ValueJson(msgspec.Struct, frozen=True):
    """One channel or author with its number of hits, and the term that narrows to it."""

    id: str
    name: str
    count: int
    term: str


class FacetsJson(msgspec.Struct, frozen=True):
    """What hits can be narrowed by.

    *counted*: channels and authors are counted among so many of the newest hits; null if among
    all. Months are always of all hits.
    """

    channels: list[ValueJson]
    authors: list[ValueJson]
    months: list[Month]
    counted: int | None


class ChannelJson(msgspec.Struct, frozen=True):
    """A channel that may be read."""

    id: str
    name: str
    kind: str
    category: str | None
    topic: str | None
    guild: str
    guild_name: str
    term: str


class KnownAuthorJson(msgspec.Struct, frozen=True):
    """An author of something that may be read."""

    id: str
    name: str
    nickname: str | None
    bot: bool
    term: str


class RevisionJson(msgspec.Struct, frozen=True):
    """What a message said before; *replaced*: when the export was made that had it no more."""

    content: str
    edited: datetime | None
    replaced: datetime | None


class BrokenJson(msgspec.Struct, frozen=True):
    """One message of an export that could not be read, by its place in the file."""

    index: int
    reason: str


class ReportJson(msgspec.Struct, frozen=True):
    """What an upload did."""

    sha256: str
    name: str
    size: int
    guild: str
    guild_name: str
    channel: str
    channel_name: str
    exported: datetime | None
    counts: Counts
    broken: list[BrokenJson]
    notes: list[str]


class ImportJson(msgspec.Struct, frozen=True):
    """One import of the past. Its number is not told: it would count those of other channels."""

    sha256: str
    name: str
    channel: str
    exported: datetime | None
    committed: datetime
    counts: Counts


def date(instant: int | None) -> datetime | None:
    """*instant*, in milliseconds, as a date."""
    return None if instant is None else calendar(WallTime(instant))


def message(one: Stored) -> MessageJson:
    """One message."""
    return MessageJson(
        id=str(one.id),
        guild=str(one.guild),
        channel=str(one.channel),
        channel_name=one.channel_name,
        author=author(one.author),
        kind=one.kind,
        sent=calendar(sent_at(one.place)),
        edited=date(one.edited),
        content=one.content,
        extras=msgspec.Raw(one.extras or b"{}"),
        reply_to=None if one.reply_to is None else str(one.reply_to),
        pinned=one.pinned,
        deleted=one.deleted,
        revisions=one.revisions,
    )


def messages(found: Iterable[Stored]) -> list[MessageJson]:
    """Some messages."""
    return [message(one) for one in found]


def author(one: Author) -> AuthorJson:
    """Who wrote a message."""
    return AuthorJson(str(one.id), one.name, one.nickname, one.bot, one.color, one.avatar_url)


def hit(one: Hit, width: int | None) -> HitJson:
    """One hit, with a snippet of about *width* characters."""
    cut = None
    if width is not None:
        cut = SnippetJson(*highlighting.snippet(one.message.content, one.spans, width))
    return HitJson(message(one.message), one.spans, cut, messages(one.before), messages(one.after))


def found(page: Found, width: int | None) -> FoundJson:
    """One page of a search."""
    return FoundJson(
        hits=[hit(one, width) for one in page.hits],
        total=page.total,
        previous=page.previous,
        next=page.next,
        ranked=page.ranked,
        terms=page.terms,
    )


def value(one: FacetValue) -> ValueJson:
    """One value of a facet."""
    return ValueJson(str(one.id), one.name, one.count, one.term)


def facets(all_of: Facets) -> FacetsJson:
    """What hits can be narrowed by."""
    return FacetsJson(
        [value(one) for one in all_of.channels],
        [value(one) for one in all_of.authors],
        all_of.months,
        all_of.counted,
    )


def channel(one: ChannelView) -> ChannelJson:
    """One channel."""
    fields = msgspec.structs.asdict(one)
    return ChannelJson(**fields | {"id": str(one.id), "guild": str(one.guild)})


def known_author(one: AuthorView) -> KnownAuthorJson:
    """One author."""
    return KnownAuthorJson(str(one.id), one.name, one.nickname, one.bot, one.term)


def revision(one: Revision) -> RevisionJson:
    """What a message said before."""
    return RevisionJson(one.content, date(one.edited), date(one.replaced))


def report(done: ImportReport) -> ReportJson:
    """What an upload did."""
    return ReportJson(
        sha256=done.sha256.hex(),
        name=done.name,
        size=done.size,
        guild=str(done.guild.id),
        guild_name=done.guild.name,
        channel=str(done.channel.id),
        channel_name=done.channel.name,
        exported=date(done.exported),
        counts=done.counts,
        broken=[BrokenJson(one.index, one.reason) for one in done.broken],
        notes=list(done.notes),
    )


def past_import(one: Imported) -> ImportJson:
    """One import of the past."""
    return ImportJson(
        sha256=one.sha256.hex(),
        name=one.name,
        channel=str(one.channel),
        exported=date(one.exported),
        committed=calendar(WallTime(one.committed)),
        counts=one.counts,
    )
