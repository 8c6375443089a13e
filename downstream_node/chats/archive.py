"""What an engine of the archive has to do; which one does it is a setting.

`engines/sqlite.py`, `engines/postgresql.py` and `engines/elastic.py` are three of one kind, and
one suite of tests holds each of them against a plain search through all messages.
"""

from collections.abc import Collection, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Literal, NamedTuple, Protocol

from downstream_node.chats.places import Place
from downstream_node.chats.query import Condition
from downstream_node.chats.records import (
    Author,
    Channel,
    Counts,
    Export,
    Guild,
    Message,
    Revision,
    Stored,
)

Order = Literal["newest", "oldest"]
Facet = Literal["channel", "author", "month"]


@dataclass(frozen=True, slots=True)
class Group:
    """One value of a facet with its number of messages; a month is year * 12 + month - 1."""

    key: int
    count: int


class Imported(NamedTuple):
    """One import that was committed."""

    number: int
    sha256: bytes
    name: str
    channel: int
    exported: int | None
    committed: int
    counts: Counts


class Writing(Protocol):
    """One import in progress: nothing of it is seen before it is committed whole."""

    def authors(self, authors: Iterable[Author]) -> None:
        """Know these authors; their names as of this export."""

    def add(self, batch: Sequence[Message]) -> None:
        """Store some messages, as `merging.decide` says of each beside what is stored.

        Messages come in any order, and one place may come twice in a file.
        """

    def missing(self, first: Place, beyond: Place) -> None:
        """Mark stored messages of the channel in this range that the export left out as deleted."""

    def finish(self, broken: int) -> Counts:
        """End the import and tell what it did; *broken* messages could not be read."""


class Archive(Protocol):
    """A store of messages that can be searched. Safe to use from several threads."""

    def prepare(self) -> None:
        """Make or update the schema. Raises ArchiveUnavailable."""

    def close(self) -> None:
        """Close all connections."""

    def version(self) -> str:
        """Another text after every import that changed anything, and for every other archive."""

    def writing(
        self, export: Export, sha256: bytes, name: str, now: int
    ) -> AbstractContextManager[Writing]:
        """Begin an import: committed when the block ends after `finish`, else rolled back.

        One import at a time; another one waits for it. *sha256* and *name* are the file's.
        """

    def page(
        self,
        condition: Condition,
        order: Order,
        limit: int,
        after: Place | None = None,
        skip: int = 0,
    ) -> list[Stored]:
        """At most *limit* messages in order: those behind *after*, less the first *skip*."""

    def count(self, condition: Condition) -> int:
        """How many messages there are, exactly."""

    def facet(self, condition: Condition, by: Facet, limit: int) -> list[Group]:
        """The *limit* most frequent values with their numbers, of equal ones the lower key first.

        Months: all that have any, in order of time.
        """

    def one(self, message_id: int) -> Stored | None:
        """The message with this id."""

    def around(self, place: Place, channel: int, before: int, after: int) -> list[Stored]:
        """The message at *place* with its neighbours in the channel, in order of time."""

    def revisions(self, place: Place) -> list[Revision]:
        """What the message said before, oldest first."""

    def guilds(self) -> list[Guild]:
        """All guilds, by name."""

    def channels(self) -> list[Channel]:
        """All channels, by guild and name."""

    def authors_named(self, name: str) -> list[Author]:
        """The authors whose name or nickname, folded, is the folded *name*, or whose id it is."""

    def authors_like(self, beginning: str, limit: int) -> list[Author]:
        """Authors whose name or nickname begins like this, for completing what is typed."""

    def authors(self, ids: Collection[int]) -> list[Author]:
        """The authors with these ids, those that are known, in any order."""

    def imports(self, limit: int, channels: Collection[int] | None = None) -> list[Imported]:
        """The last imports (of these channels), the latest first."""

    def remove_channel(self, channel: int) -> int:
        """Remove a channel with all its messages; how many there were."""
