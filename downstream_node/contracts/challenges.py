"""Challenges: what a farmer has to answer now. Asking writes nothing."""

from collections.abc import Iterator, Sequence
from functools import partial

import msgspec

from downstream_node.clock import SECOND, Instant
from downstream_node.contracts import queries
from downstream_node.contracts.lifecycle import Standing, judge
from downstream_node.contracts.queries import StoredContract
from downstream_node.farmers.queries import FarmerKey
from downstream_node.node import Node

NOT_FOUND = "contract not found"
EXPIRED = "contract expired"
NO_MORE = "no more challenges"

PAGE = 1000
"""Contracts read at a time when a farmer asks for all of them."""


class ChallengeReport(msgspec.Struct, omit_defaults=True):
    """One entry of /challenge: a challenge, or why there is none. `due` is in seconds from now."""

    file_hash: object
    challenge: object = None
    due: float | None = None
    answered: bool | None = None
    status: str | None = None
    error: str | None = None


def report(node: Node, contract: StoredContract, now: Instant) -> ChallengeReport:
    """What there is to answer for *contract* at *now*."""
    name = contract.file_hash.hex()
    schedule = contract.schedule
    standing = Standing.EXPIRED if contract.closed else judge(schedule, now)
    if standing is Standing.EXPIRED:
        return ChallengeReport(name, error=EXPIRED)
    if standing is Standing.EXHAUSTED:
        return ChallengeReport(name, status=NO_MORE)
    window = schedule.window(now)
    return ChallengeReport(
        name,
        challenge=node.scheme_of(contract.scheme, schedule.challenges).challenge(
            node.keys.contract_secret(contract.file_hash), window, contract.commitment
        ),
        due=(schedule.due(window) - now) / SECOND,
        answered=standing is Standing.ANSWERED,
    )


def challenges_for(
    node: Node, farmer: FarmerKey, names: Sequence[object], now: Instant
) -> list[ChallengeReport]:
    """One report for each distinct file hash in *names*, in the order of the request."""
    wanted = {key(name): name for name in names}
    hashes = [name for name in wanted if isinstance(name, bytes)]
    found = node.database.read(lambda connection: queries.find(connection, farmer.row, hashes))
    return [
        report(node, found[file_hash], now)
        if isinstance(file_hash, bytes) and file_hash in found
        else ChallengeReport(name, error=NOT_FOUND)
        for file_hash, name in wanted.items()
    ]


def challenge_page(
    node: Node, farmer: FarmerKey, now: Instant, after: int, limit: int
) -> tuple[list[ChallengeReport], int | None]:
    """Reports for up to *limit* contracts beyond the cursor *after*, and the next cursor.

    The cursor is None when there is nothing more; 0 begins.
    """
    find = partial(queries.page, farmer=farmer.row, after=after, limit=limit + 1)
    contracts = node.database.read(find)
    reports = [report(node, contract, now) for contract in contracts[:limit]]
    return reports, contracts[limit - 1].id if len(contracts) > limit else None


def all_challenges(node: Node, farmer: FarmerKey, now: Instant) -> Iterator[list[ChallengeReport]]:
    """Reports for all contracts of *farmer*, a page at a time."""
    cursor: int | None = 0
    while cursor is not None:
        reports, cursor = challenge_page(node, farmer, now, cursor, PAGE)
        yield reports


def key(name: object) -> bytes | str:
    """What tells file hashes of a request apart: 32 bytes, or the text of what is none."""
    if isinstance(name, str) and len(name) == 64:  # noqa: PLR2004 - hex digits of 32 bytes
        try:
            return bytes.fromhex(name)
        except ValueError:
            pass
    return repr(name)
