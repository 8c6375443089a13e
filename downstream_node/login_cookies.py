"""Sessions of people who log in with a key: a signed cookie for each part, below its own path.

All other requests have no session: they neither read nor get a cookie, and cost no signature.
"""

from collections.abc import Mapping
from datetime import timedelta

from flask import Flask, Request, session
from flask import request as current_request
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface

from downstream_node.clock import SECOND, WallTime
from downstream_node.service_time import TOLERANCE

LIFETIME = timedelta(hours=12)
LIFETIME_MS = int(LIFETIME.total_seconds()) * SECOND

SINCE = "since"


class LoginCookies(SecureCookieSessionInterface):
    """Flask's sessions for the pages below some paths; *names* are the cookies' by these paths."""

    def __init__(self, names: Mapping[str, str]) -> None:
        self.names = names

    def path_of(self, path: str) -> str | None:
        """Below which of the paths the page at *path* is."""
        return next((one for one in self.names if path == one or path.startswith(f"{one}/")), None)

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        """The session of a request; None, which is Flask's empty one, outside of all paths."""
        return super().open_session(app, request) if self.path_of(request.path) else None

    def get_cookie_name(self, app: Flask) -> str:
        """The cookie of the part to which the current request belongs."""
        return self.names[self.get_cookie_path(app)]

    def get_cookie_path(self, app: Flask) -> str:  # noqa: ARG002 - as Flask calls it
        """Where browsers send it: below the path of this part only."""
        path = self.path_of(current_request.path)
        assert path is not None  # noqa: S101 - elsewhere there is no session to save
        return path

    def get_cookie_secure(self, app: Flask) -> bool:  # noqa: ARG002 - as Flask calls it
        """Whether browsers are to send the cookie by https only: yes, if it came by https."""
        return current_request.is_secure


def prepare(app: Flask, key: bytes, names: Mapping[str, str]) -> None:
    """Give *app* sessions signed with *key*, in cookies with these *names* by their paths."""
    app.config.update(
        SECRET_KEY=key,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Strict",
        PERMANENT_SESSION_LIFETIME=LIFETIME,
        # Twelve hours from the login, not from the last click or automatic refresh.
        SESSION_REFRESH_EACH_REQUEST=False,
    )
    app.session_interface = LoginCookies(names)


def begin(field: str, key_hash: bytes, now: WallTime) -> None:
    """Begin a session for whose key has this hash; nothing of an earlier one stays."""
    session.clear()
    session.permanent = True
    session[field] = key_hash.hex()
    session[SINCE] = now


def end() -> None:
    """End the session."""
    session.clear()


def key_hash(field: str, now: WallTime) -> bytes | None:
    """The hash of the key with which the current session began; None: none, or it is over."""
    stored, since = session.get(field), session.get(SINCE)
    if stored is None or since is None:
        return None
    # Another machine's clock may have been a little ahead at the login.
    if not -TOLERANCE < now - since < LIFETIME_MS:
        return None
    return bytes.fromhex(stored)
