"""Challenges: what a farmer has to answer now. Asking writes nothing."""

import re
from collections.abc import Iterable, Iterator, Sequence
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

FILE_HASH = re.compile(rb'"([0-9a-fA-F]{64})"')
FILE_HASH_BYTES = 32
LONGEST_NAME = 1024
NULL = msgspec.Raw(b"null")

PAGE = 1000
"""Contracts read at a time when a farmer asks for all of them."""


class ChallengeReport(msgspec.Struct, omit_defaults=True):
    """One entry of /challenge: a challenge, or why there is none. `due` is in seconds from now."""

    file_hash: str | msgspec.Raw
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
    node: Node, farmer: FarmerKey, names: Sequence[msgspec.Raw], now: Instant
) -> list[ChallengeReport]:
    """One report for each distinct file hash in *names*, in the order of the request."""
    wanted: dict[bytes, msgspec.Raw] = {}
    for name in names:
        wanted.setdefault(key(name), name)
    find = partial(queries.find, farmer=farmer.row, hashes=file_hashes(wanted))
    found = node.database.read(find)
    return [
        report(node, found[file_hash], now)
        if file_hash in found
        else ChallengeReport(echoed(name), error=NOT_FOUND)
        for file_hash, name in wanted.items()
    ]


def file_hashes(keys: Iterable[bytes]) -> list[bytes]:
    """Those of *keys* that can be file hashes."""
    return [name for name in keys if len(name) == FILE_HASH_BYTES]


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


def key(name: msgspec.Raw) -> bytes:
    """What tells the file hashes of a request apart: 32 bytes, or the JSON text of what is none.

    No JSON text of another value has 32 bytes that are some file hash: those are random.
    """
    match = FILE_HASH.fullmatch(name)
    return bytes.fromhex(match[1].decode()) if match else bytes(name)


def echoed(name: msgspec.Raw) -> msgspec.Raw:
    """*name* as a report repeats it: as it came, or null if it is too long or no proper JSON.

    A Raw is skipped over, not read, when the request is decoded.
    """
    if len(name) > LONGEST_NAME:
        return NULL
    try:
        msgspec.json.decode(name)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return NULL
    return name


def quoted(name: str) -> msgspec.Raw:
    """A file hash from a path, as JSON text."""
    return msgspec.Raw(msgspec.json.encode(name))
