"""A running node that takes recordings, beside a stand-in for Steam; both on loopback."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from browser.site import served, wait_for
from demos.journey import Player, key_of, recording
from msgspec import json
from servers import free_port
from sqlalchemy import update

from downstream_node import schema, settings
from downstream_node.app import build
from downstream_node.clock import SECOND, WallTime
from downstream_node.custody import service as custody
from downstream_node.demos import analysis, filing, listing, reports, sessions
from downstream_node.demos.listing import Demo
from downstream_node.demos.models import DemoSession
from downstream_node.demos.spool import spool_of
from downstream_node.demos.states import Reason, Scope, Verdict
from downstream_node.demos.steam_stub_world import FULL
from downstream_node.node import Node

STEAM_KEY = "0123456789ABCDEF0123456789ABCDEF"
SERVER = "169.254.189.228:41928"
"""A game server that the stand-in for Steam knows."""
GONE = "203.0.113.7:27015"
"""The one on which the recording was made that is let go."""
REVIEWER, OTHERS = 76561198000000010, 76561198000000100
CHEATER, BOT = 76561198000000666, 76561198000000667
MAPS = ("pl_badwater", "cp_dustbowl", "cp_gorge", "ctf_2fort", "pl_pier")
MATCH = 31 * 60
"""Seconds."""
TICKS_PER_SECOND = 66
HOUR = 3600
HOSTILE = "<img src=x onerror=\"document.title = 'hacked'\">.dem"


@dataclass
class DemoSite:
    """The running node."""

    url: str
    node: Node
    """The same node in this process, for what operators do by command."""

    def player(self, key: str) -> Player:
        """A client with this key."""
        return Player(self.url, key)

    def key(self, steam_id: int, *scopes: Scope) -> str:
        """A new key."""
        return key_of(self.node, steam_id, *scopes)

    def start(self, by: int, ago: float = 0, **values: str) -> Demo:
        """A session of a user, so many seconds *ago*."""
        now = WallTime(self.node.wall_clock() - round(ago * SECOND))
        said = {"name": "match.dem", "fake_ip": SERVER, "map_name": MAPS[0], **values}
        return self.known(sessions.start(self.node, by, now=now, **said))

    def streaming(self, by: int, ago: float, size: int, rate: int, **values: str) -> Demo:
        """A session that goes on, as a streamer notes it."""
        demo = self.start(by, ago, **values)
        now = self.node.wall_clock()
        self.change(demo, size=size, bytes_per_second=rate, last_byte=now)
        return demo

    def kept(self, by: int, content: bytes, ago: float, **values: str) -> Demo:
        """A recording in custody that was begun so many seconds *ago*, and lasted MATCH."""
        demo = self.start(by, ago, **values)
        with spool_of(self.node).taken(demo.session_id, 1) as opened:
            opened.append(content)
            opened.sync()
        ended = WallTime(demo.started + MATCH * SECOND)
        sessions.close(self.node, by, ended, session_id=demo.session_id)
        filing.ensure_filed(self.node, demo.id)
        return self.known(demo.session_id)

    def known(self, session_id: str) -> Demo:
        """What the node knows of a session."""
        demo = listing.one(self.node, session_id)
        assert demo is not None
        return demo

    def change(self, demo: Demo, **values: object) -> None:
        """Write *values* into the row of a session."""
        changed = update(DemoSession).where(DemoSession.id == demo.id).values(**values)
        self.node.database.write(lambda connection: connection.execute(changed))

    def report(self, demo: Demo, target: int, reason: Reason) -> None:
        """Report a player; whom Steam knows is not the point here."""
        said = {"reason": reason, "reporter": FULL, "now": self.node.wall_clock()}
        self.node.database.write(lambda found: reports.put(found, demo.id, target, **said))


@contextmanager
def demo_site(folder: Path) -> Iterator[DemoSite]:
    """A node in *folder* without a recording yet."""
    with steam_stub() as steam:
        values: dict[str, Any] = {
            "SQLALCHEMY_DATABASE_URI": f"sqlite:///{folder / 'node.db'}",
            "MASTER_KEY_PATH": str(folder / "master.key"),
            "FILES_PATH": str(folder / "files"),
            "DEMOS_PATH": str(folder / "demos"),
            "CHATS_ARCHIVE": f"sqlite:///{folder / 'chats.db'}",
            "CHATS_DROP_FOLDER": str(folder / "drop"),
            "DEMOS_RATE_LIMIT": 0,
            "STEAM_API_KEY": STEAM_KEY,
            "STEAM_API_URL": steam,
            "STEAM_LOGIN_URL": f"{steam}/openid/login",
        }
        app = build(settings.checked(values))
        node: Node = app.extensions["downstream"]
        schema.migrate(app, node)
        given = {f"DOWNSTREAM_{name}": str(value) for name, value in values.items()}
        try:
            with served({**os.environ, **given, "DOWNSTREAM_CONFIG": os.devnull}) as url:
                yield DemoSite(url, node)
        finally:
            node.close()


@contextmanager
def steam_stub() -> Iterator[str]:
    """The stand-in for Steam as a process: its address."""
    port = free_port()
    command = [sys.executable, "-m", "downstream_node.demos.steam_stub", "--port", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        wait_for(port)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


def filled(site: DemoSite) -> DemoSite:
    """The node with recordings of all kinds, and streams; FULL and others have made them."""
    for user in (FULL, *(OTHERS + number for number in range(5))):
        site.key(user)
    for number, name in enumerate(MAPS):
        content = match(300_000 + 41_000 * number, number, name)
        site.kept(
            FULL, content, (number * 26 + 3) * HOUR, map_name=name, name=f"match {number}.dem"
        )
    suspicious(site)
    broken = site.kept(FULL, b"no demo", 9 * 24 * HOUR, name=HOSTILE, map_name="<b>bold</b>")
    site.change(broken, zero_run=0)
    old = site.kept(FULL, recording(70_000, 9), 100 * 24 * HOUR, name="long ago.dem", fake_ip=GONE)
    why = "It was kept for 90 days, and nobody in it was reported or detected."
    site.change(old, pruned=site.node.wall_clock(), prune_reason=why)
    assert old.sha256
    custody.release(site.node, old.sha256, filing.SOURCE, old.session_id, why)
    for number in range(4):
        figures = (17_000_000 - 3_100_000 * number, 41_000 - 900 * number)
        site.streaming(OTHERS + number, 400 + 77 * number, *figures, map_name=MAPS[number])
    return site


def match(size: int, seed: int, map_name: str) -> bytes:
    """A recording of a match on this map."""
    content = recording(size, seed, ticks=MATCH * TICKS_PER_SECOND)
    return content.replace(b"pl_badwater", map_name.encode().ljust(len("pl_badwater"), b"\0"), 1)


def suspicious(site: DemoSite) -> Demo:
    """A recording in which somebody is reported, detected and judged."""
    content = match(512_000, 77, "pl_upward")
    demo = site.kept(OTHERS, content, 5 * HOUR, map_name="pl_upward", name="suspicious.dem")
    found = [
        {"tick": tick, "algorithm": name, "player": CHEATER, "data": {}}
        for tick, name in enumerate(["viewangles_180degrees"] * 12 + ["oob_pitch"] * 3)
    ]
    blob = {"author": "analyst", "detections": found, "duration": MATCH, "map": "pl_upward"}
    document = json.encode(blob | {"server_ip": SERVER})
    now = site.node.wall_clock()
    analysis.ingest(site.node, demo.session_id, document, now)
    site.report(demo, CHEATER, Reason.CHEATER)
    site.report(demo, BOT, Reason.BOT)
    analysis.review(site.node, REVIEWER, demo.session_id, CHEATER, Verdict.CONFIRMED, now)
    site.change(demo, score=0.000312, zero_run=17)
    assert demo.sha256
    custody.verify(site.node, demo.sha256)
    return demo
