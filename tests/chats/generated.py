"""Generated chats: messages with all that makes searching hard, the same for the same seed."""

import hashlib
import random
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import NamedTuple

import msgspec

from downstream_node.chats import marks, text
from downstream_node.chats.places import Place, first_place, place_of, sent_at
from downstream_node.chats.records import Author, Channel, Export, Guild, Message

START = 1_701_388_800_000
"""2023-12-01 UTC, in milliseconds since 1970."""
DAY = 86_400_000
EXPORTED = START + 400 * DAY

COMMON = """
the to of and a in is it you that he was for on are with as I his they be at one have this from
or had by hot but some what there we can out other were all your when up use word how said an
each she which do their time if will way about many then them would write like so these her long
make thing see him two has look more day could go come did my sound no most number who over know
running runs ran runner storage store stored proof proofs heartbeat node nodes pie pies pecan
party panic don't question questions organize organization university universal happiness happy
"""
NEEDLES = (
    *("pecan pie", "Pecan Pies", "the pie was pecan", "100% sure", "1000 percent", "100%"),
    *("snake_case_name", "snakeXcaseXname", "C:\\temp\\demo.dem", "don't panic", "dont panic"),
    *("don\u2019t panic", "zymurgy", "ZYMURGICAL", "proof of storage", "storage of proof"),
    *(
        "proofs-of-storage",
        "\u041f\u0440\u0438\u0432\u0435\u0442 \u043c\u0438\u0440",
        "C++ and C# > C",
    ),
    *(
        "\u043f\u0440\u0438\u0432\u0435\u0442",
        "\u65e5\u672c\u8a9e\u306e\u30c6\u30b9\u30c8",
        "\u30ac\u30ad",
    ),
    *("caf\u00e9 d\u00e9j\u00e0 vu", "cafe deja vu", "cafe\u0301", "\U0001f389\U0001f389 party"),
    *("https://example.org/docs/search?q=heartbeat&page=2", "<:pepega:123456789012345678>"),
    *("```py\nfor x in range(10):\n    print(x)\n```", '"quoted phrase here"', '\'tis "so"'),
    *("running late again", "runners ran runs", "Stra\u00dfe STRASSE", "\u0130stanbul", "\ufb01ne"),
    *(
        "\u0e20\u0e32\u0e29\u0e32\u0e44\u0e17\u0e22",
        "\u0939\u093f\u0928\u094d\u0926\u0940",
        "a.m.",
        "[x](y)",
    ),
    *(
        "AND OR NOT NEAR",
        "stems:the",
        "the*",
        "^the",
        "{a b}",
        "-- ;DROP",
        "%_\\",
        "\t\r\n",
        "x\u00a0y",
    ),
)
KINDS = ("Default", "Default", "Default", "Reply", "ThreadCreated", "ChannelPinnedMessage")


class Chats(NamedTuple):
    """What was generated: messages in order of their places, and who and where."""

    guilds: list[Guild]
    channels: list[Channel]
    authors: list[Author]
    messages: list[Message]

    def export(
        self, channel: int = 0, exported: int | None = EXPORTED, after: int | None = None
    ) -> Export:
        """An export of the channel with this index, without its messages."""
        place = self.channels[channel]
        guild = next(guild for guild in self.guilds if guild.id == place.guild)
        return Export(guild, place, exported, after, None)

    def of(self, channel: int) -> list[Message]:
        """The messages of the channel with this index."""
        return [m for m in self.messages if m.channel == self.channels[channel].id]


def fingerprint(content: str, edited: int | None, extras: bytes, pinned: bool) -> int:
    """63 bits of all that can change."""
    whole = msgspec.json.encode([content, edited, extras, pinned])
    return int.from_bytes(hashlib.blake2b(whole, digest_size=8).digest()) >> 1


def message(  # noqa: PLR0913 - as many as a message has
    place: int,
    content: str,
    channel: int = 1,
    author: int = 1,
    *,
    number: int | None = None,
    edited: int | None = None,
    extras: dict[str, object] | None = None,
    more: Sequence[str] = (),
    kind: str = "Default",
    reply_to: int | None = None,
) -> Message:
    """A message at *place* whose id is that place too unless told otherwise; *more* marks."""
    raw = msgspec.json.encode(extras or {})
    own = [marks.by(author), marks.within(channel), *more]
    if edited is not None:
        own.append(marks.is_("edited"))
    return Message(
        place=Place(place),
        id=place if number is None else number,
        channel=channel,
        author=author,
        kind=kind,
        edited=edited,
        content=content,
        extras=raw,
        fingerprint=fingerprint(content, edited, raw, marks.is_("pinned") in more),
        reply_to=reply_to,
        folded=text.fold(content),
        stems=text.stems(content),
        marks=own,
    )


def changed(old: Message, content: str, edited: int | None) -> Message:
    """*old* after an edit."""
    rest = [mark for mark in old.marks if mark != marks.is_("edited")]
    return message(
        old.place,
        content,
        old.channel,
        old.author,
        number=old.id,
        edited=edited,
        extras=msgspec.json.decode(old.extras),
        more=rest[2:],
        kind=old.kind,
        reply_to=old.reply_to,
    )


class Generator:
    """Draws chats from one seed."""

    def __init__(self, seed: int, days: int = 150) -> None:
        self.random = random.Random(seed)  # noqa: S311 - test data
        self.days = days
        self.words = [*COMMON.split(), *self._rare(3000)]
        self.weights = list(accumulate(1 / (rank + 2) for rank in range(len(self.words))))

    def _rare(self, count: int) -> Iterator[str]:
        for _ in range(count):
            pieces = self.random.randint(1, 3)
            yield "".join(
                self.random.choice(("b", "st", "tr", "k", "pl", "m", "n", "v", "z", ""))
                + self.random.choice(("a", "e", "i", "o", "u", "ea"))
                + self.random.choice(("n", "r", "ng", "st", "ck", "ly", "s", "ed", "ing"))
                for _ in range(pieces)
            )

    def word(self) -> str:
        """One word, a common one more often."""
        drawn = self.random.random() * self.weights[-1]
        return self.words[bisect_left(self.weights, drawn)]

    def text(self) -> str:
        """What a message says: a few words, nothing, or a whole page; sometimes with a needle."""
        dice = self.random.random()
        if dice < 0.04:  # only an attachment
            return ""
        length = 400 if dice > 0.999 else max(1, int(self.random.lognormvariate(1.9, 0.8)))
        words = [self.word() for _ in range(length)]
        if self.random.random() < 0.3:
            words[0] = words[0].capitalize()
        if self.random.random() < 0.04:
            words = [word.upper() for word in words]
        if self.random.random() < 0.06:
            words.insert(self.random.randint(0, len(words)), self.random.choice(NEEDLES))
        return " ".join(words) + self.random.choice(
            ("", "", "", ".", "?", "!", " :)", "\U0001f602")
        )

    def chats(self, count: int, channels: int = 5, authors: int = 40) -> Chats:
        """*count* messages in channels of two guilds, and of none."""
        guilds = [
            Guild(0, "Direct Messages"),
            Guild(
                700_000_000_000_000_001, "Caf\u00e9 Heartbeat", "https://cdn.example.invalid/g.png"
            ),
            Guild(700_000_000_000_000_002, "\u65e5\u672c"),
        ]
        places = [
            Channel(
                id=800_000_000_000_000_000 + 1_048_583 * number,
                guild=guilds[(number + 1) % len(guilds)].id,
                name=f"channel-{number}",
                kind="GuildTextChat",
                category="General" if number % 2 else None,
                topic=None if number % 3 else f"All about {self.word()}",
            )
            for number in range(channels)
        ]
        people = [
            Author(
                id=200_000_000_000_000_000 + 7_919_000_003 * number,
                name=f"{self.words[200 + number]}_{number}",
                nickname=self.words[300 + number].capitalize() if number % 2 else None,
                discriminator="0000",
                bot=number % 13 == 12,
                color=f"#{number * 48611 & 0xFFFFFF:06X}" if number % 3 == 0 else None,
                avatar_url=f"https://cdn.example.invalid/a/{number}.png",
            )
            for number in range(authors)
        ]
        return Chats(guilds, places, people, list(self._messages(count, places, people)))

    def _messages(
        self, count: int, channels: Sequence[Channel], authors: Sequence[Author]
    ) -> Iterator[Message]:
        step = self.days * DAY // max(1, count)
        last: list[Message] = []
        for number in range(count):
            sent = START + number * step + int(self.random.random() * step * 0.9)
            if self.random.random() < 0.001:
                sent -= sent % 1000
            snowflake = first_place(sent) + number % (1 << 22)
            # One in a hundred has no id of Discord's kind.
            own_id = number if number % 100 == 99 else snowflake
            made = self._message(place_of(own_id, sent), own_id, channels, authors, last)
            last = [*last[-50:], made]
            yield made

    def _message(
        self,
        place: Place,
        number: int,
        channels: Sequence[Channel],
        authors: Sequence[Author],
        last: Sequence[Message],
    ) -> Message:
        dice = self.random.random
        content = self.text()
        author = authors[min(int(len(authors) * dice() ** 2), len(authors) - 1)]
        extras: dict[str, object] = {}
        more: list[str] = []
        reply_to = None
        if not content or dice() < 0.03:
            name, what = self.random.choice(
                (("a.png", "image"), ("a.mp4", "video"), ("a.zip", "file"))
            )
            extras["attachments"] = [{"id": str(number + 1), "fileName": name, "fileSizeBytes": 10}]
            more += [marks.has("attachment"), marks.has(what)]
        if last and dice() < 0.1:
            target = self.random.choice(last)
            reply_to = target.id
            extras["reference"] = {"messageId": str(target.id)}
            extras["mentions"] = [{"id": str(target.author)}]
            more += [marks.is_("reply"), marks.has("mention"), marks.mentions(target.author)]
        if dice() < 0.04:
            extras["reactions"] = [{"emoji": {"name": "\U0001f44d"}, "count": 1}]
            more.append(marks.has("reaction"))
        more += [marks.has("link")] if "https://" in content else []
        more += [marks.is_("bot")] if author.bot else []
        more += [marks.is_("pinned")] if dice() < 0.002 else []
        return message(
            place,
            content,
            self.random.choice(channels).id,
            author.id,
            number=number,
            edited=sent_at(place) + 90_000 if dice() < 0.03 else None,
            extras=extras,
            more=more,
            kind=self.random.choice(KINDS) if dice() < 0.1 else "Default",
            reply_to=reply_to,
        )


def chats(count: int, seed: int = 20240427) -> Chats:
    """*count* generated messages."""
    return Generator(seed).chats(count)
