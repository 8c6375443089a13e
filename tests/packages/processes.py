"""A node and its workers as processes of their own, as they run in production."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests

from downstream_node.clock import monotonic, pause
from downstream_node.packages.secrets import Secret

HOST = "127.0.0.1"
LOGGED = "import logging; logging.basicConfig(level=logging.DEBUG)"
COMMAND = f"{LOGGED}; from downstream_node.cli import main; main()"
START_SECONDS = 60
OPTIONS = ("--worker-class", "gthread", "--threads", "4", "--no-control-socket")


def free_port() -> int:
    """A port on which nobody listens."""
    with socket.socket() as listener:
        listener.bind((HOST, 0))
        return int(listener.getsockname()[1])


def until(reached: Callable[[], object], seconds: float = START_SECONDS) -> None:
    """Wait until something is so."""
    end = monotonic() + seconds
    while not reached():
        assert monotonic() < end, "it does not come"
        pause(0.05)


@dataclass
class Site:
    """One node; everything of it is in *folder*, its logs at DEBUG in `*.log`."""

    folder: Path
    settings: dict[str, object]
    port: int = field(default_factory=free_port)
    node: "subprocess.Popen[bytes] | None" = None
    workers: list["subprocess.Popen[bytes]"] = field(default_factory=list)

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://{HOST}:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        """Of all its processes."""
        others = {k: v for k, v in os.environ.items() if not k.startswith("DOWNSTREAM_")}
        given = {f"DOWNSTREAM_{name}": str(value) for name, value in self.settings.items()}
        temporary = self.folder / "tmp"
        temporary.mkdir(exist_ok=True)
        config = {"DOWNSTREAM_CONFIG": os.devnull, "TMPDIR": str(temporary)}
        return others | given | config

    def start_node(self) -> None:
        """Serve, and wait until it does."""
        config = self.folder / "gunicorn.conf.py"
        config.write_text(LOGGED + "\n")
        bound = ("--bind", f"{HOST}:{self.port}", "-c", str(config), "--log-level", "debug")
        words = ("-m", "gunicorn", *OPTIONS, *bound, "--access-logfile", "-")
        self.node = self._started("node", *words, "downstream_node.app:create_app()")
        until(self.answers)

    def answers(self) -> bool:
        """Whether it serves."""
        try:
            return requests.get(f"{self.url}/health", timeout=2).ok
        except requests.RequestException:
            return False

    def start_worker(self) -> "subprocess.Popen[bytes]":
        """One more worker; wait until it is alive."""
        alive = self.alive()
        words = ("-c", COMMAND, "packages", "work")
        self.workers.append(self._started(f"worker{len(self.workers)}", *words))
        until(lambda: self.alive() > alive)
        return self.workers[-1]

    def alive(self) -> int:
        """How many workers are alive."""
        return int(requests.get(f"{self.url}/health", timeout=5).json()["workers"])

    def _started(self, name: str, *words: str) -> "subprocess.Popen[bytes]":
        with (self.folder / f"{name}.log").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, *words], stdout=log, stderr=log, env=self.environment
            )

    def processes(self) -> list[int]:
        """All its processes that run, with their children."""
        running = [self.node, *self.workers]
        found = [one.pid for one in running if one is not None and one.poll() is None]
        for pid in found:
            found += children(pid)
        return found

    def stop(self, number: int = signal.SIGTERM) -> list[int | None]:
        """Stop all processes, the workers first; how the workers ended."""
        ended = [ended_by(worker, number) for worker in self.workers]
        if self.node is not None:
            # The master of gunicorn, so that it ends its children also when it is killed hard.
            ended_by(self.node, signal.SIGTERM)
        self.node, self.workers = None, []
        return ended

    def logs(self) -> bytes:
        """Everything that was logged."""
        return b"".join(path.read_bytes() for path in sorted(self.folder.glob("*.log")))


def ended_by(process: "subprocess.Popen[bytes]", number: int) -> int | None:
    """Send a signal and wait; how it ended."""
    if process.poll() is None:
        process.send_signal(number)
    try:
        return process.wait(40)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        raise


def children(pid: int) -> list[int]:
    """The processes that *pid* has started."""
    found: list[int] = []
    for tasks in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            found += map(int, tasks.read_text().split())
        except OSError:
            continue
    return found


@contextmanager
def running(site: Site) -> Iterator[Site]:
    """The site, until its processes are stopped."""
    try:
        yield site
    finally:
        site.stop()


@dataclass
class Visitor:
    """Somebody with a package, who speaks to a site over HTTP as the document says."""

    site: Site
    link: str
    secret: Secret

    @property
    def headers(self) -> dict[str, str]:
        """The one header of the document."""
        return {"Authorization": f"Bearer {self.secret.text}"}

    def ask(self, method: str, path: str, **options: Any) -> requests.Response:
        """One request."""
        url = path if path.startswith("http") else f"{self.site.url}{path}"
        return requests.request(method, url, timeout=30, **({"headers": self.headers} | options))

    def submit(self) -> dict[str, Any]:
        """POST /process."""
        response = self.ask("POST", "/process", json={"package_link": self.link}, headers={})
        return dict(response.json())

    @property
    def path(self) -> str:
        """Of its package."""
        return f"/process/{self.secret.package_id}"

    def status(self) -> dict[str, Any]:
        """GET /process/<id>/status."""
        return dict(self.ask("GET", f"{self.path}/status").json())

    def wait(self, seconds: float = START_SECONDS) -> dict[str, Any]:
        """The status once the package is done or has failed."""
        until(lambda: not self.status()["isProcessing"], seconds)
        return self.status()
