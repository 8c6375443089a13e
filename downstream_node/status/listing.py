"""Lists of farmers: what to filter, how to sort, where to go on."""

import base64
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import (
    ColumnElement,
    Connection,
    Double,
    Row,
    Select,
    and_,
    case,
    cast,
    func,
    literal,
    or_,
    select,
)

from downstream_node.clock import Instant
from downstream_node.errors import InvalidRequest
from downstream_node.farmers.models import Farmer
from downstream_node.farmers.queries import is_online, uptime_percent

LOWEST = -1
"""Where a column is empty, it is sorted as if it were this: each database sorts NULL elsewhere."""

BAD_CURSOR = "Invalid cursor: take the one that came with the page before."


@dataclass(frozen=True, slots=True)
class FarmerListing:
    """Which farmers to list: filter first, then sort, then cut."""

    online: bool | None = None
    country: str | None = None
    address: str | None = None
    min_uptime: float | None = None
    """Per cent."""
    sort: str = "id"
    descending: bool = False
    limit: int = 25
    page: int = 0
    """Counted from 0, in units of *limit*. Not used together with a cursor."""
    cursor: str | None = None


class Cursor(msgspec.Struct, frozen=True, array_like=True):
    """Where a page ended: the list's order, the moment that it shows, and its last farmer.

    All pages of one walk are of the same moment, so that no farmer moves over the edge of a page
    only because time passed.
    """

    sort: str
    descending: bool
    moment: int
    value: str | int | float
    farmer_id: str

    def to_text(self) -> str:
        """The cursor as it stands in a URL."""
        return base64.urlsafe_b64encode(msgspec.json.encode(self)).rstrip(b"=").decode()


def read_cursor(text: str, listing: FarmerListing) -> Cursor:
    """The cursor that `Cursor.to_text` wrote. Raises InvalidRequest if it fits no such list."""
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        cursor = msgspec.json.decode(raw, type=Cursor)
    except (ValueError, msgspec.MsgspecError):
        raise InvalidRequest(BAD_CURSOR) from None
    textual = listing.sort in TEXTS
    fits = (cursor.sort, cursor.descending) == (listing.sort, listing.descending)
    in_range = textual or abs(cursor.value) < MOST  # type: ignore[arg-type]
    if not fits or isinstance(cursor.value, str) is not textual or not in_range:
        raise InvalidRequest(BAD_CURSOR)
    if not 0 <= cursor.moment < MOST or "\0" in f"{cursor.value}{cursor.farmer_id}":
        raise InvalidRequest(BAD_CURSOR)
    return cursor


MOST = 1 << 63


def mean_wait(_now: Instant) -> ColumnElement[Any]:
    """Mean milliseconds from challenge to answer; LOWEST without any."""
    mean = cast(Farmer.waited, Double) / Farmer.heartbeats
    return case((Farmer.heartbeats > 0, mean), else_=literal(float(LOWEST)))


def state_rank(now: Instant) -> ColumnElement[Any]:
    """0 for who never answered, 1 for offline, 2 for online."""
    return case((Farmer.first_answer.is_(None), 0), (is_online(now), 2), else_=1)


SORTS: dict[str, Callable[[Instant], ColumnElement[Any]]] = {
    "id": lambda _now: Farmer.farmer_id.expression,
    "address": lambda _now: Farmer.address.expression,
    "country": lambda _now: func.coalesce(Farmer.country, ""),
    "state": state_rank,
    "uptime": uptime_percent,
    "heartbeats": lambda _now: Farmer.heartbeats.expression,
    "contracts": lambda _now: Farmer.contracts.expression,
    "size": lambda _now: Farmer.size.expression,
    "joined": lambda _now: Farmer.joined.expression,
    "last_answer": lambda _now: func.coalesce(Farmer.last_answer, LOWEST),
    "mean_wait": mean_wait,
}
TEXTS = {"id", "address", "country"}


@dataclass(frozen=True, slots=True)
class FoundPage:
    """Rows of one page, with what is needed to go on."""

    rows: list[Row[Any]]
    total: int
    moment: Instant
    next: str | None


def find_page(connection: Connection, listing: FarmerListing, now: Instant) -> FoundPage:
    """One page of *listing*: at *now*, or at the moment of its cursor. Raises InvalidRequest."""
    cursor = None if listing.cursor is None else read_cursor(listing.cursor, listing)
    moment = now if cursor is None else Instant(cursor.moment)
    key = SORTS[listing.sort](moment)
    conditions = filters(listing, moment)
    total = connection.execute(
        select(func.count()).select_from(Farmer).where(*conditions)
    ).scalar_one()
    query = select(Farmer.id, key).where(*conditions)
    if cursor is not None:
        query = query.where(beyond(key, cursor))
    query = cut(query, key, listing, offset=0 if cursor else listing.limit * listing.page)
    found = list(connection.execute(query))
    rows = in_order(connection, [row[0] for row in found[: listing.limit]])
    if len(found) <= listing.limit or not rows:
        return FoundPage(rows, total, moment, None)
    value = found[listing.limit - 1][1]
    last = Cursor(listing.sort, listing.descending, moment, plain(value), rows[-1].farmer_id)
    return FoundPage(rows, total, moment, last.to_text())


def filters(listing: FarmerListing, moment: Instant) -> list[ColumnElement[bool]]:
    """The conditions of *listing*."""
    conditions: list[ColumnElement[bool]] = []
    if listing.online is not None:
        online = is_online(moment)
        conditions.append(online if listing.online else ~online)
    if listing.country is not None:
        conditions.append(Farmer.country == listing.country)
    if listing.address is not None:
        conditions.append(Farmer.address == listing.address)
    if listing.min_uptime is not None:
        conditions.append(uptime_percent(moment) >= listing.min_uptime)
    return conditions


def beyond(key: ColumnElement[Any], cursor: Cursor) -> ColumnElement[bool]:
    """What comes after *cursor*; farmers that are equal in the sort are ordered by id."""
    further = key < cursor.value if cursor.descending else key > cursor.value
    return or_(further, and_(key == cursor.value, Farmer.farmer_id > cursor.farmer_id))


def cut(
    query: Select[Any], key: ColumnElement[Any], listing: FarmerListing, offset: int
) -> Select[Any]:
    """*query* in order, from *offset* on: one more than the page, to see whether there is more."""
    ordered = query.order_by(key.desc() if listing.descending else key.asc(), Farmer.farmer_id)
    return ordered.limit(listing.limit + 1).offset(offset)


def in_order(connection: Connection, ids: list[int]) -> list[Row[Any]]:
    """The whole rows of *ids*. To sort rows with all their columns would be slower."""
    found = {
        row.id: row
        for row in connection.execute(select(Farmer.__table__).where(Farmer.id.in_(ids)))
    }
    return [found[id_] for id_ in ids if id_ in found]


def plain(value: Any) -> str | int | float:  # noqa: ANN401 - whatever number a driver returns
    """A sort value as JSON has it."""
    return value if isinstance(value, str | int | float) else float(value)
