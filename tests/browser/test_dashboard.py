"""The dashboard in a real browser: sort, filter, page, refresh, log in; with and without script."""

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from browser.site import open_page
from browser.visits import Visit, Visitor
from playwright.sync_api import Page, expect

from downstream_node.clock import pause

pytestmark = pytest.mark.slow

LISTED = "#farmers tbody tr"


def column(page: Page, label: str) -> list[str]:
    """What the list shows in one column."""
    return page.locator(f'{LISTED} [data-label="{label}"]').all_inner_texts()


def numbers(page: Page, label: str) -> list[float]:
    """The numbers in one column."""
    found = (re.search(r"[\d.,]+", text) for text in column(page, label))
    return [float(match[0].replace(",", "")) for match in found if match]


def ids(page: Page) -> list[str | None]:
    """The farmers in the list."""
    return [row.get_attribute("data-farmer") for row in page.locator(LISTED).all()]


@pytest.fixture(params=[True, False], ids=["scripts", "no scripts"])
def visit(visitor: Visitor, request: pytest.FixtureRequest) -> Visit:
    """A visit to the front page."""
    made: Visit = visitor(scripts=request.param)
    made.go()
    return made


def test_the_front_page_in_numbers(visit: Visit) -> None:
    """The headline, the totals and the map are of the crowd."""
    page = visit.page
    expect(page.locator("h1")).to_contain_text(re.compile(r"\d+ of 1,0\d\d farmers are online"))
    assert len(ids(page)) == 25
    assert page.locator("#map-points [data-farmers]").count() == 40
    assert page.locator("#countries [data-country]").count() == 40


def test_sorting(visit: Visit) -> None:
    """A click on a heading sorts all farmers by it, another one the other way round."""
    page = visit.page
    page.click("#sort-heartbeats")
    expect(page).to_have_url(re.compile("sort=heartbeats"))
    expect(page.locator("th[aria-sort]")).to_contain_text("Heartbeats")
    first = numbers(page, "Heartbeats")
    assert first == sorted(first, reverse=True)
    page.click("#sort-heartbeats")
    expect(page.locator('th[aria-sort="ascending"]')).to_contain_text("Heartbeats")
    assert numbers(page, "Heartbeats") == sorted(numbers(page, "Heartbeats"))


def test_filtering(visit: Visit) -> None:
    """The filter applies to all farmers, and stays while sorting."""
    page = visit.page
    page.select_option("#country", "Iceland")
    page.select_option("#online", "yes")
    page.click("#apply")
    expect(page).to_have_url(re.compile("country=Iceland"))
    expect(page.locator("#found")).not_to_contain_text("1,0")
    page.click("#sort-uptime")
    expect(page).to_have_url(re.compile("sort=uptime"))
    expect(page.locator("th[aria-sort]")).to_contain_text("Uptime")
    assert set(column(page, "Place")) == {"Iceland"}
    assert all("Online" in text for text in column(page, "State"))


def test_paging(visit: Visit) -> None:
    """Next shows other farmers, and back the first ones again."""
    page = visit.page
    before = ids(page)
    page.get_by_role("link", name=re.compile("Next")).first.click()
    expect(page).to_have_url(re.compile("page=2"))
    expect(page.locator(f'[data-farmer="{before[0]}"]')).to_have_count(0)
    assert len(ids(page)) == 25
    assert not set(ids(page)) & set(before)


def test_finding_my_farmer(visit: Visit) -> None:
    """An id leads to the farmer's page."""
    page = visit.page
    farmer_id = ids(page)[0]
    assert farmer_id
    page.fill("#find", farmer_id)
    page.click("#apply")
    expect(page).to_have_url(re.compile(f"/farmer/{farmer_id}"))
    expect(page.locator("#standing")).to_contain_text("Online")


def test_back_and_forward(visitor: Visitor) -> None:
    """Steps without reload are steps in the browser's history, too."""
    page = visitor().go()
    before = ids(page)
    page.click("#sort-id")
    expect(page).to_have_url(re.compile("sort=id"))
    page.go_back()
    expect(page).not_to_have_url(re.compile("sort=id"))
    expect(page.locator(LISTED).first).to_have_attribute("data-farmer", str(before[0]))


def test_it_refreshes_itself(visitor: Visitor) -> None:
    """What changed at the node comes to the page, and what the reader opened stays open."""
    visit = visitor()
    page = visit.page
    page.clock.install()
    visit.go()
    page.locator("#more-countries summary").click()
    before = page.locator("h1").inner_text()
    visit.site.crowd.join("one more")
    pause(1.1)  # the node shows a page again for STATUS_MAX_AGE, and its clock is the real one
    page.clock.run_for(11_000)
    expect(page.locator("h1")).not_to_have_text(before)
    expect(page.locator("#more-countries")).to_have_attribute("open", "")


def test_a_node_that_does_not_answer_is_told(visitor: Visitor) -> None:
    """The reader learns that the numbers are old, and when they are not any more."""
    visit = visitor()
    page = visit.page
    page.clock.install()
    visit.go()
    page.route("**/*", lambda route: route.abort())
    page.clock.run_for(11_000)
    expect(page.locator("#live-status")).not_to_be_empty()
    page.unroute_all()
    page.clock.run_for(11_000)
    expect(page.locator("#live-status")).to_contain_text("again")


def test_times_in_the_readers_zone(visitor: Visitor) -> None:
    """Times are local, and UTC is in the title."""
    page = visitor(zone="Asia/Kathmandu").go()
    when = page.locator("#as-of time")
    utc = when.get_attribute("datetime")
    assert utc
    assert "UTC" in str(when.get_attribute("title"))
    hour = (int(utc[11:13]) + 5 + (int(utc[14:16]) + 45) // 60) % 24
    assert re.search(rf"\b0?({hour}|{hour % 12 or 12}):", when.inner_text())


@pytest.mark.parametrize("scripts", [True, False])
def test_a_farmer_that_failed(visitor: Visitor, scripts: bool) -> None:
    """Its page says why, when, what to do, and how its uptime is counted."""
    visit: Visit = visitor(scripts=scripts)
    page = visit.go("/?online=no&min_uptime=1&sort=uptime&order=asc")
    page.locator(f"{LISTED} th a").first.click()
    expect(page.locator("#standing")).to_contain_text("Offline since")
    expect(page.locator('[data-window="30d"]')).to_contain_text("÷")
    expect(page.locator("#failures li").first).to_contain_text("600 seconds")
    expect(page.locator('[data-rule="DEFAULT_INTERVAL"]')).to_contain_text("10 min")
    assert page.locator("#day-bars svg").count() == 1


@pytest.mark.parametrize("scripts", [True, False])
def test_statistics(visitor: Visitor, scripts: bool) -> None:
    """Trends with the rule that applies, a quartile band, a table with what is hidden, a CSV."""
    page = visitor(scripts=scripts).go("/statistics")
    waits = page.locator("#node-answer-wait-daily")
    expect(waits.locator("[data-rule]")).to_contain_text("5 contributors")
    assert waits.locator(".trend-line").count() == 1
    assert waits.locator(".trend-band").count() == 1
    waits.locator("summary").click()
    expect(waits.locator("tbody tr").first).to_be_visible()
    expect(page.locator("main")).to_contain_text("fewer than 5 contributors")
    with page.expect_download() as download:
        waits.locator("a[download]").click()
    assert download.value.suggested_filename.endswith(".csv")


def test_copying(visitor: Visitor) -> None:
    """A button beside a shortened id copies the whole one."""
    visit = visitor()
    page = visit.go()
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.locator(f"{LISTED} button").first.click()
    assert page.evaluate("navigator.clipboard.readText()") == ids(page)[0]


def test_the_keyboard_is_enough(visitor: Visitor) -> None:
    """The first stop leads past the header; a heading sorts with Enter; focus stays there."""
    page = visitor().go()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.getAttribute('href')") == "#main"
    page.focus("#sort-uptime")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("sort=uptime"))
    expect(page.locator("#sort-uptime")).to_be_focused()


@pytest.mark.parametrize("scripts", [True, False])
def test_the_operators_login(visitor: Visitor, scripts: bool) -> None:
    """A wrong key is refused, the right one shows the page, and logging out ends that."""
    visit: Visit = visitor(scripts=scripts)
    page = visit.go("/operator")
    expect(page).to_have_url(re.compile("/operator/login"))
    page.fill("[name=key]", "dsop_wrong")
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_contain_text("not the key of an operator")
    page.fill("[name=key]", visit.site.key)
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("/operator$"))
    expect(page.locator("main")).to_contain_text("Pool")
    page.get_by_role("button", name=re.compile("Log out", re.IGNORECASE)).click()
    visit.go("/operator")
    expect(page).to_have_url(re.compile("/operator/login"))


PAGES = (
    *("/", "/?sort=uptime&order=asc&page=2", "/farmer", "/statistics"),
    *("/operator/login", "/operator", "/docs"),
)


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("width", ["phone", "desktop"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_accessibility(visitor: Visitor, path: str, width: str, scheme: str) -> None:
    """No serious violation, no page wider than its window, no complaint, no foreign request."""
    visit = visitor(width, scheme)
    page = open_page(visit.page, visit.site, path)
    found = Axe().run(page).response["violations"]
    assert [one["id"] for one in found if one["impact"] in {"serious", "critical"}] == []
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert visit.complaints == []
    assert visit.strangers() == []


def test_badges_may_stand_on_other_pages(visitor: Visitor) -> None:
    """A page of another origin shows the badge as a picture."""
    visit = visitor()
    page = open_page(visit.page, visit.site, "/farmer")
    badge = page.locator('img[src*="badge.svg"]').get_attribute("src")
    # Another name of this machine is another origin.
    page.goto(visit.site.url.replace("127.0.0.1", "localhost") + "/api/downstream/v1")
    page.set_content(f'<img id="badge" src="{visit.site.url}{badge}">')
    page.wait_for_function("document.querySelector('#badge').naturalWidth > 50")
