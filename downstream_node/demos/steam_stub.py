"""A small stand-in for Steam on this machine: for `make run`, and for tests.

It speaks HTTP as Steam does where recordings need it: the page to sign in on, the confirmation of
sign-ins, accounts of players, game servers. Everybody can sign in as anybody there, so it listens
on loopback and nowhere else.
"""

import json
from collections.abc import Mapping
from html import escape
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import IPv4Address
from urllib.parse import parse_qsl, urlencode, urlsplit

import click

from downstream_node.demos import openid, steam
from downstream_node.demos.steam_stub_world import World

HOST = "127.0.0.1"
LOGIN = "/openid/login"
AGREE = "/openid/agree"
LARGEST_FORM = 1 << 16
TEXT, PAGE, JSON = "text/plain;charset=utf-8", "text/html; charset=utf-8", "application/json"


class Stub(ThreadingHTTPServer):
    """Serves a world on a port of loopback. Raises ValueError for any other *host*."""

    daemon_threads = True

    def __init__(self, port: int = 0, world: World | None = None, host: str = HOST) -> None:
        if not IPv4Address(host).is_loopback:
            raise ValueError("Everybody can sign in as anybody here: it listens on loopback only.")
        self.world = world or World()
        super().__init__((host, port), Asked)

    @property
    def url(self) -> str:
        """For STEAM_API_URL."""
        return f"http://{self.server_address[0]!s}:{self.server_port}"

    @property
    def login_url(self) -> str:
        """For STEAM_LOGIN_URL."""
        return self.url + LOGIN


class Asked(BaseHTTPRequestHandler):
    """One request."""

    server: Stub

    def do_GET(self) -> None:
        """A page, or a method of the Web API."""
        parts = urlsplit(self.path)
        fields = dict(parse_qsl(parts.query, keep_blank_values=True))
        self.server.world.asked.append(parts.path)
        if parts.path == LOGIN:
            self.sign_in_page(fields)
        elif parts.path == AGREE:
            self.send_back(fields)
        else:
            self.web_api(parts.path.strip("/"), fields)

    def do_POST(self) -> None:
        """The confirmation of a sign-in."""
        self.server.world.asked.append(self.path)
        length = min(int(self.headers.get("Content-Length", 0)), LARGEST_FORM)
        form = dict(parse_qsl(self.rfile.read(length).decode(), keep_blank_values=True))
        if self.path != LOGIN:
            self.say("", HTTPStatus.NOT_FOUND)
            return
        verdict = "true" if self.server.world.confirms(form) else "false"
        self.say(f"ns:{openid.NAMESPACE}\nis_valid:{verdict}\n")

    def sign_in_page(self, fields: Mapping[str, str]) -> None:
        """Choose who you are."""
        return_to = fields.get("openid.return_to", "")
        if fields.get(openid.MODE) != "checkid_setup" or not is_web_address(return_to):
            self.say("This is no request to sign in.", HTTPStatus.BAD_REQUEST)
            return
        buttons = "".join(
            f'<p><button name="steam_id" value="{one}">Sign in as {one}</button></p>'
            for one in self.server.world.accounts
        )
        self.say(
            '<!DOCTYPE html><html lang="en"><meta charset="utf-8"><title>Stand-in for Steam</title>'
            f'<h1>Stand-in for Steam</h1><form action="{AGREE}">'
            f'<input type="hidden" name="return_to" value="{escape(return_to)}">{buttons}</form>',
            kind=PAGE,
        )

    def send_back(self, fields: Mapping[str, str]) -> None:
        """Send the browser back with what is signed."""
        return_to, steam_id = fields.get("return_to", ""), fields.get("steam_id", "")
        if not is_web_address(return_to) or not steam_id.isdecimal():
            self.say("This is no request to sign in.", HTTPStatus.BAD_REQUEST)
            return
        said = self.server.world.assertion(self.server.login_url, return_to, int(steam_id))
        joint = "&" if urlsplit(return_to).query else "?"
        self.send_response(HTTPStatus.FOUND)
        self.send_header("Location", f"{return_to}{joint}{urlencode(said)}")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def web_api(self, path: str, fields: Mapping[str, str]) -> None:
        """One method of the Web API, for who has a key."""
        world = self.server.world
        methods = {
            steam.SERVER_LIST: world.server_list,
            steam.SERVER_DETAILS: world.server_details,
            steam.PLAYER_SUMMARIES: world.summaries,
        }
        method, key = methods.get(path), fields.get("key", "")
        if method is None:
            self.say("", HTTPStatus.NOT_FOUND)
        elif not key or world.key not in ("", key):
            self.say("Forbidden", HTTPStatus.FORBIDDEN)
        else:
            try:
                answer = method(fields)
            except (KeyError, ValueError):
                self.say("Bad Request", HTTPStatus.BAD_REQUEST)
            else:
                self.say(json.dumps({"response": answer}), kind=JSON)

    def say(self, text: str, status: int = HTTPStatus.OK, kind: str = TEXT) -> None:
        """A whole answer."""
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as its base
        """Say nothing: addresses have keys and sign-ins in them."""


def is_web_address(text: str) -> bool:
    """Whether browsers can be sent there, and nothing else than there."""
    parts = urlsplit(text)
    return parts.scheme in ("http", "https") and bool(parts.netloc) and text.isprintable()


@click.command()
@click.option("--host", default=HOST, show_default=True, help="an address of loopback")
@click.option("--port", type=click.IntRange(0, 65535), required=True, help="0: any free one")
def main(host: str, port: int) -> None:
    """Stand in for Steam on this machine until it is stopped."""
    try:
        stub = Stub(port, host=host)
    except (ValueError, OSError) as error:
        raise click.UsageError(str(error)) from None
    with stub:
        click.echo(f"STEAM_API_URL={stub.url}\nSTEAM_LOGIN_URL={stub.login_url}")
        stub.serve_forever()


if __name__ == "__main__":
    main()
