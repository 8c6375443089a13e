"""What the browser tests of packages hand in, and somebody who visits the page."""

import json
import re
import sqlite3
from dataclasses import dataclass, field
from functools import cache
from random import Random
from typing import Any

from browser.visits import Look
from packages.made import (
    CHANNEL,
    FRIEND,
    GUILD,
    OTHER_CHANNEL,
    OWNER,
    MadePackage,
    Result,
    read,
)
from playwright.sync_api import FilePayload, Request, expect

HOSTILE = "<img src=x onerror=\"document.title = 'hacked'\">"
MARK = "heliotrope"
"""In names of the package: nobody but its owner may come to see it."""
PIECE = 8 << 20
"""What the page sends at once."""


def package(name: str = "ada", padding: int = 0) -> MadePackage:
    """Two years of somebody's messages, calls and more, the same each time.

    *padding* bytes make it as large as a test wants; they are no part that anybody reads.
    """
    draw = Random(7)  # noqa: S311 - for numbers that are the same each time
    made = MadePackage()
    made.user |= {"username": name, "display_name": MARK}
    made.put(f"Servers/{GUILD}/guild.json", {"id": GUILD, "name": f"Garden of {MARK}"})
    stamps = [stamp(draw) for _ in range(900)]
    made.channel(CHANNEL, stamps[:400], "bea", recipients=[OWNER, FRIEND])
    garden = {"id": GUILD, "name": "Garden"}
    attached = [
        {"Timestamp": one, "Attachments": "https://a.example/1.png"} for one in stamps[400:450]
    ]
    made.channel(OTHER_CHANNEL, [*attached, *stamps[450:]], f"{HOSTILE} in Garden", guild=garden)
    for day in range(1, 20):
        made.event("join_voice_channel", f"2021-03-{day:02}T20:00:00.000Z", channel_id=CHANNEL)
        made.event("leave_voice_channel", f"2021-03-{day:02}T20:30:00.000Z", channel_id=CHANNEL)
        made.event("session_start", f"2021-04-{day:02}T09:00:00.000Z", os="Linux")
        made.event("session_end", f"2021-04-{day:02}T10:15:00.000Z", os="Linux")
        made.event(
            "add_reaction",
            f"2021-05-{day:02}T10:00:00.000Z",
            emoji_name="pepe",
            emoji_id="7",
            channel_id=CHANNEL,
        )
    paid = {
        "currency": "usd",
        "status": 1,
        "description": "Nitro",
        "created_at": "2021-06-06T00:00:00",
    }
    made.payments({"id": "1", "amount": 999, **paid})
    if padding:
        made.put("padding.bin", draw.randbytes(padding))
    return made


def stamp(draw: Random) -> str:
    """Some moment of 2021 or 2022."""
    parts = (
        draw.randint(2021, 2022),
        draw.randint(1, 12),
        draw.randint(1, 28),
        draw.randint(0, 23),
    )
    year, month, day, hour = parts
    return f"{year}-{month:02}-{day:02} {hour:02}:30:00"


@cache
def result() -> Result:
    """What the reader makes of it."""
    return read(package())


def value(query: str) -> Any:
    """The one value that *query* gives of the result."""
    return result().database.execute(query).fetchone()[0]


def payload(content: bytes, name: str = "package.zip") -> FilePayload:
    """*content* as a file that somebody chooses."""
    return {"name": name, "mimeType": "application/zip", "buffer": content}


@dataclass
class PackageVisit(Look):
    """Somebody at the page, and all that their browser asked for."""

    asked: list[Request] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Listen."""
        super().__post_init__()
        self.page.on("request", self._keep)

    def _keep(self, request: Request) -> None:
        self.asked.append(request)

    def start(self) -> None:
        """Open the page."""
        self.go("/packages")

    def choose(self, content: bytes, name: str = "package.zip") -> None:
        """Choose a file to send."""
        self.page.set_input_files("#file", payload(content, name))

    def paste(self, link: str) -> None:
        """Hand in a link."""
        self.page.fill("#link", link)
        self.page.keyboard.press("Enter")

    def see_statistics(self) -> None:
        """Wait for them."""
        expect(self.page.locator("#statistics")).to_be_visible()
        expect(self.page.locator("#trouble")).to_be_hidden()

    def see_trouble(self, code: str) -> None:
        """Wait for the page to tell of it."""
        expect(self.page.locator("#trouble")).to_have_attribute("data-code", code)
        expect(self.page.locator("#trouble-advice")).not_to_be_empty()

    def figure(self, tile: str) -> str:
        """What a tile shows."""
        return self.page.locator(f"#tile-{tile} .figure").inner_text()

    def drawn(self, card: str) -> list[int]:
        """The values of a chart, or of a list."""
        found = self.page.locator(f"#{card} [data-value]")
        return [int(one.get_attribute("data-value") or "") for one in found.all()]

    def kept(self) -> dict[str, Any]:
        """What the browser remembers, by id."""
        found = self.page.evaluate("localStorage.getItem('downstream-packages')")
        return dict(json.loads(found or "{}"))

    def secret(self) -> str:
        """The secret of the only package."""
        (record,) = self.kept().values()
        return str(record["secret"])

    def delete(self) -> None:
        """Delete the package that is shown."""
        self.page.locator("#delete, #cancel").locator("visible=true").click()
        self.page.click("#sure-yes")
        expect(self.page.locator("#start")).to_be_visible()

    def told_elsewhere(self, text: str) -> list[str]:
        """Requests that say *text* in any place but the header Authorization."""
        return [
            one.url
            for one in self.asked
            if text in one.url
            or text in (one.post_data_buffer or b"").decode(errors="replace")
            or any(
                text in said for name, said in one.all_headers().items() if name != "authorization"
            )
        ]

    def sent_from(self) -> list[int]:
        """The offsets from which pieces of a file were sent."""
        return [int(one.headers["upload-offset"]) for one in self.asked if one.method == "PATCH"]


def number(text: str) -> int:
    """The first number in *text*."""
    match = re.search(r"\d[\d,]*", text)
    assert match
    return int(match[0].replace(",", ""))


def opened(content: bytes) -> sqlite3.Connection:
    """An SQLite file, opened."""
    database = sqlite3.connect(":memory:")
    database.deserialize(content)
    return database
