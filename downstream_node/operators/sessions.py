"""Which operator is logged in: a cookie below /operator, bound to a key that still exists."""

from downstream_node import login_cookies
from downstream_node.node import Node
from downstream_node.operators import keys
from downstream_node.operators.keys import Operator

PATH = "/operator"
COOKIE = "operator"
KEY_HASH = "key"


def log_in(node: Node, operator: Operator) -> None:
    """Begin a session for *operator*; nothing of an earlier one stays."""
    login_cookies.begin(KEY_HASH, operator.key_hash, node.wall_clock())


def log_out() -> None:
    """End the session."""
    login_cookies.end()


def current(node: Node) -> Operator | None:
    """Who is logged in: whose session is not over and whose key has not been removed.

    The key is looked up by its hash, not its row's number, which SQLite gives to the next key.
    """
    key_hash = login_cookies.key_hash(KEY_HASH, node.wall_clock())
    return None if key_hash is None else keys.find(node, key_hash)
