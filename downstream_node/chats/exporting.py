"""What the export routes do: have an export made, or look for one, and import it."""

from dataclasses import dataclass

from downstream_node.chats.importing import ImportReport
from downstream_node.clock import WallTime
from downstream_node.node import Node


@dataclass(frozen=True, slots=True)
class ChannelExport:
    """What one request for an export did: the files that were imported, at least one."""

    reports: tuple[ImportReport, ...]

    @property
    def inserted(self) -> int:
        """Messages that are new in the archive."""
        return sum(report.counts.new for report in self.reports)


def export_channel(node: Node, channel_id: int, token: str, now: WallTime) -> ChannelExport:
    """Import what a channel said in the last CHATS_EXPORT_DAYS days.

    With CHATS_EXPORT_COMMAND its program makes the export, with *token* in its environment only;
    without, the exports of the channel in the drop folder are imported.

    Raises:
        NoMessagesFound: there are none ("No chat messages found for the past 7 days").
        ExportFailed: the program did not do its part; tells nothing that it wrote.
        Further as `importing.import_export`.
    """
    raise NotImplementedError
