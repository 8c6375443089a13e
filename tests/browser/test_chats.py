"""The archive in a real browser: search, narrow, page, read on, log in; by keyboard, hostile."""

import re
from collections.abc import Callable, Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from browser.chat_site import HOSTILE, KETTLE, LONG, ChatSite, chat_site
from browser.site import chromium
from browser.visits import Look, NewPage
from conftest import require
from playwright.sync_api import Page, expect

from downstream_node.chats import keys

pytestmark = pytest.mark.slow

PATIENCE = 15_000
"""Milliseconds."""

Reader = Callable[..., Look]


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ChatSite]:
    """A node with an archive."""
    require(chromium(), "no chromium")
    with chat_site(tmp_path_factory.mktemp("archive")) as site:
        yield site


@pytest.fixture
def reader(new_page: NewPage, archive: ChatSite) -> Reader:
    """Make a visitor: its width, colour scheme, and whether it runs scripts."""

    def make(width: str = "desktop", scheme: str = "light", *, scripts: bool = True) -> Look:
        page = new_page(width, scheme, scripts=scripts)
        page.context.set_default_timeout(PATIENCE)
        return Look(page, archive.url)

    return make


@pytest.fixture(params=[True, False], ids=["scripts", "no scripts"])
def look(reader: Reader, request: pytest.FixtureRequest) -> Look:
    """A visitor with and without scripts."""
    return reader(scripts=request.param)


@pytest.fixture
def plain(reader: Reader) -> Look:
    """A visitor without scripts."""
    return reader(scripts=False)


def search(page: Page, text: str) -> None:
    """Search by the box."""
    page.fill("#q", text)
    page.keyboard.press("Enter")
    page.wait_for_url("**q=**")


def found(page: Page) -> list[str]:
    """The texts of the hits."""
    return page.locator("[data-hit] .text").all_inner_texts()


def test_searching(look: Look) -> None:
    """The document's example: six messages, each with its highlight, among their neighbours."""
    page = look.go("/chats")
    expect(page.locator("#total")).to_contain_text("messages, the latest first")
    search(page, "pie")
    expect(page.locator("#total")).to_have_text("6 messages")
    assert page.locator("[data-hit]").count() == 6
    assert page.locator("[data-hit]:has(mark)").count() == 6
    expect(page.locator(".near").last).to_contain_text("There is a fork.")
    expect(page.locator("#chips")).to_contain_text("“pie”")


def test_order(plain: Look) -> None:
    """By a link each, so that each order has an address."""
    page = plain.go("/chats?q=pie")
    page.get_by_role("link", name="Oldest first").click()
    expect(page).to_have_url(re.compile("order=oldest"))
    page.get_by_role("link", name="Best first").click()
    expect(page).to_have_url(re.compile("order=relevance"))
    assert page.locator("[data-hit]").count() == 6


def test_paging(look: Look) -> None:
    """The next page has other messages, the previous one the first ones again."""
    page = look.go("/chats?q=endless")
    expect(page.locator("#total")).to_have_text(f"{LONG} messages")
    first = found(page)
    page.click("#next")
    expect(page).to_have_url(re.compile("cursor="))
    expect(page.locator("#previous")).to_be_visible()
    assert not set(found(page)) & set(first)
    page.click("#previous")
    expect(page.locator("[data-hit]").last).to_contain_text(first[-1])
    assert found(page) == first


def test_narrowing(look: Look) -> None:
    """A facet adds to the search, a chip takes off."""
    page = look.go("/chats?q=the")
    before = page.locator("#total").inner_text()
    page.locator("#channels a", has_text="#workshop").click()
    expect(page).to_have_url(re.compile("in%3Aworkshop"))
    expect(page.locator("#total")).not_to_have_text(before)
    assert set(page.locator(".talk h3").all_inner_texts()) == {"#workshop"}
    page.locator("#chips a", has_text="in #workshop").click()
    expect(page.locator("#total")).to_have_text(before)


def test_months(look: Look) -> None:
    """A column leads to its month, in which the timeline still shows all."""
    page = look.go("/chats?q=the")
    months = page.locator("[data-month]").count()
    page.get_by_role("link", name=re.compile("^May 2024: 4 messages")).click()
    expect(page).to_have_url(re.compile("during%3A2024-05"))
    expect(page.locator("#total")).to_have_text("4 messages")
    assert page.locator("[data-month]").count() == months
    expect(page.locator("[data-month][aria-current]")).to_have_count(1)
    page.click("#all-dates")
    expect(page).not_to_have_url(re.compile("during"))


def test_the_form_writes_into_the_search(look: Look) -> None:
    """So that what it chose has an address, and can be taken off."""
    page = look.go("/chats")
    page.click("#filters summary")
    page.select_option("#in", label="#general")
    page.fill("#from", "Cyrus the Late")
    page.fill("#since", "2024-04-26")
    page.fill("#until", "2024-04-26")
    page.click("#filters button")
    expect(page.locator("#q")).to_have_value('in:general from:"Cyrus the Late" during:2024-04-26')
    assert found(page) == ["sorry I'm late, is there any left"]


def test_reading_on(look: Look) -> None:
    """From a hit into its channel, before and after it, and back."""
    page = look.go("/chats?q=%22part+30%22")
    page.locator("[data-open]").click()
    expect(page).to_have_url(re.compile(r"/chats/messages/\d+\?q="))
    expect(page.locator("[data-hit]")).to_contain_text("part 30")
    assert page.locator(".said").count() == 50
    page.click("#earlier")
    expect(page.locator(".said").first).to_contain_text("part 0")
    page.click("#later")
    expect(page.locator(".said").last).to_contain_text(f"part {LONG - 1}")
    page.click("[data-back]")
    expect(page.locator("#q")).to_have_value('"part 30"')


def test_earlier_texts(plain: Look) -> None:
    """What a message said before it was edited is behind a disclosure."""
    page = plain.go("/chats?q=running+late")
    earlier = page.locator("[data-hit] .earlier")
    expect(earlier.locator(".revision")).not_to_be_visible()
    earlier.locator("summary").click()
    expect(earlier.locator(".revision")).to_contain_text("I am on my way")


def test_long_messages_are_folded(look: Look) -> None:
    """And unfolded by a click."""
    page = look.go("/chats?q=is:pinned+learned")
    expect(page.get_by_text("Six: the vacuum cleaner")).not_to_be_visible()
    page.locator(".fold summary").click()
    expect(page.get_by_text("Six: the vacuum cleaner")).to_be_visible()


def test_nothing_found(plain: Look) -> None:
    """What was understood is told, a name that nobody has, too."""
    page = plain.go("/chats?q=zymurgy+in:nowhere+-has:image")
    expect(page.locator("#total")).to_have_text("Nothing found")
    expect(page.locator("#chips")).to_contain_text("not with an image")
    expect(page.locator("#unknown")).to_contain_text("“nowhere”")


def test_a_search_that_cannot_be_read(plain: Look) -> None:
    """The place of the mistake is shown, and the search is still in the box."""
    page = plain.go("/chats?q=tea+%22pie")
    expect(page.locator("#problem")).to_contain_text("At character 5:")
    expect(page.locator("#problem mark")).to_have_text('"')
    expect(page.locator("#q")).to_have_value('tea "pie')


def test_no_such_message(plain: Look) -> None:
    """An id of nothing, and one of what may not be read, are told alike."""
    page = plain.go("/chats/messages/12345")
    expect(page.locator("h1")).to_have_text("There is no such message")


def test_the_keyboard_is_enough(reader: Reader) -> None:
    """From the box to a message's context and back, without a pointer."""
    page = reader().go("/chats?q=nothing-yet")
    page.keyboard.press("Escape")
    page.goto(page.url.replace("nothing-yet", "tea"))
    page.keyboard.press("/")
    expect(page.locator("#q")).to_be_focused()
    page.keyboard.type("pie")
    page.keyboard.press("Enter")
    expect(page.locator("#total")).to_have_text("6 messages")
    links = page.locator("[data-open]")
    page.keyboard.press("j")
    expect(links.nth(0)).to_be_focused()
    page.keyboard.press("j")
    page.keyboard.press("ArrowDown")
    expect(links.nth(2)).to_be_focused()
    page.keyboard.press("k")
    expect(links.nth(1)).to_be_focused()
    outlined = page.locator("[data-hit]").nth(1).evaluate("(e) => getComputedStyle(e).outlineStyle")
    assert outlined == "solid"
    page.keyboard.press("Escape")
    expect(page.locator("#q")).to_be_focused()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("/chats/messages/1232782017872138200"))
    page.keyboard.press("Escape")
    expect(page.locator("[data-back]")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#total")).to_have_text("6 messages")


def test_help_by_key(reader: Reader) -> None:
    """A question mark opens it, Escape closes it, and in the box it is a question mark."""
    page = reader().go("/chats?q=pie")
    page.keyboard.press("?")
    expect(page.locator("#help .panel")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#help .panel")).not_to_be_visible()
    page.keyboard.type("?")
    expect(page.locator("#q")).to_have_value("?")


def test_months_are_one_stop(reader: Reader) -> None:
    """Tab goes past them; arrows go from one to another, Enter into one."""
    page = reader().go("/chats?q=the")
    months = page.locator("[data-month]")
    assert page.locator('[data-month][tabindex="0"]').count() == 1
    months.last.focus()
    page.keyboard.press("ArrowLeft")
    expect(months.nth(-2)).to_be_focused()
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("during"))


def test_logging_in_and_out(look: Look, archive: ChatSite) -> None:
    """A key shows what is not published, from login to logout."""
    page = look.go("/chats?q=password")
    expect(page.locator("#total")).to_have_text("Nothing found")
    page.get_by_role("link", name="Log in to see more").click()
    page.fill("#key", "dsck_wrong")
    page.keyboard.press("Enter")
    expect(page.locator("#key-problem")).to_be_visible()
    page.fill("#key", archive.key)
    page.keyboard.press("Enter")
    expect(page.locator(".whoami")).to_contain_text("Logged in as browser")
    search(page, "password")
    assert found(page) == ["the password is teapot"]
    page.get_by_role("button", name="Log out").click()
    look.go("/chats?q=password")
    expect(page.locator("#total")).to_have_text("Nothing found")


@pytest.fixture
def private(archive: ChatSite) -> Iterator[None]:
    """Nothing is published for the time of a test."""
    keys.unpublish(archive.node, KETTLE)
    yield
    keys.publish(archive.node, "guild", KETTLE)


@pytest.mark.usefixtures("private")
def test_private_by_default(look: Look, archive: ChatSite) -> None:
    """Without a key there is a login and nothing else; it leads to what was asked for."""
    page = look.go("/chats?q=pie")
    expect(page.locator("h1")).to_have_text("These chats are private")
    assert "pecan" not in page.content()
    look.go("/chats/messages/1233571669289730000")
    expect(page.locator("h1")).to_have_text("These chats are private")
    page.fill("#key", archive.key)
    page.keyboard.press("Enter")
    expect(page.locator("[data-hit]")).to_contain_text("the tea was not too sweet")


def test_hostile_messages_do_nothing(reader: Reader) -> None:
    """They are shown as they are: no script, no foreign request, no link but to the web."""
    look = reader()
    dialogs: list[str] = []
    look.page.on("dialog", lambda dialog: dialogs.append(dialog.message))
    page = look.go("/chats?q=hostile")
    expect(page.locator("#total")).to_have_text(f"{len(HOSTILE)} messages")
    expect(page.locator("main")).to_contain_text(HOSTILE[0])
    expect(page.locator("main")).to_contain_text("hos<i>tile\N{REPLACEMENT CHARACTER}")
    assert page.locator("main img, main script, main iframe").count() == 0
    assert page.title() != "hacked"
    assert page.locator(".text a").evaluate_all("all => all.map(one => one.href)") == [
        "https://example.org/"
    ]
    assert page.locator(".text a").get_attribute("rel") == "noopener noreferrer nofollow"
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert (dialogs, look.complaints, look.strangers()) == ([], [], [])


PAGES = (
    *("/chats", "/chats?q=pie&order=relevance", "/chats?q=hostile", "/chats?q=tea+%22pie"),
    *("/chats/messages/1233571669289730000?q=pie", "/chats/login", "/chats?q=zymurgy"),
)


def require_accessible(look: Look, path: str) -> None:
    """No serious violation, no page wider than its window, no complaint, no foreign request."""
    page = look.go(path)
    for summary in page.locator(".finder summary").all():
        summary.click()
    violations = Axe().run(page).response["violations"]
    assert [one["id"] for one in violations if one["impact"] in {"serious", "critical"}] == []
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    # A search that cannot be read is a 400, which browsers write down.
    assert [one for one in look.complaints if "400" not in one] == []
    assert look.strangers() == []


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize(("width", "scheme"), [("phone", "light"), ("desktop", "dark")])
def test_accessibility(reader: Reader, path: str, width: str, scheme: str) -> None:
    """Of every page and state."""
    require_accessible(reader(width, scheme), path)


def test_accessibility_without_scripts(reader: Reader) -> None:
    """The one that looks is a script itself, so ours are empty instead of switched off."""
    look = reader("phone", "dark")
    nothing = {"body": "", "content_type": "text/javascript"}
    look.page.route(re.compile(r"\.js(\?|$)"), lambda route: route.fulfill(**nothing))
    require_accessible(look, "/chats?q=pie")
