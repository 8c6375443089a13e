"""Where a message stands among all others: one number that is its key and its time. Pure.

A Discord id (a "snowflake") counts milliseconds since 2015 in its upper 42 bits, so the order of
ids is the order of time. The place of a message is its id, as long as the id agrees with the
timestamp beside it; else it is made from the timestamp. So there is one key to sort, page and cut
by date with, and no index on dates.
"""

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import NewType

from downstream_node.clock import SECOND, WallTime
from downstream_node.errors import InvalidExport

Place = NewType("Place", int)
"""Key of a message: greater is later. From -2**63 to 2**63 - 1."""

EPOCH = 1_420_070_400_000
"""2015-01-01 UTC, where snowflakes begin, in milliseconds since 1970."""
START = datetime(2015, 1, 1, tzinfo=UTC)
DAY = 24 * 60 * 60 * SECOND
LOW_BITS = 22
LOW_MASK = (1 << LOW_BITS) - 1
MIX = 0x9E3779B97F4A7C15
"""An odd number whose multiples scatter the bits of an id (Knuth's multiplicative hashing)."""
TOLERANCE = SECOND
"""An exporter that writes whole seconds agrees with the id all the same."""
LARGEST = (1 << 63) - 1


def place_of(message_id: int, stated: int) -> Place:
    """The place of the message *message_id* whose timestamp says *stated* (ms since 1970).

    Raises InvalidExport for an id that is not from 0 to 2**63 - 1 and for a time after 2084 or
    before 1945, which have no place.
    """
    if not 0 <= message_id <= LARGEST:
        raise InvalidExport(f"{message_id} is no id of a message.")
    if abs(sent_at(Place(message_id)) - stated) <= TOLERANCE:
        return Place(message_id)
    # Not a snowflake, or not of this time. The bits of the id keep messages of one
    # millisecond apart.
    place = (stated - EPOCH << LOW_BITS) + ((message_id * MIX >> LOW_BITS) & LOW_MASK)
    if abs(place) > LARGEST:
        raise InvalidExport("A time before 1945 or after 2084 has no place in the archive.")
    return Place(place)


def sent_at(place: Place) -> WallTime:
    """When the message at *place* was sent, to the millisecond."""
    return WallTime((place >> LOW_BITS) + EPOCH)


def first_place(moment: int) -> Place:
    """The first place at or after *moment* (ms since 1970), for cutting by date."""
    bound = max(-LARGEST, min(LARGEST, moment - EPOCH << LOW_BITS))
    return Place(bound)


def month_of(place: Place) -> int:
    """The month in UTC in which the message at *place* was sent: year * 12 + month - 1."""
    return _month_of_day((place >> LOW_BITS) // DAY)


@lru_cache(1 << 12)
def _month_of_day(day: int) -> int:
    """The month of a day, counted from START. Messages of one day come together."""
    date = START + timedelta(days=day)
    return date.year * 12 + date.month - 1


def month_start(month: int) -> Place:
    """The first place in a month, counted as `month_of` does."""
    begins = datetime(month // 12, month % 12 + 1, 1, tzinfo=UTC)
    return first_place(EPOCH + (begins - START) // timedelta(milliseconds=1))
