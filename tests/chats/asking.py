"""Somebody who asks a node for what is in its archive, over HTTP."""

import json
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from simulator import ManualClock, SimulatedNode
from werkzeug.test import TestResponse

from downstream_node.chats import keys
from downstream_node.chats.importing import import_export
from downstream_node.chats.scopes import Scope

EVERYTHING = Scope(everything=True)


def served(folder: Path, empty_sqlite: Path, master_key: Path, **values: Any) -> SimulatedNode:
    """A node with an archive of its own, all on SQLite, below *folder*."""
    folder.mkdir(exist_ok=True)
    shutil.copy(empty_sqlite, folder / "node.db")
    own = {
        "SQLALCHEMY_DATABASE_URI": f"sqlite:///{folder / 'node.db'}",
        "MASTER_KEY_PATH": str(master_key),
        "FILES_PATH": str(folder / "files"),
        "CHATS_ARCHIVE": f"sqlite:///{folder / 'chats.db'}",
        "CHATS_DROP_FOLDER": str(folder / "drop"),
        "CHATS_RATE_LIMIT": 0,
    }
    return SimulatedNode(ManualClock(), **own | values)


@dataclass
class Asker:
    """Who asks, with the text of a key or without."""

    node: SimulatedNode
    key: str | None = None

    def ask(self, path: str, *, method: str = "GET", **options: Any) -> TestResponse:
        """The answer to one request."""
        headers = dict(options.pop("headers", {}))
        if self.key is not None:
            headers["Authorization"] = f"Bearer {self.key}"
        client = self.node.app.test_client()
        return client.open(path, method=method, headers=headers, **options)

    def get(self, path: str, **query: Any) -> Any:
        """The JSON of a question that is answered."""
        answer = self.ask(path, query_string=query)
        assert answer.status_code == 200, answer.text
        return answer.get_json()

    def found(self, q: str, **query: Any) -> list[str]:
        """The texts of the messages that a search finds."""
        hits = self.get("/api/chats/v1/search", q=q, **query)["hits"]
        return [hit["message"]["content"] for hit in hits]


def holder(
    node: SimulatedNode, scope: Scope = EVERYTHING, *, name: str = "ada", may_import: bool = False
) -> Asker:
    """Somebody with a new key for *scope*."""
    return Asker(node, keys.add(node.parts, name, scope, may_import=may_import))


def export_of(
    messages: Iterable[dict[str, Any]],
    *,
    channel: int,
    name: str = "general",
    guild: int = 1,
    guild_name: str = "Guild",
) -> bytes:
    """An export file."""
    return json.dumps(
        {
            "guild": {"id": str(guild), "name": guild_name, "iconUrl": None},
            "channel": {"id": str(channel), "type": "GuildTextChat", "name": name},
            "dateRange": {"after": None, "before": None},
            "exportedAt": "2024-06-01T00:00:00+00:00",
            "messages": list(messages),
        },
        indent=2,
    ).encode()


def said(number: int, timestamp: str, content: str, **values: Any) -> dict[str, Any]:
    """One message of an export."""
    return {
        "id": str(number),
        "type": "Default",
        "timestamp": timestamp,
        "timestampEdited": None,
        "isPinned": False,
        "content": content,
        "author": {"id": "5", "name": "ada", "nickname": "Ada", "isBot": False},
        "attachments": [],
        "embeds": [],
        "reactions": [],
        "mentions": [],
    } | values


def bring(node: SimulatedNode, export: bytes, name: str = "export.json") -> None:
    """Import *export*."""
    import_export(node.parts, [export], name)
