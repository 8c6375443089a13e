"""What the tests of imports share: a node with an archive, what is in it, what is in custody."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from chats.exports import CHANNEL
from simulator import SimulatedNode

from downstream_node.chats.archive import Archive
from downstream_node.chats.feature import Chats
from downstream_node.chats.importing import ImportReport, import_export
from downstream_node.chats.query import Everything
from downstream_node.chats.records import Counts, Stored
from downstream_node.custody import service as custody

ChatNode = Callable[..., SimulatedNode]


def archive_of(node: SimulatedNode) -> Archive:
    """The archive of *node*."""
    archive: Archive = node.parts.feature(Chats).archive
    return archive


def bring(
    node: SimulatedNode, data: bytes | Path | Iterable[bytes], **options: Any
) -> ImportReport:
    """Import an export."""
    source = [data] if isinstance(data, bytes) else data
    return import_export(node.parts, source, "export.json", **options)


def counts(report: ImportReport) -> dict[str, int]:
    """What an import did, without what it did not."""
    return {name: n for name in Counts.__struct_fields__ if (n := getattr(report.counts, name))}


def stored(node: SimulatedNode, limit: int = 10_000) -> list[Stored]:
    """What is in the archive, the oldest first."""
    return archive_of(node).page(Everything(), "oldest", limit)


def contents(node: SimulatedNode) -> list[str]:
    """The texts in the archive, the oldest first."""
    return [one.content for one in stored(node)]


def claims(node: SimulatedNode) -> list[tuple[str, str]]:
    """What is in custody: names of files and what they are for."""
    files = custody.listed(node.parts).files
    return [(claim.name, claim.reference) for file in files for claim in file.claims]


OWN_CLAIM = ("export.json", f"channel-{CHANNEL}")
