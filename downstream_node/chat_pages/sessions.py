"""Who looks at the archive's pages: a cookie below /chats, bound to a key that still exists."""

from downstream_node import login_cookies
from downstream_node.chats import access
from downstream_node.chats.feature import Chats
from downstream_node.chats.scopes import Asker
from downstream_node.errors import TooManyRequests
from downstream_node.node import Node

PATH = "/chats"
COOKIE = "chats"
KEY_HASH = "chat_key"
"""Another name than in operators' sessions, which are signed with the same key."""


def log_in(node: Node, key_hash: bytes) -> None:
    """Begin a session for whose key has this hash; nothing of an earlier one stays."""
    login_cookies.begin(KEY_HASH, key_hash, node.wall_clock())


def log_out() -> None:
    """End the session."""
    login_cookies.end()


def enter(node: Node, client: str) -> Asker:
    """Who asks for a page, counted as one request. Raises TooManyRequests.

    *client* stands for the address that the request comes from.
    """
    asker = current(node)
    who = f"address:{client}" if asker.name is None else f"key:{asker.name}"
    wait = node.feature(Chats).limiter.hit(who)
    if wait:
        raise TooManyRequests(wait)
    return asker


def current(node: Node) -> Asker:
    """Who is logged in, or anybody: then what is published can be read, and nothing else."""
    key_hash = login_cookies.key_hash(KEY_HASH, node.wall_clock())
    found = None if key_hash is None else access.with_hash(node, key_hash)
    return access.anybody(node) if found is None else found
