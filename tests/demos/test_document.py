"""The document's own Python examples, as printed, against a served node and a Steam of ours."""

import subprocess
import sys
from pathlib import Path

from demos.journey import ANALYST, Player, Site, recording
from demos.steamside import Browser, settings_of, steam_of

from downstream_node.demos.states import Scope

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


def run(folder: Path, program: str, **names: str) -> str:
    """What a program prints."""
    for name, value in names.items():
        program = program.replace(name, value)
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=folder, check=True, capture_output=True, text=True
    )
    return done.stdout


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
        told = run(tmp_path, SESSION, **given)
        session = eval(told)["session_id"]  # noqa: S307 - what the example printed
        run(tmp_path, STREAM, YOUR_SESSION_ID_HERE=repr(session), **given)
    player = Player(site.url, given["YOUR_API_KEY_HERE"].strip("'"), session)
    assert player.close().json() == {"closed_successfully": True}
    assert site.player(ANALYST, Scope.ANALYST).fetch(session).content == data
