"""Workers and nodes are killed in the middle of many streams: no acknowledged byte is lost."""

import asyncio
import hashlib
import json
import os
import signal
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from random import Random

import pytest
from demos.journey import ANALYST, UPLOADER, Player, Site, recording
from sqlalchemy import select, update
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidMessage

from downstream_node.clock import monotonic, pause
from downstream_node.custody import service as custody
from downstream_node.demos.filing import ensure_filed
from downstream_node.demos.models import DemoSession
from downstream_node.demos.states import Scope

STREAMS = 100
BYTES = 400_000
FRAME = 4_000
PAUSE = 0.05
GONE = (OSError, ConnectionClosed, InvalidHandshake, InvalidMessage, EOFError)


@dataclass
class Streaming:
    """One client that comes back, whatever happens, and goes on where the server says."""

    player: Player
    data: bytes
    told: int = 0
    resumed: int = 0

    async def run(self) -> None:
        """Send all of it, and wait until all of it is durable."""
        while self.told < len(self.data):
            try:
                await self.once()
            except GONE:
                await asyncio.sleep(0.2 + Random(self.told).random() / 5)  # noqa: S311 - a pause

    async def once(self) -> None:
        """One connection."""
        where = self.player.url.replace("http", "ws", 1)
        asked = f"api_key={self.player.key}&session_id={self.player.session}&acks=all"
        async with connect(f"{where}/demos?{asked}", compression=None, proxy=None) as stream:
            offset = json.loads(await stream.recv())["offset"]
            # The promise: what was acknowledged is there.
            assert offset >= self.told
            self.resumed += offset > 0
            self.told = offset
            reading = asyncio.create_task(self.read(stream))
            try:
                for at in range(offset, len(self.data), FRAME):
                    await stream.send(self.data[at : at + FRAME])
                    await asyncio.sleep(PAUSE)
                await reading
            finally:
                reading.cancel()

    async def read(self, stream: object) -> None:
        """Take acknowledgements until all is acknowledged."""
        while self.told < len(self.data):
            self.told = json.loads(await stream.recv())["offset"]  # type: ignore[attr-defined]


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_kill_9_in_the_middle_of_100_streams(any_site: Site) -> None:
    """A worker of two dies, twice; every client resumes; each demo is whole in the end."""
    site = any_site
    site.workers = 2
    site.start()
    clients = []
    for number in range(STREAMS):
        player = site.player(UPLOADER + 10 + number)
        assert player.start().ok
        clients.append(Streaming(player, recording(BYTES, number)))

    async def story() -> None:
        running = [asyncio.create_task(client.run()) for client in clients]
        for _ in range(2):
            await asyncio.sleep(4)
            for pid in site.worker_processes():
                os.kill(pid, signal.SIGKILL)
        await asyncio.wait_for(asyncio.gather(*running), 200)

    # In a thread: where browsers were used before, this one has a loop that runs already.
    with ThreadPoolExecutor(1) as pool:
        pool.submit(asyncio.run, story()).result()
    assert all(client.resumed for client in clients)
    for client in clients:
        assert client.player.close().ok
    assert hashes(site) == {
        client.player.session: hashlib.sha256(client.data).digest() for client in clients
    }


def hashes(site: Site) -> dict[str, bytes]:
    """What is filed, by session; all of it read once more from custody."""
    query = select(DemoSession).order_by(DemoSession.id)
    rows = site.node.database.read(lambda connection: list(connection.execute(query)))
    for row in rows:
        ensure_filed(site.node, row.id)
    rows = site.node.database.read(lambda connection: list(connection.execute(query)))
    for row in rows:
        assert hashlib.sha256(b"".join(custody.read(site.node, row.sha256))).digest() == row.sha256
    return {row.session_id: row.sha256 for row in rows}


def test_a_restart_goes_on_with_open_sessions(site: Site) -> None:
    """All processes are killed; the session is there, with its bytes, and is closed by anybody."""
    player, data = site.start().player(), recording(50_000)
    player.start()
    with player.stream() as stream:
        stream.send(data)
        while json.loads(stream.recv(20))["offset"] < len(data):
            pass
        site.kill()
    site.start()
    assert player.start().status_code == 403
    assert player.close().ok
    analyst = site.player(ANALYST, Scope.ANALYST)
    assert analyst.fetch(player.session).content == data


def test_filing_is_done_again_after_a_kill(site: Site) -> None:
    """Late bytes were put in, the file was taken in, the row was not written: once more."""
    player, data = site.start().player(), recording(50_000)
    site.stop()
    site.settings["JOBS"] = "false"
    site.start()
    player.start()
    with player.stream() as stream:
        stream.send(data)
    player.late()
    player.close()
    row = site.node.database.read(lambda connection: connection.execute(select(DemoSession)).one())
    spooled = next(site.folder.glob(f"demos/{player.session}.dem"))
    content = spooled.read_bytes()
    ensure_filed(site.node, row.id)
    # As if the process had died before it wrote the row and removed the file.
    spooled.write_bytes(content)
    site.node.database.write(
        lambda connection: connection.execute(
            update(DemoSession).values(is_filed=False, sha256=None)
        )
    )
    ensure_filed(site.node, row.id)
    give_up = monotonic() + 10
    while spooled.exists():
        assert monotonic() < give_up
        pause(0.1)
    analyst = site.player(ANALYST, Scope.ANALYST)
    assert len(analyst.fetch(player.session).content) == len(data)
