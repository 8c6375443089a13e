"""Challenges: what a farmer has to answer now. Asking writes nothing."""

from collections.abc import Iterator, Sequence

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
    with node.database.reading() as connection:
        found = queries.find(connection, farmer.row, [h for h in wanted if isinstance(h, bytes)])
    return [
        report(node, found[file_hash], now)
        if isinstance(file_hash, bytes) and file_hash in found
        else ChallengeReport(name, error=NOT_FOUND)
        for file_hash, name in wanted.items()
    ]


def all_challenges(node: Node, farmer: FarmerKey, now: Instant) -> Iterator[list[ChallengeReport]]:
    """Reports for all contracts of *farmer*, a page at a time."""
    after = 0
    while True:
        with node.database.reading() as connection:
            contracts = queries.page(connection, farmer.row, after, PAGE)
        yield [report(node, contract, now) for contract in contracts]
        if len(contracts) < PAGE:
            return
        after = contracts[-1].id


def key(name: object) -> bytes | str:
    """What tells file hashes of a request apart: 32 bytes, or the text of what is none."""
    if isinstance(name, str) and len(name) == 64:  # noqa: PLR2004 - hex digits of 32 bytes
        try:
            return bytes.fromhex(name)
        except ValueError:
            pass
    return repr(name)
