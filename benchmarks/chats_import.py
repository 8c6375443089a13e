"""How fast exports get into the archive, and in how much memory: the whole of `import_export`.

    python tests/servers.py --durable -- python -m benchmarks.chats_import [--messages 1000000]

Beside it what the document describes, on the same file and PostgreSQL: the file is parsed whole,
and inserted in batches of a thousand, each with its own commit. Each runs in a process of its own,
so that the largest memory is its own, and each engine begins with an empty archive.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, text

from benchmarks.chat_exports import write_export
from benchmarks.harness import databases, machine, print_table, recreate, scratch
from downstream_node import schema, settings
from downstream_node.app import build
from downstream_node.chats.feature import Chats
from downstream_node.chats.importing import import_export
from downstream_node.clock import monotonic

BATCH = 1000
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
    before = resource.getrusage(resource.RUSAGE_SELF)
    messages = work()
    after = resource.getrusage(resource.RUSAGE_SELF)
    print(
        json.dumps(
            {
                "messages": messages,
                "seconds": monotonic() - began,
                "cpu": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime,
                "megabytes": after.ru_maxrss / 1024,
            }
        )
    )


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
    print(machine())
    print_table(
        "Import of chat exports",
        ["archive", "way", "messages", "seconds", "CPU s", "messages/s", "ratio", "MB at most"],
        [
            [
                engine,
                way,
                f"{found['messages']:,}",
                f"{found['seconds']:.1f}",
                f"{found['cpu']:.1f}",
                f"{found['messages'] / found['seconds']:,.0f}",
                f"{found['messages'] / found['seconds'] / slowest:.1f}",
                f"{found['megabytes']:.0f}",
            ]
            for engine, way, found in rows
        ],
    )


if __name__ == "__main__":
    main()
