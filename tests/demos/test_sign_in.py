"""Signing in with Steam: from the node to a stand-in for Steam and back, over HTTP."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests
from conftest import NodeMaker
from demos.journey import Player, site_of, user
from demos.steamside import (
    KEY,
    STEAM_KEY,
    Browser,
    back_to,
    changed,
    come_back,
    is_good,
    settings_of,
    steam_of,
)
from farmer.served import ScriptedNode, ServedNode, serving
from simulator import ManualClock, SimulatedNode
from sqlalchemy import func, select
from werkzeug.datastructures import MultiDict

from downstream_node.demos import sign_in, tickets
from downstream_node.demos.models import DemoNonce, DemoUser
from downstream_node.demos.steam_stub import Stub
from downstream_node.demos.steam_stub_world import FULL, LIMITED
from downstream_node.errors import DemoRefused, SteamFailed

NOBODY = "You aren't supposed to be here!"


@pytest.fixture
def steam(clock: ManualClock) -> Iterator[Stub]:
    """A stand-in for Steam, with the node's time."""
    with steam_of(clock) as stub:
        yield stub


@pytest.fixture
def node(make_node: NodeMaker, steam: Stub) -> SimulatedNode:
    """A node that people sign in to there."""
    return make_node(DEMOS_RATE_LIMIT=0, DEMOS_CHECK_SERVERS=False, **settings_of(steam))


@pytest.fixture
def browser(node: SimulatedNode) -> Iterator[Browser]:
    """Somebody at the node, which listens on loopback."""
    served = ServedNode(node)
    with served.up():
        yield Browser(served.url)


def test_signing_in_gives_a_key_that_works(node: SimulatedNode, browser: Browser) -> None:
    """To Steam and back; the page shows the key, the node keeps its hash."""
    key = browser.sign_in()
    assert is_good(node, key)
    with node.parts.database.reading() as connection:
        (row,) = connection.execute(select(DemoUser.steam_id, DemoUser.key_hash))
    assert row.steam_id == FULL
    assert key.encode() not in row.key_hash


def test_signing_in_again_replaces_the_key(node: SimulatedNode, browser: Browser) -> None:
    """The earlier one is worth nothing."""
    first, second = browser.sign_in(), browser.sign_in()
    assert first != second
    assert not is_good(node, first)
    assert is_good(node, second)


def test_the_way_to_steam_is_as_documented(browser: Browser, steam: Stub) -> None:
    """303 to the login, to be sent back to the handler."""
    where = browser.provision()
    assert where.startswith(f"{steam.login_url}?")
    fields = dict(parse_qsl(urlsplit(where).query))
    handler = f"{browser.url}/provision_handler"
    assert fields["openid.return_to"] == fields["openid.realm"]
    assert fields["openid.return_to"].startswith(f"{handler}/")
    assert fields["openid.mode"] == "checkid_setup"


def test_the_page_with_the_key_stays_with_its_reader(browser: Browser) -> None:
    """No cache keeps it, no script of others runs on it, its address goes nowhere."""
    page = browser.open(browser.agree())
    assert page.headers["Cache-Control"] == "no-store"
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"


def test_who_comes_without_a_sign_in_is_told(browser: Browser) -> None:
    """In the document's words."""
    page = browser.open(f"{browser.url}/provision_handler?x=1")
    assert page.status_code == 200
    assert NOBODY in page.text
    assert page.headers["Cache-Control"] == "no-store"


def test_a_limited_account_gets_no_key_until_it_is_not_limited(
    browser: Browser, steam: Stub
) -> None:
    """Steam is asked anew at each sign-in."""
    page = browser.open(browser.agree(LIMITED))
    assert page.status_code == 403
    assert "limited" in page.text
    assert not KEY.search(page.text)
    steam.world.accounts[LIMITED] = False
    assert browser.sign_in(LIMITED)


def test_an_account_that_becomes_limited_keeps_its_key(
    node: SimulatedNode, browser: Browser, steam: Stub
) -> None:
    """What is refused changes nothing."""
    key = browser.sign_in()
    steam.world.accounts[FULL] = True
    assert browser.open(browser.agree()).status_code == 403
    assert is_good(node, key)


def test_without_a_key_for_the_web_api_limits_are_not_asked_for(
    make_node: NodeMaker, steam: Stub
) -> None:
    """Signing in needs none."""
    node = make_node(**settings_of(steam) | {"STEAM_API_KEY": ""})
    served = ServedNode(node)
    with served.up():
        assert Browser(served.url).sign_in(LIMITED)
    assert not any("GetPlayerSummaries" in path for path in steam.world.asked)


# Weakness 1: who is not the victim gets no key of the victim's

ENDPOINT = "http://127.0.0.1:9/openid/login"
FORGERIES: dict[str, Callable[[str], str]] = {
    "nothing confirmed": lambda address: changed(address, sig="forged"),
    "another claimed": lambda address: changed(
        address,
        claimed_id=f"http://evil.example/openid/id/{FULL}",
        identity=f"http://evil.example/openid/id/{FULL}",
    ),
    "foreign return_to": lambda address: changed(
        address, return_to="https://evil.example/provision_handler"
    ),
    "foreign endpoint": lambda address: changed(
        address,
        op_endpoint=ENDPOINT,
        claimed_id=f"http://127.0.0.1:9/openid/id/{FULL}",
        identity=f"http://127.0.0.1:9/openid/id/{FULL}",
    ),
    "unsigned": lambda address: changed(address, signed="op_endpoint,return_to"),
    "cancelled": lambda address: changed(address, mode="cancel"),
}


@pytest.mark.parametrize("forge", FORGERIES.values(), ids=FORGERIES)
def test_weakness_1_forged_sign_ins_are_refused(
    node: SimulatedNode, browser: Browser, forge: Callable[[str], str]
) -> None:
    """The victim's key still works."""
    key = browser.sign_in()
    page = browser.open(forge(browser.agree()))
    assert page.status_code == 401
    assert not KEY.search(page.text)
    assert is_good(node, key)


def test_weakness_1_somebody_elses_sign_in_does_not_become_the_victims(
    node: SimulatedNode, browser: Browser, steam: Stub
) -> None:
    """A real sign-in of one account, with the other's number in it: is_valid is false."""
    steam.world.accounts[LIMITED] = False
    key = browser.sign_in(FULL)
    own = browser.agree(LIMITED)
    asked = len(steam.world.asked)
    page = browser.open(own.replace(str(LIMITED), str(FULL)))
    assert page.status_code == 401
    assert steam.world.asked[asked:] == ["/openid/login"]
    assert is_good(node, key)


def test_weakness_1_a_sign_in_is_good_once(node: SimulatedNode, browser: Browser) -> None:
    """The second to bring it gets nothing."""
    address = browser.agree()
    key = KEY.findall(browser.open(address).text)[0]
    again = browser.open(address)
    assert again.status_code == 401
    other = Browser(browser.url)
    other.provision()
    assert other.open(address).status_code == 401
    assert is_good(node, key)


def test_weakness_1_a_sign_in_is_for_the_browser_that_began_it(
    browser: Browser, steam: Stub
) -> None:
    """Nobody can be made to hold a key of somebody else's."""
    steam.world.accounts[LIMITED] = False
    attackers = browser.agree(LIMITED)
    victim = Browser(browser.url)
    for _ in range(2):
        page = victim.open(attackers)
        assert page.status_code == 401
        assert not KEY.search(page.text)
        victim.provision()
    assert KEY.search(browser.open(attackers).text)


def test_weakness_1_the_node_itself_remembers_sign_ins(browser: Browser, steam: Stub) -> None:
    """Also where Steam would confirm one twice, and to two who come at once."""
    address = browser.agree()
    head = {"Cookie": f"{tickets.COOKIE}={urlsplit(address).path.rsplit('/', 1)[1]}"}
    signature = next(iter(steam.world.unconfirmed))

    class Forgetful(set[str]):
        def remove(self, _one: str) -> None:
            """Forget that it was asked for."""

    steam.world.unconfirmed = Forgetful({signature})
    with ThreadPoolExecutor(4) as pool:
        pages = pool.map(lambda one: requests.get(one, headers=head, timeout=10), [address] * 4)
        codes = sorted(page.status_code for page in pages)
    assert codes == [200, 401, 401, 401]
    assert browser.open(address).status_code == 401


def test_weakness_1_a_sign_in_at_another_site_is_not_for_here(
    make_node: NodeMaker, steam: Stub
) -> None:
    """Whatever host the request names: without DEMOS_URL only this machine's own is believed."""
    client = make_node(**settings_of(steam)).app.test_client()
    back = "http://evil.example/provision_handler/x"
    said = steam.world.assertion(steam.login_url, back, FULL)
    client.set_cookie(tickets.COOKIE, "x", domain="evil.example", path=sign_in.HANDLER)
    page = come_back(client, back, said)
    assert page.status_code == 503
    assert "DEMOS_URL" in page.text
    assert client.get("/provision", base_url="http://evil.example").status_code == 503


def test_weakness_1_with_an_address_of_its_own_the_node_believes_no_other(
    make_node: NodeMaker, steam: Stub
) -> None:
    """DEMOS_URL is where people are sent back to, whatever the request names."""
    own = "https://demos.example.org"
    client = make_node(DEMOS_URL=f"{own}/", **settings_of(steam)).app.test_client()
    back = back_to(client, "http://evil.example")
    assert back.startswith(f"{own}/provision_handler/")
    evil = back.replace(own, "http://evil.example")
    said = steam.world.assertion(steam.login_url, evil, FULL)
    assert come_back(client, evil, said).status_code == 401
    back = back_to(client, own)
    said = steam.world.assertion(steam.login_url, back, FULL)
    assert come_back(client, back, said).status_code == 200


@pytest.mark.parametrize(
    ("body", "status", "expected"),
    [
        ("ns:x\nis_valid:false\n", 200, 401),
        ("is_valid:true\nis_valid:false\n", 200, 401),
        ("<html>is_valid:true</html>", 200, 401),
        ("is_valid:true\n", 500, 502),
        ("is_valid:true\n", 302, 502),
    ],
)
def test_weakness_1_only_steams_plain_yes_counts(
    make_node: NodeMaker, clock: ManualClock, body: str, status: int, expected: int
) -> None:
    """is_valid:true as a line of a good answer."""
    scripted = ScriptedNode()
    scripted.says(body, status)
    login = f"{scripted.url}/openid/login"
    with serving(scripted), steam_of(clock) as other:
        client = make_node(STEAM_LOGIN_URL=login).app.test_client()
        back = back_to(client)
        page = come_back(client, back, other.world.assertion(login, back, FULL))
        assert page.status_code == expected
        assert not KEY.search(page.text)
        assert "is_valid" not in page.text
        assert b"openid.mode=check_authentication" in scripted.asked[0][1]
        scripted.says("ns:x\nis_valid:true\n")
        said = other.world.assertion(login, back, FULL)
        assert KEY.search(come_back(client, back, said).text)


def test_an_old_sign_in_is_refused_and_old_nonces_are_deleted(
    node: SimulatedNode, browser: Browser
) -> None:
    """Refused after five minutes, so what is older need not be kept."""
    browser.sign_in()
    address = browser.agree()
    node.advance(301)
    assert browser.open(address).status_code == 401
    node.advance(sign_in.NONCES_KEPT / 1000)
    browser.sign_in()
    with node.parts.database.reading() as connection:
        assert connection.scalar(select(func.count()).select_from(DemoNonce)) == 1


def test_steam_that_is_away_is_told_and_costs_nothing(make_node: NodeMaker, steam: Stub) -> None:
    """A page in words, and the earlier key stays good."""
    with ScriptedNode() as gone:
        login = f"{gone.url}/openid/login"
    node = make_node(STEAM_LOGIN_URL=login)
    key = user(node, FULL)
    client = node.app.test_client()
    back = back_to(client)
    page = come_back(client, back, steam.world.assertion(login, back, FULL))
    assert page.status_code == 502
    assert "Steam does not answer" in page.text
    assert is_good(node, key)


def test_pages_sign_people_in_with_a_path_of_their_own(node: SimulatedNode, steam: Stub) -> None:
    """The sign-in of one path is not good at another."""
    base, path = "http://localhost", "/recordings/signed-in"
    assert f"return_to=http%3A%2F%2Flocalhost{path.replace('/', '%2F')}" in sign_in.login_url(
        node.parts, base, path
    )
    said = MultiDict(steam.world.assertion(steam.login_url, base + path, FULL))
    with pytest.raises(DemoRefused):
        sign_in.signed_in(node.parts, said, base)
    assert sign_in.signed_in(node.parts, said, base, path) == FULL


def test_a_web_api_that_fails_gives_no_key(
    node: SimulatedNode, browser: Browser, steam: Stub
) -> None:
    """Whether the account is limited is not known then."""
    steam.world.key = "another"
    said = MultiDict(steam.world.assertion(steam.login_url, f"{browser.url}/x", FULL))
    with pytest.raises(SteamFailed, match="key"):
        sign_in.signed_in(node.parts, said, browser.url, "/x")
    assert browser.open(browser.agree()).status_code == 502


def test_no_key_and_no_sign_in_is_in_a_log(
    database_uri: str, master_key: Path, tmp_path: Path
) -> None:
    """Not in that of requests either, where addresses are written as they come."""
    with steam_of() as stub:
        steam = {"DEMOS_CHECK_SERVERS": False, **settings_of(stub)}
        with site_of(tmp_path, database_uri, master_key, **steam) as site:
            browser = Browser(site.start().url)
            address = browser.agree()
            (key,) = KEY.findall(browser.open(address).text)
            assert Player(site.url, key).start().status_code == 200
            site.stop()
        log = (tmp_path / "node.log").read_text()
    assert "GET /provision_handler/" in log
    assert "/session_id?api_key=[redacted]" in log
    secrets = [key, STEAM_KEY, *(value for _, value in parse_qsl(urlsplit(address).query))]
    assert not [secret for secret in secrets if len(secret) > 8 and secret in log]
