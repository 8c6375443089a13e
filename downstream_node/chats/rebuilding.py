"""The archive holds nothing that is not in the exports in custody: it can be made anew from them.

Channels of which no export is in custody are left as they are.
"""

from collections import defaultdict
from collections.abc import Iterator
from typing import NamedTuple

import msgspec

from downstream_node.chats import dropping, merging
from downstream_node.chats.feature import Chats
from downstream_node.chats.importing import (
    PART,
    SOURCE,
    ImportReport,
    Taken,
    head,
    reference_of,
    store,
)
from downstream_node.chats.records import Export
from downstream_node.custody import service as custody
from downstream_node.custody.claims import Claim
from downstream_node.custody.queries import StoredFile
from downstream_node.errors import DamagedFile, DownstreamError, InvalidExport, UnknownFile
from downstream_node.node import Node

REMOVED = "Its channel was removed."
MOST_IMPORTS = 1_000_000
PAGE = 1000


class Kept(NamedTuple):
    """One export in custody."""

    file: StoredFile
    claim: Claim
    export: Export

    @property
    def moment(self) -> int:
        """When it was made; if it does not say, when it came."""
        return merging.moment_of(self.export.exported, self.claim.taken_in)


def rebuild(node: Node) -> Iterator[tuple[str, ImportReport | DownstreamError]]:
    """Make the archive anew: for each export its name and what became of it.

    Channel by channel, so that readers miss no more than one at a time. Exports go in in the
    order in which they were made, and messages are marked as deleted again where they were.
    Guilds that the archive has keep their names: not everybody who may import may name them.
    """
    archive = node.feature(Chats).archive
    marking = {one.sha256 for one in archive.imports(MOST_IMPORTS) if one.counts.deleted}
    guilds = {one.id: one for one in archive.guilds()}
    channels: dict[int, list[Kept]] = defaultdict(list)
    for file, claim in claimed(node):
        try:
            export = head(custody.read(node, file.sha256))
        except (InvalidExport, DamagedFile, UnknownFile) as error:
            yield claim.name, error
        else:
            guild = guilds.get(export.guild.id, export.guild)
            named = msgspec.structs.replace(export, guild=guild)
            channels[export.channel.id].append(Kept(file, claim, named))
    for channel, exports in channels.items():
        archive.remove_channel(channel)
        for one in sorted(exports, key=lambda kept: kept.moment):
            yield one.claim.name, imported_again(node, one, one.file.sha256 in marking)


def imported_again(node: Node, kept: Kept, mark_missing: bool) -> ImportReport | DownstreamError:
    """Import an export in custody; an error of ours does not hinder the others."""
    # One that said that it came from the future was made when it came, as at its first import.
    exported = None if kept.export.exported is None else kept.moment
    export = msgspec.structs.replace(kept.export, exported=exported)
    taken = Taken(node, export, kept.file, kept.claim.name, is_new=False)
    is_part = PART.search(kept.claim.name) is not None
    try:
        return store(node, taken, mark_missing=mark_missing, is_part=is_part)
    except DownstreamError as error:
        return error


def claimed(node: Node) -> Iterator[tuple[StoredFile, Claim]]:
    """All exports in custody, each with its claim for one channel."""
    after: int | None = 0
    while after is not None:
        page = custody.listed(node, source=SOURCE, after=after, limit=PAGE)
        for file in page.files:
            yield from ((file, claim) for claim in file.claims if claim.source == SOURCE)
        after = page.next


def remove(node: Node, channel: int) -> tuple[int, int]:
    """Remove a channel from the archive and its exports from custody: messages, exports.

    Its files in the drop folder that were imported or failed go, too.
    The exports go last: whatever ends it in between, nothing is in the archive without its file.
    """
    messages = node.feature(Chats).archive.remove_channel(channel)
    reference = reference_of(channel)
    files = [file for file, claim in claimed(node) if claim.reference == reference]
    dropped = [custody.release(node, file.sha256, SOURCE, reference, REMOVED) for file in files]
    dropping.forget(node, channel)
    return messages, sum(dropped)
