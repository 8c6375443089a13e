"""The pool of ready chunks: put in, take out, bring back."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, delete, func, insert, or_, select, update

from downstream_node.chunks.models import Chunk


@dataclass(frozen=True, slots=True)
class ReadyChunk:
    """A tagged chunk, as it becomes a contract."""

    id: int
    seed: str
    size: int
    scheme: str
    file_hash: bytes
    commitment: bytes
    challenges: int
    tag: bytes


COLUMNS = (
    Chunk.id,
    Chunk.seed,
    Chunk.size,
    Chunk.scheme,
    Chunk.file_hash,
    Chunk.commitment,
    Chunk.challenges,
    Chunk.tag,
)


def take(connection: Connection, scheme: str, room: int, limit: int) -> list[ReadyChunk]:
    """Remove up to *limit* chunks of at most *room* bytes in all: the largest that fit first.

    Rows that another request is taking are skipped, not waited for.
    """
    taken: list[ReadyChunk] = []
    below = room
    while limit > len(taken) and (size := largest(connection, scheme, below)) is not None:
        count = min(limit - len(taken), room // size) if size else limit - len(taken)
        chunks = claim(connection, scheme, size, count)
        taken += chunks
        room -= size * len(chunks)
        below = min(room, size - 1)
    if taken:
        ids = sorted(chunk.id for chunk in taken)
        connection.execute(delete(Chunk).where(Chunk.id.in_(ids)))
    return taken


def largest(connection: Connection, scheme: str, size: int) -> int | None:
    """The size of the largest chunk of at most *size* bytes."""
    query = select(func.max(Chunk.size)).where(Chunk.scheme == scheme, Chunk.size <= size)
    return connection.execute(query).scalar_one()


def claim(connection: Connection, scheme: str, size: int, count: int) -> list[ReadyChunk]:
    """Lock up to *count* chunks of exactly *size* bytes that nobody else has locked."""
    query = (
        select(*COLUMNS)
        .where(Chunk.scheme == scheme, Chunk.size == size)
        .order_by(Chunk.id)
        .limit(count)
        .with_for_update(skip_locked=True)
    )
    # What has a scheme has all that tagging fills, though each column may be null.
    return [ReadyChunk(*tuple[Any, ...](row)) for row in connection.execute(query)]


def put(connection: Connection, values: dict[str, Any]) -> None:
    """Add a tagged chunk."""
    connection.execute(insert(Chunk).values(values))


@dataclass(frozen=True, slots=True)
class UntaggedChunk:
    """A chunk that came back, or was tagged for another scheme."""

    id: int
    seed: str
    size: int


def needs_tag(scheme: str) -> ColumnElement[bool]:
    """Whether a chunk has no tag of *scheme*. As ranges, which the index answers at once."""
    return or_(Chunk.scheme.is_(None), Chunk.scheme < scheme, Chunk.scheme > scheme)


def untagged(connection: Connection, scheme: str) -> UntaggedChunk | None:
    """Some chunk without a tag of *scheme*."""
    query = select(Chunk.id, Chunk.seed, Chunk.size).where(needs_tag(scheme)).limit(1)
    row = connection.execute(query).one_or_none()
    return UntaggedChunk(*row) if row else None


def tag(connection: Connection, chunk: int, scheme: str, values: dict[str, Any]) -> bool:
    """Store the new tag of *chunk*; False if somebody else tagged it first."""
    statement = update(Chunk).where(Chunk.id == chunk, needs_tag(scheme)).values(values)
    return connection.execute(statement).rowcount == 1


def drop(connection: Connection, chunk: int) -> None:
    """Remove one chunk."""
    connection.execute(delete(Chunk).where(Chunk.id == chunk))


def clear(connection: Connection) -> int:
    """Remove all chunks that nobody holds; returns how many there were."""
    return connection.execute(delete(Chunk)).rowcount


def counts(connection: Connection) -> dict[int, int]:
    """How many chunks there are of each size, tagged or not."""
    query = select(Chunk.size, func.count()).group_by(Chunk.size).order_by(Chunk.size)
    return {row[0]: row[1] for row in connection.execute(query)}
