"""Signing in at the pages of recordings: with Steam, with a key; forms; new keys."""

import re
from collections.abc import Iterator

import pytest
import requests
from conftest import NodeMaker
from demo_pages.conftest import SignedIn
from demo_pages.visiting import REFRESH, Visitor
from demos.journey import ANALYST, UPLOADER, user
from demos.kept import kept
from demos.steamside import changed, settings_of, steam_of
from simulator import ManualClock, SimulatedNode

from downstream_node.demos import access
from downstream_node.demos.states import Scope
from downstream_node.demos.steam_stub import Stub
from downstream_node.demos.steam_stub_world import FULL, LIMITED
from downstream_node.demos.tickets import COOKIE
from downstream_node.operators.attempts import MOST_FAILURES

HOUR = 3600
KEY = re.compile(r'id="new-key">(MB-[A-Za-z0-9_-]{43})</code>')
HOME = "http://localhost"


# With Steam


@pytest.fixture
def stub(clock: ManualClock) -> Iterator[Stub]:
    """A stand-in for Steam whose time is the node's."""
    with steam_of(clock) as opened:
        yield opened


@pytest.fixture
def steam_node(make_node: NodeMaker, stub: Stub) -> SimulatedNode:
    """A node that asks it."""
    return make_node(DEMOS_RATE_LIMIT=0, **settings_of(stub))


def agree(visitor: Visitor, steam_id: int = FULL) -> str:
    """Begin to sign in, and press the button at Steam; where the browser is sent back to."""
    sent = visitor.get("/recordings/sign-in")
    assert sent.status_code == 303
    page = requests.get(sent.headers["Location"], timeout=10).text
    (return_to,) = re.findall(r'name="return_to" value="([^"]+)"', page)
    (origin,) = re.findall(r"^(https?://[^/]+)", sent.headers["Location"])
    fields = {"return_to": return_to, "steam_id": str(steam_id)}
    back = requests.get(f"{origin}/openid/agree", fields, allow_redirects=False, timeout=10)
    location = back.headers["Location"]
    assert location.startswith(f"{HOME}/recordings/signed-in/")
    return location.removeprefix(HOME)


def test_signing_in_with_steam(steam_node: SimulatedNode) -> None:
    """There and back; a page leads on, since a redirect would come without the cookie."""
    visitor = Visitor(steam_node)
    page = visitor.get(agree(visitor))
    assert page.status_code == 200
    assert page.headers["Referrer-Policy"] == "no-referrer"
    (there,) = REFRESH.findall(page.text)
    assert f"Signed in as {FULL} (uploader)" in visitor.get(there).text


def test_signing_in_leaves_the_key(steam_node: SimulatedNode) -> None:
    """Who signs in to look at their demos need not set up their client again."""
    key = user(steam_node, FULL)
    visitor = Visitor(steam_node)
    visitor.get(agree(visitor))
    assert access.require(steam_node.parts, key).steam_id == FULL


def test_a_sign_in_of_somebody_else_is_none(steam_node: SimulatedNode) -> None:
    """An address that signs in its maker does nothing in another browser."""
    address = agree(Visitor(steam_node))
    for victim in (Visitor(steam_node), Visitor(steam_node)):
        answer = victim.get(address)
        assert answer.status_code == 401
        assert "did not begin in this browser" in answer.text
        assert not victim.is_signed_in
        agree(victim)  # with a ticket of its own it fits no better
        assert victim.get(address).status_code == 401


def test_a_sign_in_is_good_once(steam_node: SimulatedNode) -> None:
    """The same address again is refused."""
    visitor = Visitor(steam_node)
    address = agree(visitor)
    assert visitor.get(address).status_code == 200
    ticket = address.split("?", maxsplit=1)[0].rsplit("/", maxsplit=1)[1]
    visitor.client.set_cookie(COOKIE, ticket, path="/recordings/signed-in")
    assert visitor.get(address).status_code == 401


@pytest.mark.parametrize(
    "fields",
    [
        {"claimed_id": f"https://steamcommunity.com/openid/id/{UPLOADER}"},
        {"return_to": f"{HOME}/provision_handler"},
        {"sig": "AAAA"},
        {"mode": "cancel"},
        {"response_nonce": "2020-01-01T00:00:00Zabc"},
    ],
)
def test_a_forged_sign_in_is_none(steam_node: SimulatedNode, fields: dict[str, str]) -> None:
    """Whatever is changed in what Steam said."""
    visitor = Visitor(steam_node)
    answer = visitor.get(changed(agree(visitor), **fields))
    assert (answer.status_code, answer.mimetype) == (401, "text/html")
    assert not visitor.is_signed_in


def test_limited_accounts(steam_node: SimulatedNode) -> None:
    """Are told why they are refused."""
    visitor = Visitor(steam_node)
    answer = visitor.get(agree(visitor, LIMITED))
    assert answer.status_code == 403
    assert "limited" in answer.text
    assert not visitor.is_signed_in


def test_steam_is_down(make_node: NodeMaker, stub: Stub) -> None:
    """A 502 that says so, and nothing of the node's key for Steam."""
    values = settings_of(stub)
    node = make_node(DEMOS_RATE_LIMIT=0, **values)
    visitor = Visitor(node)
    address = agree(visitor)
    stub.shutdown()
    stub.server_close()
    answer = visitor.get(address)
    assert (answer.status_code, answer.mimetype) == (502, "text/html")
    assert str(values["STEAM_API_KEY"]) not in answer.text


def test_a_node_without_an_address(demo_node: SimulatedNode) -> None:
    """Nobody is sent to Steam from an address that might be somebody else's."""
    client = Visitor(demo_node).client
    answer = client.get("/recordings/sign-in", base_url="http://evil.example")
    assert answer.status_code == 503
    assert "DEMOS_URL" in answer.text


def test_flags_of_the_ticket(steam_node: SimulatedNode) -> None:
    """No script reads it, and it goes to no other page."""
    cookie = Visitor(steam_node).get("/recordings/sign-in").headers["Set-Cookie"]
    said = {word.strip() for word in cookie.split(";")}
    assert {"HttpOnly", "SameSite=Lax", "Path=/recordings/signed-in", "Max-Age=900"} <= said


# With a key


def test_signing_in_and_out(signed_in: SignedIn) -> None:
    """A key opens one's demos until one signs out."""
    visitor = signed_in(ANALYST)
    assert f"Signed in as {ANALYST} (uploader, analyst)" in visitor.get().text
    answer = visitor.send("/recordings/sign-out")
    assert answer.headers["Location"] == "/recordings"
    assert not visitor.is_signed_in


def test_flags_of_the_cookie(demo_node: SimulatedNode) -> None:
    """No script reads it, no other site sends it, no other part gets it, and no key is in it."""
    visitor, key = Visitor(demo_node), user(demo_node)
    cookie = visitor.send("/recordings/sign-in", key=key).headers["Set-Cookie"]
    assert {"HttpOnly", "SameSite=Strict", "Path=/recordings"} <= {
        word.strip() for word in cookie.split(";")
    }
    assert key not in cookie
    assert not visitor.client.get_cookie("recordings", path="/")


@pytest.mark.parametrize("wrong", ["", "MB-", "nonsense", "MB-" + 43 * "A", "\0", "\udcff"])
def test_a_wrong_key(demo_node: SimulatedNode, stranger: Visitor, wrong: str) -> None:
    """A wrong key is a 403 with a clear sentence, and signs nobody in."""
    key = user(demo_node)
    sent = wrong.encode("utf-8", "replace").decode()
    answer = stranger.send("/recordings/sign-in", key=sent)
    assert answer.status_code == 403
    assert "no key of this node" in answer.text
    assert key not in answer.text
    assert not stranger.is_signed_in


def test_a_form_without_a_key(stranger: Visitor) -> None:
    """Is a wrong key, no error of ours."""
    assert stranger.send("/recordings/sign-in").status_code == 403


def test_wrong_keys_are_limited(demo_node: SimulatedNode, stranger: Visitor) -> None:
    """After ten even the right one has to wait; others do not."""
    key = user(demo_node)
    for _ in range(MOST_FAILURES):
        assert stranger.send("/recordings/sign-in", key="x").status_code == 403
    answer = stranger.send("/recordings/sign-in", key=key)
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "60")
    assert "try again in 60 s" in answer.text
    assert Visitor(demo_node, ip="192.0.2.8").sign_in(key).is_signed_in
    demo_node.clock.jump(60)
    assert stranger.sign_in(key).is_signed_in


@pytest.mark.parametrize(("seconds", "is_open"), [(12 * HOUR - 1, True), (12 * HOUR, False)])
def test_a_session_ends(
    demo_node: SimulatedNode, signed_in: SignedIn, seconds: int, is_open: bool
) -> None:
    """After twelve hours."""
    visitor = signed_in()
    demo_node.clock.jump(seconds)
    assert visitor.is_signed_in is is_open


def test_a_new_key_elsewhere_ends_the_session(
    demo_node: SimulatedNode, signed_in: SignedIn
) -> None:
    """It was begun with a key that is worth nothing any more."""
    visitor = signed_in()
    user(demo_node)
    assert not visitor.is_signed_in


def test_scopes_are_those_of_this_moment(steam_node: SimulatedNode) -> None:
    """Who is no analyst any more sees no list of all from the next page on."""
    visitor = Visitor(steam_node)
    user(steam_node, FULL, Scope.ANALYST)
    visitor.get(agree(visitor))
    assert visitor.get("/recordings/all").status_code == 200
    user(steam_node, FULL)
    assert visitor.get("/recordings/all").status_code == 403


@pytest.mark.parametrize("path", ["/operator", "/chats"])
def test_a_cookie_of_another_part_is_none(
    demo_node: SimulatedNode, signed_in: SignedIn, path: str
) -> None:
    """Though all are signed with the same key."""
    cookie = signed_in().client.get_cookie("recordings", path="/recordings")
    assert cookie
    client = demo_node.app.test_client()
    client.set_cookie(path.strip("/"), cookie.value, path=path)
    page = client.get(path)
    assert "Signed in" not in page.text
    assert "Logged in" not in page.text


# A new key


def test_a_new_key(demo_node: SimulatedNode) -> None:
    """It is shown once, works, and the session goes on; the earlier one does not work."""
    key = user(demo_node)
    visitor = Visitor(demo_node).sign_in(key)
    page = visitor.send("/recordings/key")
    (fresh,) = KEY.findall(page.text)
    assert page.headers["Cache-Control"] == "no-store"
    assert access.require(demo_node.parts, fresh).steam_id == UPLOADER
    assert fresh not in visitor.get().text
    assert visitor.is_signed_in
    assert not Visitor(demo_node).send("/recordings/sign-in", key=key).headers.get("Location")


def test_a_first_key(steam_node: SimulatedNode) -> None:
    """Who signed in with Steam and never had a key gets one that may upload."""
    visitor = Visitor(steam_node)
    visitor.get(agree(visitor))
    (key,) = KEY.findall(visitor.send("/recordings/key").text)
    assert access.require(steam_node.parts, key, Scope.UPLOAD).steam_id == FULL


def test_strangers_get_no_key(stranger: Visitor) -> None:
    """Nor does a GET give one."""
    assert stranger.send("/recordings/key").status_code == 401
    # The address is then the page of a recording with this id, which there is not.
    assert stranger.get("/recordings/key").status_code == 404


# Forms

FORMS = ("/recordings/sign-in", "/recordings/sign-out", "/recordings/key")


@pytest.mark.parametrize("tokens", [{}, {"csrf_token": ""}, {"csrf_token": "wrong"}])
@pytest.mark.parametrize("path", FORMS)
def test_forms_need_their_token(
    demo_node: SimulatedNode, path: str, tokens: dict[str, str]
) -> None:
    """A form without it is refused as a page, and does nothing."""
    key = user(demo_node)
    visitor = Visitor(demo_node).sign_in(key)
    answer = visitor.post(path, key=key, **tokens)
    assert (answer.status_code, answer.mimetype) == (400, "text/html")
    assert "Load the page and try again" in answer.text
    assert visitor.is_signed_in
    assert access.require(demo_node.parts, key)


def test_a_verdict_needs_its_token(demo_node: SimulatedNode, signed_in: SignedIn) -> None:
    """As the other forms do."""
    demo = kept(demo_node)
    path = f"/recordings/{demo.session_id}/verdict"
    assert signed_in().post(path, player="1", verdict="benign").status_code == 400


def test_large_forms_are_refused(stranger: Visitor) -> None:
    """Nobody needs more than a key."""
    answer = stranger.post("/recordings/sign-in", key="x" * 20_000)
    assert (answer.status_code, answer.mimetype) == (413, "text/html")


def test_requests_are_counted(make_node: NodeMaker) -> None:
    """With when to come again; what pages load is not counted."""
    visitor = Visitor(make_node(DEMOS_RATE_LIMIT=2))
    statuses = [visitor.get().status_code for _ in range(3)]
    assert statuses == [200, 200, 429]
    assert int(visitor.get().headers["Retry-After"]) > 0
    assert visitor.get("/recordings/static/demos.css").status_code == 200


def test_what_nobody_foresaw(
    stranger: Visitor, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Is logged whole and told as a page without details."""

    def fall_over(*_: object) -> None:
        raise RuntimeError("secret")

    monkeypatch.setattr("downstream_node.demo_pages.routes.listing.live", fall_over)
    answer = stranger.get()
    assert (answer.status_code, answer.mimetype) == (500, "text/html")
    assert "secret" not in answer.text
    assert "secret" in caplog.text
