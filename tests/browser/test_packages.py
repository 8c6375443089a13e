"""The page of packages in a real browser: send, watch, read, come back, delete; what goes wrong."""

import base64
import hashlib
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from browser.package_site import PackageSite, package_site
from browser.package_visits import (
    MARK,
    PIECE,
    PackageVisit,
    number,
    opened,
    package,
    payload,
    value,
)
from browser.site import chromium
from browser.visits import NewPage
from conftest import require
from packages.journey import DISCORD_LINK
from playwright.sync_api import Route, expect

from downstream_node.dashboard import words
from downstream_node.packages.sealing import SEALED_CHUNK

pytestmark = pytest.mark.slow

PATIENCE = 20_000
"""Milliseconds."""
Guest = Callable[..., PackageVisit]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PackageSite]:
    """A node that takes packages, with a worker and a shop."""
    require(chromium(), "no chromium")
    with package_site(tmp_path_factory.mktemp("packages")) as found:
        yield found


@pytest.fixture
def guest(new_page: NewPage, site: PackageSite) -> Iterator[Guest]:
    """Make a visitor with an empty browser: width, colours, time zone, whether it has script."""
    expect.set_options(timeout=PATIENCE)

    def make(
        width: str = "desktop", scheme: str = "light", *, scripts: bool = True, zone: str = "UTC"
    ) -> PackageVisit:
        page = new_page(width, scheme, scripts=scripts, zone=zone)
        page.context.set_default_timeout(PATIENCE)
        visit = PackageVisit(page, site.url)
        visit.start()
        return visit

    yield make
    expect.set_options(timeout=5_000)


@pytest.fixture(scope="module")
def zipped() -> bytes:
    """A package as a file."""
    return package().zipped().getvalue()


@pytest.fixture(scope="module")
def large() -> bytes:
    """A package that is sent in three pieces."""
    return package(padding=2 * PIECE + 1000).zipped().getvalue()


# The journey


def test_by_upload(guest: Guest, zipped: bytes) -> None:
    """From a file to statistics that say what the reader counted, and to their end."""
    visit = guest()
    visit.choose(zipped)
    expect(visit.page.locator("#recovery-text")).to_have_text(visit.secret())
    visit.see_statistics()
    assert number(visit.figure("messages")) == 900
    visit.page.reload()
    visit.see_statistics()
    visit.delete()
    assert visit.kept() == {}
    expect(visit.page.locator("#live-status")).to_contain_text("Deleted")
    assert visit.complaints == []


def test_deleted_is_deleted(guest: Guest, zipped: bytes) -> None:
    """The node knows nothing of it any more, even for who has the secret."""
    visit = guest()
    visit.choose(zipped)
    visit.see_statistics()
    secret = visit.secret()
    visit.delete()
    visit.page.click("#recover summary")
    visit.page.fill("#recovery", secret)
    visit.page.click("#recover-open")
    expect(visit.page.locator("#recovery-problem")).to_contain_text("knows no such package")


def test_by_link(guest: Guest, site: PackageSite, zipped: bytes) -> None:
    """The node fetches the package; its steps are seen one after the other; it can be read."""
    visit = guest()
    site.shop.hold.clear()
    visit.paste(site.shop.put("/by-link.zip", zipped))
    expect(visit.page.locator("#doing")).to_have_text(words.packages.DETAILS["downloading"])
    expect(visit.page.locator('[aria-current="step"]')).to_have_attribute(
        "data-step", "downloading"
    )
    expect(visit.page.locator("#delete")).to_be_hidden()
    site.shop.hold.set()
    visit.see_statistics()
    assert number(visit.figure("messages")) == 900
    expect(visit.page.locator("#one-about")).to_contain_text("keeps the sealed statistics until")


def test_the_secret_goes_to_its_node_alone(guest: Guest, site: PackageSite, zipped: bytes) -> None:
    """It is in one header; what the package says is in no request; none goes elsewhere."""
    visit = guest()
    visit.choose(zipped)
    visit.see_statistics()
    visit.page.select_option("#preset", "2021")
    visit.page.click("#query summary")
    visit.page.click("#run")
    expect(visit.page.locator("#answer table")).to_be_visible()
    secret = visit.secret()
    assert any(secret in one.all_headers().get("authorization", "") for one in visit.asked)
    hashed = hashlib.sha256(secret.encode()).hexdigest()
    for text in (secret, hashed, base64.b64encode(secret.encode()).decode(), MARK):
        assert visit.told_elsewhere(text) == []
    assert visit.strangers() == []
    assert {one.split("/")[2] for one in visit.requests} == {site.url.split("/")[2]}


def test_ids_and_keys_are_those_of_the_node(guest: Guest) -> None:
    """The script makes the same of a secret as the node does."""
    known = json.loads((Path(__file__).parents[1] / "packages" / "dsp1.json").read_text())
    script = """async ([secret, id]) => {
      const secrets = await import("/packages/static/secrets.js");
      const key = await secrets.packageKey(secret, id);
      return [await secrets.packageId(secret), Array.from(key)];
    }"""
    found = guest().page.evaluate(script, [known["secret"], known["package_id"]])
    assert found == [known["package_id"], list(bytes.fromhex(known["key"]))]


def test_the_secret_is_random(guest: Guest, zipped: bytes) -> None:
    """Each upload has another one, of 32 bytes; so the same file twice is two packages."""
    visit = guest()
    for _ in range(2):
        visit.choose(zipped)
        visit.see_statistics()
        visit.start()
    secrets = [record["secret"] for record in visit.kept().values()]
    assert len({base64.urlsafe_b64decode(f"{one}=") for one in secrets}) == 2
    assert all(len(base64.urlsafe_b64decode(f"{one}=")) == 32 for one in secrets)


def test_coming_back(guest: Guest, zipped: bytes) -> None:
    """The list shows what this browser has, for how long the node keeps it, and opens it."""
    visit = guest()
    visit.choose(zipped, "march.zip")
    visit.see_statistics()
    visit.page.click("#back")
    kept = visit.page.locator("#kept-list li")
    expect(kept).to_have_count(1)
    expect(kept).to_contain_text("march.zip")
    expect(kept).to_contain_text("Ready, kept until")
    kept.locator("a").click()
    visit.see_statistics()
    visit.page.go_back()
    expect(visit.page.locator("#start")).to_be_visible()
    expect(visit.page.locator("#drawn > *")).to_have_count(0)


def test_in_another_browser(guest: Guest, zipped: bytes) -> None:
    """The recovery text is enough."""
    visit, other = guest(), guest()
    visit.choose(zipped)
    visit.see_statistics()
    other.page.click("#recover summary")
    other.page.fill("#recovery", visit.secret())
    other.page.click("#recover-open")
    other.see_statistics()
    assert number(other.figure("messages")) == 900


# Sending


def test_a_connection_that_breaks(guest: Guest, large: bytes) -> None:
    """Sending goes on where the node is, by itself, without sending anything twice."""
    visit = guest()
    broken: list[str] = []

    def break_second(route: Route) -> None:
        if route.request.method == "PATCH" and len(visit.sent_from()) == 2:
            broken.append(route.request.url)
            route.abort("connectionreset")
        else:
            route.continue_()

    visit.page.route("**/packages/uploads/*", break_second)
    visit.choose(large)
    visit.see_statistics()
    assert len(broken) == 1
    assert visit.sent_from() == [0, PIECE, PIECE, 2 * PIECE]


def test_a_page_that_is_loaded_anew(guest: Guest, large: bytes, tmp_path: Path) -> None:
    """It knows how much was sent, wants the same file, refuses another one, and goes on."""
    file = tmp_path / "package.zip"
    file.write_bytes(large)
    visit = guest()
    visit.page.route(
        "**/packages/uploads/*",
        lambda route: route.abort() if len(visit.sent_from()) > 1 else route.continue_(),
    )
    visit.page.set_input_files("#file", file)
    expect(visit.page.locator("#live-status")).to_contain_text("connection is lost")
    visit.page.unroute_all()
    visit.page.reload()
    expect(visit.page.locator("#queue")).to_contain_text("8 MiB of 16 MiB have arrived")
    visit.page.set_input_files("#again", payload(b"PK other"))
    expect(visit.page.locator("#live-status")).to_contain_text("another file")
    visit.page.set_input_files("#again", file)
    visit.see_statistics()
    assert set(visit.sent_from()) == {0, PIECE, 2 * PIECE}


def test_giving_up_an_upload(guest: Guest, large: bytes) -> None:
    """What was sent is gone from the node, and the list is empty."""
    visit = guest()
    visit.page.route(
        "**/packages/uploads/*",
        lambda route: route.abort() if len(visit.sent_from()) > 1 else route.continue_(),
    )
    visit.choose(large)
    expect(visit.page.locator("#live-status")).to_contain_text("connection is lost")
    visit.page.unroute_all()
    visit.delete()
    assert visit.kept() == {}
    ended = [one.response() for one in visit.asked if one.method == "DELETE"]
    assert [answer and answer.status for answer in ended] == [204, 200]


def test_a_file_that_is_dropped(guest: Guest, zipped: bytes) -> None:
    """Anywhere on the page."""
    visit = guest()
    script = """(encoded) => {
      const bytes = Uint8Array.from(atob(encoded), (one) => one.charCodeAt(0));
      const data = new DataTransfer();
      data.items.add(new File([bytes], "dropped.zip"));
      const options = { dataTransfer: data, bubbles: true, cancelable: true };
      document.getElementById("main").dispatchEvent(new DragEvent("drop", options));
    }"""
    visit.page.evaluate(script, base64.b64encode(zipped).decode())
    visit.see_statistics()
    expect(visit.page.locator("#one-name")).to_have_text("dropped.zip")


# Waiting


def test_nobody_works(guest: Guest, site: PackageSite, zipped: bytes) -> None:
    """The page says so, and its place in the queue; it can be given up."""
    site.stop_workers()
    try:
        visit = guest()
        visit.paste(site.shop.put("/nobody.zip", zipped))
        expect(visit.page.locator("#live-status")).to_contain_text("No worker runs")
        expect(visit.page.locator("#queue")).to_contain_text("You are next")
        visit.delete()
        assert visit.kept() == {}
    finally:
        site.start_worker()


def test_without_a_stream(guest: Guest, zipped: bytes) -> None:
    """Where the node has no stream to give, the page asks again and again."""
    visit = guest()
    refused = {"status": 503, "body": '{"errorMessageCode": "TOO_MANY_STREAMS"}'}
    visit.page.route("**/events", lambda route: route.fulfill(**refused))
    visit.choose(zipped)
    visit.see_statistics()
    assert sum(one.url.endswith("/status") for one in visit.asked) >= 1


# Statistics


@pytest.fixture
def reading(guest: Guest, zipped: bytes) -> PackageVisit:
    """Somebody who reads their statistics."""
    visit = guest()
    visit.choose(zipped)
    visit.see_statistics()
    return visit


def test_they_say_what_the_database_says(reading: PackageVisit) -> None:
    """Tiles, charts and lists have the numbers of the SQLite file."""
    sent = "SELECT SUM(occurence_count) FROM activity WHERE event_name = 'message_sent'"
    assert number(reading.figure("messages")) == value(sent) == 900
    assert number(reading.figure("people")) == 400
    assert reading.figure("voice") == "9 h 30 min"
    assert reading.figure("app") == "23 h 45 min"
    assert number(reading.figure("files")) == 50
    assert reading.figure("paid") == "US$9.99"
    months = reading.drawn("over-time")
    assert len(months) == 24
    assert months[0] == value(f"{sent} AND day LIKE '2021-01-%'")
    hours = reading.drawn("by-hour")
    assert hours == [value(f"{sent} AND hour = {hour}") or 0 for hour in range(24)]
    weekdays = [value(f"{sent} AND STRFTIME('%w', day) = '{day}'") for day in (1, 2, 3, 4, 5, 6, 0)]
    assert reading.drawn("by-weekday") == weekdays
    assert reading.drawn("people") == [400]
    assert reading.drawn("channels") == [500]
    assert reading.drawn("reactions") == [19]
    expect(reading.page.locator("#people")).to_contain_text("9 h 30 min in calls")


def test_a_time_of_ones_own(reading: PackageVisit) -> None:
    """Presets and dates narrow everything; a day has columns by the day."""
    page = reading.page
    sent = "SELECT SUM(occurence_count) FROM activity WHERE event_name = 'message_sent'"
    page.select_option("#preset", label="2022")
    expect(page.locator("#showing")).to_contain_text("1 Jan 2022 to 31 Dec 2022")
    assert number(reading.figure("messages")) == value(f"{sent} AND day > '2022'")
    assert reading.figure("paid") == "–"  # noqa: RUF001 - the dash for nothing
    page.fill("#from", "2021-03-01")
    page.fill("#to", "2021-03-31")
    expect(page.locator("#showing")).to_contain_text("1 Mar 2021 to 31 Mar 2021")
    assert number(reading.figure("messages")) == value(f"{sent} AND day LIKE '2021-03-%'")
    assert len(reading.drawn("over-time")) == 31
    expect(page.locator("#preset")).to_have_value("own")


def test_each_chart_as_a_table(reading: PackageVisit) -> None:
    """The numbers of a chart stand in the table below it."""
    for card in ("over-time", "by-hour", "people", "channels", "servers", "voice"):
        section = reading.page.locator(f"#{card}")
        section.locator("summary").click()
        rows = section.locator("tbody tr")
        expect(rows.first).to_be_visible()
        if card in {"over-time", "by-hour"}:
            found = [number(text) for text in section.locator("tbody td").all_inner_texts()]
            assert found == reading.drawn(card)


def test_hours_are_the_readers(guest: Guest, zipped: bytes) -> None:
    """Who lives five hours and three quarters ahead of UTC wrote so much later."""
    visit = guest(zone="Asia/Kathmandu")
    visit.choose(zipped)
    visit.see_statistics()
    sent = "SELECT SUM(occurence_count) FROM activity WHERE event_name = 'message_sent'"
    hours = [value(f"{sent} AND hour = {(hour - 6) % 24}") or 0 for hour in range(24)]
    # The package has hours only: what was written from 0:00 to 1:00 UTC counts as 0:30, 6:15 there.
    assert visit.drawn("by-hour") == hours
    expect(visit.page.locator("#week")).to_contain_text(re.compile("Kath?mandu"))


def test_saved_as_sqlite(reading: PackageVisit) -> None:
    """The file that is saved is what the reader made, and opens."""
    with reading.page.expect_download() as download:
        reading.page.click("#save")
    assert download.value.suggested_filename == "package-statistics.sqlite"
    database = opened(Path(download.value.path()).read_bytes())
    assert database.execute("SELECT COUNT(*) FROM activity").fetchone()[0] == value(
        "SELECT COUNT(*) FROM activity"
    )
    assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    database.close()


def test_questions_of_ones_own(reading: PackageVisit) -> None:
    """SQL is answered, changes nothing, and is told where it is wrong."""
    page = reading.page
    page.click("#query summary")
    page.fill("#sql", "SELECT COUNT(*) AS days FROM activity")
    page.click("#run")
    expect(page.locator("#answer td, #answer tbody th")).to_have_text(
        str(value("SELECT COUNT(*) FROM activity"))
    )
    page.fill("#sql", "DELETE FROM activity")
    page.click("#run")
    expect(page.locator("#answer")).to_contain_text("readonly")
    page.fill("#sql", "SELECT nonsense")
    page.click("#run")
    expect(page.locator("#answer")).to_contain_text("no such column: nonsense")


def test_names_are_texts(reading: PackageVisit) -> None:
    """What somebody calls a channel runs no script and loads nothing."""
    expect(reading.page.locator("#channels")).to_contain_text("<img src=x onerror=")
    assert "hacked" not in reading.page.title()
    assert reading.complaints == []
    assert reading.page.locator("#one img").count() == 0


def test_the_demo(guest: Guest) -> None:
    """It shows everything, sends nothing, and leaves nothing behind."""
    visit = guest()
    visit.page.click("#see-demo")
    visit.see_statistics()
    assert number(visit.figure("messages")) > 1000
    expect(visit.page.locator("#one-about")).to_contain_text("demo")
    expect(visit.page.locator("#delete")).to_be_hidden()
    assert {one.method for one in visit.asked} == {"GET"}
    assert not any("authorization" in one.all_headers() for one in visit.asked)
    assert visit.kept() == {}
    assert visit.complaints == []


# What goes wrong


@pytest.mark.parametrize(
    "link", ["https://example.org/package.zip", DISCORD_LINK + "/", "hello", ""]
)
def test_no_link(guest: Guest, link: str) -> None:
    """It is told beside the field, which stays as it is."""
    visit = guest()
    visit.page.fill("#link", link)
    visit.page.click("#send-link")
    expect(visit.page.locator("#link-problem")).to_contain_text("does not lead to a data package")
    expect(visit.page.locator("#link")).to_have_value(link)
    expect(visit.page.locator("#link")).to_be_focused()
    assert visit.kept() == {}


def test_a_link_that_has_expired(guest: Guest, site: PackageSite) -> None:
    """It is told with what to do; trying again asks the node again."""
    visit = guest()
    link = f"{site.shop.origin}/expired.zip"
    visit.paste(link)
    visit.see_trouble("EXPIRED_LINK")
    site.shop.put("/expired.zip", package().zipped().getvalue())
    visit.page.click("#try-again")
    visit.see_statistics()


@pytest.mark.parametrize(
    ("content", "code"),
    [
        pytest.param(b"PK this is no archive", "BROKEN_ARCHIVE", id="broken"),
        pytest.param(
            package().drop("Account/").put("Account/user.json", {}).zipped().getvalue(),
            "MISSING_USER_DATA",
            id="nobody's",
        ),
    ],
)
def test_a_file_that_is_no_package(guest: Guest, content: bytes, code: str) -> None:
    """The node refuses it; it is told why, and can be forgotten."""
    visit = guest()
    visit.choose(content)
    visit.see_trouble(code)
    visit.page.click("#forget")
    expect(visit.page.locator("#start")).to_be_visible()
    assert visit.kept() == {}


def test_a_file_that_is_no_zip(guest: Guest) -> None:
    """Nothing of it is sent."""
    visit = guest()
    visit.choose(b"%PDF-1.7")
    expect(visit.page.locator("#file-problem")).to_contain_text("not a zip file")
    assert {one.method for one in visit.asked} == {"GET"}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("with a space", "no recovery text"),
        ("ä" * 43, "no recovery text"),
        ("A" * 43, "knows no such package"),
        (DISCORD_LINK, "knows no such package"),
    ],
)
def test_a_wrong_recovery_text(guest: Guest, text: str, told: str) -> None:
    """It is told whether it cannot be one, or is none that the node knows."""
    visit = guest()
    visit.page.click("#recover summary")
    visit.page.fill("#recovery", text)
    visit.page.click("#recover-open")
    expect(visit.page.locator("#recovery-problem")).to_contain_text(told)
    assert visit.kept() == {}


def flipped(sealed: bytes) -> bytes:
    """*sealed* with one bit changed, in its last chunk."""
    return sealed[:-40] + bytes([sealed[-40] ^ 1]) + sealed[-39:]


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(flipped, id="a bit"),
        pytest.param(lambda sealed: sealed[:-1], id="cut off"),
        pytest.param(lambda sealed: sealed[:44], id="nothing but its head"),
        pytest.param(lambda sealed: sealed + b"\0", id="longer"),
        pytest.param(lambda sealed: b"DSP2" + sealed[4:], id="another form"),
        pytest.param(lambda sealed: sealed[:4] + bytes(16) + sealed[20:], id="another id"),
        pytest.param(lambda _: b"", id="empty"),
        pytest.param(lambda _: bytes(2 * SEALED_CHUNK), id="zeros"),
    ],
)
def test_damaged_statistics(reading: PackageVisit, damage: Callable[[bytes], bytes]) -> None:
    """Nothing is shown of statistics that were changed on their way."""

    def spoil(route: Route) -> None:
        answer = route.fetch()
        route.fulfill(status=answer.status, body=damage(answer.body()))

    reading.page.context.route("**/blob/file?*", spoil)
    reading.page.reload()
    reading.see_trouble("DAMAGED")
    expect(reading.page.locator("#drawn > *")).to_have_count(0)


def test_the_node_is_away(reading: PackageVisit) -> None:
    """Deleting fails and says so; nothing is forgotten; later it works."""
    reading.page.route("**/process/*", lambda route: route.abort())
    reading.page.click("#delete")
    reading.page.click("#sure-yes")
    reading.see_trouble("OFFLINE")
    assert len(reading.kept()) == 1
    reading.page.unroute_all()
    reading.page.click("#try-again")
    reading.page.click("#sure-yes")
    expect(reading.page.locator("#start")).to_be_visible()
    assert reading.kept() == {}


# For everybody


def test_without_script(guest: Guest) -> None:
    """The page says plainly that it needs script, and why."""
    page = guest(scripts=False).page
    expect(page.locator("#no-script")).to_contain_text("needs JavaScript")
    expect(page.locator("#no-script")).to_contain_text("without the node reading along")
    expect(page.locator("#about")).to_be_visible()
    expect(page.locator("#packages")).to_be_hidden()


def test_the_keyboard_is_enough(guest: Guest) -> None:
    """The demo is opened, narrowed, and left without a mouse."""
    page = guest().page
    page.focus("#see-demo")
    page.keyboard.press("Enter")
    expect(page.locator("#statistics")).to_be_visible()
    expect(page.locator("#one-name")).to_be_focused()
    page.focus("#preset")
    page.keyboard.press("ArrowDown")
    expect(page.locator("#showing")).to_contain_text("2024")
    page.focus("#over-time summary")
    page.keyboard.press("Enter")
    expect(page.locator("#over-time table")).to_be_visible()
    page.focus("#back")
    page.keyboard.press("Enter")
    expect(page.locator("#start")).to_be_visible()


def test_deleting_is_asked_for(reading: PackageVisit) -> None:
    """Escape and the first button keep the package."""
    page = reading.page
    page.focus("#delete")
    page.keyboard.press("Enter")
    expect(page.locator("#sure-no")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator("#sure")).to_be_hidden()
    expect(page.locator("#delete")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    expect(page.locator("#sure")).to_be_hidden()
    assert len(reading.kept()) == 1
    expect(page.locator("#statistics")).to_be_visible()


@pytest.mark.parametrize("width", ["phone", "desktop"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_accessibility(
    guest: Guest, site: PackageSite, zipped: bytes, width: str, scheme: str
) -> None:
    """In each state: no serious violation, no page wider than its window, no complaint."""
    visit = guest(width, scheme)
    page = visit.page

    def look() -> None:
        found = Axe().run(page).response["violations"]
        assert [one["id"] for one in found if one["impact"] in {"serious", "critical"}] == []
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")

    page.click("#recover summary")
    page.click("#send-link")
    expect(page.locator("#link-problem")).not_to_be_empty()
    look()
    site.shop.hold.clear()
    visit.paste(site.shop.put(f"/look-{width}-{scheme}.zip", zipped))
    expect(page.locator("#doing")).to_have_text(words.packages.DETAILS["downloading"])
    page.click("#recovery-details summary")
    look()
    site.shop.hold.set()
    visit.see_statistics()
    for summary in page.locator("#drawn summary").all():
        summary.click()
    page.click("#query summary")
    look()
    page.click("#delete")
    look()
    assert visit.complaints == []
    assert visit.strangers() == []
