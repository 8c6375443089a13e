"""Closing: contracts that were not answered in time end, and their chunks go back."""

from collections.abc import Sequence
from functools import partial

from sqlalchemy import Connection

from downstream_node.clock import SECOND, Instant
from downstream_node.contracts import queries
from downstream_node.contracts.queries import OpenContract
from downstream_node.farmers.history import MINUTE, UNANSWERED, Failed, record_failures
from downstream_node.farmers.queries import farmers_to_check, lock_farmer, remove_contracts
from downstream_node.node import Node

FORGET_PER_PASS = 5000


def close_expired(node: Node, now: Instant) -> int:
    """Close what has expired by *now*, farmer by farmer; returns how many contracts."""
    with node.database.reading() as connection:
        farmers = farmers_to_check(connection, now)
    closed = 0
    for farmer in farmers:
        closed += node.database.write(partial(close_farmer, farmer=farmer, now=now))
    return closed


def close_expired_of_address(connection: Connection, address: str, now: Instant) -> None:
    """Close what has expired by *now* among the contracts of *address*, whose row is locked."""
    for farmer in farmers_to_check(connection, now, address):
        close_farmer(connection, farmer, now)


def close_farmer(connection: Connection, farmer: int, now: Instant) -> int:
    """Close the expired contracts of *farmer*, and note when to look again."""
    if not lock_farmer(connection, farmer):
        return 0
    contracts = queries.open_of(connection, farmer)
    expired = [contract for contract in contracts if contract.expires <= now]
    if expired:
        queries.close(connection, expired, now)
        record_failures(connection, farmer, unanswered(expired))
    # An answer that comes in from here on only moves an expiry further away.
    rest = [contract.expires for contract in contracts if contract.expires > now]
    size = sum(contract.size for contract in expired)
    remove_contracts(connection, farmer, len(expired), size, min(rest, default=None))
    return len(expired)


def unanswered(expired: Sequence[OpenContract]) -> list[Failed]:
    """Those of *expired* that ended because a challenge was not answered, by minute."""
    minutes: dict[int, list[OpenContract]] = {}
    for contract in expired:
        if contract.unanswered:
            minutes.setdefault(contract.expires // MINUTE, []).append(contract)
    return [
        Failed(UNANSWERED, Instant(last.expires), len(some), last.file_hash)
        for some in minutes.values()
        for last in [max(some, key=lambda contract: contract.expires)]
    ]


def forget_everything_closed(node: Node, now: Instant) -> int:
    """Delete all contracts that were closed before *now*; returns how many."""
    total = 0
    while done := node.database.write(
        lambda connection: queries.forget_closed(connection, Instant(now + 1), FORGET_PER_PASS)
    ):
        total += done
    return total


def forget_closed(node: Node, now: Instant) -> int:
    """Delete contracts that were closed long enough ago; returns how many."""
    before = Instant(now - node.settings.CLOSED_CONTRACT_RETENTION * SECOND)
    return node.database.write(
        lambda connection: queries.forget_closed(connection, before, FORGET_PER_PASS)
    )
