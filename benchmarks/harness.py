"""What all benchmarks share: databases, a served node, clients at once, tables.

Everything stays on loopback, and every load is a fixed number of requests.
"""

import http.client
import os
import platform
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any, TypeVar

import msgspec
from flask import Flask
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from downstream_node import schema, settings
from downstream_node.app import build
from downstream_node.clock import monotonic, pause
from downstream_node.node import Node

V1 = "/api/downstream/v1"
SERVERS = {"MariaDB": "TEST_MARIADB_URI", "PostgreSQL": "TEST_POSTGRESQL_URI"}
WORKERS = 2
THREADS = 4
START_SECONDS = 30

Result = TypeVar("Result")


def databases(folder: Path) -> dict[str, str]:
    """The address of each kind of database that is there, each for our use alone."""
    found = {"SQLite": f"sqlite:///{folder / 'bench.db'}"}
    for name, variable in SERVERS.items():
        if os.environ.get(variable):
            url = make_url(os.environ[variable]).set(database="downstream_bench")
            found[name] = url.render_as_string(hide_password=False)
    return found


def recreate(uri: str) -> None:
    """Make the database of *uri* anew, and empty."""
    url = make_url(uri)
    if url.get_backend_name() == "sqlite":
        for file in Path(str(url.database)).parent.glob(f"{Path(str(url.database)).name}*"):
            file.unlink()
        return
    other = "postgres" if url.get_backend_name() == "postgresql" else "mysql"
    engine = create_engine(url.set(database=other), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"DROP DATABASE IF EXISTS {url.database}"))
        connection.execute(text(f"CREATE DATABASE {url.database}"))
    engine.dispose()


@dataclass
class Served:
    """A node that gunicorn serves, and the same node in this process, to prepare it."""

    node: Node
    app: Flask
    port: int
    process: "subprocess.Popen[bytes]"

    def memory_per_worker(self) -> int:
        """The largest resident memory of a worker so far, in bytes (Linux)."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        peaks = [
            int(line.split()[1])
            for child in children.split()
            for line in Path(f"/proc/{child}/status").read_text().splitlines()
            if line.startswith("VmHWM")
        ]
        return max(peaks) * 1024

    def client(self) -> "Client":
        """A client with a connection of its own."""
        return Client(self.port)


@contextmanager
def served(uri: str, folder: Path, workers: int = WORKERS, **values: object) -> Iterator[Served]:
    """A node on a new, empty database, served by gunicorn."""
    recreate(uri)
    chosen: dict[str, object] = {
        "SQLALCHEMY_DATABASE_URI": uri,
        "MASTER_KEY_PATH": str(folder / "master.key"),
        "DEFAULT_INTERVAL": 36000,
        "REQUIRE_SIGNATURE": False,
        "MIN_SJCX_BALANCE": 0,
        "MAX_TOKENS_PER_IP": 1_000_000,
        "MAX_SIZE_PER_ADDRESS": 1 << 50,
        **values,
    }
    app = build(settings.checked(chosen))
    node = app.extensions["downstream"]
    schema.migrate(app, node)
    port = free_port()
    command = [sys.executable, "-m", "gunicorn", "--workers", str(workers)]
    command += ["--worker-class", "gthread", "--threads", str(THREADS), "--no-control-socket"]
    # Clients that prepare their proofs for seconds would otherwise find their connection closed.
    command += ["--bind", f"127.0.0.1:{port}", "--log-level", "error", "--keep-alive", "60"]
    environment = {
        **os.environ,
        **{f"DOWNSTREAM_{name}": str(value) for name, value in chosen.items()},
    }
    command.append("downstream_node.app:create_app()")
    process = subprocess.Popen(command, env=environment)
    try:
        wait_for(port, process)
        yield Served(node, app, port, process)
    finally:
        process.terminate()
        process.wait()
        node.close()


def free_port() -> int:
    """A loopback port that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def wait_for(port: int, process: "subprocess.Popen[bytes]") -> None:
    """Wait until the node answers."""
    give_up = monotonic() + START_SECONDS
    while monotonic() < give_up and process.poll() is None:
        try:
            Client(port).get("/status/list/1")
        except OSError:
            pause(0.1)
        else:
            return
    raise RuntimeError("the node did not start")


class Client:
    """One keep-alive connection to the node."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)

    def reconnect(self) -> None:
        """Begin a new connection: which worker gets it is left to chance, as with real farmers."""
        self._connection.close()
        self._connection.connect()

    def get(self, path: str, headers: dict[str, str] | None = None) -> bytes:
        """The body of a GET below the v1 mount, which must succeed."""
        return self._request("GET", V1 + path, None, headers or {})

    def get_from_root(self, path: str, headers: dict[str, str]) -> bytes:
        """The body of a GET, which must succeed."""
        return self._request("GET", path, None, headers)

    def post(self, path: str, body: bytes) -> bytes:
        """The body of the answer to a POST of JSON, which must succeed."""
        return self._request("POST", V1 + path, body, {"Content-Type": "application/json"})

    def post_to_root(self, path: str, body: bytes, headers: dict[str, str]) -> bytes:
        """The body of the answer to a POST, which must succeed."""
        return self._request("POST", path, body, headers)

    def _request(
        self, method: str, path: str, body: bytes | None, headers: dict[str, str]
    ) -> bytes:
        self._connection.request(method, path, body, headers)
        response = self._connection.getresponse()
        answer = response.read()
        if response.status not in (200, 201, 304):
            raise RuntimeError(f"{method} {path}: {response.status} {answer[:200]!r}")
        return answer


@dataclass
class Load:
    """What a number of requests took."""

    seconds: float
    """From the first request to the last answer."""
    latencies: list[float]
    """Of each request, in seconds."""
    answers: list[bytes]

    def percentile(self, percent: float) -> float:
        """The latency that *percent* of the requests stayed within, in milliseconds."""
        ordered = sorted(self.latencies)
        return 1000 * ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]


def at_once(clients: Sequence[Callable[[], list[Callable[[], bytes]]]]) -> Load:
    """Run the requests of several clients at once, each client's one after the other."""
    latencies: list[float] = []
    answers: list[bytes] = []

    def run(requests: list[Callable[[], bytes]]) -> None:
        for request in requests:
            began = monotonic()
            answers.append(request())
            latencies.append(monotonic() - began)

    prepared = [client() for client in clients]
    with ThreadPoolExecutor(len(prepared)) as executor:
        began = monotonic()
        list(executor.map(run, prepared))
        return Load(monotonic() - began, latencies, answers)


def timed(work: Callable[[], object], seconds: float = 1.0, rounds: int = 5) -> float:
    """How often *work* runs per second: the median of some rounds of about *seconds* in all."""
    began = monotonic()
    work()
    once = max(monotonic() - began, 1e-7)
    repeat = max(1, int(seconds / rounds / once))
    rates = []
    for _ in range(rounds):
        began = monotonic()
        for _ in range(repeat):
            work()
        rates.append(repeat / (monotonic() - began))
    return median(rates)


def print_table(title: str, header: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Print a Markdown table."""
    print(f"\n### {title}\n")
    print("| " + " | ".join(header) + " |")
    print("|" + "---|" * len(header))
    for row in rows:
        print("| " + " | ".join(shown(cell) for cell in row) + " |")
    sys.stdout.flush()


def shown(cell: object) -> str:
    """A cell of a table: numbers with as many digits as mean something."""
    if isinstance(cell, float):
        return f"{cell:,.0f}" if cell >= 100 else f"{cell:.3g}"
    return f"{cell:,}" if isinstance(cell, int) else str(cell)


def machine() -> str:
    """The machine in one line."""
    model = platform.processor() or platform.machine()
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.split(":", 1)[1].strip()
            break
    return f"{os.cpu_count()} cores of {model}, Python {platform.python_version()}"


@contextmanager
def scratch() -> Iterator[Path]:
    """A folder for databases and keys, gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="downstream-bench-") as folder:
        yield Path(folder)


def decoded(body: bytes) -> Any:  # noqa: ANN401 - JSON
    """*body* as JSON."""
    return msgspec.json.decode(body)
