"""How fast exports get into the archive, and in how much memory: the whole of `import_export`.

    python tests/servers.py --durable -- python -m benchmarks.chats_import [--messages 1000000]

Beside it what the document describes, on the same file and PostgreSQL: the file is parsed whole,
and inserted in batches of a thousand, each with its own commit. Each runs in a process of its own,
so that the largest memory is its own, and each engine begins with an empty archive. Processor time
is of the importing process and of the one that reads for it, not of the database's server.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from typing import Any, Self

from sqlalchemy import Engine, create_engine, text

from benchmarks.chat_exports import write_export
from benchmarks.harness import databases, machine, print_table, recreate, scratch
from downstream_node import schema, settings
from downstream_node.app import build
from downstream_node.chats.feature import Chats
from downstream_node.chats.importing import import_export
from downstream_node.clock import monotonic

BATCH = 1000
READER = b"downstream_node.chats.reader"
DOCUMENT_SCHEMA = """
CREATE EXTENSION IF NOT EXISTS pg_trgm;
CREATE TABLE discord_chats (
    message_id bigint NOT NULL, channel_id bigint NOT NULL, message_date date NOT NULL,
    content text NOT NULL, content_tsvector tsvector, PRIMARY KEY (message_id, message_date)
) PARTITION BY RANGE (message_date);
CREATE INDEX ON discord_chats USING gin (content_tsvector);
CREATE INDEX ON discord_chats (message_date);
CREATE INDEX ON discord_chats USING gin (content gin_trgm_ops);
"""
DOCUMENT_INSERT = """
INSERT INTO discord_chats (message_id, channel_id, message_date, content, content_tsvector)
VALUES (:message_id, :channel_id, :message_date, :content, to_tsvector('english', :content))
ON CONFLICT (message_id, message_date) DO NOTHING
"""
MONTHS = [(year, month) for year in (2023, 2024, 2025) for month in range(1, 13)]


Work = Callable[[], int]
"""Imports everything; returns how many messages are new."""


def ours(archive: str, folder: Path, files: list[Path]) -> Work:
    """A node with a new archive, ready to import *files*."""
    values = {
        "SQLALCHEMY_DATABASE_URI": f"sqlite:///{folder / 'node.db'}",
        "MASTER_KEY_PATH": str(folder / "master.key"),
        "FILES_PATH": str(folder / "files"),
        "CHATS_ARCHIVE": archive,
    }
    app = build(settings.checked(values))
    node = app.extensions["downstream"]
    schema.migrate(app, node)
    # It is opened at the first use; that is no part of an import.
    node.feature(Chats).archive.version()

    def work() -> int:
        return sum(import_export(node, path, path.name).counts.new for path in files)

    return work


def documents(uri: str, _folder: Path, files: list[Path]) -> Work:
    """What the document's service does, with a partition for each month so that it can."""
    engine = create_engine(uri)
    with engine.begin() as connection:
        connection.execute(text(DOCUMENT_SCHEMA))
        for (year, month), (next_year, next_month) in pairwise(MONTHS):
            connection.execute(
                text(
                    f"CREATE TABLE chats_{year}_{month:02} PARTITION OF discord_chats FOR VALUES "
                    f"FROM ('{year}-{month:02}-01') TO ('{next_year}-{next_month:02}-01')"
                )
            )
    return lambda: sum(inserted(engine, path) for path in files)


def inserted(engine: Engine, path: Path) -> int:
    """One export as the document's service takes it; how many messages it has."""
    with path.open(encoding="utf-8") as file:
        export = json.load(file)
    rows = [
        {
            "message_id": int(message["id"]),
            "channel_id": int(export["channel"]["id"]),
            "message_date": message["timestamp"][:10],
            "content": message["content"],
        }
        for message in export["messages"]
    ]
    for start in range(0, len(rows), BATCH):
        with engine.begin() as connection:
            connection.execute(text(DOCUMENT_INSERT), rows[start : start + BATCH])
    return len(rows)


WAYS: dict[str, Callable[[str, Path, list[Path]], Work]] = {"ours": ours, "document": documents}


def measured(way: str, uri: str, folder: Path, files: list[Path]) -> dict[str, Any]:
    """One way in a process of its own: messages, seconds, megabytes."""
    recreate(uri)
    arguments = ["--child", way, uri, str(folder), *map(str, files)]
    command = [sys.executable, "-m", "benchmarks.chats_import", *arguments]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, env=os.environ.copy())
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def child(way: str, uri: str, folder: str, *files: str) -> None:
    """Do it, and print what it took."""
    work = WAYS[way](uri, Path(folder), [Path(file) for file in files])
    began = monotonic()
    cpu, reader_cpu = cpu_of(resource.RUSAGE_SELF), cpu_of(resource.RUSAGE_CHILDREN)
    with Memory() as memory:
        messages = work()
    print(
        json.dumps(
            {
                "messages": messages,
                "seconds": monotonic() - began,
                "cpu": cpu_of(resource.RUSAGE_SELF) - cpu,
                "reader_cpu": cpu_of(resource.RUSAGE_CHILDREN) - reader_cpu,
                "megabytes": memory.own,
                "reader_megabytes": memory.reader,
            }
        )
    )


def cpu_of(who: int) -> float:
    """Seconds of processor time of this process, or of those that it waited for."""
    used = resource.getrusage(who)
    return used.ru_utime + used.ru_stime


class Memory:
    """Looks, in a `with` statement, how much memory this process and its largest child have."""

    LOOK_SECONDS = 0.05

    def __init__(self) -> None:
        self.own = self.reader = 0.0
        """At most, in MB."""
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._ended.set()
        self._thread.join()
        self.own = peak("self")

    def _look(self) -> None:
        own = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children")
        while not self._ended.wait(self.LOOK_SECONDS):
            for child in own.read_text().split():
                # Until it runs another program, a new process has the memory of this one.
                if READER in command_of(child):
                    self.reader = max(self.reader, peak(child))


def command_of(process: str) -> bytes:
    """What a process runs; b"" if it is gone (Linux)."""
    with suppress(FileNotFoundError, ProcessLookupError):
        return Path(f"/proc/{process}/cmdline").read_bytes()
    return b""


def peak(process: str) -> float:
    """The largest memory that a process ever had (MB); 0 if it is gone (Linux).

    What `getrusage` tells of a process is at least what the one had that started it.
    """
    with suppress(FileNotFoundError, ProcessLookupError):
        for line in Path(f"/proc/{process}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    return 0.0


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=200_000)
    parser.add_argument("--files", type=Path, nargs="+", help="exports to import instead")
    parser.add_argument("--engine", choices=["SQLite", "PostgreSQL"])
    parser.add_argument("--child", nargs="+")
    options = parser.parse_args()
    if options.child:
        child(*options.child)
        return
    rows = []
    with scratch() as folder:
        files = options.files or [folder / "export.json"]
        if not options.files:
            write_export(files[0], options.messages)
        uris = {name: uri for name, uri in databases(folder).items() if name != "MariaDB"}
        for name, uri in uris.items():
            if options.engine in (None, name):
                own = folder / name
                own.mkdir()
                rows.append((name, "ours", measured("ours", uri, own, files)))
        if "PostgreSQL" in uris and options.engine in (None, "PostgreSQL"):
            found = measured("document", uris["PostgreSQL"], folder, files)
            rows.append(("PostgreSQL", "document's", found))
    slowest = rows[-1][2]["messages"] / rows[-1][2]["seconds"]
    print(f"{machine()}, load {os.getloadavg()[0]:.1f}")
    print_table(
        "Import of chat exports",
        [
            *("archive", "way", "messages", "seconds", "messages/s", "ratio"),
            *("CPU µs a message", "of the reader", "MB at most", "of the reader"),
        ],
        [
            [
                engine,
                way,
                f"{found['messages']:,}",
                f"{found['seconds']:.1f}",
                f"{found['messages'] / found['seconds']:,.0f}",
                f"{found['messages'] / found['seconds'] / slowest:.1f}",
                f"{found['cpu'] / found['messages'] * 1e6:.1f}",
                f"{found['reader_cpu'] / found['messages'] * 1e6:.1f}",
                f"{found['megabytes']:.0f}",
                f"{found['reader_megabytes']:.0f}",
            ]
            for engine, way, found in rows
        ],
    )


if __name__ == "__main__":
    main()
