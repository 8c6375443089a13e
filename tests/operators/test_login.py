"""The login: who gets in, for how long, and what keeps others out."""

from collections.abc import Callable

import pytest
from operators.browser import HEALTH, Browser
from simulator import FarmerSimulator, SimulatedNode
from werkzeug.test import TestResponse

from downstream_node.operators import keys
from downstream_node.operators.attempts import MOST_FAILURES

HOUR = 3600
POLICY = ("default-src 'none'", "script-src 'self'", "form-action 'self'", "frame-ancestors 'none'")


def is_sent_to_login(answer: TestResponse) -> bool:
    """Whether *answer* asks to log in first."""
    return answer.status_code == 303 and answer.headers["Location"] == "/operator/login"


def test_strangers_are_sent_to_the_login(browser: Browser) -> None:
    """The operator's page shows nothing to who is not logged in."""
    assert is_sent_to_login(browser.get())
    assert "What is failing" not in browser.get().text


def test_the_key_opens_the_page(browser: Browser, key: str) -> None:
    """The login leads to the page, and the page stays open."""
    answer = browser.log_in(key)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/operator")
    assert "Logged in as ada" in browser.get().text
    assert browser.get("/operator/login").headers["Location"] == "/operator"


def test_no_open_redirect(browser: Browser, key: str) -> None:
    """Whatever the request says, the login leads to the operator's page."""
    token = browser.token("/operator/login?next=https://elsewhere.example/")
    answer = browser.post("/operator/login?next=//x.example", key=key, csrf_token=token, next="//x")
    assert answer.headers["Location"] == "/operator"


@pytest.mark.parametrize("wrong", ["", "dsop_", "nonsense", "dsop_" + 43 * "A"])
def test_a_wrong_key_is_told_so(browser: Browser, key: str, wrong: str) -> None:
    """A wrong key is a 403 with a clear sentence, and logs nobody in."""
    answer = browser.log_in(wrong)
    assert answer.status_code == 403
    assert "not the key of an operator" in answer.text
    assert key not in answer.text
    assert is_sent_to_login(browser.get())


def test_a_form_without_key_is_a_wrong_key(browser: Browser) -> None:
    """A form that lacks the field is a 403, no error of ours."""
    assert browser.post("/operator/login", csrf_token=browser.token()).status_code == 403


def test_logout(logged_in: Browser) -> None:
    """After it the page is closed, and the cookie gone."""
    answer = logged_in.post("/operator/logout", csrf_token=logged_in.token("/operator"))
    assert is_sent_to_login(answer)
    assert is_sent_to_login(logged_in.get())


def test_a_removed_key_logs_out(node: SimulatedNode, logged_in: Browser) -> None:
    """The next request after its removal finds the page closed."""
    keys.remove(node.parts, "ada")
    assert is_sent_to_login(logged_in.get())


def test_a_successor_does_not_inherit_the_session(node: SimulatedNode, logged_in: Browser) -> None:
    """A new key, though under the same name and number, leaves the old session closed."""
    keys.remove(node.parts, "ada")
    keys.add(node.parts, "ada")
    assert is_sent_to_login(logged_in.get())


@pytest.mark.parametrize(
    ("seconds", "is_open"),
    [
        pytest.param(12 * HOUR - 1, True, id="one second early"),
        pytest.param(12 * HOUR, False, id="after twelve hours"),
        pytest.param(-5, True, id="a machine whose clock is behind"),
        pytest.param(-6, False, id="the clock was set back"),
    ],
)
def test_a_session_ends(
    node: SimulatedNode, logged_in: Browser, seconds: int, is_open: bool
) -> None:
    """A login lasts for twelve hours, however much the page is used."""
    logged_in.get()
    node.clock.jump(seconds)
    assert is_sent_to_login(logged_in.get()) is not is_open


def test_a_forged_cookie_is_none(browser: Browser, key: str) -> None:
    """A cookie that the node has not signed logs nobody in."""
    browser.log_in(key)
    cookie = browser.client.get_cookie("operator", path="/operator")
    assert cookie
    forged = cookie.value[:-2] + ("AA" if cookie.value[-2:] != "AA" else "BB")
    browser.client.set_cookie("operator", forged, path="/operator")
    assert is_sent_to_login(browser.get())


# The cookie


@pytest.mark.parametrize(("scheme", "secure"), [("http", False), ("https", True)])
def test_flags_of_the_cookie(node: SimulatedNode, key: str, scheme: str, secure: bool) -> None:
    """No script reads it, no other site sends it, and what came by https stays there."""
    cookie = Browser(node, scheme=scheme).log_in(key).headers["Set-Cookie"]
    words = {word.strip() for word in cookie.split(";")}
    assert {"HttpOnly", "SameSite=Strict", "Path=/operator"} <= words
    assert any(word.startswith("Expires=") for word in words)
    assert ("Secure" in words) is secure


def test_a_trusted_proxy_says_https(make_node: Callable[..., SimulatedNode]) -> None:
    """Behind a proxy that is trusted, what it says about https decides on the cookie."""
    browser = Browser(make_node(TRUSTED_PROXIES=1))
    answer = browser.get("/operator/login", headers={"X-Forwarded-Proto": "https"})
    assert "Secure" in answer.headers["Set-Cookie"]


def test_the_cookie_shows_no_key(browser: Browser, key: str) -> None:
    """Who sees the cookie does not learn the key."""
    assert key.removeprefix("dsop_") not in browser.log_in(key).headers["Set-Cookie"]


def test_nodes_sign_apart(node: SimulatedNode) -> None:
    """The signature comes from the master key, for this purpose only."""
    secret = node.parts.keys.session_key
    assert node.app.secret_key == secret
    assert len(secret) == 32
    assert secret not in (node.parts.keys.master, node.parts.keys.contract_secret(b""))


# Cross-site requests


@pytest.mark.parametrize(
    "tokens",
    [
        pytest.param({}, id="missing"),
        pytest.param({"csrf_token": ""}, id="empty"),
        pytest.param({"csrf_token": "wrong"}, id="wrong"),
    ],
)
@pytest.mark.parametrize("path", ["/operator/login", "/operator/logout"])
def test_forms_need_their_token(logged_in: Browser, path: str, tokens: dict[str, str]) -> None:
    """A form without its token is refused with a page that says what to do."""
    answer = logged_in.post(path, key="x", **tokens)
    assert (answer.status_code, answer.mimetype) == (400, "text/html")
    assert "Open the page again" in answer.text
    assert not is_sent_to_login(logged_in.get())


def test_a_token_fits_its_browser_only(node: SimulatedNode, browser: Browser, key: str) -> None:
    """The token of another browser's form is refused, with the right key, too."""
    token = Browser(node).token()
    browser.get("/operator/login")
    assert browser.post("/operator/login", key=key, csrf_token=token).status_code == 400


def test_by_https_the_form_must_come_from_here(node: SimulatedNode, key: str) -> None:
    """By https a form that names another site as its own is refused."""
    browser = Browser(node, scheme="https")
    fields = {"key": key, "csrf_token": browser.token()}
    answer = browser.client.post(
        "/operator/login",
        data=fields,
        base_url=browser.base,
        headers={"Referer": "https://elsewhere.example/"},
    )
    assert answer.status_code == 400


def test_farmers_need_no_token(node: SimulatedNode) -> None:
    """The POSTs of v1 work as ever, and neither get nor read a cookie."""
    farmer = FarmerSimulator(node.fill_pool(1)).join().take(1)
    assert farmer.answer_all() == ["ok"]
    answer = node.app.test_client().post(f"/api/downstream/v1/answer/{farmer.token}", json={})
    assert "Set-Cookie" not in answer.headers
    assert "Cookie" not in answer.headers.get("Vary", "")


# How often


def fail(browser: Browser, times: int) -> TestResponse:
    """Show a wrong key so often; the last answer."""
    for _ in range(times):
        answer = browser.log_in("dsop_wrong")
    return answer


def test_ten_wrong_keys_a_minute(node: SimulatedNode, browser: Browser, key: str) -> None:
    """After ten wrong keys even the right one has to wait, for as long as the answer says."""
    assert fail(browser, MOST_FAILURES).status_code == 403
    answer = browser.log_in(key)
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "60")
    assert "try again in 60 s" in answer.text
    node.clock.jump(60)
    assert browser.log_in(key).status_code == 303


def test_one_client_locks_no_other_one_out(node: SimulatedNode, browser: Browser, key: str) -> None:
    """Wrong keys are counted by IP address."""
    fail(browser, MOST_FAILURES + 1)
    assert Browser(node, ip="192.0.2.8").log_in(key).status_code == 303


def test_a_monitor_with_a_wrong_key_locks_nobody_out(browser: Browser, key: str) -> None:
    """Wrong bearer keys are limited, too, but do not count for the login."""
    headers = {"Authorization": "Bearer dsop_wrong"}
    answers = [browser.get(HEALTH, headers=headers) for _ in range(MOST_FAILURES + 1)]
    assert [answer.status_code for answer in answers] == [401] * MOST_FAILURES + [429]
    assert answers[-1].headers["Retry-After"] == "60"
    assert browser.log_in(key).status_code == 303


# What surrounds the pages

PAGES: dict[str, Callable[[Browser], TestResponse]] = {
    "the redirect": lambda browser: browser.get(),
    "the login": lambda browser: browser.get("/operator/login"),
    "a wrong key": lambda browser: browser.log_in("x"),
    "a foreign form": lambda browser: browser.post("/operator/login"),
    "a large form": lambda browser: browser.post("/operator/login", key="x" * 20_000),
    "the JSON": lambda browser: browser.get(HEALTH),
}


@pytest.mark.parametrize("page", PAGES.values(), ids=PAGES)
def test_nothing_is_cached(browser: Browser, page: Callable[[Browser], TestResponse]) -> None:
    """No browser, no proxy and no cache of ours keeps any of it."""
    assert page(browser).headers["Cache-Control"] == "no-store"


def test_the_page_is_not_cached(logged_in: Browser) -> None:
    """Least of all the page itself; it loads nothing from elsewhere and fits no frame."""
    headers = logged_in.get().headers
    assert headers["Cache-Control"] == "no-store"
    assert all(rule in headers["Content-Security-Policy"] for rule in POLICY)


def test_nothing_is_inline(logged_in: Browser) -> None:
    """The policy would refuse inline scripts and styles, so there are none."""
    text = logged_in.get().text
    assert "<script>" not in text
    assert "style=" not in text
    assert "onclick" not in text


def test_large_forms_are_refused(browser: Browser) -> None:
    """Nobody needs more than a key, and the refusal is a page."""
    answer = browser.post("/operator/login", key="x" * 20_000)
    assert (answer.status_code, answer.mimetype) == (413, "text/html")


@pytest.mark.usefixtures("key")
def test_a_lost_database_is_a_page(
    logged_in: Browser, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """What nobody foresaw is logged whole and told as a page without details."""

    def fall_over(*_: object) -> None:
        raise RuntimeError("secret")

    monkeypatch.setattr("downstream_node.operators.routes.health", fall_over)
    answer = logged_in.get()
    assert (answer.status_code, answer.mimetype) == (500, "text/html")
    assert "secret" not in answer.text
    assert "secret" in caplog.text
