"""SQL over files and their claims."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Update,
    delete,
    exists,
    func,
    insert,
    select,
    update,
)

from downstream_node.custody.claims import Claim, Visibility
from downstream_node.custody.models import File, FileClaim
from downstream_node.database import AnyRow, insert_missing


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file that is or was kept; times are wall time in milliseconds."""

    id: int
    sha256: bytes
    size: int
    taken_in: int
    verified: int | None
    damaged: int | None
    removed: int | None
    reason: str | None
    claims: tuple[Claim, ...]
    """The oldest first; none if it is removed."""

    @property
    def redundancy(self) -> int:
        """Copies wanted with farmers: the greatest number that a claim wants."""
        return max((claim.redundancy for claim in self.claims), default=0)

    @property
    def visibility(self) -> Visibility:
        """Public if any claim is."""
        return "public" if self.public_claim else "private"

    @property
    def public_claim(self) -> Claim | None:
        """The claim under whose name the public sees the file: the oldest that is public."""
        return next((claim for claim in self.claims if claim.visibility == "public"), None)


@dataclass(frozen=True, slots=True)
class Content:
    """What is needed to read and check the bytes of a file."""

    id: int
    sha256: bytes
    size: int
    blocks: bytes
    due: int
    """When it was to be checked next. It changes with all that is found out or done about the
    bytes, so what is noted about them later holds only while it is the same."""
    position: int
    """Blocks that the check under way has found right."""
    removed: int | None


FILE_COLUMNS = (
    File.id,
    File.sha256,
    File.size,
    File.taken_in,
    File.verified,
    File.damaged,
    File.removed,
    File.reason,
)
CLAIM_COLUMNS = (
    FileClaim.source,
    FileClaim.reference,
    FileClaim.name,
    FileClaim.media_type,
    FileClaim.redundancy,
    FileClaim.visibility,
    FileClaim.taken_in,
)


# Reading


def find(connection: Connection, sha256: bytes) -> StoredFile | None:
    """The file with this hash, removed or not."""
    return first(with_claims(connection, rows_of(connection, File.sha256 == sha256, 1)))


def first(files: list[StoredFile]) -> StoredFile | None:
    """The first of *files*, if there is one."""
    return files[0] if files else None


def between(connection: Connection, low: bytes, high: bytes, limit: int) -> list[StoredFile]:
    """The files with hashes from *low* to *high* that are not removed."""
    condition = File.sha256.between(low, high) & File.removed.is_(None)
    return with_claims(connection, rows_of(connection, condition, limit))


def listed(connection: Connection, source: str | None, after: int, limit: int) -> list[StoredFile]:
    """Files (that *source* claims) that are not removed, by id, from behind the id *after*."""
    condition = (File.id > after) & File.removed.is_(None)
    if source is not None:
        condition &= exists().where(FileClaim.file == File.id, FileClaim.source == source)
    return with_claims(connection, rows_of(connection, condition, limit))


def rows_of(connection: Connection, condition: ColumnElement[bool], limit: int) -> Sequence[AnyRow]:
    """The first rows of files under *condition*, by id."""
    query = select(*FILE_COLUMNS).where(condition).order_by(File.id).limit(limit)
    return connection.execute(query).all()


def with_claims(connection: Connection, rows: Sequence[AnyRow]) -> list[StoredFile]:
    """The files of *rows*, each with its claims: one more query for all."""
    if not rows:
        return []
    claims: dict[int, list[Claim]] = defaultdict(list)
    query = select(FileClaim.file, *CLAIM_COLUMNS).where(FileClaim.file.in_([r.id for r in rows]))
    for row in connection.execute(query.order_by(FileClaim.id)):
        claims[row.file].append(claim_of(row))
    # As a list, since the columns of `AnyRow` have no types.
    return [StoredFile(*[*row, tuple(claims[row.id])]) for row in rows]


def claim_of(row: AnyRow) -> Claim:
    """The claim in *row*."""
    return Claim(**{column.key: getattr(row, column.key) for column in CLAIM_COLUMNS})


CONTENT_COLUMNS = (File.id, File.sha256, File.size, File.blocks, File.due, File.position)


def content(connection: Connection, sha256: bytes) -> Content | None:
    """What is needed to read the file with this hash; None if it is removed or unknown."""
    query = select(*CONTENT_COLUMNS, File.removed)
    row = connection.execute(query.where(File.sha256 == sha256, File.removed.is_(None))).first()
    return None if row is None else Content(*list[Any](row))


# Changing: the row is locked first, so that bytes and row change together


def lock(connection: Connection, sha256: bytes) -> Row[int, int | None] | None:
    """(id, removed) of the file with this hash, its row locked to the transaction's end."""
    query = select(File.id, File.removed).where(File.sha256 == sha256).with_for_update()
    return connection.execute(query).first()


def locked_or_made(
    connection: Connection, sha256: bytes, size: int, now: int, reason: str | None = None
) -> Row[int, int | None]:
    """The same, where a file that was never there is made as one that is removed.

    While another transaction makes the same row, this one waits for its end.
    """
    row = lock(connection, sha256)
    if row is None:
        values = {"sha256": sha256, "size": size, "taken_in": now, "removed": now, "due": now}
        insert_missing(connection, File, **values, reason=reason, position=0, blocks=b"")
        row = lock(connection, sha256)
    assert row is not None  # noqa: S101 - inserted or there, and rows of files are never deleted
    return row


def revive(  # noqa: PLR0913 - the columns of a row, all by keyword
    connection: Connection,
    row: Row[int, int | None],
    *,
    size: int,
    blocks: bytes,
    now: int,
    due: int,
) -> None:
    """The locked *row* has its bytes, new and whole, whatever it had before."""
    fresh = {} if row.removed is None else {"taken_in": now, "verified": None}
    values = {"size": size, "blocks": blocks, "damaged": None, "removed": None, "reason": None}
    statement = update(File).where(File.id == row.id)
    connection.execute(statement.values(**values, **fresh, position=0, due=due))


def put_claim(connection: Connection, file: int, claim: Claim, now: int) -> None:
    """Insert *claim* of the locked file, or update what it says if it is there already."""
    said = {
        "name": claim.name,
        "media_type": claim.media_type,
        "redundancy": claim.redundancy,
        "visibility": claim.visibility,
    }
    key = {"file": file, "source": claim.source, "reference": claim.reference}
    statement = update(FileClaim).filter_by(**key).values(**said)
    if connection.execute(statement).rowcount == 0:
        connection.execute(insert(FileClaim).values(**key, **said, taken_in=now))


def drop_claim(connection: Connection, file: int, source: str, reference: str) -> bool:
    """Delete one claim of the locked file; False if there is none."""
    statement = delete(FileClaim).filter_by(file=file, source=source, reference=reference)
    return connection.execute(statement).rowcount == 1


def drop_claims(connection: Connection, file: int) -> int:
    """Delete all claims of the locked file; returns how many."""
    return connection.execute(delete(FileClaim).where(FileClaim.file == file)).rowcount


def claims_left(connection: Connection, file: int) -> int:
    """How many claims the locked file has."""
    query = select(func.count()).select_from(FileClaim).where(FileClaim.file == file)
    return connection.execute(query).scalar_one()


def remove(connection: Connection, file: int, now: int, reason: str) -> None:
    """Make the locked file, which has no claim, one whose bytes are to be taken away now."""
    gone = {"removed": now, "reason": reason, "damaged": None, "blocks": b"", "position": 0}
    connection.execute(update(File).where(File.id == file).values(**gone, due=now))


def bytes_gone(connection: Connection, file: int) -> None:
    """Nothing is left to do for the locked file, which is removed."""
    connection.execute(update(File).where(File.id == file).values(due=None))


# Checking


def due_at(connection: Connection, now: int) -> Content | None:
    """The file that has been due longest at *now*, removed or to be checked."""
    query = select(*CONTENT_COLUMNS, File.removed).where(File.due <= now)
    row = connection.execute(query.order_by(File.due, File.id).limit(1)).first()
    return None if row is None else Content(*list[Any](row))


def as_seen(content: Content) -> Update:
    """An UPDATE of *content*'s row, unless somebody has noted something else about its bytes."""
    return update(File).where(File.id == content.id, File.due == content.due)


def note_position(connection: Connection, content: Content, position: int) -> None:
    """The check under way has found so many blocks of *content* right."""
    connection.execute(as_seen(content).values(position=position))


def note_sound(connection: Connection, content: Content, now: int, due: int) -> None:
    """All of *content* was found right; it is *due* again then."""
    connection.execute(as_seen(content).values(verified=now, damaged=None, position=0, due=due))


def note_damaged(connection: Connection, content: Content, now: int, due: int) -> None:
    """Some of *content* was found wrong, the first time now or before."""
    since = func.coalesce(File.damaged, now)
    connection.execute(as_seen(content).values(damaged=since, position=0, due=due))


def replace_blocks(connection: Connection, content: Content, blocks: bytes) -> None:
    """The list of block hashes of *content* was wrong, as its whole hash shows."""
    connection.execute(as_seen(content).values(blocks=blocks))


def damaged(connection: Connection, limit: int) -> list[bytes]:
    """The hashes of damaged files, those known longest first."""
    query = select(File.sha256).where(File.damaged.is_not(None)).order_by(File.damaged, File.id)
    return list(connection.execute(query.limit(limit)).scalars())


def count_damaged(connection: Connection) -> int:
    """How many files are damaged."""
    query = select(func.count()).select_from(File).where(File.damaged.is_not(None))
    return connection.execute(query).scalar_one()


def kept_among(connection: Connection, hashes: Sequence[bytes]) -> set[bytes]:
    """Those of *hashes* whose files are not removed."""
    query = select(File.sha256).where(File.sha256.in_(hashes), File.removed.is_(None))
    return set(connection.execute(query).scalars())


def beginning(connection: Connection) -> int | None:
    """When the first file of this database came, None before there is one."""
    return connection.execute(select(File.taken_in).order_by(File.id).limit(1)).scalar_one_or_none()
