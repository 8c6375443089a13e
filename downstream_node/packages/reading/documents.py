"""The documents of a package that are read as a whole: account, payments, indexes, channels. Pure.

Only the fields that are used are decoded. One entry that makes no sense costs that entry.
"""

from typing import Annotated, TypeVar

import msgspec

from downstream_node.packages.reading.problems import Problem, Problems

UNREADABLE_JSON = (msgspec.MsgspecError, ValueError, RecursionError)
"""What msgspec raises over bytes that are not what they should be; ValueError for bad UTF-8."""
LARGEST = 2**63 - 1

Id = str | Annotated[int, msgspec.Meta(ge=0, le=LARGEST)]
"""Ids are texts; some files have had them as numbers."""
Amount = Annotated[int, msgspec.Meta(ge=-LARGEST, le=LARGEST)]
Decoded = TypeVar("Decoded")

PAID = 1
"""The status of payments that succeeded."""
NO_MONEY = "discord_orb"
"""Not a currency: what quests give."""
AVATARS = "https://cdn.discordapp.com/avatars"
ICONS = "https://cdn.discordapp.com/icons"
ANIMATED = "a_"


class Profile(msgspec.Struct, gc=False):
    """What a friend's entry says of the friend's account."""

    username: str | None = None
    avatar: str | None = None


class Friend(msgspec.Struct, gc=False):
    """An entry of the relationships in user.json."""

    id: Id
    display_name: str | None = None
    user: Profile | None = None

    def avatar_url(self) -> str | None:
        """Where the friend's picture is."""
        return picture(AVATARS, str(self.id), self.user.avatar if self.user else None)


class User(msgspec.Struct):
    """user.json."""

    id: Id
    username: str
    display_name: str | None = None
    global_name: str | None = None
    avatar_hash: str | None = None
    relationships: list[msgspec.Raw] | None = None
    payments: list[msgspec.Raw] | None = None

    def avatar_url(self) -> str | None:
        """Where the owner's picture is."""
        return picture(AVATARS, str(self.id), self.avatar_hash)


class Payment(msgspec.Struct, gc=False):
    """One payment; *amount* in cents."""

    id: Id
    created_at: str
    amount: Amount
    currency: str
    description: str | None = None
    status: int = PAID

    def counts(self) -> bool:
        """Whether money was paid."""
        return self.status == PAID and self.currency != NO_MONEY


class Payments(msgspec.Struct):
    """payments.json."""

    records: list[msgspec.Raw]


class Guild(msgspec.Struct, gc=False):
    """guild.json, and what channel.json says of the guild."""

    id: Id
    name: str | None = None
    icon: str | None = None

    def icon_url(self) -> str | None:
        """Where the guild's picture is, if the package says; most packages do not."""
        return picture(ICONS, str(self.id), self.icon)


class Channel(msgspec.Struct, gc=False):
    """channel.json. *type* is a number or, in newer packages, its name."""

    type: int | str | None = None
    name: str | None = None
    recipients: list[Id | None] | None = None
    guild: Guild | None = None


def picture(base: str, owner: str, picture_hash: str | None) -> str | None:
    """The address of the picture with this hash; None without one."""
    if not picture_hash:
        return None
    extension = "gif" if picture_hash.startswith(ANIMATED) else "jpg"
    return f"{base}/{owner}/{picture_hash}.{extension}"


def decoded(data: bytes | None, kind: type[Decoded]) -> Decoded | None:
    """*data* as a *kind*; None if it is absent or something else."""
    if data is None:
        return None
    try:
        return msgspec.json.decode(data, type=kind)
    except UNREADABLE_JSON:
        return None


def entries(
    raws: list[msgspec.Raw] | None, kind: type[Decoded], part: str, problems: Problems
) -> list[Decoded]:
    """The entries that can be read; others are counted as broken *part*s."""
    found = [decoded(bytes(raw), kind) for raw in raws or ()]
    problems.add(part, Problem.BROKEN, found.count(None))
    return [entry for entry in found if entry is not None]


def index(data: bytes | None, part: str, problems: Problems) -> dict[str, str | None]:
    """Names by id, as both index.json have them; the name of a channel may be null."""
    names = decoded(data, dict[str, object])
    if names is None:
        problems.add(part, Problem.BROKEN)
        return {}
    good = {key: name for key, name in names.items() if name is None or isinstance(name, str)}
    problems.add(f"entry of the {part}", Problem.BROKEN, len(names) - len(good))
    return good
