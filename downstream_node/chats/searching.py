"""Everything that can be asked of the archive. Each answer is for one asker."""

from dataclasses import dataclass

from downstream_node.chats.answers import AuthorView, ChannelView, Facets, Found, Order
from downstream_node.chats.records import Revision, Stored
from downstream_node.chats.scopes import Asker
from downstream_node.node import Node


@dataclass(frozen=True, slots=True)
class Question:
    """One page of a search: what is written, in which order, from where on."""

    text: str
    order: Order = "newest"
    cursor: str | None = None
    limit: int = 25
    total: bool = True
    neighbours: int = 0
    """Messages before and after each hit."""


def search(node: Node, asker: Asker, question: Question) -> Found:
    """One page of what *question* finds. Raises InvalidSearch, InvalidRequest (the cursor)."""
    raise NotImplementedError


def facets(node: Node, asker: Asker, text: str, limit: int = 10) -> Facets:
    """What the hits of *text* can be narrowed by; *limit* channels and authors, all months."""
    raise NotImplementedError


def message(node: Node, asker: Asker, message_id: int) -> Stored:
    """The message with this id. Raises UnknownMessage."""
    raise NotImplementedError


def around(node: Node, asker: Asker, message_id: int, before: int, after: int) -> list[Stored]:
    """That message among its neighbours in the channel, in order of time. Raises UnknownMessage."""
    raise NotImplementedError


def revisions(node: Node, asker: Asker, message_id: int) -> list[Revision]:
    """What that message said before, oldest first. Raises UnknownMessage."""
    raise NotImplementedError


def channels(node: Node, asker: Asker) -> list[ChannelView]:
    """All channels that may be read, by guild and name."""
    raise NotImplementedError


def authors(node: Node, asker: Asker, beginning: str, limit: int) -> list[AuthorView]:
    """Authors in what may be read whose name or nickname begins like this."""
    raise NotImplementedError


def version(node: Node, asker: Asker) -> str:
    """Another text whenever any answer for *asker* may be another."""
    raise NotImplementedError
