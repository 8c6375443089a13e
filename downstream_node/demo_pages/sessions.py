"""Who looks at the pages of recordings: a cookie below /recordings.

Who signed in with a key is bound to that key: the session ends when another takes its place. Who
signed in with Steam is bound to their Steam id.
"""

from sqlalchemy import Connection

from downstream_node import login_cookies
from downstream_node.demos import access
from downstream_node.demos.access import User
from downstream_node.demos.states import Scope
from downstream_node.node import Node

PATH = "/recordings"
COOKIE = "recordings"
KEY_HASH = "demo_key"
STEAM_ID = "demo_user"
"""Other names than in other parts' sessions, which are signed with the same key."""
ID_BYTES = 8


def log_in(node: Node, key_hash: bytes) -> None:
    """Begin a session for whose key has this hash; nothing of an earlier one stays."""
    login_cookies.begin(KEY_HASH, key_hash, node.wall_clock())


def log_in_with_steam(node: Node, steam_id: int) -> None:
    """Begin a session for whom Steam vouches; nothing of an earlier one stays."""
    login_cookies.begin(STEAM_ID, steam_id.to_bytes(ID_BYTES), node.wall_clock())


def log_out() -> None:
    """End the session."""
    login_cookies.end()


def current(node: Node) -> User | None:
    """Who is signed in, with what they may do at this moment."""
    now = node.wall_clock()
    key_hash = login_cookies.key_hash(KEY_HASH, now)
    steam_id = login_cookies.key_hash(STEAM_ID, now)

    def find(connection: Connection) -> User | None:
        if key_hash is not None:
            return access.with_hash(connection, key_hash)
        if steam_id is not None:
            return access.known(connection, int.from_bytes(steam_id))
        return None

    user = node.database.read(find) if key_hash or steam_id else None
    return None if user is None or user.has(Scope.BLOCKED) else user
