"""Streams of recordings: one as fast as it goes, and hundreds at the pace of a game.

    python -m benchmarks.demos CLIENT [--streams 500] [--uri URI]

CLIENT is the load client of the document's routes (session, WebSocket, late bytes, close, fetch)
that prints one JSON object; it compares what was stored with what was sent. While the many streams
go on, other players start and close sessions, one after the other: that is how long these take
under load. The many themselves start all in the same instant, which is another thing: both are
printed. One gunicorn process; the client shares the machine with it.
"""

import argparse
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests

from benchmarks.harness import Served, machine, print_table, scratch, served
from downstream_node.clock import monotonic, pause
from downstream_node.demos import access
from downstream_node.demos.commands import set_scopes

FIRST = 76561198000000100
OTHERS = 20
BYTES = 400_000
RATE = 40_000
SINGLE = (
    (300_000_000, 65_536, 75.0, "33"),
    (300_000_000, 720_896, 75.0, "37"),
    (30_000_000, 1024, 20.0, "2"),
)
"""Bytes, frame, mark in MB/s, the original's MB/s."""
MARK_MS = 100.0


def keys_of(site: Served, count: int) -> list[str]:
    """Keys of new users; the first one is an analyst's."""
    now = site.node.wall_clock()
    keys = [access.issue(site.node, FIRST + number, now) for number in range(count)]
    set_scopes(site.node, FIRST, ("analyst",))
    return keys


def load(site: Served, client: Path, keys: list[str], *options: str) -> dict[str, Any]:
    """One run of the client."""
    command = [sys.executable, str(client), "--base", f"http://127.0.0.1:{site.port}"]
    command += ["--keys", ",".join(keys), *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


class Others(threading.Thread):
    """Players who start and close sessions, one after the other, as long as it lasts."""

    def __init__(self, url: str, keys: list[str]) -> None:
        super().__init__(daemon=True)
        self.url, self.keys = url, keys
        self.starts: list[float] = []
        self.closes: list[float] = []
        self.is_over = False

    def run(self) -> None:
        """Begin, and close."""
        with requests.Session() as session:
            while not self.is_over:
                for key in self.keys:
                    asked = {"fake_ip": "169.254.1.2:27015", "map": "pl_badwater"}
                    self.starts.append(self.ask(session, "session_id", key, asked))
                    pause(0.02)
                    self.closes.append(self.ask(session, "close_session", key, {}))
                    pause(0.02)

    def ask(self, session: requests.Session, path: str, key: str, asked: dict[str, str]) -> float:
        """How long one request takes, in milliseconds."""
        began = monotonic()
        url, head = f"{self.url}/{path}", {"X-Api-Key": key}
        session.get(url, params=asked, headers=head, timeout=60).raise_for_status()
        return (monotonic() - began) * 1000


@contextmanager
def others_of(site: Served, keys: list[str], wait: float) -> Iterator[Others]:
    """The same beside what goes on, from *wait* seconds after its beginning."""
    others = Others(f"http://127.0.0.1:{site.port}", keys)
    timer = threading.Timer(wait, others.start)
    timer.start()
    yield others
    others.is_over = True
    others.join(10)


def p95(times: list[float]) -> float:
    """The 95th percentile."""
    return sorted(times)[int(len(times) * 0.95)] if times else float("nan")


def single(site: Served, client: Path, keys: list[str]) -> None:
    """One stream, as fast as it goes."""
    rows = []
    for size, frame, mark, original in SINGLE:
        options = ("--bytes", str(size), "--chunk", str(frame), "--analyst-key", keys[0])
        found = load(site, client, keys[:1], "--streams", "1", *options)
        rows.append([frame, size / 1e6, found["ok"], found["mb_per_s"], mark, original])
    print_table("One stream", ["frame", "MB", "right", "MB/s", "mark", "original MB/s"], rows)


def many(site: Served, client: Path, keys: list[str], streams: int) -> None:
    """Many streams at the pace of a game, and others who come and go meanwhile."""
    options = ("--bytes", str(BYTES), "--rate", str(RATE), "--analyst-key", keys[0])
    # The streams last ten seconds from when all are there; the others come in between.
    with others_of(site, keys[streams:], wait=8.0) as others:
        found = load(site, client, keys[:streams], "--streams", str(streams), *options)
    latency = found["latency_ms"]
    herd = [latency[what]["p95"] for what in ("session", "connect", "close")]
    rows = [[streams, found["ok"], found["failed"], found["mb_per_s"], *herd]]
    header = ["streams", "right", "failed", "MB/s", "all start p95 ms", "connect", "all close"]
    print_table(f"{streams} streams at {RATE} bytes a second", header, rows)
    for error in found["errors"]:
        print(error)
    rows = [
        [what, len(times), p95(times), max(times, default=float("nan")), MARK_MS]
        for what, times in (("start", others.starts), ("close", others.closes))
    ]
    print_table("Others meanwhile", ["what", "times", "p95 ms", "max ms", "mark"], rows)
    print(f"Memory of the process: {site.memory_per_worker() / 1e6:.0f} MB at most\n")


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("client", type=Path)
    parser.add_argument("--streams", type=int, default=500)
    parser.add_argument("--uri", help="a database; SQLite if none is given")
    chosen = parser.parse_args()
    print(machine())
    with scratch() as folder:
        uri = chosen.uri or f"sqlite:///{folder / 'node.db'}"
        values = {
            "DEMOS_PATH": str(folder / "demos"),
            "FILES_PATH": str(folder / "files"),
            "DEMOS_CHECK_SERVERS": False,
            "DEMOS_RATE_LIMIT": 0,
        }
        with served(uri, folder, 1, **values) as site:
            keys = keys_of(site, chosen.streams + OTHERS)
            single(site, chosen.client, keys)
            many(site, chosen.client, keys, chosen.streams)


if __name__ == "__main__":
    main()
