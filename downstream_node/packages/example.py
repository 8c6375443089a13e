"""The package `demo`, open to all: of a person who never was, read as every package is.

The same bytes each time: what looks like chance follows from a hash, and the zip bears no date.
"""

import hashlib
import io
import json
import zipfile
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from downstream_node.packages.reading.analysis import analyse
from downstream_node.packages.reading.limits import Limits
from downstream_node.packages.sealing import GZIP_WINDOW
from downstream_node.packages.states import DEMO

OWNER = 100_000_000_000_000_000
FRIENDS, GUILDS, CHANNELS = 100, 100, 100
MESSAGES = 6000
STAYS = 100
SITTINGS = 2000
EVENTS = 2000
START = datetime(2023, 1, 1, tzinfo=UTC)
DAYS = 730
MINUTES = DAYS * 24 * 60
NAMES = [
    "Ada",
    "Bea",
    "Cleo",
    "Dan",
    "Eve",
    "Finn",
    "Gus",
    "Hana",
    "Ivo",
    "Jun",
    "Kim",
    "Leo",
    "Mia",
    "Ned",
    "Ola",
    "Pia",
    "Quin",
    "Rui",
    "Sam",
    "Tess",
]
SYSTEMS = ("Windows", "Android", "iOS", "Linux", "Mac OS X")
EMOJI = ("👍", "😂", "🔥", "🤔", "pepe")
KINDS = (
    "email_opened",
    "login_successful",
    "notification_clicked",
    "message_edited",
    "app_crashed",
)
SEED = b"the package of a person who never was"
NUMBER = 4
"""Bytes of one number drawn."""


class Draws:
    """Numbers that look random and are always the same."""

    def __init__(self, seed: bytes) -> None:
        count = 8 * (MESSAGES + STAYS + SITTINGS + EVENTS)
        self._bytes = io.BytesIO(hashlib.shake_128(seed).digest(NUMBER * count))

    def below(self, limit: int) -> int:
        """A whole number from 0 to *limit* - 1."""
        return int.from_bytes(self._bytes.read(NUMBER), "big") % limit

    def few(self, limit: int) -> int:
        """The same, where small numbers are drawn more often: people have favourites."""
        return min(self.below(limit), self.below(limit), self.below(limit))

    def minute(self) -> int:
        """A minute of the two years, seldom in the morning."""
        hour = (self.below(12) + self.below(12) + 8) % 24
        return (self.below(DAYS) * 24 + hour) * 60 + self.below(60)


def friend(number: int) -> tuple[str, str]:
    """Id and name of a friend."""
    turn = number // len(NAMES)
    return str(OWNER + 1 + number), NAMES[number % len(NAMES)] + (f" {turn + 1}" if turn else "")


def guild(number: int) -> tuple[str, str]:
    """Id and name of a guild."""
    return str(2 * OWNER + number), f"Club {number + 1}"


def stamp(minute: int) -> str:
    """A time as messages have it."""
    return (START + timedelta(minutes=minute)).strftime("%Y-%m-%d %H:%M:%S")


def members() -> Iterator[tuple[str, object]]:
    """The files of the package, by name."""
    draws = Draws(SEED)
    yield "Account/user.json", user()
    yield "Servers/index.json", dict(map(guild, range(GUILDS)))
    written: list[list[dict[str, object]]] = [[] for _ in range(FRIENDS + CHANNELS)]
    for number in range(MESSAGES):
        # Friends and channels take turns, so that a favourite is one or the other.
        place = draws.few(FRIENDS + CHANNELS)
        index = place // 2 + FRIENDS * (place % 2)
        text = {"ID": number, "Timestamp": stamp(draws.minute()), "Contents": "hello"}
        attached = "https://files.example/picture.png" if draws.below(15) == 0 else ""
        written[index].append(text | {"Attachments": attached})
    yield "Messages/index.json", {channel(n)["id"]: title(n) for n in range(len(written))}
    for number, messages in enumerate(written):
        folder = f"Messages/c{channel(number)['id']}"
        yield f"{folder}/channel.json", channel(number)
        yield f"{folder}/messages.json", messages
    lines = sorted(events(draws), key=lambda line: str(line["timestamp"]))
    text_of = "".join(f"{json.dumps(line, ensure_ascii=False)}\n" for line in lines)
    yield "Activity/analytics/events-2023-00000-of-00001.json", text_of


def user() -> dict[str, object]:
    """The account."""
    relationships = [
        {"id": key, "type": 1, "display_name": name, "user": {"id": key, "username": name.lower()}}
        for key, name in map(friend, range(FRIENDS))
    ]
    account = {"id": str(OWNER), "username": "demo", "display_name": "Demo", "avatar_hash": None}
    return account | {"relationships": relationships, "payments": []}


def channel(number: int) -> dict[str, object]:
    """A direct conversation with a friend, or a channel of a guild."""
    key = str(3 * OWNER + number)
    if number < FRIENDS:
        return {"id": key, "type": 1, "recipients": [str(OWNER), friend(number)[0]]}
    where, name = guild((number - FRIENDS) % GUILDS)
    return {"id": key, "type": 0, "name": title(number), "guild": {"id": where, "name": name}}


def title(number: int) -> str:
    """The name of a channel."""
    if number < FRIENDS:
        return f"Direct Message with {friend(number)[1]}"
    return ("general", "music", "games", "help")[number % 4]


def events(draws: Draws) -> Iterator[dict[str, object]]:
    """The analytics."""
    for _ in range(STAYS):
        number = draws.few(FRIENDS + CHANNELS)
        where: dict[str, object] = {"channel_id": channel(number)["id"]}
        if number >= FRIENDS:
            where["guild_id"] = guild((number - FRIENDS) % GUILDS)[0]
        start = draws.minute()
        yield event("join_voice_channel", start, **where)
        yield event("leave_voice_channel", start + 1 + draws.below(180), **where)
    for _ in range(SITTINGS):
        start, system = draws.minute(), SYSTEMS[draws.few(len(SYSTEMS))]
        yield event("app_opened", start, os=system)
        yield event("session_start", start, os=system)
        yield event("session_end", start + 1 + draws.below(90), os=system)
    for _ in range(EVENTS):
        kind = draws.below(len(KINDS) + 3)
        where = {"channel_id": channel(draws.few(FRIENDS + CHANNELS))["id"]}
        if kind < len(KINDS):
            yield event(KINDS[kind], draws.minute())
        else:
            name = EMOJI[draws.few(len(EMOJI))]
            yield event("add_reaction", draws.minute(), **where, emoji_name=name)


def event(kind: str, minute: int, **fields: object) -> dict[str, object]:
    """One line of the analytics."""
    moment = (START + timedelta(minutes=minute)).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    return {"event_type": kind, "user_id": str(OWNER), **fields, "timestamp": f'"{moment}"'}


def package() -> io.BytesIO:
    """The package, as its owner would have got it."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members():
            text = content if isinstance(content, str) else json.dumps(content, ensure_ascii=False)
            archive.writestr(zipfile.ZipInfo(name), text.encode(), zipfile.ZIP_DEFLATED)
    file.seek(0)
    return file


@lru_cache(maxsize=1)
def example_result() -> bytes:
    """Gzip of the statistics of the demo; made when somebody first wants it."""
    packer = zlib.compressobj(wbits=GZIP_WINDOW)
    out = io.BytesIO()

    class Packed:
        """Takes the pieces of the database."""

        def write(self, data: memoryview) -> None:
            """Pack one."""
            out.write(packer.compress(data))

    analyse(package(), Packed(), DEMO, lambda *_: None, lambda: False, Limits())
    return out.getvalue() + packer.flush()
