"""Months as ranges of places. Pure."""

from datetime import UTC, datetime

from downstream_node.chats.places import LARGEST, Place, first_place, sent_at
from downstream_node.clock import SECOND, calendar

MONTHS = 12


def month_of(place: Place) -> int:
    """The month in UTC in which the message at *place* was sent: year * 12 + month - 1."""
    sent = calendar(sent_at(place))
    return sent.year * MONTHS + sent.month - 1


def bounds_of(month: int) -> tuple[Place, Place]:
    """The first place of *month* and the first one after it."""
    return _start(month), _start(month + 1)


def _start(month: int) -> Place:
    begin = datetime(month // MONTHS, month % MONTHS + 1, 1, tzinfo=UTC)
    place = first_place(int(begin.timestamp()) * SECOND)
    # The last place of all is in the last month: its bound is beyond it.
    return Place(LARGEST + 1) if place == LARGEST else place


def name_of(month: int) -> str:
    """*month* as in the names of tables, like 2024_04."""
    return f"{month // MONTHS}_{month % MONTHS + 1:02d}"
