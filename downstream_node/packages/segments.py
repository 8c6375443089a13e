"""SQL over uploads and their segments; role of queries for them."""

from dataclasses import dataclass

from sqlalchemy import (
    ColumnElement,
    Connection,
    SQLColumnExpression,
    case,
    delete,
    exists,
    func,
    insert,
    select,
    update,
)

from downstream_node.database import insert_missing
from downstream_node.packages.models import Package, Segment, Upload
from downstream_node.packages.states import State


@dataclass(frozen=True, slots=True)
class StoredUpload:
    """An upload; *offset* bytes of *length* are durable. Times are wall time in milliseconds."""

    package_id: str
    length: int
    offset: int
    created: int
    expires: int


ALLOWANCE = 64 << 20
"""Bytes. What is announced costs nothing, so it may not keep others from what is there."""
COLUMNS = (Upload.package_id, Upload.length, Upload.offset, Upload.created, Upload.expires)


def find(connection: Connection, package_id: str) -> StoredUpload | None:
    """The upload of this package."""
    row = connection.execute(select(*COLUMNS).where(Upload.package_id == package_id)).first()
    return None if row is None else StoredUpload(*row)


def allowance(rest: int) -> int:
    """Bytes that are kept free for an upload of which *rest* are still to come."""
    return min(rest, ALLOWANCE)


def reserved(connection: Connection) -> int:
    """Bytes of all uploads, and those that are kept free for them."""
    rest = Upload.length - Upload.offset
    return total(connection, Upload.offset + case((rest > ALLOWANCE, ALLOWANCE), else_=rest))


def kept(connection: Connection) -> int:
    """Bytes of all uploads."""
    return total(connection, Upload.offset)


def total(connection: Connection, number: SQLColumnExpression[int]) -> int:
    """The sum of *number* over all uploads."""
    return int(connection.execute(select(func.coalesce(func.sum(number), 0))).scalar_one())


def begin(connection: Connection, package_id: str, length: int, now: int, expires: int) -> None:
    """A new upload, unless the package has one."""
    values = {"package_id": package_id, "length": length, "offset": 0}
    insert_missing(connection, Upload, **values, created=now, expires=expires)


def append(  # noqa: PLR0913 - the columns of a row, all by keyword
    connection: Connection, package_id: str, *, start: int, size: int, file: str, expires: int
) -> bool:
    """The next *size* bytes are in *file*; False if somebody else has sent them.

    Without any bytes the upload ends when it would have ended.
    """
    guarded = update(Upload).where(
        Upload.package_id == package_id, Upload.offset == start, Upload.length >= start + size
    )
    values = {"offset": start + size} | ({"expires": expires} if size else {})
    if connection.execute(guarded.values(values)).rowcount == 0:
        return False
    if size:
        segment = {"package_id": package_id, "start": start, "size": size, "file": file}
        connection.execute(insert(Segment).values(segment))
    return True


def files_of(connection: Connection, package_id: str) -> list[str]:
    """The names of the segments of an upload, in order."""
    query = select(Segment.file).where(Segment.package_id == package_id).order_by(Segment.start)
    return list(connection.execute(query).scalars())


def forget(connection: Connection, package_id: str) -> list[str] | None:
    """Delete the rows of an upload; the files that it had, None if there was none."""
    return deleted(connection, package_id) if lock(connection, package_id) else None


def forget_over(connection: Connection, package_id: str, now: int) -> list[str] | None:
    """The same if the upload is over; None if there is none, or something came meanwhile."""
    if not lock(connection, package_id):
        return None
    # Looked at once more, now that nobody can add to it.
    query = select(Upload.package_id).where(Upload.package_id == package_id, is_over(now))
    if connection.execute(query).first() is None:
        return None
    return deleted(connection, package_id)


def lock(connection: Connection, package_id: str) -> bool:
    """Nobody else changes the upload until the transaction ends; False if there is none."""
    statement = update(Upload).where(Upload.package_id == package_id)
    return connection.execute(statement.values(offset=Upload.offset)).rowcount == 1


def deleted(connection: Connection, package_id: str) -> list[str]:
    """Delete the rows of an upload that is locked; the files that it had."""
    files = files_of(connection, package_id)
    connection.execute(delete(Segment).where(Segment.package_id == package_id))
    connection.execute(delete(Upload).where(Upload.package_id == package_id))
    return files


def over(connection: Connection, now: int, limit: int) -> list[str]:
    """The packages of uploads that are over."""
    query = select(Upload.package_id).where(is_over(now)).order_by(Upload.package_id)
    return list(connection.execute(query.limit(limit)).scalars())


def is_over(now: int) -> ColumnElement[bool]:
    """Nothing came to the upload for too long, or it is done with."""
    wanted = exists().where(
        Package.package_id == Upload.package_id,
        Package.state.in_((State.QUEUED, State.WAITING, State.WORKING)),
    )
    ended = exists().where(
        Package.package_id == Upload.package_id,
        Package.state.in_((State.DONE, State.FAILED)),
        Package.updated > Upload.created,
    )
    return ~wanted & ((Upload.expires <= now) | (ended & (Upload.offset == Upload.length)))


def known_among(connection: Connection, files: list[str]) -> set[str]:
    """Those of *files* that are segments of an upload."""
    query = select(Segment.file).where(Segment.file.in_(files))
    return set(connection.execute(query).scalars())
