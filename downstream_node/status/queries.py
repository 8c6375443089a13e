"""Status pages in SQL: stored columns, no writes, no work that grows with contracts."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, select

from downstream_node.clock import Instant
from downstream_node.farmers.models import Farmer
from downstream_node.farmers.queries import is_online, uptime_percent


@dataclass(frozen=True, slots=True)
class Listing:
    """Which farmers to list: filter first, then order, then cut."""

    online_only: bool = False
    sort: str = "id"
    descending: bool = False
    limit: int | None = None
    page: int = 0
    """Counted from 0, in units of *limit*."""


@dataclass(frozen=True, slots=True)
class FarmerStatus:
    """One farmer as status pages show it; `last_due` is an instant of service time."""

    farmer_id: str
    address: str
    ip_hash: str
    heartbeats: int
    contracts: int
    size: int
    last_due: int | None
    city: str | None
    country: str | None
    state: str | None
    zip: str | None
    lat: float | None
    lon: float | None
    online: bool
    uptime: float


SORTS: dict[str, Callable[[Instant], ColumnElement[Any]]] = {
    "id": lambda _now: Farmer.farmer_id.expression,
    "address": lambda _now: Farmer.address.expression,
    "uptime": uptime_percent,
    "heartbeats": lambda _now: Farmer.heartbeats.expression,
    "contracts": lambda _now: Farmer.contracts.expression,
    "size": lambda _now: Farmer.size.expression,
    "online": is_online,
}


def base_query(now: Instant) -> Select[*tuple[Any, ...]]:
    """The columns of FarmerStatus."""
    return select(
        Farmer.farmer_id,
        Farmer.address,
        Farmer.ip_hash,
        Farmer.heartbeats,
        Farmer.contracts,
        Farmer.size,
        Farmer.last_due,
        Farmer.city,
        Farmer.country,
        Farmer.state,
        Farmer.zip,
        Farmer.lat,
        Farmer.lon,
        is_online(now),
        uptime_percent(now),
    )


def list_farmers(connection: Connection, listing: Listing, now: Instant) -> list[FarmerStatus]:
    """The farmers of *listing*; those that are equal in the sort are ordered by id."""
    query = base_query(now)
    if listing.online_only:
        query = query.where(is_online(now))
    key = SORTS[listing.sort](now)
    query = query.order_by(key.desc() if listing.descending else key.asc(), Farmer.farmer_id)
    if listing.limit is not None:
        query = query.limit(listing.limit).offset(listing.limit * listing.page)
    return [FarmerStatus(*row) for row in connection.execute(query)]


def show_farmer(connection: Connection, farmer_id: str, now: Instant) -> FarmerStatus | None:
    """One farmer, or None."""
    row = connection.execute(base_query(now).where(Farmer.farmer_id == farmer_id)).one_or_none()
    return FarmerStatus(*row) if row else None
