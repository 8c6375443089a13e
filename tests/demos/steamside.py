"""Steam as tests have it: a stand-in on loopback, and a browser that signs in there."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlencode, urlsplit

import requests
from farmer.served import serving
from flask.testing import FlaskClient
from simulator import SimulatedNode
from werkzeug.test import TestResponse

from downstream_node.clock import WallClock, system_clock
from downstream_node.demos.steam_stub import Stub
from downstream_node.demos.steam_stub_world import FULL, World
from downstream_node.demos.steam_transport import Reply, WebApi

STEAM_KEY = "0123456789ABCDEF0123456789ABCDEF"
KEY = re.compile(r"MB-[A-Za-z0-9_-]{43}")
Sent = tuple[str, str, dict[str, str]]


@contextmanager
def steam_of(clock: WallClock = system_clock) -> Iterator[Stub]:
    """A stand-in for Steam, whose time is that of *clock*."""
    stub = Stub(world=World(clock=clock, key=STEAM_KEY))
    with serving(stub):
        yield stub


def settings_of(stub: Stub) -> dict[str, object]:
    """Of a node whose Steam is *stub*."""
    return {
        "STEAM_API_KEY": STEAM_KEY,
        "STEAM_API_URL": stub.url,
        "STEAM_LOGIN_URL": stub.login_url,
        "STEAM_TIMEOUT": 5,
    }


class Scripted:
    """A transport that gives one answer, and keeps what was asked."""

    def __init__(self, body: bytes | str, status: int = 200) -> None:
        self.reply = Reply(status, body.encode() if isinstance(body, str) else body)
        self.asked: list[Sent] = []

    def __call__(self, method: str, url: str, fields: Mapping[str, str], seconds: float) -> Reply:
        """The answer, whatever is asked."""
        assert seconds > 0
        self.asked.append((method, url, dict(fields)))
        return self.reply

    @property
    def web(self) -> WebApi:
        """The Web API over this transport."""
        return WebApi("http://steam.test", transport=self)


@dataclass
class Browser:
    """Somebody who signs in at a node that is served at *url*."""

    url: str
    cookies: requests.Session = field(default_factory=requests.Session)

    def provision(self) -> str:
        """Where the node sends the browser."""
        answer = self.cookies.get(f"{self.url}/provision", allow_redirects=False, timeout=10)
        assert answer.status_code == 303, answer.text
        return answer.headers["Location"]

    def agree(self, steam_id: int = FULL) -> str:
        """Press the button on Steam's page; where Steam sends the browser back to."""
        where = self.provision()
        page = requests.get(where, timeout=10).text
        assert f"Sign in as {steam_id}" in page
        (return_to,) = re.findall(r'name="return_to" value="([^"]+)"', page)
        fields = {"return_to": return_to, "steam_id": str(steam_id)}
        origin = "{0.scheme}://{0.netloc}".format(urlsplit(where))
        agree = f"{origin}/openid/agree?{urlencode(fields)}"
        back = requests.get(agree, allow_redirects=False, timeout=10)
        return back.headers["Location"]

    def open(self, address: str) -> requests.Response:
        """A page of the node."""
        return self.cookies.get(address, timeout=10)

    def sign_in(self, steam_id: int = FULL) -> str:
        """The whole way; the key."""
        page = self.open(self.agree(steam_id))
        assert page.status_code == 200, page.text
        (key,) = KEY.findall(page.text)
        return str(key)


def back_to(client: FlaskClient, base: str = "http://localhost") -> str:
    """Set out for Steam; the address to come back to."""
    where = client.get("/provision", base_url=base).headers["Location"]
    return dict(parse_qsl(urlsplit(where).query))["openid.return_to"]


def come_back(client: FlaskClient, address: str, said: Mapping[str, str]) -> TestResponse:
    """Come back from Steam with what it said."""
    parts = urlsplit(address)
    base = f"{parts.scheme}://{parts.netloc}"
    return client.get(parts.path, query_string=said, base_url=base)


def changed(address: str, **fields: str | None) -> str:
    """*address* with other fields of OpenID in it; None takes one out."""
    parts = urlsplit(address)
    query = dict(parse_qsl(parts.query))
    query |= {f"openid.{name}": value for name, value in fields.items() if value is not None}
    for name in (name for name, value in fields.items() if value is None):
        del query[f"openid.{name}"]
    return parts._replace(query=urlencode(query)).geturl()


def is_good(node: SimulatedNode, key: str) -> bool:
    """Whether a key is still somebody's."""
    client = node.app.test_client()
    return client.get("/close_session", query_string={"api_key": key}).status_code != 401
