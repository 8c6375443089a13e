"""Recordings in a real browser: sign in with Steam, stream, find it, fetch it; look, judge."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from browser.demo_site import BOT, CHEATER, REVIEWER, SERVER, DemoSite, demo_site, filled
from browser.site import chromium
from browser.visits import Look, NewPage
from conftest import require
from demos.journey import acknowledged, offset, recording, sha256
from playwright.sync_api import Page, expect

from downstream_node.demos import listing
from downstream_node.demos.listing import Filters
from downstream_node.demos.states import Scope
from downstream_node.demos.steam_stub_world import FULL

pytestmark = pytest.mark.slow

PATIENCE = 15_000
"""Milliseconds."""
ANALYST = 76561198000000011
REFRESHED = 25_000
"""Milliseconds in which a live list is refreshed, and the streamer has noted its figures."""

Reader = Callable[..., Look]


@pytest.fixture(scope="module")
def demos(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DemoSite]:
    """A node with recordings and streams."""
    require(chromium(), "no chromium")
    with demo_site(tmp_path_factory.mktemp("demos")) as site:
        yield filled(site)


@pytest.fixture
def reader(new_page: NewPage, demos: DemoSite) -> Reader:
    """Make a visitor: its width, colour scheme, and whether it runs scripts."""

    def make(width: str = "desktop", scheme: str = "light", *, scripts: bool = True) -> Look:
        page = new_page(width, scheme, scripts=scripts)
        page.context.set_default_timeout(PATIENCE)
        return Look(page, demos.url)

    return make


@pytest.fixture(params=[True, False], ids=["scripts", "no scripts"])
def look(reader: Reader, request: pytest.FixtureRequest) -> Look:
    """A visitor with and without scripts."""
    return reader(scripts=request.param)


def with_steam(look: Look) -> Page:
    """Sign in as FULL on the page of the stand-in for Steam."""
    page = look.go("/recordings")
    page.click("#with-steam")
    page.get_by_role("button", name=f"Sign in as {FULL}").click()
    expect(page.locator("#whoami")).to_contain_text(f"Signed in as {FULL}")
    expect(page).to_have_url(f"{look.url}/recordings")
    return page


def with_key(look: Look, key: str) -> Page:
    """Sign in by the form."""
    page = look.go("/recordings")
    page.fill("#key", key)
    page.keyboard.press("Enter")
    expect(page.locator("#whoami")).to_be_visible()
    return page


def new_key(page: Page) -> str:
    """Ask for a new key."""
    page.click("#new-key")
    key = page.locator("code#new-key").inner_text()
    page.get_by_role("link", name="To your demos").click()
    expect(page.locator("#whoami")).to_be_visible()
    return key


def downloaded(page: Page, folder: Path) -> bytes:
    """What the button fetches."""
    with page.expect_download() as waiting:
        page.click("#download")
    target = folder / waiting.value.suggested_filename
    waiting.value.save_as(target)
    return target.read_bytes()


def test_the_whole_way(look: Look, demos: DemoSite, tmp_path: Path) -> None:
    """From Steam's page by a key, a stream and a close to the very same bytes on one's own disk."""
    content = recording(2_000_000, seed=4, ticks=6600)
    page = with_steam(look)
    player = demos.player(new_key(page))
    assert player.start(fake_ip=SERVER, map="pl_pier", demo_name="from the test.dem").ok
    with player.stream() as stream:
        assert offset(stream) == 0
        for start in range(0, len(content), 65536):
            stream.send(content[start : start + 65536])
        acknowledged(stream, len(content))
    page.reload()
    mine = page.locator(f'[data-session="{player.session}"]')
    expect(mine.locator("[data-standing]")).to_have_text("live")
    assert player.close().ok
    page.reload()
    mine.get_by_role("link", name="from the test.dem").click()
    # Whoever comes before the node's job has it filed.
    assert sha256(downloaded(page, tmp_path)) == sha256(content)
    page.reload()
    expect(page.locator("#sha256")).to_have_text(sha256(content))
    expect(page.locator("#ticks")).to_contain_text("6,600")
    page.goto(f"{look.url}/recordings")
    page.click("#sign-out")
    expect(page.locator("#with-steam")).to_be_visible()
    page.goto(f"{look.url}/recordings/{player.session}")
    expect(page.locator("#sha256")).to_have_text(sha256(content))
    expect(page.locator("#download")).to_have_count(0)
    # The stand-in for Steam has no icon.
    assert [one for one in look.complaints if "404" not in one] == []


def test_live_figures(reader: Reader, demos: DemoSite) -> None:
    """A stream comes into the list and goes out of it while one looks on; Enter stops that."""
    look = reader()
    page = look.go("/recordings")
    streams = page.locator("#streams tbody tr")
    before = streams.count()
    player = demos.player(demos.key(ANALYST + 1))
    assert player.start(fake_ip=SERVER, map="pl_pier").ok
    with player.stream() as stream:
        for _ in range(40):
            stream.send(bytes(50_000))
        acknowledged(stream, 2_000_000)
        expect(streams).to_have_count(before + 1, timeout=REFRESHED)
        expect(streams.filter(has_text="1.9 MiB")).to_have_count(1, timeout=REFRESHED)
    player.close()
    expect(streams).to_have_count(before, timeout=REFRESHED)
    page.locator("[data-pause]").focus()
    page.keyboard.press("Enter")
    expect(page.locator("[data-pause]")).to_have_text("Go on updating")
    assert look.complaints == []


def test_a_wrong_key(look: Look) -> None:
    """Is told beside the form."""
    page = look.go("/recordings")
    page.fill("#key", "MB-wrong")
    page.keyboard.press("Enter")
    expect(page.locator("#key-problem")).to_be_visible()
    expect(page.locator("#key")).to_be_focused()


def test_the_analysts_list(look: Look, demos: DemoSite) -> None:
    """Filters and the way to one recording, with and without scripts."""
    page = with_key(look, demos.key(ANALYST, Scope.ANALYST))
    page.click("#to-all")
    rows = page.locator("#all-demos tbody tr")
    assert rows.count() > 5
    page.select_option("#reason", "cheater")
    page.click("#apply")
    expect(rows).to_have_count(1)
    expect(page).to_have_url(re.compile("reason=cheater"))
    page.click("#clear")
    page.fill("#map", "pl_badwater")
    page.keyboard.press("Enter")
    expect(rows.first).to_contain_text("pl_badwater")
    page.fill("#map", "pl_upward")
    page.keyboard.press("Enter")
    expect(rows).to_have_count(1)
    rows.get_by_role("link").click()
    expect(page.locator(f'[data-player="{CHEATER}"]')).to_contain_text("viewangles_180degrees: 12")
    expect(page.locator(f'[data-player="{BOT}"]')).to_contain_text("bot")
    expect(page.locator("#verdict-form")).to_have_count(0)


def test_a_verdict(reader: Reader, demos: DemoSite) -> None:
    """A reviewer judges by keyboard alone."""
    page = with_key(reader(), demos.key(REVIEWER, Scope.REVIEWER))
    page.goto(f"{demos.url}/recordings/all?map=pl_upward")
    page.locator("#all-demos a").focus()
    page.keyboard.press("Enter")
    page.locator(f"#judge-{BOT}").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#player")).to_have_value(str(BOT))
    page.locator("#player").focus()
    page.keyboard.press("Tab")
    page.keyboard.type("b")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator(f'[data-player="{BOT}"]')).to_contain_text("benign (you)")


def test_hostile_names_do_nothing(reader: Reader) -> None:
    """They are shown as they are."""
    look = reader()
    page = with_steam(look)
    expect(page.locator("#my-demos")).to_contain_text("<img src=x")
    page.get_by_role("link", name="<img src=x").click()
    expect(page.locator("h1")).to_have_text("Recording of <b>bold</b>")
    expect(page.locator("#header-problem")).to_be_visible()
    assert page.locator("main img, main b, main script").count() == 0
    assert page.title() != "hacked"
    # The stand-in for Steam has no icon.
    assert [one for one in look.complaints if "404" not in one] == []


def require_accessible(look: Look, page: Page) -> None:
    """No serious violation, no page wider than its window, no complaint."""
    violations = Axe().run(page).response["violations"]
    assert [one["id"] for one in violations if one["impact"] in {"serious", "critical"}] == []
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    # Pages that say what went wrong have a status of 400 or more, which browsers write down.
    assert [one for one in look.complaints if "status of 4" not in one] == []


@pytest.mark.parametrize(("width", "scheme"), [("phone", "light"), ("desktop", "dark")])
def test_accessibility(reader: Reader, demos: DemoSite, width: str, scheme: str) -> None:
    """Of every page, for who has signed in and who has not."""
    look = reader(width, scheme)
    (judged,) = listing.page(demos.node, Filters(map="pl_upward")).rows
    path_of_it = f"/recordings/{judged.session_id}"
    for path in ("/recordings", path_of_it, "/recordings/1", "/recordings/all"):
        require_accessible(look, look.go(path))
    assert look.strangers() == []
    page = with_key(look, demos.key(FULL, Scope.ANALYST, Scope.REVIEWER))
    for path in (
        *("/recordings", path_of_it, f"{path_of_it}?player=7#verdict-heading"),
        *("/recordings/all", "/recordings/all?from=x", "/recordings/all?map=none"),
    ):
        require_accessible(look, look.go(path))
    look.go("/recordings")
    page.click("#new-key")
    require_accessible(look, page)
