"""Pictures of the dashboard with a crowd of farmers, of chats, of packages, and of recordings.

`make screenshots` writes them.

    python tests/screenshots.py FOLDER [--farmers 1000]

Each page at phone and desktop width, light and dark.
"""

import argparse
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from itertools import product
from pathlib import Path

from browser.chat_site import ChatSite, chat_site
from browser.demo_site import DemoSite, demo_site, filled
from browser.package_site import PackageSite, package_site
from browser.site import WIDTHS, chromium, open_page, serving
from crowd import Crowd
from playwright.sync_api import Browser, Page, sync_playwright

from downstream_node.demos.states import Scope
from downstream_node.demos.steam_stub_world import FULL

PAGES = {
    "front": "/",
    "farmer": "/farmer",
    "statistics": "/statistics",
    "operator": "/operator",
    "docs": "/docs",
}
"""By the name of the picture; what `open_page` opens."""
CHAT_PAGES = {
    "chats": "/chats",
    "chats-found": "/chats?q=pie",
    "chats-month": "/chats?q=the+-from%3Aada+during%3A2024-04",
    "chats-read": "/chats/messages/1233571669289730000?q=pie",
    "chats-login": "/chats/login",
}
PACKAGE_PAGES = {"packages": "/packages", "packages-statistics": "/packages#demo"}
DEMO_PAGES = {"recordings": "/recordings"}
DEMO_PAGES_INSIDE = {
    "recordings-mine": "/recordings",
    "recordings-all": "/recordings/all",
    "recordings-one": "/recordings/all?map=pl_upward",
    "recordings-gone": "/recordings/all?server=203.0.113.7",
}
"""For who has signed in; of a list with a choice, the first recording is opened."""
HEIGHT = 900
Opening = Callable[[Page, str], Page]
"""Opens a path in a page."""


@contextmanager
def opened() -> Iterator[Browser]:
    """The browser."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        yield browser
        browser.close()


def take(browser: Browser, pages: dict[str, str], folder: Path, opening: Opening) -> None:
    """Write pictures of all *pages* to *folder*."""
    for (name, path), (width, pixels), scheme in product(
        pages.items(), WIDTHS.items(), ("light", "dark")
    ):
        dark = scheme == "dark"
        context = browser.new_context(
            viewport={"width": pixels, "height": HEIGHT}, color_scheme="dark" if dark else "light"
        )
        page = opening(context.new_page(), path)
        page.wait_for_load_state("networkidle")
        page.screenshot(path=folder / f"{name}-{width}-{scheme}.png", full_page=name != "docs")
        context.close()


def open_chats(archive: ChatSite, page: Page, path: str) -> Page:
    """Open a page of an archive."""
    page.goto(archive.url + path)
    return page


def open_packages(site: PackageSite, page: Page, path: str) -> Page:
    """Open the page of packages, and wait for the statistics if it is to show some."""
    page.goto(site.url + path)
    if "#" in path:
        page.wait_for_selector("#statistics:visible")
    return page


def open_demos(site: DemoSite, key: str, page: Page, path: str) -> Page:
    """Open a page of recordings, signed in if there is a *key*."""
    page.goto(f"{site.url}/recordings")
    if key:
        page.fill("#key", key)
        page.keyboard.press("Enter")
        page.wait_for_selector("#whoami")
    page.goto(site.url + path)
    if "?" in path:
        page.locator("#all-demos a").first.click()
        page.wait_for_selector("#demo-heading")
    return page


def main() -> None:
    """Write the crowd, serve it, and take the pictures."""
    parser = argparse.ArgumentParser(description="Take pictures of the dashboard.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--farmers", type=int, default=1000)
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="downstream-crowd-") as folder:
        crowd = Crowd(Path(folder)).write(options.farmers)
        with serving(crowd) as site, opened() as browser:
            take(browser, PAGES, options.folder, lambda page, path: open_page(page, site, path))
    with (
        tempfile.TemporaryDirectory(prefix="downstream-chats-") as folder,
        chat_site(Path(folder)) as archive,
        opened() as browser,
    ):
        take(browser, CHAT_PAGES, options.folder, partial(open_chats, archive))
    with (
        tempfile.TemporaryDirectory(prefix="downstream-packages-") as folder,
        package_site(Path(folder)) as packages,
        opened() as browser,
    ):
        take(browser, PACKAGE_PAGES, options.folder, partial(open_packages, packages))
    with (
        tempfile.TemporaryDirectory(prefix="downstream-demos-") as folder,
        demo_site(Path(folder)) as demos,
        opened() as browser,
    ):
        filled(demos)
        key = demos.key(FULL, Scope.ANALYST, Scope.REVIEWER)
        take(browser, DEMO_PAGES, options.folder, partial(open_demos, demos, ""))
        take(browser, DEMO_PAGES_INSIDE, options.folder, partial(open_demos, demos, key))


if __name__ == "__main__":
    main()
