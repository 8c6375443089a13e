"""A running node, and visits of a browser to it."""

from collections.abc import Callable
from dataclasses import dataclass, field

from browser.site import Site
from playwright.sync_api import ConsoleMessage, Page, Request


@dataclass
class Look:
    """One page of the node at *url*, and what it asked for and complained of."""

    page: Page
    url: str
    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Listen."""
        self.page.on("request", self._note)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("console", self._hear)

    def _note(self, request: Request) -> None:
        self.requests.append(request.url)

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.complaints.append(message.text)

    def go(self, path: str = "/") -> Page:
        """Open a page of the node."""
        self.page.goto(self.url + path)
        return self.page

    def strangers(self) -> list[str]:
        """Requests that left the node's origin."""
        return [url for url in self.requests if not url.startswith((self.url, "data:"))]


@dataclass
class Visit(Look):
    """The same at a node with a crowd of farmers."""

    site: Site = field(kw_only=True)


Visitor = Callable[..., Visit]
NewPage = Callable[..., Page]
