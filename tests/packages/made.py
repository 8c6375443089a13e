"""Small data packages, made by the test that needs them, and their results, opened.

made = MadePackage().channel(CHANNEL, ["2021-06-01 08:30:00"], recipients=[OWNER, FRIEND])
result = read(made)
assert result.all("SELECT total_message_count FROM dm_channels_data") == [(1,)]
"""

import csv
import io
import json
import sqlite3
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, BinaryIO, Self

from downstream_node.packages.reading.analysis import Report, analyse
from downstream_node.packages.reading.limits import Limits

OWNER = "100000000000000001"
FRIEND = "100000000000000002"
STRANGER = "100000000000000003"
GUILD = "200000000000000001"
CHANNEL = "300000000000000001"
OTHER_CHANNEL = "300000000000000002"
ID = "0123456789abcdef"
FOLDERS = ("Account", "Messages", "Servers", "Activity")
FRENCH = ("Compte", "Messages", "Serveurs", "Activité")
GERMAN = ("Konto", "Nachrichten", "Server", "Aktivität")


@dataclass
class MadePackage:
    """A package with an owner, one friend and one guild, and whatever a test puts in."""

    folders: tuple[str, str, str, str] = FOLDERS
    channel_prefix: str = "c"
    files: dict[str, bytes] = field(default_factory=dict)
    names: dict[str, str | None] = field(default_factory=dict)
    shards: list[list[dict[str, Any]]] = field(default_factory=lambda: [[]])

    def __post_init__(self) -> None:
        friend = {"id": FRIEND, "user": {"username": "bea", "avatar": "a_1"}}
        self.user = {
            "id": OWNER,
            "username": "ada",
            "avatar_hash": "f0",
            "relationships": [{**friend, "display_name": "Bea"}],
            "payments": [],
        }
        self.put(f"{self.folders[2]}/index.json", {GUILD: "Garden"})
        self.put(f"{self.folders[2]}/{GUILD}/guild.json", {"id": GUILD, "name": "Garden"})

    def put(self, name: str, content: object) -> Self:
        """Put a member there: bytes as they are, all else as JSON."""
        self.files[name] = content if isinstance(content, bytes) else json.dumps(content).encode()
        return self

    def drop(self, prefix: str) -> Self:
        """Take out all members whose names begin so."""
        self.files = {
            name: data for name, data in self.files.items() if name[: len(prefix)] != prefix
        }
        return self

    def payments(self, *records: dict[str, Any]) -> Self:
        """Put the payments into their file."""
        path = f"{self.folders[0]}/user_data_exports/discord_billing/payments.json"
        return self.put(path, {"records": records})

    def channel(
        self,
        channel: str,
        messages: Iterable[str | dict[str, Any]] = (),
        index_name: str | None = None,
        form: str = "json",
        **description: object,
    ) -> Self:
        """Put a channel there with *messages*, each a stamp or more, under *index_name*."""
        self.names[channel] = index_name
        folder = f"{self.folders[1]}/{self.channel_prefix}{channel}"
        self.put(f"{folder}/channel.json", {"id": channel, **description})
        full = [message_of(number, one) for number, one in enumerate(messages)]
        return self.put(f"{folder}/messages.{form}", full if form == "json" else as_csv(full))

    def event(self, kind: str, stamp: str, shard: int = 0, **fields: object) -> Self:
        """Append an event to a shard of the analytics; the stamp is quoted as packages do."""
        while len(self.shards) <= shard:
            self.shards.append([])
        line = {"event_type": kind, "user_id": OWNER, **fields, "timestamp": f'"{stamp}"'}
        self.shards[shard].append(line)
        return self

    def shard_name(self, number: int) -> str:
        """Where a shard of the analytics is."""
        return f"{self.folders[3]}/analytics/events-2021-{number:05}-of-00003.json"

    def all_files(self) -> dict[str, bytes]:
        """All members."""
        made = {f"{self.folders[0]}/user.json": json.dumps(self.user).encode()}
        if self.names:
            made[f"{self.folders[1]}/index.json"] = json.dumps(self.names).encode()
        for number, events in enumerate(self.shards):
            if events:
                lines = (json.dumps(event, ensure_ascii=False) for event in events)
                made[self.shard_name(number)] = "".join(f"{line}\n" for line in lines).encode()
        return made | self.files

    def zipped(self) -> io.BytesIO:
        """The package as a zip file."""
        return zipped(self.all_files().items())


def zipped(members: Iterable[tuple[str, bytes]]) -> io.BytesIO:
    """A zip file of *members*, the same bytes each time."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members:
            archive.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED)
    file.seek(0)
    return file


def message_of(number: int, given: str | dict[str, Any]) -> dict[str, Any]:
    """A message as packages have it; *given* is a stamp or some fields."""
    fields = {"Timestamp": given} if isinstance(given, str) else given
    return {"ID": number, "Timestamp": "", "Contents": "hello", "Attachments": "", **fields}


def as_csv(messages: Sequence[dict[str, Any]]) -> bytes:
    """Messages as CSV."""
    text = io.StringIO()
    writer = csv.DictWriter(text, ["ID", "Timestamp", "Contents", "Attachments"])
    writer.writeheader()
    writer.writerows(messages)
    return text.getvalue().encode()


@dataclass
class Result:
    """What came out."""

    report: Report
    database: sqlite3.Connection

    def all(self, query: str) -> list[tuple[Any, ...]]:
        """The rows that *query* gives."""
        return self.database.execute(query).fetchall()

    def activity(self, event: str, columns: str = "day, hour, occurence_count") -> list[Any]:
        """Rows of one event, in order."""
        return self.all(
            f"SELECT {columns} FROM activity WHERE event_name = '{event}' ORDER BY 1, 2"  # noqa: S608 - the tests' own
        )

    def missing(self) -> dict[tuple[str, str], int]:
        """What was missing or broken, counted."""
        return {(one.part, str(one.problem)): one.count for one in self.report.missing}


def read(package: MadePackage | BinaryIO, limits: Limits | None = None) -> Result:
    """Analyse *package*, and open the result."""
    source = package.zipped() if isinstance(package, MadePackage) else package
    output = io.BytesIO()
    report = analyse(source, output, ID, lambda *_: None, lambda: False, limits or Limits())
    database = sqlite3.connect(":memory:")
    database.deserialize(output.getvalue())
    return Result(report, database)
