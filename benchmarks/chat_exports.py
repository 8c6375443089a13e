"""Long export files for the benchmarks: words by Zipf's law, as people write them."""

from bisect import bisect_left
from collections.abc import Iterator
from itertools import accumulate, product
from math import exp
from pathlib import Path
from random import Random

from downstream_node.clock import WallTime, calendar

CHANNEL = 1165030189714129000
GUILD = 869237617789648900
START = 1_701_388_800_000
"""2023-12-01 UTC, in milliseconds since 1970."""
DISCORD_EPOCH = 1_420_070_400_000
SPAN = 150 * 86_400_000
PEOPLE = 400
FREQUENT = (
    "the to and a you it is that of in for my on just so this have be with not was pie running"
)
SYLLABLES = (
    "ba",
    "cor",
    "del",
    "en",
    "fi",
    "gran",
    "hu",
    "is",
    "jo",
    "kel",
    "lo",
    "mar",
    "no",
    "pra",
)
ENDINGS = ("", "s", "ed", "ing", "er", "ly")


def vocabulary() -> list[str]:
    """Some ten thousand words, the most frequent first."""
    made = ("".join(parts) for parts in product(SYLLABLES, SYLLABLES, SYLLABLES, ENDINGS))
    return [*FREQUENT.split(), *made]


def texts(count: int, seed: int) -> Iterator[str]:
    """Texts of 66 characters on average, a few long, some empty."""
    rng = Random(seed)  # noqa: S311 - the same for the same seed
    words = vocabulary()
    weights = list(accumulate(1 / (rank + 2) ** 1.05 for rank in range(len(words))))
    for _ in range(count):
        if rng.random() < 0.045:
            yield ""
            continue
        length = min(280, max(1, int(exp(rng.gauss(2.0, 0.85)))))
        chosen = (bisect_left(weights, rng.random() * weights[-1]) for _ in range(length))
        yield " ".join(words[number] for number in chosen)


def write_export(path: Path, count: int, seed: int = 1) -> None:
    """Write an export of *count* messages as the exporter does, indented, at most 2 KB each."""
    with path.open("w", encoding="utf-8") as file:
        file.write(
            f'{{\n  "guild": {{"id": "{GUILD}", "name": "Guild"}},\n'
            f'  "channel": {{"id": "{CHANNEL}", "type": "GuildTextChat", "name": "general"}},\n'
            '  "dateRange": {"after": null, "before": null},\n'
            '  "exportedAt": "2024-12-31T00:00:00+00:00",\n  "messages": ['
        )
        for number, content in enumerate(texts(count, seed)):
            moment = START + SPAN * number // count
            who = number * number % PEOPLE
            stamp = f"{calendar(WallTime(moment)):%Y-%m-%dT%H:%M:%S}.{moment % 1000:03d}+00:00"
            file.write(
                f"""{"," if number else ""}
    {{
      "id": "{(moment - DISCORD_EPOCH << 22) + number % 4096}",
      "type": "Default",
      "timestamp": "{stamp}",
      "timestampEdited": null,
      "callEndedTimestamp": null,
      "isPinned": false,
      "content": "{content}",
      "author": {{
        "id": "{200000000000000000 + who}",
        "name": "user_{who}",
        "discriminator": "0000",
        "nickname": "User {who}",
        "color": null,
        "isBot": false,
        "roles": [
          {{
            "id": "300000000000000001",
            "name": "member",
            "color": null,
            "position": 1
          }}
        ],
        "avatarUrl": "https://cdn.example.invalid/avatars/{who}/0123456789abcdef.png?size=512"
      }},
      "attachments": [],
      "embeds": [],
      "stickers": [],
      "reactions": [],
      "mentions": [],
      "inlineEmojis": []
    }}"""
            )
        file.write(f'\n  ],\n  "messageCount": {count}\n}}\n')
