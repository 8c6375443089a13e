"""A running node with a crowd, and how a browser comes to its pages."""

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from crowd import Crowd
from playwright.sync_api import Page
from servers import free_port

from downstream_node.clock import monotonic, pause

START_SECONDS = 30
WIDTHS = {"phone": 390, "desktop": 1280}


@dataclass
class Site:
    """The running node."""

    crowd: Crowd
    url: str
    key: str
    """An operator's key."""


@contextmanager
def serving(crowd: Crowd) -> Iterator[Site]:
    """The node of *crowd*, served by gunicorn."""
    environment = {**os.environ, **crowd.environment, "DOWNSTREAM_CONFIG": os.devnull}
    added = subprocess.run(
        [sys.executable, "-m", "downstream_node", "operators", "add", "browser"],
        env=environment,
        check=True,
        capture_output=True,
        text=True,
    )
    key = next(word for word in added.stdout.split() if word.startswith("dsop_"))
    with served(environment) as url:
        yield Site(crowd, url, key)


@contextmanager
def served(environment: dict[str, str]) -> Iterator[str]:
    """The node of an *environment*, served by gunicorn: its address."""
    port = free_port()
    command = [sys.executable, "-m", "gunicorn", "--worker-class", "gthread", "--threads", "4"]
    command += ["--no-control-socket", "--log-level", "warning", "--bind", f"127.0.0.1:{port}"]
    server = subprocess.Popen([*command, "downstream_node.app:create_app()"], env=environment)
    try:
        wait_for(port)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait()


def wait_for(port: int) -> None:
    """Wait until the server listens."""
    give_up = monotonic() + START_SECONDS
    while monotonic() < give_up:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except OSError:
            pause(0.1)
        else:
            return
    raise RuntimeError("the node did not start")


def chromium() -> str | None:
    """Where the browser is: Debian's, or the one that CHROMIUM names."""
    return os.environ.get("CHROMIUM") or shutil.which("chromium")


def open_page(page: Page, site: Site, path: str) -> Page:
    """Open *path*: /farmer is that of the farmer with the least uptime, /operator is logged in."""
    if path == "/farmer":
        page.goto(f"{site.url}/?sort=uptime&order=asc&online=yes")
        page.locator("#farmers tbody tr th a").first.click()
        page.wait_for_url("**/farmer/**")
    elif path == "/operator":
        page.goto(f"{site.url}/operator/login")
        page.fill("[name=key]", site.key)
        page.keyboard.press("Enter")
        page.wait_for_url("**/operator")
    else:
        page.goto(site.url + path)
    return page
