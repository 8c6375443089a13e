"""Making chunks: generate the stream, encode it, put it into the pool."""

import logging
from collections.abc import Iterable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial

from downstream_node import entropy
from downstream_node.chunks import pool
from downstream_node.chunks.pool import UntaggedChunk
from downstream_node.chunks.stream import fill
from downstream_node.clock import monotonic
from downstream_node.entropy import Keys
from downstream_node.errors import InvalidSettings
from downstream_node.heartbeat.scheme import Scheme
from downstream_node.node import Node

log = logging.getLogger(__name__)

SEED_BYTES = 16
FILE_HASH_BYTES = 32
RETAG_SECONDS = 1.0
"""A pass of the tagging job stops after this time, so that other jobs get their turn."""

buffer = bytearray()
"""The stream of the last chunk that this process made; reused, since fresh memory is slow."""


@dataclass(frozen=True, slots=True)
class PreparedTag:
    """The columns of a chunk that tagging fills."""

    scheme: str
    file_hash: bytes
    commitment: bytes
    challenges: int
    tag: bytes

    def values(self) -> dict[str, object]:
        """The fields as column values."""
        return {name: getattr(self, name) for name in self.__slots__}


def prepare(keys: Keys, scheme: Scheme, seed: str, size: int) -> PreparedTag:
    """Tag the chunk of *seed* and *size* bytes under a new file hash.

    Raises InvalidSettings if a proof over *size* bytes would prove nothing.
    """
    scheme.check_size(size)
    if len(buffer) < size:
        buffer.extend(bytes(size - len(buffer)))
    data = memoryview(buffer)[:size]
    fill(seed, data)
    file_hash = entropy.random_bytes(FILE_HASH_BYTES)
    encoding = scheme.encode(data, keys.contract_secret(file_hash))
    data.release()
    return PreparedTag(scheme.name, file_hash, encoding.commitment, scheme.challenges, encoding.tag)


def new_chunk(keys: Keys, scheme: Scheme, size: int) -> dict[str, object]:
    """A new chunk of *size* bytes, as column values."""
    seed = entropy.random_bytes(SEED_BYTES).hex()
    return {"seed": seed, "size": size, **prepare(keys, scheme, seed, size).values()}


def make_chunks(node: Node, sizes: Iterable[int], workers: int = 1) -> Iterator[int]:
    """Put new chunks of these *sizes* into the pool; yields each size when it is stored.

    Raises InvalidSettings if a size is below one byte or a proof over it would prove nothing.
    """
    sizes = list(sizes)
    require_sizes(node, sizes)
    if workers == 1:
        for size in sizes:
            yield store(node, new_chunk(node.keys, node.scheme, size))
        return
    with ProcessPoolExecutor(workers) as executor:
        for chunk in in_parallel(executor, node, sizes, workers):
            yield store(node, chunk)


def in_parallel(
    executor: Executor, node: Node, sizes: list[int], workers: int
) -> Iterator[dict[str, object]]:
    """Chunks made by *workers* processes, a bounded number ahead of what is stored."""
    waiting = []
    for size in sizes:
        waiting.append(executor.submit(new_chunk, node.keys, node.scheme, size))
        if len(waiting) >= 4 * workers:
            yield waiting.pop(0).result()
    for future in waiting:
        yield future.result()


def store(node: Node, chunk: dict[str, object]) -> int:
    """Put *chunk* into the pool; returns its size."""
    node.database.write(lambda connection: pool.put(connection, chunk))
    return int(str(chunk["size"]))


def require_sizes(node: Node, sizes: Iterable[int]) -> None:
    """Raise InvalidSettings unless chunks of all *sizes* (in bytes) can be proven."""
    for size in sorted(set(sizes)):
        if size < 1:
            raise InvalidSettings(f"A chunk of {size} bytes cannot be proven.")
        node.scheme.check_size(size)


def tag_returned(node: Node) -> int:
    """Tag chunks that came back into the pool, for about RETAG_SECONDS; returns how many."""
    stop = monotonic() + RETAG_SECONDS
    scheme = node.scheme
    done = 0
    while monotonic() < stop:
        chunk = node.database.read(partial(pool.untagged, scheme=scheme.name))
        if chunk is None:
            break
        done += tag_one(node, scheme, chunk)
    return done


def tag_one(node: Node, scheme: Scheme, chunk: UntaggedChunk) -> bool:
    """Tag *chunk*, or drop it if it can no longer be proven; whether it is tagged now."""
    try:
        values = prepare(node.keys, scheme, chunk.seed, chunk.size).values()
    except InvalidSettings as error:
        log.warning("A chunk is dropped from the pool: %s", error)
        node.database.write(partial(pool.drop, chunk=chunk.id))
        return False
    tag = partial(pool.tag, chunk=chunk.id, scheme=scheme.name, values=values)
    return node.database.write(tag)


def missing(
    counts: dict[int, int], smallest: int, largest: int, total: int, base: int
) -> list[int]:
    """Sizes of the chunks that a pool lacks which has *counts* chunks by size.

    The pool holds equal numbers of chunks of each power of *base* from *smallest* to *largest*
    bytes, *total* bytes in all, and at least one of each.
    Raises InvalidSettings if there is no such power.
    """
    sizes = powers(smallest, largest, base)
    each = max(1, total // sum(sizes))
    # Smallest first: a small chunk is ready at once, and every farmer has room for it.
    return [size for size in sizes for _ in range(each - counts.get(size, 0))]


def powers(smallest: int, largest: int, base: int) -> list[int]:
    """The powers of *base* from *smallest* to *largest*; raises InvalidSettings if none."""
    if base < 2:  # noqa: PLR2004 - the powers of 1 are one number
        raise InvalidSettings(f"BASE is {base}; it must be at least 2.")
    sizes = []
    size = 1
    while size <= largest:
        if size >= smallest:
            sizes.append(size)
        size *= base
    if not sizes:
        raise InvalidSettings(f"There is no power of {base} from {smallest} to {largest}.")
    return sizes


def fill_levels(node: Node, smallest: int, largest: int, total: int, base: int) -> list[int]:
    """Sizes of the chunks that the node's pool lacks; see `missing`."""
    with node.database.reading() as connection:
        counts = pool.counts(connection)
    return missing(counts, smallest, largest, total, base)
