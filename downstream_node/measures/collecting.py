"""Measures are taken in: judged one by one, stored together, and counted once.

What is acknowledged is committed. A measure may come with an idempotency key; its receipt is
stored in the same transaction, so that what is sent again is known.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from http import HTTPStatus
from typing import Any

import msgspec
from sqlalchemy import Connection, delete, insert, select
from sqlalchemy.exc import IntegrityError

from downstream_node.database import AnyRow, Conflict, batched
from downstream_node.errors import AccessRefused, InvalidMeasure, UnknownMeasure
from downstream_node.measures import definitions, parsing
from downstream_node.measures.cells import cell_key
from downstream_node.measures.models import MeasureReceipt, RawMeasure
from downstream_node.measures.periods import DAY, period_start
from downstream_node.node import Node

KEY_REUSED = "This idempotency key came before, with another measure"
NOT_A_WRITER = "You cannot send values for this measure"


@dataclass(frozen=True, slots=True)
class Item:
    """A measure as it was sent, decoded from JSON, and its idempotency key if it has one."""

    measure: object
    key: object = None


class Verdict(Enum):
    """What became of an item."""

    STORED = "stored"
    REPEATED = "repeated"
    INVALID = "invalid"
    REFUSED = "refused"
    KEY_REUSED = "key reused"


HTTP_STATUS = {
    Verdict.STORED: HTTPStatus.CREATED,
    Verdict.REPEATED: HTTPStatus.CREATED,
    Verdict.INVALID: HTTPStatus.BAD_REQUEST,
    Verdict.REFUSED: HTTPStatus.FORBIDDEN,
    Verdict.KEY_REUSED: HTTPStatus.CONFLICT,
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an item, and the error if it was not taken."""

    verdict: Verdict
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Candidate:
    """An item that may be stored: the row, and the hashes of its key (None: no key) and content."""

    row: dict[str, Any]
    key_hash: bytes | None
    content_hash: bytes


KEYS_KEPT = 7 * DAY
"""For how long an idempotency key is known, in milliseconds."""
FORGET_PER_PASS = 20_000
INSERT = insert(RawMeasure)
STORED = Outcome(Verdict.STORED)
REPEATED = Outcome(Verdict.REPEATED)
REUSED = Outcome(Verdict.KEY_REUSED, KEY_REUSED)


def collect(
    node: Node,
    org: str,
    items: Sequence[Item],
    now_ms: int,
    found: Mapping[str, AnyRow] | None = None,
) -> list[Outcome]:
    """Store the *items* that *org* sends, in one transaction; what became of each, in order.

    *found*: the definitions that they name, by name, if somebody has looked them up.

    Malformed ones change nothing for the others. Raises Busy if the database does not take them.
    """
    if found is None:
        found = find_definitions(node, items)
    judged = [judge(node, org, item, found, now_ms) for item in items]
    candidates = [one for one in judged if isinstance(one, Candidate)]
    stored: list[Outcome] = []
    if any(one.key_hash for one in candidates):
        stored = node.database.write(lambda connection: store(connection, org, candidates, now_ms))
    elif candidates:
        node.database.insert(INSERT, [one.row for one in candidates])
        stored = [STORED] * len(candidates)
    rest = iter(stored)
    return [next(rest) if isinstance(one, Candidate) else one for one in judged]


def find_definitions(node: Node, items: Iterable[Item]) -> Mapping[str, AnyRow]:
    """The definitions that *items* name, by name."""
    bodies = [item.measure for item in items]
    names = [body.get("measureName") for body in bodies if isinstance(body, dict)]
    # Before they are put into a set: JSON's lists and objects have no hash.
    texts = {name for name in names if isinstance(name, str)}
    return node.database.read(lambda connection: definitions.by_names(connection, texts))


def judge(
    node: Node, org: str, item: Item, found: Mapping[str, AnyRow], now_ms: int
) -> Candidate | Outcome:
    """What one item is worth before anybody asks whether it came before."""
    try:
        return candidate(node, org, item, found, now_ms)
    except AccessRefused as error:
        return Outcome(Verdict.REFUSED, str(error))
    except InvalidMeasure as error:
        return Outcome(Verdict.INVALID, str(error))


def candidate(
    node: Node, org: str, item: Item, found: Mapping[str, AnyRow], now_ms: int
) -> Candidate:
    """The row of one item. Raises InvalidMeasure or AccessRefused, in the document's order."""
    body = parsing.filled(item.measure, parsing.EMPTY_MEASURE)
    name = parsing.name_of(body)
    definition = found.get(name)
    if definition is None:
        raise UnknownMeasure(parsing.shown(name))
    if not definitions.may_write(definition, org):
        raise AccessRefused(f"{NOT_A_WRITER}: {name}")
    keys = (definition.group1_key, definition.group2_key, definition.group3_key)
    measure = parsing.measure(body, keys)
    key = parsing.idempotency_key(item.key)
    row = row_of(node, definition, measure)
    content = hash_of(msgspec.json.encode(list(row.values())))
    key_hash = None if key is None else hash_of(key.encode())
    return Candidate(row | {"arrived": now_ms}, key_hash, content)


def row_of(node: Node, definition: AnyRow, measure: parsing.Measure) -> dict[str, Any]:
    """What is stored of *measure*, but for when it came."""
    group1, group2, group3 = measure.groups
    return {
        "definition": definition.id,
        "value": measure.value,
        "start": measure.start,
        "created_by": measure.created_by,
        "aggregation_period": measure.aggregation_period,
        "group1": group1,
        "group2": group2,
        "group3": group3,
        "cell_key": cell_key(measure.start, measure.created_by, group1, group2, group3),
        "contributor": contributor_of(node, definition, measure),
    }


def contributor_of(node: Node, definition: AnyRow, measure: parsing.Measure) -> bytes | None:
    """What is stored of who contributed *measure*: another hash in each of its periods."""
    if measure.contributor is None:
        return None
    period = period_start(definition.aggregation_period, measure.start)
    return node.keys.contributor_hash(definition.id, period, measure.contributor)


def hash_of(content: bytes) -> bytes:
    """The SHA-256 of *content*, 32 bytes."""
    return hashlib.sha256(content).digest()


def store(
    connection: Connection, org: str, candidates: Sequence[Candidate], now_ms: int
) -> list[Outcome]:
    """Insert those of *candidates* that are new, with their receipts; what became of each.

    Raises Conflict if somebody else used one of the keys in the meantime.
    """
    hashes = {one.key_hash for one in candidates if one.key_hash is not None}
    known = receipts(connection, org, hashes)
    before = known.copy()
    outcomes = [settle(one, known) for one in candidates]
    fresh = {key: known[key] for key in sorted(known.keys() - before.keys())}
    insert_receipts(connection, org, fresh, now_ms)
    rows = [one.row for one, outcome in zip(candidates, outcomes, strict=True) if outcome is STORED]
    if rows:
        connection.execute(INSERT, rows)
    return outcomes


def settle(one: Candidate, known: dict[bytes, bytes]) -> Outcome:
    """Whether *one* is new; if so, its key is *known* from here on."""
    if one.key_hash is None:
        return STORED
    former = known.get(one.key_hash)
    if former is None:
        known[one.key_hash] = one.content_hash
        return STORED
    return REPEATED if former == one.content_hash else REUSED


def receipts(connection: Connection, org: str, hashes: Iterable[bytes]) -> dict[bytes, bytes]:
    """The content with which *org* used keys before, as hashes by hash."""
    known: dict[bytes, bytes] = {}
    for some in batched(hashes):
        query = select(MeasureReceipt.key_hash, MeasureReceipt.content_hash)
        query = query.where(MeasureReceipt.org == org, MeasureReceipt.key_hash.in_(some))
        known.update({bytes(row[0]): bytes(row[1]) for row in connection.execute(query)})
    return known


def insert_receipts(
    connection: Connection, org: str, contents: Mapping[bytes, bytes], now_ms: int
) -> None:
    """Insert receipts, in the order of their hashes, so that two requests queue up at one."""
    rows = [
        {"org": org, "key_hash": key_hash, "content_hash": content_hash, "arrived": now_ms}
        for key_hash, content_hash in contents.items()
    ]
    try:
        if rows:
            connection.execute(insert(MeasureReceipt), rows)
    except IntegrityError:
        raise Conflict from None


def forget_old_receipts(node: Node) -> int:
    """Delete receipts from longer ago than KEYS_KEPT, some in one pass; how many.

    Their keys count as new again, so whoever sends again does so earlier.
    """
    before = node.wall_clock() - KEYS_KEPT
    return node.database.write(lambda connection: forget_receipts(connection, before))


def forget_receipts(connection: Connection, before_ms: int) -> int:
    """Delete up to FORGET_PER_PASS receipts from before then; how many."""
    old = select(MeasureReceipt.id).where(MeasureReceipt.arrived < before_ms)
    chosen = old.order_by(MeasureReceipt.arrived).limit(FORGET_PER_PASS)
    deleted = 0
    for some in batched(connection.execute(chosen).scalars().all()):
        row = delete(MeasureReceipt).where(MeasureReceipt.id.in_(some))
        deleted += connection.execute(row).rowcount
    return deleted
