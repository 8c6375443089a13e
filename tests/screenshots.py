"""Pictures of the dashboard with a crowd of farmers: `make screenshots` writes them.

    python tests/screenshots.py FOLDER [--farmers 1000]

Each page at phone and desktop width, light and dark.
"""

import argparse
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import product
from pathlib import Path

from browser.site import WIDTHS, Site, chromium, open_page, serving
from crowd import Crowd
from playwright.sync_api import Browser, sync_playwright

PAGES = {
    "front": "/",
    "farmer": "/farmer",
    "statistics": "/statistics",
    "operator": "/operator",
    "docs": "/docs",
}
"""By the name of the picture; what `open_page` opens."""
HEIGHT = 900


@contextmanager
def opened() -> Iterator[Browser]:
    """The browser."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        yield browser
        browser.close()


def take(browser: Browser, site: Site, folder: Path) -> None:
    """Write all pictures to *folder*."""
    for (name, path), (width, pixels), scheme in product(
        PAGES.items(), WIDTHS.items(), ("light", "dark")
    ):
        dark = scheme == "dark"
        context = browser.new_context(
            viewport={"width": pixels, "height": HEIGHT}, color_scheme="dark" if dark else "light"
        )
        page = open_page(context.new_page(), site, path)
        page.wait_for_load_state("networkidle")
        page.screenshot(path=folder / f"{name}-{width}-{scheme}.png", full_page=name != "docs")
        context.close()


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
            take(browser, site, options.folder)


if __name__ == "__main__":
    main()
