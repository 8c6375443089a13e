"""Players' clients, and a node of processes as it runs in production."""

import hashlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from random import Random
from typing import Any

import requests
from browser.site import wait_for
from servers import free_port
from simulator import SimulatedNode
from sqlalchemy import update
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from downstream_node import app, settings
from downstream_node.clock import pause
from downstream_node.demos import access, headers
from downstream_node.demos.models import DemoUser
from downstream_node.demos.states import Scope
from downstream_node.node import Node

UPLOADER = 76561198000000001
ANALYST = 76561198000000002
LATE = headers.LAYOUT.size - headers.LATE_SIZE
LATE_BYTES = bytes(range(1, 17))


def recording(size: int, seed: int = 1, ticks: int = 0) -> bytes:
    """A demo of *size* bytes: a header, then noise that follows from *seed*."""
    texts = [text.encode() for text in ("127.0.0.1:27015", f"player{seed}", "pl_badwater", "tf")]
    head = headers.LAYOUT.pack(headers.STAMP, 3, 24, *texts, ticks / 66, ticks, ticks, 0)
    return (head + Random(seed).randbytes(max(0, size - len(head))))[:size]  # noqa: S311 - content


def with_late_bytes(data: bytes, late: bytes) -> bytes:
    """*data* as it is to be when it is filed."""
    return data[:LATE] + late + data[LATE + len(late) :]


def key_of(node: Node, steam_id: int, *scopes: Scope) -> str:
    """A new key for a user, with these scopes besides uploading."""
    key = access.issue(node, steam_id, node.wall_clock())
    words = " ".join((Scope.UPLOAD, *scopes))
    node.database.write(
        lambda connection: connection.execute(
            update(DemoUser).where(DemoUser.steam_id == steam_id).values(scopes=words)
        )
    )
    return key


def user(node: SimulatedNode, steam_id: int = UPLOADER, *scopes: Scope) -> str:
    """The same for a simulated node."""
    return key_of(node.parts, steam_id, *scopes)


@dataclass
class Player:
    """One user's client."""

    url: str
    key: str
    session: str = ""

    def start(self, **values: str) -> requests.Response:
        """Begin a session."""
        asked = {"api_key": self.key, "fake_ip": "123.45.6789", "map": "asdf", **values}
        answer = requests.get(f"{self.url}/session_id", params=asked, timeout=30)
        if answer.ok:
            self.session = answer.json()["session_id"]
        return answer

    def stream(self, session: str | None = None, acks: str = "all") -> ClientConnection:
        """Open the stream; the first message on it tells the offset, others when it has grown."""
        where = self.url.replace("http", "ws", 1)
        which = self.session if session is None else session
        address = f"{where}/demos?api_key={self.key}&session_id={which}&acks={acks}"
        return connect(address, max_size=None, compression=None, proxy=None, legacy=True)

    def late(self, data: bytes = LATE_BYTES) -> requests.Response:
        """Send the late bytes."""
        return self._post("late_bytes", {"late_bytes": data.hex()})

    def close(self, **values: str) -> requests.Response:
        """Close the session."""
        asked = {"api_key": self.key, **values}
        return requests.get(f"{self.url}/close_session", params=asked, timeout=60)

    def fetch(self, session: str | None = None) -> requests.Response:
        """Fetch a demo."""
        asked = {"session_id": self.session if session is None else session}
        head = {"X-Api-Key": self.key}
        return requests.get(f"{self.url}/demodata", params=asked, headers=head, timeout=60)

    def _post(self, path: str, body: object) -> requests.Response:
        head = {"X-Api-Key": self.key}
        return requests.post(f"{self.url}/{path}", json=body, headers=head, timeout=60)


def offset(stream: ClientConnection, timeout: float = 20) -> int:
    """The next acknowledgement."""
    told: int = json.loads(stream.recv(timeout))["offset"]
    return told


def acknowledged(stream: ClientConnection, size: int, timeout: float = 20) -> None:
    """Wait until *size* bytes are durable."""
    while offset(stream, timeout) < size:
        pass


def ended(stream: ClientConnection, timeout: float = 20) -> int | None:
    """The code with which the server ends the stream."""
    with suppress(ConnectionClosed):
        while True:
            stream.recv(timeout)
    return stream.close_code


def sha256(data: bytes) -> str:
    """The hash in hex."""
    return hashlib.sha256(data).hexdigest()


@dataclass
class Site:
    """One node; everything of it is in *folder*."""

    folder: Path
    settings: dict[str, object]
    node: Node
    port: int = field(default_factory=free_port)
    workers: int = 1
    server: "subprocess.Popen[bytes] | None" = None
    numbers: Iterator[int] = field(default_factory=count)

    @property
    def host(self) -> str:
        """Where it is, as programs name it."""
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://{self.host}"

    @property
    def environment(self) -> dict[str, str]:
        """Of its processes."""
        given = {f"DOWNSTREAM_{name}": str(value) for name, value in self.settings.items()}
        others = {k: v for k, v in os.environ.items() if not k.startswith("DOWNSTREAM_")}
        return {**others, **given, "DOWNSTREAM_CONFIG": os.devnull}

    def start(self) -> "Site":
        """Serve, and wait until it does, unless it does already."""
        if self.server is not None:
            return self
        command = [sys.executable, "-m", "gunicorn", "--worker-class", "gthread", "--threads", "4"]
        command += ["--no-control-socket", "--log-level", "info", "--workers", str(self.workers)]
        command += ["--access-logfile", "-", "--bind", f"127.0.0.1:{self.port}"]
        with (self.folder / "node.log").open("ab") as log:
            self.server = subprocess.Popen(
                [*command, "downstream_node.app:create_app()"],
                env=self.environment,
                stdout=log,
                stderr=log,
            )
        wait_for(self.port)
        return self

    def worker_processes(self) -> list[int]:
        """The workers' process ids."""
        assert self.server is not None
        path = Path(f"/proc/{self.server.pid}/task/{self.server.pid}/children")
        return [int(word) for word in path.read_text().split()]

    def kill_worker(self) -> None:
        """Kill a worker as hard as can be; gunicorn starts another one."""
        before = self.worker_processes()
        os.kill(before[0], signal.SIGKILL)

    def kill(self) -> None:
        """Kill all processes, and wait until they are gone."""
        assert self.server is not None
        workers = self.worker_processes()
        for pid in [self.server.pid, *workers]:
            os.kill(pid, signal.SIGKILL)
        self.server.wait()
        self.server = None
        while any(Path(f"/proc/{pid}/exe").exists() for pid in workers):
            pause(0.05)

    def stop(self) -> None:
        """Stop in order."""
        if self.server is not None:
            self.server.terminate()
            self.server.wait(60)
            self.server = None

    def player(self, steam_id: int | None = None, *scopes: Scope) -> Player:
        """A user with a new key: somebody new, or who it is."""
        who = UPLOADER + 1000 + next(self.numbers) if steam_id is None else steam_id
        return Player(self.url, key_of(self.node, who, *scopes))


@contextmanager
def site_of(folder: Path, uri: str, master_key: Path, **values: Any) -> Iterator[Site]:
    """A node of processes that is not started yet."""
    own = {
        "SQLALCHEMY_DATABASE_URI": uri,
        "MASTER_KEY_PATH": str(master_key),
        "FILES_PATH": str(folder / "files"),
        "CHATS_ARCHIVE": f"sqlite:///{folder / 'chats.db'}",
        "CHATS_DROP_FOLDER": str(folder / "drop"),
        "PACKAGES_PATH": str(folder / "packages"),
        "DEMOS_PATH": str(folder / "demos"),
        **values,
    }
    node: Node = app.build(settings.checked(own)).extensions["downstream"]
    site = Site(folder, own, node)
    try:
        yield site
    finally:
        site.stop()
        node.close()
