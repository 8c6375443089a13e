"""What a visitor searches for, as it stands in the address of the page. Pure.

The whole state is one text, an order and a cursor; filters of the form are written into the text.
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import get_args
from urllib.parse import urlencode

from downstream_node.chats import language
from downstream_node.chats.answers import Order
from downstream_node.chats.records import HAS
from downstream_node.errors import InvalidRequest

ONE_DAY = dt.timedelta(days=1)
ORDERS: tuple[Order, ...] = get_args(Order)
FILTERS = ("in", "from", "has", "since", "until")
"""Fields of the form; the first three are named like the terms that they become."""


@dataclass(frozen=True, slots=True)
class Choice:
    """The parameters of the page."""

    text: str = ""
    order: Order = "newest"
    cursor: str | None = None

    def query(self) -> str:
        """The choice as it stands in an address, without what is as if nothing was chosen."""
        named = {"q": self.text, "order": self.order, "cursor": self.cursor}
        plain = {"q": "", "order": "newest", "cursor": None}
        return urlencode({name: value for name, value in named.items() if value != plain[name]})

    def at(self, cursor: str) -> "Choice":
        """The same list from another place on."""
        return replace(self, cursor=cursor)

    def ordered(self, order: Order) -> "Choice":
        """The same messages in another order, from the beginning."""
        return replace(self, order=order, cursor=None)

    def searching(self, text: str) -> "Choice":
        """Another search in the same order."""
        return replace(self, text=text, cursor=None)


def read_choice(values: Mapping[str, str]) -> Choice:
    """The choice in the parameters of a request. Raises InvalidRequest, naming the parameter."""
    order = values.get("order") or "newest"
    if order not in ORDERS:
        raise InvalidRequest(f"Invalid order: it must be one of {', '.join(ORDERS)}.")
    return Choice(values.get("q", "").strip(), order, values.get("cursor") or None)


def filters(values: Mapping[str, str]) -> list[str] | None:
    """The terms that the form's filters add; None if the request came without the form.

    Raises InvalidRequest, naming the filter.
    """
    if not any(name in values for name in FILTERS):
        return None
    given = {name: values.get(name, "").strip() for name in FILTERS}
    if given["has"] and given["has"] not in HAS:
        raise InvalidRequest(f"Invalid has: it must be one of {', '.join(HAS)}.")
    named = [
        # The list of channels has whole terms as its values.
        given[name] if given[name].startswith(f"{name}:") else language.quoted(name, given[name])
        for name in ("in", "from", "has")
        if given[name]
    ]
    return named + dates(read_date("since", given["since"]), read_date("until", given["until"]))


def read_date(name: str, text: str) -> dt.date | None:
    """*text* as a day, None if it is empty. Raises InvalidRequest."""
    try:
        return dt.date.fromisoformat(text) if text else None
    except ValueError:
        raise InvalidRequest(f"Invalid {name}: it must be a date like 2024-04-26.") from None


def dates(since: dt.date | None, until: dt.date | None) -> list[str]:
    """From one day to another as terms, both days included."""
    if since and since == until:
        return [language.quoted("during", since.isoformat())]
    terms = []
    # The language leaves out the day that it names, on both sides. What has no day before or
    # after it bounds nothing.
    if since and since > dt.date.min:
        terms.append(language.quoted("after", (since - ONE_DAY).isoformat()))
    if until and until < dt.date.max:
        terms.append(language.quoted("before", (until + ONE_DAY).isoformat()))
    return terms


def without_dates(text: str) -> str:
    """*text* less its conditions on the date. Raises InvalidSearch if it cannot be read."""
    while True:
        # Read again each time: what is left is written anew, with other positions.
        terms = (term for term, _ in language.terms(language.read(text)))
        dated = next((term for term in terms if term.kind in language.DATED), None)
        if dated is None:
            return text
        text = language.without(text, dated.start)
