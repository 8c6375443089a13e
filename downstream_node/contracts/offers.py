"""Offers: chunks leave the pool and become contracts."""

import msgspec
from sqlalchemy import Connection

from downstream_node.chunks import pool
from downstream_node.chunks.pool import ReadyChunk
from downstream_node.clock import SECOND, Instant
from downstream_node.contracts import closing, queries
from downstream_node.errors import UnknownToken
from downstream_node.farmers.queries import (
    FarmerKey,
    add_contracts,
    lock_address,
    lock_farmer,
    size_of_address,
)
from downstream_node.node import Node


class Offer(msgspec.Struct):
    """One entry of /chunk: all that a farmer needs to make, keep and prove a chunk."""

    file_hash: str
    seed: str
    size: int
    tag: msgspec.Raw
    challenge: object
    due: float


def offer_chunks(node: Node, farmer: FarmerKey, wanted: int, now: Instant) -> list[Offer]:
    """New contracts of at most *wanted* bytes in all; none if the pool or the quota is used up.

    If the answer never reaches the farmer, nothing is lost: the contracts expire after one
    interval and their chunks go back to the pool.
    """
    chunks = node.database.write(lambda connection: hand_out(connection, node, farmer, wanted, now))
    return [offer(node, chunk) for chunk in chunks]


def offer(node: Node, chunk: ReadyChunk) -> Offer:
    """*chunk* with its first challenge, as the farmer gets it."""
    secret = node.keys.contract_secret(chunk.file_hash)
    scheme = node.scheme_of(chunk.scheme, chunk.challenges)
    return Offer(
        file_hash=chunk.file_hash.hex(),
        seed=chunk.seed,
        size=chunk.size,
        tag=msgspec.Raw(chunk.tag),
        challenge=scheme.challenge(secret, 0, chunk.commitment),
        due=float(node.settings.DEFAULT_INTERVAL),
    )


def hand_out(
    connection: Connection, node: Node, farmer: FarmerKey, wanted: int, now: Instant
) -> list[ReadyChunk]:
    """Move chunks from the pool into contracts of *farmer*."""
    # The lock on the address keeps its quota under parallel requests.
    if lock_address(connection, farmer.address) is None or not lock_farmer(connection, farmer.row):
        raise UnknownToken
    room = room_of(connection, node, farmer.address, wanted, now)
    limit = node.settings.MAX_CHUNKS_PER_REQUEST
    chunks = pool.take(connection, node.settings.HEARTBEAT_SCHEME, min(wanted, room), limit)
    if chunks:
        interval = node.settings.DEFAULT_INTERVAL * SECOND
        queries.add(connection, [row(chunk, farmer, now, interval) for chunk in chunks])
        size = sum(chunk.size for chunk in chunks)
        add_contracts(connection, farmer.row, len(chunks), size, Instant(now + interval))
    return chunks


def room_of(connection: Connection, node: Node, address: str, wanted: int, now: Instant) -> int:
    """Bytes that the quota of *address* leaves; expired contracts do not count."""
    quota = node.settings.MAX_SIZE_PER_ADDRESS
    if quota - size_of_address(connection, address) < wanted:
        closing.close_expired_of_address(connection, address, now)
    return max(0, quota - size_of_address(connection, address))


def row(chunk: ReadyChunk, farmer: FarmerKey, now: Instant, interval: int) -> dict[str, object]:
    """*chunk* as a contract that begins at *now*."""
    return {
        "file_hash": chunk.file_hash,
        "farmer": farmer.row,
        "seed": chunk.seed,
        "size": chunk.size,
        "scheme": chunk.scheme,
        "commitment": chunk.commitment,
        "challenges": chunk.challenges,
        "started": now,
        "interval": interval,
    }
