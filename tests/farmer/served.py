"""Nodes that listen on a loopback port: the real one, and one that says what it is told."""

import contextlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from simulator import SimulatedNode
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from downstream_node.farmer.identity import Identity, load_identity
from downstream_node.farmer.loop import Farmer, Pass, make_farmer
from downstream_node.farmer.messages import Offer
from downstream_node.farmer.node_client import NodeClient

HOST = "127.0.0.1"
HASH = "0123456789abcdef" * 4
NEVER = threading.Event()


def offer(file_hash: str = HASH, size: int = 100) -> Offer:
    """An offer of a chunk; its tag is of no scheme."""
    return Offer(file_hash=file_hash, seed="5eed", size=size, tag={"tree": [1, "two"]})


@contextmanager
def serving(server: BaseWSGIServer | ThreadingHTTPServer) -> Iterator[None]:
    """Have *server* answer requests in a thread."""
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class Quiet(WSGIRequestHandler):
    """Logs no requests."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Log nothing."""


class ServedNode:
    """The simulated node, to be reached over HTTP while it is `up`."""

    def __init__(self, node: SimulatedNode) -> None:
        self.node = node
        self.port = 0
        with self._server() as server:  # closed at once: until `up`, connections are refused
            self.port = server.server_port
        self.url = f"http://{HOST}:{self.port}"

    def _server(self) -> BaseWSGIServer:
        return make_server(HOST, self.port, self.node.app, threaded=True, request_handler=Quiet)

    @contextmanager
    def up(self) -> Iterator[None]:
        """Have it reachable, at the same address every time."""
        with serving(self._server()):
            yield

    def listed(self) -> list[dict[str, object]]:
        """All farmers as the status page shows them."""
        _, body = self.node.request("GET", "/status/list")
        return list(body["farmers"])

    def heartbeats(self) -> int:
        """The heartbeats of all farmers."""
        return sum(int(str(farmer["heartbeats"])) for farmer in self.listed())


class Volunteer:
    """A farmer with a folder, at a served node; its clocks are the node's."""

    def __init__(self, served: ServedNode, folder: Path, limit: int = 1 << 20) -> None:
        self.served = served
        self.folder = folder
        self.limit = limit
        self.client = NodeClient(served.url)
        self.farmer = self.started()

    @property
    def identity(self) -> Identity:
        """Its key and address."""
        return load_identity(self.folder / "identity.key")

    def started(self) -> Farmer:
        """A farmer that has just been started in the folder."""
        clock = self.served.node.clock
        return make_farmer(
            self.client,
            self.folder,
            self.limit,
            self.identity,
            clock=lambda: clock() / 1000,
            wall_clock=clock,
        )

    def restart(self) -> None:
        """End the farmer, start it again in the same folder."""
        self.farmer = self.started()

    def work(self, passes: int = 1) -> Pass:
        """Do so many passes at once; what the last of them did."""
        for _ in range(passes):
            done = self.farmer.one_pass(NEVER)
        return done

    def files(self) -> list[Path]:
        """The files of all chunks."""
        return sorted((self.folder / "chunks").iterdir())

    def token(self) -> str:
        """What `farmer.json` holds."""
        return (self.folder / "farmer.json").read_text()


class ScriptedNode(ThreadingHTTPServer):
    """Gives the same answer to every request, and keeps what it was asked."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__((HOST, 0), ScriptedAnswers)
        self.status = 200
        self.body = b"{}"
        self.headers: dict[str, str] = {}
        self.hold = threading.Event()  # answers wait for it
        self.hold.set()
        self.asked: list[tuple[str, bytes]] = []

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://{HOST}:{self.server_port}"

    def says(
        self, body: bytes | str, status: int = 200, headers: dict[str, str] | None = None
    ) -> None:
        """Answer this from now on."""
        self.body = body.encode() if isinstance(body, str) else body
        self.status = status
        self.headers = headers or {}


class ScriptedAnswers(BaseHTTPRequestHandler):
    """One request to a `ScriptedNode`."""

    server: ScriptedNode

    def do_GET(self) -> None:
        """Answer as the script says."""
        length = int(self.headers.get("Content-Length", 0))
        self.server.asked.append((f"{self.command} {self.path}", self.rfile.read(length)))
        self.server.hold.wait(10)
        self.send_response(self.server.status)
        headers = {"Content-Length": str(len(self.server.body)), **self.server.headers}
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        with contextlib.suppress(ConnectionError):  # the client may have given up
            self.wfile.write(self.server.body)

    do_POST = do_GET  # noqa: N815 - as http.server wants it

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its own name for it
        """Log nothing."""
