"""The document's own Python examples, as printed, against a served node and a Steam of ours."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from demos.journey import ANALYST, Player, Site, recording
from demos.steamside import Browser, settings_of, steam_of

from downstream_node.demo import DOCUMENTED
from downstream_node.demos.states import Scope

SERVERS = """
from api.servers import Query


filters = {
    "appid": 440,
    "empty": False,
    "linux": True,
    "gametype": "valve"
}

limit = 1

servers = Query("MY_STEAM_API_KEY", filters, limit).query()

for server in servers:
    print(server)

    server_info = server.query("MY_STEAM_API_KEY")
    print(server_info)
"""
SESSION = '''
"""Example on how to get a session ID."""
import requests

api_key = YOUR_API_KEY_HERE

app_host = "127.0.0.1:8000"

response = requests.get(f"http://{app_host}/session_id", params={
    "api_key": api_key,
    "fake_ip": "123.45.6789",  # IP of current server/game
    "map": "asdf"  # map of current server/game
})

print(response.json())  # Session ID that was persisted to database
'''
STREAM = """
import websockets
import asyncio


api_key = YOUR_API_KEY_HERE
session_id = YOUR_SESSION_ID_HERE

app_host = "127.0.0.1:8000"


async def send_demo_file():
    uri = f"ws://{app_host}/demos?api_key={api_key}&session_id={session_id}"
    async with websockets.connect(uri) as socket:
        # for this example we are using a static demo file but can stream any bytes
        with open("some_demo_file.dem", "rb") as f:
            while True:
                chunk = f.read(1024)
                if not chunk:
                    # session is auto closed on disconnect.
                    break
                await socket.send(chunk)

asyncio.run(send_demo_file())
"""
"""The second example's function, called: its `main` hands it arguments that it does not take."""


def run(folder: Path, program: str, environment: Mapping[str, str], **names: str) -> str:
    """What a program prints."""
    for name, value in names.items():
        program = program.replace(name, value)
    command = [sys.executable, "-c", program]
    given = {**os.environ, **environment}
    done = subprocess.run(
        command, cwd=folder, check=True, capture_output=True, text=True, env=given
    )
    return done.stdout


def test_the_example_of_the_servers_works_as_printed(tmp_path: Path) -> None:
    """With the folder that `make run` puts into data/demo.env; it prints what the document has."""
    with steam_of() as stub:
        stub.world.key = ""
        path = f"{DOCUMENTED}:{Path(__file__).parents[2]}"
        given = {"PYTHONPATH": path, "DOWNSTREAM_STEAM_API_URL": stub.url}
        told = run(tmp_path, SERVERS, given)
    assert told.startswith("addr='169.254.189.228:41928' gameport=41928 steamid=")
    assert '"server_name": "Valve Matchmaking Server' in told


def test_the_examples_work_as_printed(site: Site, tmp_path: Path) -> None:
    """Sign in, get a session, stream a file in 1 KiB pieces, close: it is there."""
    data = recording(300_000)
    (tmp_path / "some_demo_file.dem").write_bytes(data)
    with steam_of() as stub:
        site.settings.update(settings_of(stub))
        site.start()
        given = {
            "YOUR_API_KEY_HERE": repr(Browser(site.url).sign_in()),
            "127.0.0.1:8000": site.host,
        }
        told = run(tmp_path, SESSION, {}, **given)
        session = eval(told)["session_id"]  # noqa: S307 - what the example printed
        run(tmp_path, STREAM, {}, YOUR_SESSION_ID_HERE=repr(session), **given)
    player = Player(site.url, given["YOUR_API_KEY_HERE"].strip("'"), session)
    assert player.close().json() == {"closed_successfully": True}
    assert site.player(ANALYST, Scope.ANALYST).fetch(session).content == data
