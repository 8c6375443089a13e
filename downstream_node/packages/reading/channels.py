"""Which kind a channel is, what it is called, and its row. Pure.

Exactly two recipients make a DM, whose partner is the one who is not the owner. Everything with a
guild is the guild's. More or fewer recipients make a group. The rest are threads and channels of
guilds that were left: the package says no more of them, but their messages are the person's.
"""

from dataclasses import dataclass
from enum import StrEnum

from downstream_node.packages.reading.documents import Channel, Friend

DM_PREFIX = "Direct Message with "
OLD_TAG = "#0000"
TWO = 2


class Table(StrEnum):
    """Where channels of a kind have their rows."""

    DM = "dm_channels_data"
    GUILD = "guild_channels_data"
    GROUP = "group_channels_data"
    OTHER = "other_channels_data"


Row = tuple[str | int | float | None, ...]


@dataclass(slots=True)
class Known:
    """What the account and the indexes say, by which channels are named."""

    owner: str
    friends: dict[str, Friend]
    names: dict[str, str | None]
    """Of channels, by id."""


@dataclass(slots=True)
class Place:
    """One channel: what it is, and the messages in it."""

    id: str
    name: str | None
    description: Channel
    partner: str | None
    """The other one, if it is a DM."""
    messages: int = 0

    def guild(self) -> str | None:
        """The id of its guild."""
        guild = None if self.partner is not None else self.description.guild
        return str(guild.id) if guild else None


def place(channel: str, description: Channel, known: Known) -> Place:
    """The channel of this id, named, and with its partner if it is a DM."""
    name = name_of(known.names.get(channel)) or description.name
    return Place(channel, name, description, partner_of(description, known.owner))


def partner_of(description: Channel, owner: str) -> str | None:
    """With whom the *owner* writes there, if it is a DM."""
    recipients = [str(one) for one in description.recipients or ()]
    if len(recipients) != TWO:
        return None
    # Who writes to themselves is their own partner.
    return next((one for one in recipients if one != owner), owner)


def name_of(name: str | None) -> str | None:
    """A *name* of the index without what the document takes off."""
    if name is None:
        return None
    bare = name.removeprefix(DM_PREFIX)
    return bare[: -len(OLD_TAG)] if OLD_TAG in bare else bare


def row_of(here: Place, known: Known, voice_minutes: int) -> tuple[Table, Row]:
    """The table in which the channel is, and its row there."""
    totals = (here.messages, voice_minutes)
    name = here.name or here.id
    if here.partner is not None:
        return Table.DM, dm_row(here, here.partner, known.friends.get(here.partner), totals)
    guild = here.guild()
    if guild is not None:
        return Table.GUILD, (here.id, name, guild, *totals)
    if here.description.recipients:
        return Table.GROUP, (here.id, name, len(here.description.recipients), *totals)
    kind = here.description.type
    return Table.OTHER, (here.id, name, None if kind is None else str(kind), *totals)


def dm_row(here: Place, partner: str, friend: Friend | None, totals: tuple[int, int]) -> Row:
    """The row of the DM with *partner*, who may be a *friend*."""
    username = friend.user.username if friend and friend.user else None
    display = friend.display_name if friend else None
    picture = friend.avatar_url() if friend else None
    # Nobody has judged the texts, so there is no score; the original writes 0.5 everywhere.
    score = None
    return (here.id, partner, here.name or username or partner, display, picture, *totals, score)
