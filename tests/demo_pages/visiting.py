"""A browser at the pages of recordings, without scripts."""

import re

from flask.testing import FlaskClient
from simulator import SimulatedNode
from werkzeug.test import TestResponse

TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')
REFRESH = re.compile(r'<meta http-equiv="refresh" content="0; url=([^"]+)">')


class Visitor:
    """Somebody at the pages of a node, by http."""

    def __init__(self, node: SimulatedNode, ip: str = "192.0.2.7") -> None:
        self.client: FlaskClient = node.app.test_client()
        self.environ = {"REMOTE_ADDR": ip}

    def get(self, path: str = "/recordings", **headers: str) -> TestResponse:
        """Open a page."""
        return self.client.get(path, environ_base=self.environ, headers=headers, buffered=True)

    def post(self, path: str, **fields: str) -> TestResponse:
        """Send a form with exactly these fields."""
        return self.client.post(path, data=fields, environ_base=self.environ)

    def send(self, path: str, page: str = "/recordings", **fields: str) -> TestResponse:
        """Send a form of *page* with its token."""
        return self.post(path, csrf_token=self.token(page), **fields)

    def token(self, page: str = "/recordings") -> str:
        """The token of the forms of a page."""
        found = TOKEN.search(self.get(page).text)
        assert found, "the page has a form with a token"
        return found[1]

    def sign_in(self, key: str) -> "Visitor":
        """Sign in with a key that is good."""
        answer = self.send("/recordings/sign-in", key=key)
        assert (answer.status_code, answer.headers["Location"]) == (303, "/recordings")
        return self

    @property
    def is_signed_in(self) -> bool:
        """Whether the entrance knows who it is."""
        return 'id="whoami"' in self.get().text
