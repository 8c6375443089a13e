"""Recordings that a simulated node has, and who asks for them."""

from dataclasses import dataclass
from typing import Any

from demos.journey import ANALYST, UPLOADER, user
from simulator import SimulatedNode
from sqlalchemy import update
from werkzeug.test import TestResponse

from downstream_node.demos import filing, listing, sessions
from downstream_node.demos.listing import Demo
from downstream_node.demos.models import DemoSession
from downstream_node.demos.spool import spool_of
from downstream_node.demos.states import Scope

REVIEWER = 76561198000000003
CHEATER = 76561198000000666
BOT = 76561198000000667
ADDRESS = "169.254.1.2:27015"


@dataclass(frozen=True)
class Asking:
    """Somebody with a key."""

    node: SimulatedNode
    key: str

    def get(
        self, path: str, headers: dict[str, str] | None = None, /, **query: object
    ) -> TestResponse:
        """Ask for *path*."""
        said = self.headers | (headers or {})
        client = self.node.app.test_client()
        return client.get(path, query_string=query, headers=said, buffered=True)

    def post(self, path: str, body: object) -> TestResponse:
        """Send *body*: bytes as they are, all else as JSON."""
        client = self.node.app.test_client()
        if isinstance(body, bytes):
            return client.post(path, data=body, headers=self.headers)
        return client.post(path, json=body, headers=self.headers)

    @property
    def headers(self) -> dict[str, str]:
        """Those that show the key."""
        return {"X-Api-Key": self.key}


def uploader(node: SimulatedNode, steam_id: int = UPLOADER) -> Asking:
    """A player with a new key."""
    return Asking(node, user(node, steam_id))


def analyst(node: SimulatedNode, steam_id: int = ANALYST) -> Asking:
    """An analyst with a new key."""
    return Asking(node, user(node, steam_id, Scope.ANALYST))


def reviewer(node: SimulatedNode, steam_id: int = REVIEWER) -> Asking:
    """A reviewer with a new key."""
    return Asking(node, user(node, steam_id, Scope.REVIEWER))


def opened(  # noqa: PLR0913 - as many things are said of a session
    node: SimulatedNode,
    content: bytes = b"demo",
    *,
    by: int = UPLOADER,
    name: str = "match.dem",
    map_name: str = "pl_badwater",
    address: str = ADDRESS,
) -> str:
    """A session that goes on, into which *content* was streamed; its id."""
    with node.parts.database.reading() as connection:
        known = by in listing.users_after(connection, after=by - 1)[:1]
    if not known:
        user(node, by)
    now = node.parts.wall_clock()
    session_id = sessions.start(node.parts, by, name, address, map_name, now)
    recording = spool_of(node.parts).hold(session_id)
    try:
        recording.append(content)
        recording.sync()
    finally:
        recording.close()
    return session_id


def closed(node: SimulatedNode, content: bytes = b"demo", **values: Any) -> str:
    """A session that was streamed and closed, and is not filed yet; its id."""
    session_id = opened(node, content, **values)
    by = values.get("by", UPLOADER)
    sessions.close(node.parts, by, node.parts.wall_clock(), session_id=session_id)
    return session_id


def kept(node: SimulatedNode, content: bytes = b"demo", **values: Any) -> Demo:
    """A recording in custody. A second passes, so that the next one is younger."""
    demo = known(node, closed(node, content, **values))
    filing.ensure_filed(node.parts, demo.id)
    node.advance(1)
    return known(node, demo.session_id)


def known(node: SimulatedNode, session_id: str) -> Demo:
    """What the node knows of a session."""
    demo = listing.one(node.parts, session_id)
    assert demo is not None
    return demo


def change(node: SimulatedNode, demo: Demo, **values: object) -> None:
    """Write *values* into the row of a session."""
    changed = update(DemoSession).where(DemoSession.id == demo.id).values(**values)
    node.parts.database.write(lambda connection: connection.execute(changed))


def detections(*players: int) -> dict[str, Any]:
    """An analysis that found each of *players* once."""
    return {
        "author": "somebody",
        "duration": 1200,
        "map": "pl_badwater",
        "server_ip": ADDRESS,
        "detections": [
            {"tick": tick, "algorithm": "viewangles", "player": player, "data": {"angle": 3.5}}
            for tick, player in enumerate(players)
        ],
    }
