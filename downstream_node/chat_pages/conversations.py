"""From messages of the archive to what a template shows of them: who, when, what, in which talk.

Pure. Hits that follow each other and stand near each other become one conversation.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from downstream_node.chat_pages import content, extras
from downstream_node.chat_pages.content import Body, visible
from downstream_node.chat_pages.extras import Extras
from downstream_node.chats.answers import Hit
from downstream_node.chats.places import Place, sent_at
from downstream_node.chats.records import Author, Revision, Stored
from downstream_node.clock import SECOND, WallTime, calendar

TINTS = 12
"""Colours of the discs that stand for people."""
BEGINNING = 90
"""Characters of a message that is replied to."""
SAME_BREATH = 5 * 60 * SECOND
"""Messages of one author that follow within this time need the name only once."""


@dataclass(frozen=True, slots=True)
class Person:
    """Who wrote: the name to show, the name to find by, and a disc with a letter and a colour."""

    name: str
    user_name: str
    letter: str
    tint: int
    bot: bool


@dataclass(frozen=True, slots=True)
class Reply:
    """What a message answers; *who* is None if the archive does not have it."""

    id: int
    who: str | None = None
    beginning: str = ""


@dataclass(frozen=True, slots=True)
class Earlier:
    """What a message said before it was edited."""

    body: Body
    replaced: datetime | None


@dataclass(frozen=True, slots=True)
class Said:
    """One message."""

    id: int
    place: Place
    person: Person
    at: datetime
    body: Body
    extras: Extras
    hit: bool
    edited: datetime | None
    pinned: bool
    deleted: bool
    revisions: int
    author: int
    reply: Reply | None = None
    earlier: tuple[Earlier, ...] = ()
    forwarded: Body | None = None
    follows: bool = False
    """The name need not be told again."""


@dataclass(frozen=True, slots=True)
class Conversation:
    """Messages of one channel in a row, in order of time."""

    channel: int
    channel_name: str
    guild: int
    said: tuple[Said, ...]
    first_hit: int
    """The id of a message."""


def date_of(moment: int) -> datetime:
    """*moment* (ms since 1970) as a date in UTC."""
    return calendar(WallTime(moment))


def person(author: Author) -> Person:
    """Who *author* is."""
    name = visible(author.nickname or author.name) or str(author.id)
    letters = [letter for letter in name if letter.isalnum()]
    return Person(
        name=name,
        user_name=visible(author.name),
        letter=letters[0].upper()[:1] if letters else "#",
        # The low bits of an id count messages of one machine; the time is above them.
        tint=(author.id >> 22) % TINTS,
        bot=author.bot,
    )


def said(
    message: Stored, spans: Sequence[tuple[int, int]] = (), *, hit: bool, fold: bool = True
) -> Said:
    """*message* as it is shown."""
    found = extras.read(message.extras)
    passed = found.forwarded
    return Said(
        id=message.id,
        place=message.place,
        person=person(message.author),
        at=date_of(sent_at(message.place)),
        body=content.body(message.content, spans, fold=fold),
        extras=found,
        hit=hit,
        edited=None if message.edited is None else date_of(message.edited),
        pinned=message.pinned,
        deleted=message.deleted,
        revisions=message.revisions,
        author=message.author.id,
        reply=None if message.reply_to is None else Reply(message.reply_to),
        forwarded=content.body(passed, fold=fold) if passed else None,
    )


def conversations(hits: Sequence[Hit], *, gapless: bool = False) -> list[Conversation]:
    """*hits* with their neighbours; those that follow each other and touch become one.

    Conversations are in the order of their hits; inside one, time goes down the page. *gapless*:
    every message is a hit, so that two of one channel in a row touch without a neighbour.
    """
    groups = list[list[Hit]]()
    for hit in hits:
        last = groups[-1] if groups else None
        if last and (same_channel(last, hit) if gapless else touches(last, hit)):
            last.append(hit)
        else:
            groups.append([hit])
    return [conversation(group) for group in groups]


def same_channel(group: Sequence[Hit], hit: Hit) -> bool:
    """Whether *hit* is of the channel of *group*."""
    return group[0].message.channel == hit.message.channel


def touches(group: Sequence[Hit], hit: Hit) -> bool:
    """Whether *hit* with its neighbours shares a message with *group*."""
    own = {message.place for message in around(hit)}
    near = {message.place for other in group for message in around(other)}
    return same_channel(group, hit) and not own.isdisjoint(near)


def around(hit: Hit) -> list[Stored]:
    """The hit with its neighbours, in order of time."""
    return [*hit.before, hit.message, *hit.after]


def conversation(hits: Sequence[Hit]) -> Conversation:
    """One conversation of *hits* that touch each other."""
    found = {hit.message.place: said(hit.message, hit.spans, hit=True) for hit in hits}
    for message in (message for hit in hits for message in around(hit)):
        if message.place not in found:
            found[message.place] = said(message, hit=False)
    return talk(hits[0].message, (found[place] for place in sorted(found)))


def read_through(messages: Sequence[Stored], chosen: int) -> Conversation:
    """Messages of one channel, at least one, whole; the one with the id *chosen* stands out."""
    lines = [said(message, hit=message.id == chosen, fold=False) for message in messages]
    return talk(messages[0], lines)


def talk(one: Stored, lines: Iterable[Said]) -> Conversation:
    """*lines* in the channel of *one* of them."""
    in_order = following(lines)
    name = visible(one.channel_name)
    first = next((line for line in in_order if line.hit), in_order[0])
    return Conversation(one.channel, name, one.guild, tuple(in_order), first.id)


def following(lines: Iterable[Said]) -> list[Said]:
    """*lines*, those marked that go on in the same breath as the one before."""
    found = list[Said]()
    for line in lines:
        last = found[-1] if found else None
        goes_on = (
            last is not None
            and last.author == line.author
            and not line.hit
            and not line.reply
            and (line.at - last.at).total_seconds() * SECOND < SAME_BREATH
        )
        found.append(replace(line, follows=goes_on))
    return found


def completed(
    conversation: Conversation,
    replied: Mapping[int, Stored],
    revisions: Mapping[int, Sequence[Revision]],
) -> Conversation:
    """*conversation* with what its messages answer, and what they said before.

    Both are by the id of a message; what is shown in the conversation itself need not be in
    *replied*.
    """
    shown = {line.id: line for line in conversation.said}

    def answers(line: Said) -> Reply | None:
        if line.reply is None:
            return None
        if line.reply.id in shown:
            other = shown[line.reply.id]
            return Reply(other.id, other.person.name, beginning(plain(other.body)))
        if line.reply.id in replied:
            stored = replied[line.reply.id]
            return Reply(stored.id, person(stored.author).name, beginning(stored.content))
        return line.reply

    lines = tuple(
        replace(line, reply=answers(line), earlier=earlier(revisions.get(line.id, ())))
        for line in conversation.said
    )
    return replace(conversation, said=lines)


def answered(conversations: Iterable[Conversation]) -> set[int]:
    """Ids of the messages that are answered and not shown beside their answers."""
    return {
        line.reply.id
        for one in conversations
        for line in one.said
        if line.reply and line.reply.id not in {other.id for other in one.said}
    }


def edited(conversations: Iterable[Conversation]) -> list[int]:
    """Ids of the hits that said something else before."""
    return [line.id for one in conversations for line in one.said if line.hit and line.revisions]


def earlier(revisions: Sequence[Revision]) -> tuple[Earlier, ...]:
    """*revisions*, the latest first."""
    return tuple(
        Earlier(
            content.body(one.content),
            None if one.replaced is None else date_of(one.replaced),
        )
        for one in reversed(revisions)
    )


def plain(body: Body) -> str:
    """The text of *body* that is not folded."""
    return "".join(piece.text for block in body.head for run in block.runs for piece in run.pieces)


def beginning(text: str) -> str:
    """The beginning of *text* in one line."""
    line = " ".join(visible(text).split())
    return line if len(line) <= BEGINNING else line[: BEGINNING - 1].rstrip() + "…"
