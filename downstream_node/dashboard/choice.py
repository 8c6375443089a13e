"""What a reader of the list of farmers has chosen, as it stands in the address of the page."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from urllib.parse import urlencode

from downstream_node.addresses import base58
from downstream_node.dashboard import words
from downstream_node.errors import InvalidRequest, MalformedAddress
from downstream_node.status.listing import FarmerListing
from downstream_node.web import is_whole_number

ROWS = 25
"""Farmers on one page."""
MOST_DIGITS = 6
"""A page number with more digits makes no sense."""
ONLINE = {"": None, "yes": True, "no": False}
ASCENDING, DESCENDING = "asc", "desc"

TEXTS = ("id", "country")
"""Columns that begin with the smallest when they are chosen; all others with the largest."""


@dataclass(frozen=True, slots=True)
class Choice:
    """The parameters of the page, as text, checked; "" where nothing was chosen."""

    find: str = ""
    online: str = ""
    country: str = ""
    min_uptime: str = ""
    sort: str = "state"
    order: str = DESCENDING
    page: int = 1

    @property
    def filtered(self) -> bool:
        """Whether some farmers may be left out."""
        return bool(self.find or self.online or self.country or self.min_uptime)

    def query(self) -> str:
        """The choice as it stands in an address, without what is as if nothing was chosen."""
        plain = Choice()
        names = ("find", "online", "country", "min_uptime", "sort", "order", "page")
        chosen = {name: getattr(self, name) for name in names}
        return urlencode({name: v for name, v in chosen.items() if v != getattr(plain, name)})

    def at_page(self, page: int) -> "Choice":
        """The same list at another page."""
        return replace(self, page=page)

    def sorted_by(self, column: str) -> "Choice":
        """The list sorted by *column*; if it is already, the other way round."""
        order = ASCENDING if column in TEXTS else DESCENDING
        if column == self.sort:
            order = ASCENDING if self.order == DESCENDING else DESCENDING
        return replace(self, sort=column, order=order, page=1)

    def listing(self) -> FarmerListing:
        """What to ask for."""
        return FarmerListing(
            online=ONLINE[self.online],
            country=self.country or None,
            address=self.find or None,
            min_uptime=float(self.min_uptime) if self.min_uptime else None,
            sort=self.sort,
            descending=self.order == DESCENDING,
            limit=ROWS,
            page=self.page - 1,
        )


def read_choice(values: Mapping[str, str]) -> Choice:
    """The choice in the parameters of a request. Raises InvalidRequest, naming the parameter."""
    plain = Choice()
    given = {name: text.strip() for name, text in values.items() if text.strip()}
    return Choice(
        find=given.get("find", ""),
        online=one_of("online", given.get("online", ""), ONLINE),
        country=printable("country", given.get("country", "")),
        min_uptime=read_percent("min_uptime", given.get("min_uptime", "")),
        sort=one_of("sort", given.get("sort", plain.sort), words.front.COLUMNS),
        order=one_of("order", given.get("order", plain.order), (ASCENDING, DESCENDING)),
        page=read_page(given.get("page", "1")),
    )


def one_of(name: str, text: str, allowed: Mapping[str, object] | tuple[str, ...]) -> str:
    """*text* if it is among *allowed*. Raises InvalidRequest."""
    if text not in allowed:
        choices = ", ".join(choice for choice in allowed if choice)
        raise InvalidRequest(f"Invalid {name}: it must be one of {choices}.")
    return text


def printable(name: str, text: str) -> str:
    """*text* if databases take it. Raises InvalidRequest."""
    if not text.isprintable():
        raise InvalidRequest(f"Invalid {name}.")
    return text


def read_percent(name: str, text: str) -> str:
    """*text* if it is a number from 0 to 100, or empty. Raises InvalidRequest."""
    try:
        fits = not text or 0 <= float(text) <= 100  # noqa: PLR2004 - per cent
    except ValueError:
        fits = False
    if not fits:
        raise InvalidRequest(f"Invalid {name}: it must be a number from 0 to 100.")
    return text


def read_page(text: str) -> int:
    """*text* as the number of a page, the first being 1. Raises InvalidRequest."""
    if not is_whole_number(text, MOST_DIGITS) or int(text) < 1:
        raise InvalidRequest("Invalid page: it must be a whole number from 1 on.")
    return int(text)


def is_address(text: str) -> bool:
    """Whether *text* is the Base58Check form of something: no typing error is in it."""
    try:
        base58.decode(text)
    except MalformedAddress:
        return False
    return True
