"""Set-based SQL over farmers."""

import re
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import (
    BigInteger,
    BindParameter,
    ColumnElement,
    Connection,
    Double,
    Integer,
    Update,
    bindparam,
    case,
    cast,
    func,
    insert,
    literal,
    select,
    update,
)

from downstream_node.addresses.models import Address
from downstream_node.clock import Instant
from downstream_node.database import greater, insert_missing
from downstream_node.farmers import history
from downstream_node.farmers.coverage import Coverage
from downstream_node.farmers.models import PLACE_NAME, POSTAL_CODE, Farmer, IpAddress
from downstream_node.geo import Location


@dataclass(frozen=True, slots=True)
class FarmerKey:
    """The farmer that a token names, as far as requests need it."""

    row: int
    address: str
    ip_hash: str
    client: str | None


# Statements that every request runs are built once: building one costs more than running it.
BY_TOKEN = select(Farmer.id, Farmer.address, Farmer.ip_hash, Farmer.client).where(
    Farmer.token_hash == bindparam("token_hash")
)


FARMER_ID = re.compile("[0-9a-f]{20}")
"""Other texts never reach the database, which may find them equal to something else."""


def is_farmer_id(text: str) -> bool:
    """Whether *text* can be the public id of a farmer."""
    return FARMER_ID.fullmatch(text) is not None


def find_by_token(connection: Connection, token_hash: bytes) -> FarmerKey | None:
    """The farmer with this token."""
    row = connection.execute(BY_TOKEN, {"token_hash": token_hash}).one_or_none()
    return FarmerKey(row.id, row.address, row.ip_hash, row.client) if row else None


def lock_address(connection: Connection, address: str) -> int | None:
    """Lock the row of *address* until the transaction ends; its balance, None if unknown."""
    query = select(Address.balance).where(Address.address == address).with_for_update()
    return connection.execute(query).scalar_one_or_none()


def lock_farmer(connection: Connection, farmer: int) -> bool:
    """Lock the row of *farmer* until the transaction ends; whether it still exists."""
    query = select(Farmer.id).where(Farmer.id == farmer).with_for_update()
    return connection.execute(query).one_or_none() is not None


def lock_ip(connection: Connection, ip_hash: str) -> int:
    """Lock an IP address until the transaction ends; the number of farmers that use it."""
    insert_missing(connection, IpAddress, ip_hash=ip_hash)
    lock = select(IpAddress.ip_hash).where(IpAddress.ip_hash == ip_hash).with_for_update()
    connection.execute(lock).one()
    count = select(func.count()).select_from(Farmer).where(Farmer.ip_hash == ip_hash)
    return connection.execute(count).scalar_one()


def place_values(location: Location) -> dict[str, Any]:
    """*location* as column values, cut to what the columns hold."""
    values = asdict(location)
    for name in ("city", "country", "state"):
        values[name] = values[name] and values[name][:PLACE_NAME]
    values["zip"] = values["zip"] and values["zip"][:POSTAL_CODE]
    return values


def add_farmer(connection: Connection, values: dict[str, Any]) -> None:
    """Insert a farmer who has done nothing yet."""
    zero = ("heartbeats", "contracts", "size", "covered", "covered_until", "waited")
    nothing = dict.fromkeys((*zero, "day_heartbeats"), 0)
    connection.execute(insert(Farmer).values(**nothing, **values))


def note_farmer(connection: Connection, farmer: int, values: dict[str, Any]) -> None:
    """Note with what *farmer* comes, or from where: the hash of its IP address, and the place."""
    connection.execute(update(Farmer).where(Farmer.id == farmer).values(values))


@dataclass(frozen=True, slots=True)
class Heartbeats:
    """Answers of one farmer that are accepted at one instant."""

    count: int
    accepted: Instant
    expires: Instant
    """When the longest-lived of the answered contracts expires."""
    due: Instant
    """The latest due time among the answered challenges."""
    on_day: int
    """The UTC day of *accepted*, since 1970-01-01."""
    waits: int
    """Milliseconds from the moment when each could be answered, summed up."""


def number(name: str) -> BindParameter[int]:
    """A parameter that is a number of 64 bits."""
    return bindparam(name, type_=BigInteger)


def heartbeat_statement() -> Update:
    """The UPDATE of nearly all answers: `Coverage.extended` where no stretch and no day ends."""
    ahead = number("expires") - Farmer.covered_until
    return (
        update(Farmer)
        .where(
            Farmer.id == bindparam("farmer"),
            Farmer.covered_until >= number("accepted"),
            Farmer.day == bindparam("on_day", type_=Integer),
        )
        # In this order: MySQL computes each value from the columns as already changed.
        .ordered_values(
            (Farmer.heartbeats, Farmer.heartbeats + number("count")),
            (Farmer.day_heartbeats, Farmer.day_heartbeats + number("count")),
            (Farmer.waited, Farmer.waited + number("waits")),
            (Farmer.day_waited, Farmer.day_waited + number("waits")),
            (Farmer.last_answer, greater(func.coalesce(Farmer.last_answer, 0), number("accepted"))),
            (Farmer.last_due, greater(func.coalesce(Farmer.last_due, 0), number("due"))),
            (Farmer.covered, Farmer.covered + greater(ahead, 0)),
            (Farmer.covered_until, greater(Farmer.covered_until, number("expires"))),
        )
    )


def add_heartbeats(connection: Connection, farmer: int, heartbeats: Heartbeats) -> bool:
    """Count *heartbeats*; whether the farmer still exists."""
    values = {"farmer": farmer, **asdict(heartbeats)}
    if connection.execute(HEARTBEATS, values).rowcount == 1:
        return True
    return add_after_a_pause(connection, farmer, heartbeats)


def add_after_a_pause(connection: Connection, farmer: int, heartbeats: Heartbeats) -> bool:
    """Count *heartbeats* that begin a stretch of coverage or a day, and keep what they end."""
    row = connection.execute(BEFORE, {"farmer": farmer}).one_or_none()
    if row is None:
        return False
    before = Coverage(row.first_answer, row.covered, row.covered_until, row.stretch_began)
    if before.stretch_began is not None and before.has_gap(heartbeats.accepted):
        history.end_stretch(connection, farmer, before.stretch_began, before.covered_until)
    same_day = row.day == heartbeats.on_day
    if row.day is not None and not same_day:
        history.end_day(connection, farmer, row.day, row.day_heartbeats, row.day_waited)
    after = before.extended(heartbeats.accepted, heartbeats.expires)
    counted = {
        "heartbeats": row.heartbeats + heartbeats.count,
        "day": heartbeats.on_day,
        "day_heartbeats": heartbeats.count + (row.day_heartbeats if same_day else 0),
        "waited": row.waited + heartbeats.waits,
        "day_waited": added(row.day_waited, heartbeats.waits) if same_day else heartbeats.waits,
        "last_answer": max(row.last_answer or 0, heartbeats.accepted),
        "last_due": max(row.last_due or 0, heartbeats.due),
    }
    statement = update(Farmer).where(Farmer.id == farmer).values(**asdict(after), **counted)
    connection.execute(statement)
    return True


def added(before: int | None, more: int) -> int | None:
    """Their sum; what is not known stays so."""
    return None if before is None else before + more


def add_contracts(connection: Connection, farmer: int, count: int, size: int, due: Instant) -> None:
    """Count *count* new contracts of *size* bytes in all, the first challenges due at *due*."""
    last_due = greater(func.coalesce(Farmer.last_due, 0), literal(due, BigInteger))
    next_check = case((Farmer.next_check < due, Farmer.next_check), else_=literal(due, BigInteger))
    connection.execute(
        update(Farmer)
        .where(Farmer.id == farmer)
        .values(
            contracts=Farmer.contracts + count,
            size=Farmer.size + size,
            last_due=last_due,
            next_check=next_check,
        )
    )


def remove_contracts(
    connection: Connection, farmer: int, count: int, size: int, next_check: int | None
) -> None:
    """Count *count* contracts of *size* bytes in all as closed."""
    connection.execute(
        update(Farmer)
        .where(Farmer.id == farmer)
        .values(contracts=Farmer.contracts - count, size=Farmer.size - size, next_check=next_check)
    )


def size_of_address(connection: Connection, address: str) -> int:
    """Bytes in the open contracts of all farmers of *address*."""
    query = select(func.coalesce(func.sum(Farmer.size), 0)).where(Farmer.address == address)
    return int(connection.execute(query).scalar_one())


def farmers_to_check(connection: Connection, now: Instant, address: str | None = None) -> list[int]:
    """Farmers (of *address*) who may have an expired contract, those waiting longest first."""
    query = select(Farmer.id).where(Farmer.next_check <= now).order_by(Farmer.next_check)
    if address is not None:
        query = query.where(Farmer.address == address)
    return list(connection.execute(query).scalars())


def is_online(now: Instant) -> ColumnElement[bool]:
    """`Coverage.online`, in SQL."""
    return Farmer.covered_until > now


def uptime_percent(now: Instant) -> ColumnElement[float]:
    """`Coverage.uptime`, in SQL."""
    ahead = greater(Farmer.covered_until - now, 0)
    # Double: a plain FLOAT is single precision on MySQL, too little for milliseconds.
    past = cast(Farmer.covered - ahead, Double)
    return case(
        (Farmer.first_answer.is_(None), 0.0),
        (Farmer.first_answer >= now, 100.0),
        else_=100.0 * past / (now - Farmer.first_answer),
    )


HEARTBEATS = heartbeat_statement()
BEFORE = (
    select(
        Farmer.first_answer,
        Farmer.covered,
        Farmer.covered_until,
        Farmer.stretch_began,
        Farmer.heartbeats,
        Farmer.day,
        Farmer.day_heartbeats,
        Farmer.day_waited,
        Farmer.waited,
        Farmer.last_answer,
        Farmer.last_due,
    )
    .where(Farmer.id == bindparam("farmer"))
    .with_for_update()
)
