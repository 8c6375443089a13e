"""Who is logged in: a signed cookie below /operator, bound to a key that still exists."""

from datetime import timedelta

from flask import Flask, Request, session
from flask import request as current_request
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface

from downstream_node.clock import SECOND
from downstream_node.node import Node
from downstream_node.operators import keys
from downstream_node.operators.keys import Operator
from downstream_node.service_time import TOLERANCE

PATH = "/operator"
LIFETIME = timedelta(hours=12)
LIFETIME_MS = int(LIFETIME.total_seconds()) * SECOND

KEY_HASH = "key"
SINCE = "since"


class OperatorSessions(SecureCookieSessionInterface):
    """Flask's sessions for the operator's pages only: all other requests have none.

    So farmers' requests neither read nor get a cookie, and cost no signature.
    """

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        """The session of a request; None, which is Flask's empty one, outside of PATH."""
        inside = request.path == PATH or request.path.startswith(f"{PATH}/")
        return super().open_session(app, request) if inside else None

    def get_cookie_secure(self, app: Flask) -> bool:  # noqa: ARG002 - as Flask calls it
        """Whether browsers are to send the cookie by https only: yes, if it came by https."""
        return current_request.is_secure


def prepare(app: Flask, node: Node) -> None:
    """Give *app* sessions, signed with a key that follows from the node's master key."""
    app.config.update(
        SECRET_KEY=node.keys.session_key,
        SESSION_COOKIE_NAME="operator",
        SESSION_COOKIE_PATH=PATH,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Strict",
        PERMANENT_SESSION_LIFETIME=LIFETIME,
        # Twelve hours from the login, not from the last click or automatic refresh.
        SESSION_REFRESH_EACH_REQUEST=False,
    )
    app.session_interface = OperatorSessions()


def log_in(node: Node, operator: Operator) -> None:
    """Begin a session for *operator*; nothing of an earlier one stays."""
    session.clear()
    session.permanent = True
    session[KEY_HASH] = operator.key_hash.hex()
    session[SINCE] = node.wall_clock()


def log_out() -> None:
    """End the session."""
    session.clear()


def current(node: Node) -> Operator | None:
    """Who is logged in: whose session is not over and whose key has not been removed.

    The key is looked up by its hash, not its row's number, which SQLite gives to the next key.
    """
    key_hash, since = session.get(KEY_HASH), session.get(SINCE)
    if key_hash is None or since is None:
        return None
    # Another machine's clock may have been a little ahead at the login.
    if not -TOLERANCE < node.wall_clock() - since < LIFETIME_MS:
        return None
    return keys.find(node, bytes.fromhex(key_hash))
