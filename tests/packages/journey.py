"""What the tests of packages as a service share: packages on loopback, owners, workers."""

import gzip
import hashlib
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from farmer.served import serving
from packages.made import CHANNEL, FRIEND, OWNER, MadePackage
from simulator import SimulatedNode
from werkzeug.test import TestResponse

from downstream_node.packages.links import PREFIX, allowed_origins, read_link
from downstream_node.packages.secrets import Secret
from downstream_node.packages.worker import Stop, Worker

HOST = "127.0.0.1"
DISCORD_LINK = PREFIX + "u001." + "aB3-_" * 120
MESSAGES = ["2021-06-01 08:30:00", "2021-06-01 08:45:00", "2021-06-02 09:00:00"]
MARK = "xylophone-of-the-owner"
"""Stands in the text and the names of packages: nobody but their owner may find it anywhere."""


def small_package(name: str = "ada") -> bytes:
    """A package that is quickly read; another one for each *name*."""
    made = MadePackage()
    made.user |= {"username": name, "display_name": MARK, "email": f"{MARK}@owner.example"}
    made.channel(CHANNEL, MESSAGES, "general", recipients=[OWNER, FRIEND])
    for minute in range(10):
        made.event("app_opened", f"2021-06-01T08:{minute:02}:00.000Z", os="Linux")
    return made.zipped().getvalue()


class Shop(ThreadingHTTPServer):
    """Serves packages from loopback, under any path; slowly if it is told so."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__((HOST, 0), _Sale)
        self.goods: dict[str, bytes] = {}
        self.asked: list[str] = []
        self.hold = threading.Event()
        """The second half of each package waits for it."""
        self.hold.set()
        self.status = 200

    @property
    def origin(self) -> str:
        """As PACKAGES_ALLOWED_HOSTS has it."""
        return f"http://{HOST}:{self.server_port}"

    def put(self, path: str, content: bytes) -> str:
        """Have *content* there; its link."""
        self.goods[path] = content
        return self.origin + path


class _Sale(BaseHTTPRequestHandler):
    """One request to a `Shop`."""

    server: Shop

    def do_GET(self) -> None:
        """Send the package, both halves."""
        self.server.asked.append(self.path)
        content = self.server.goods.get(self.path)
        self.send_response(404 if content is None else self.server.status)
        self.send_header("Content-Type", "application/octet-stream")
        self.send_header("Content-Length", str(len(content or b"")))
        self.end_headers()
        content = content or b""
        try:
            self.wfile.write(content[: len(content) // 2])
            self.server.hold.wait(60)
            self.wfile.write(content[len(content) // 2 :])
        except ConnectionError:
            pass  # the reader was ended

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its own name for it
        """Log nothing."""


@contextmanager
def open_shop() -> Iterator[Shop]:
    """A shop, while it is open."""
    shop = Shop()
    with serving(shop):
        yield shop


@dataclass
class Owner:
    """Somebody with a link, who speaks to the node as the document says."""

    node: SimulatedNode
    link: str
    secret: Secret = field(init=False)

    def __post_init__(self) -> None:
        setting = self.node.parts.settings.PACKAGES_ALLOWED_HOSTS
        self.secret = read_link(self.link, allowed_origins(setting)).secret

    @property
    def id(self) -> str:
        """The id of the package."""
        return self.secret.package_id

    @property
    def headers(self) -> dict[str, str]:
        """What shows whose it is."""
        return {"Authorization": f"Bearer {self.secret.text}"}

    def ask(self, method: str, path: str, **options: Any) -> TestResponse:
        """One request below /process."""
        client = self.node.app.test_client()
        return client.open(f"/process{path}", method=method, **options)

    def submit(self) -> str:
        """POST /process; it is accepted. The id."""
        response = self.ask("POST", "", json={"package_link": self.link})
        assert response.json == {
            "isAccepted": True,
            "packageId": self.id,
            "errorMessageCode": None,
        }
        return self.id

    def status(self) -> dict[str, Any]:
        """GET /process/<id>/status."""
        response = self.ask("GET", f"/{self.id}/status", headers=self.headers)
        assert response.status_code == 200, response.text
        return dict(response.json or {})

    def detail(self) -> str:
        """How far it is, in the node's own word."""
        return str(self.status()["processingDetail"])

    def place(self) -> dict[str, int]:
        """Where it stands in the queue."""
        return dict(self.status()["processingQueuePosition"])

    def data(self) -> bytes:
        """GET /process/<id>/data; it is there."""
        response = self.ask("GET", f"/{self.id}/data", headers=self.headers)
        assert response.status_code == 200, response.text
        return bytes(response.data)

    def delete(self) -> dict[str, Any]:
        """DELETE /process/<id>."""
        response = self.ask("DELETE", f"/{self.id}", headers=self.headers)
        assert response.status_code == 200, response.text
        return dict(response.json or {})


def opened(packed: bytes) -> sqlite3.Connection:
    """The statistics in the answer of /data."""
    database = sqlite3.connect(":memory:")
    database.deserialize(gzip.decompress(packed))
    return database


def owner_name(packed: bytes) -> str:
    """Whose statistics they are."""
    with opened(packed) as database:
        (found,) = database.execute("SELECT package_owner_name FROM package_data").fetchone()
    database.close()
    return str(found)


def worker_of(node: SimulatedNode) -> Worker:
    """A worker in this process, alive."""
    worker = Worker(node.parts, Stop())
    worker.beat()
    return worker


def work(worker: Worker) -> bool:
    """Have *worker* do one package, if there is one for it."""
    claim = worker.take()
    if claim is None:
        return False
    worker.process(claim)
    return True


def upload_secret(name: str = "") -> Secret:
    """A secret such as a browser makes."""
    return Secret(hashlib.sha256(name.encode()).hexdigest())
