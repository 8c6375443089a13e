"""A running node with an archive of chats: the example, a long channel, hostile messages."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from browser.site import served

from downstream_node import schema, settings
from downstream_node.app import build
from downstream_node.chats import keys
from downstream_node.chats.importing import import_export
from downstream_node.chats.places import EPOCH, LOW_BITS
from downstream_node.chats.scopes import Scope
from downstream_node.node import Node

ASSETS = Path(__file__).parents[2] / "downstream_node/chats/assets"
KETTLE = 1163112098675904512
"""The guild of the example."""
LONG = 60
"""Messages of the long channel."""
FEBRUARY = 1_770_000_000_000
HOSTILE = (
    "plain <script>document.title = 'hacked'</script> hostile",
    "<img src=x onerror=\"document.title = 'hacked'\"> hostile",
    '"><svg onload="document.title=\'hacked\'"> hostile {{ 7 * 7 }} {% raw %}',
    "hostile javascript:alert(1) data:text/html,<script>alert(1)</script> vbscript:x",
    'hostile https://bank.example@evil.example/ and https://example.org/"onmouseover="alert(1)',
    "hostile \u202eturned round\u2066 and not back",
    "hostile zero\u200bwidth\u200d\u2060 joiners\ufeff",
    "hostile " + "x" * 1990,
    "hostile " + "\n" * 300 + "far below",
    "hostile ```html\n<script>document.title = 'hacked'</script>\n``` `<b>`",
)


@dataclass
class ChatSite:
    """The running node."""

    url: str
    key: str
    """Opens the whole archive."""
    node: Node
    """The same node in this process, for what operators do by command."""


@contextmanager
def chat_site(folder: Path) -> Iterator[ChatSite]:
    """A node with an archive in *folder*; the guild of the example is published."""
    values = {
        "SQLALCHEMY_DATABASE_URI": f"sqlite:///{folder / 'node.db'}",
        "MASTER_KEY_PATH": str(folder / "master.key"),
        "FILES_PATH": str(folder / "files"),
        "CHATS_ARCHIVE": f"sqlite:///{folder / 'chats.db'}",
        "CHATS_DROP_FOLDER": str(folder / "drop"),
    }
    app = build(settings.checked(values))
    node = app.extensions["downstream"]
    schema.migrate(app, node)
    for path in [*sorted(ASSETS.glob("example-export*.json")), *written(folder)]:
        import_export(node, path, path.name)
    keys.publish(node, "guild", KETTLE)
    key = keys.add(node, "browser", Scope(everything=True), may_import=False)
    environment = {f"DOWNSTREAM_{name}": value for name, value in values.items()}
    try:
        with served({**os.environ, **environment, "DOWNSTREAM_CONFIG": os.devnull}) as url:
            yield ChatSite(url, key, node)
    finally:
        node.close()


def written(folder: Path) -> Iterator[Path]:
    """Exports of a long channel, of a hostile one, and of one in a guild that stays private."""
    long = [f"endless talk, part {number}" for number in range(LONG)]
    guild = {"id": str(KETTLE), "name": "The Kettle Club"}
    other = {"id": "77", "name": "Behind a door"}
    yield export(folder / "long.json", guild, (901, "endless"), long)
    yield export(folder / "hostile.json", guild, (902, "hos<i>tile\u202e"), list(HOSTILE))
    yield export(folder / "private.json", other, (903, "cellar"), ["the password is teapot"])


def export(path: Path, guild: dict[str, str], channel: tuple[int, str], texts: list[str]) -> Path:
    """An export of *texts*, one a minute, written to *path*."""
    number, name = channel
    messages = [message(number, at, text) for at, text in enumerate(texts)]
    document = {
        "guild": guild,
        "channel": {"id": str(number), "type": "GuildTextChat", "name": name},
        "dateRange": {"after": None, "before": None},
        "exportedAt": "2026-03-01T00:00:00+00:00",
        "messages": messages,
        "messageCount": len(messages),
    }
    path.write_text(json.dumps(document))
    return path


def message(channel: int, at: int, text: str) -> dict[str, Any]:
    """One message as the exporter writes it, in minute *at*."""
    moment = FEBRUARY + at * 60_000
    hour, minute = divmod(at + 160, 60)
    return {
        "id": str((moment - EPOCH << LOW_BITS) + channel),
        "type": "Default",
        "timestamp": f"2026-02-02T{hour:02}:{minute:02}:00+00:00",
        "content": text,
        "author": {"id": "555", "name": "m<b>allory", "nickname": "Mal\u202elory", "isBot": False},
        "attachments": [
            {"id": "1", "url": "javascript:alert(1)", "fileName": "a<b>.png", "fileSizeBytes": 7}
        ],
    }
