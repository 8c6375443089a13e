"""Who asks for something of the archive: keys and what is published, put together."""

from downstream_node.chats.scopes import Asker
from downstream_node.node import Node


def anybody(node: Node) -> Asker:
    """Who shows no key: reads what is published and imports nothing."""
    raise NotImplementedError


def with_key(node: Node, key: str) -> Asker | None:
    """Who shows the text *key* (a login or a Bearer header), noted as used; None: nobody's."""
    raise NotImplementedError


def with_hash(node: Node, key_hash: bytes) -> Asker | None:
    """Whose key has this hash (a session's cookie); None: it is nobody's any more."""
    raise NotImplementedError
