"""Steam's library under the document's name."""

from downstream_node.demos.steam import Query, Server

__all__ = ["Query", "Server"]
