"""A real browser at a running node with a crowd of farmers. Nothing is downloaded."""

from collections.abc import Iterator

import pytest
from browser.site import WIDTHS, Site, chromium, serving
from browser.visits import NewPage, Visit, Visitor
from conftest import require
from crowd import Crowd
from playwright.sync_api import Browser, Page, sync_playwright

FARMERS = 1000


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A node with FARMERS farmers."""
    require(chromium(), "no chromium")
    with serving(Crowd(tmp_path_factory.mktemp("crowd")).write(FARMERS)) as served:
        yield served


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """The browser."""
    path = chromium()
    require(path, "no chromium")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture
def new_page(browser: Browser) -> Iterator[NewPage]:
    """Make an empty browser: width, colour scheme, whether it runs scripts, its time zone."""
    contexts = []

    def make(
        width: str = "desktop",
        scheme: str = "light",
        *,
        scripts: bool = True,
        zone: str | None = None,
    ) -> Page:
        context = browser.new_context(
            viewport={"width": WIDTHS[width], "height": 900},
            color_scheme="dark" if scheme == "dark" else "light",
            java_script_enabled=scripts,
            timezone_id=zone,
        )
        contexts.append(context)
        return context.new_page()

    yield make
    for context in contexts:
        context.close()


@pytest.fixture
def visitor(new_page: NewPage, site: Site) -> Visitor:
    """Make a visitor: its width, colour scheme, and whether it runs scripts."""

    def make(
        width: str = "desktop", scheme: str = "light", *, scripts: bool = True, zone: str = "UTC"
    ) -> Visit:
        return Visit(new_page(width, scheme, scripts=scripts, zone=zone), site.url, site=site)

    return make
