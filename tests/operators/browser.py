"""A browser at the operator's pages."""

import re
from typing import Any

from flask.testing import FlaskClient
from simulator import SimulatedNode
from werkzeug.test import TestResponse

HEALTH = "/api/downstream/v2/operator/health"
TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')


class Browser:
    """A browser at the operator's pages of a node."""

    def __init__(self, node: SimulatedNode, ip: str = "192.0.2.7", scheme: str = "http") -> None:
        self.client: FlaskClient = node.app.test_client()
        self.environ = {"REMOTE_ADDR": ip}
        self.base = f"{scheme}://localhost"

    def get(self, path: str = "/operator", **options: Any) -> TestResponse:
        """Open a page."""
        return self.client.get(path, base_url=self.base, environ_base=self.environ, **options)

    def token(self, path: str = "/operator/login") -> str:
        """The token of the form at *path*."""
        found = TOKEN.search(self.get(path).text)
        assert found, "the page has a form with a token"
        return found[1]

    def post(self, path: str, **fields: str) -> TestResponse:
        """Send a form with exactly these fields."""
        return self.client.post(
            path,
            data=fields,
            base_url=self.base,
            environ_base=self.environ,
            headers={"Referer": f"{self.base}/operator/login"},
        )

    def log_in(self, key: str) -> TestResponse:
        """Send the form of the login with *key*."""
        return self.post("/operator/login", key=key, csrf_token=self.token())
