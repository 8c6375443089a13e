"""Files as they are stored, and who claims them. Times are wall time in milliseconds.

The bytes are on the disk (`storage.py`); a row says which bytes, and that they are all there.
"""

from sqlalchemy import BigInteger, ForeignKey, SmallInteger, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from downstream_node.clock import SECOND
from downstream_node.custody.claims import MEDIA_TYPE, NAME, REFERENCE, SOURCE
from downstream_node.database import Base, RowId, exact_text, fixed_bytes, large_bytes

REASON = 255
DAY = 86_400 * SECOND
CHECK_EVERY = 14 * DAY
"""A file is due for a check so long after it came, or after its last one. The check may have to
wait for others: see `checking.BLOCKS_PER_PASS`."""
UTF8 = {"mysql_charset": "utf8mb4", "mysql_collate": "utf8mb4_bin"}


class File(Base):
    """One content. It has claims and bytes, or it is removed and has neither."""

    __tablename__ = "files"
    __table_args__ = (UTF8,)

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    sha256: Mapped[bytes] = mapped_column(fixed_bytes(32), unique=True)
    size: Mapped[int] = mapped_column(BigInteger, doc="bytes")
    taken_in: Mapped[int] = mapped_column(BigInteger, doc="when it came, or came again")
    verified: Mapped[int | None] = mapped_column(BigInteger, doc="when all of it was found right")
    damaged: Mapped[int | None] = mapped_column(
        BigInteger, index=True, doc="when some of it was found wrong; not since found right"
    )
    removed: Mapped[int | None] = mapped_column(BigInteger, doc="when its last claim went")
    reason: Mapped[str | None] = mapped_column(String(REASON), doc="why it was removed")
    due: Mapped[int | None] = mapped_column(
        BigInteger,
        index=True,
        doc="when a job is to check it, or to take a removed file's bytes away; None: done",
    )
    position: Mapped[int] = mapped_column(
        BigInteger, default=0, doc="blocks that the check under way has found right"
    )
    # The last column: SQLite then reads the others without it.
    blocks: Mapped[bytes] = mapped_column(large_bytes(), doc="list of block hashes")


class FileClaim(Base):
    """One part of the node needs a file, for one thing that its reference names."""

    __tablename__ = "file_claims"
    __table_args__ = (UniqueConstraint("file", "source", "reference"), UTF8)

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    file: Mapped[int] = mapped_column(RowId, ForeignKey("files.id"))
    source: Mapped[str] = mapped_column(exact_text(SOURCE))
    reference: Mapped[str] = mapped_column(exact_text(REFERENCE))
    name: Mapped[str] = mapped_column(String(NAME))
    media_type: Mapped[str] = mapped_column(exact_text(MEDIA_TYPE))
    redundancy: Mapped[int] = mapped_column(SmallInteger, doc="copies wanted with farmers")
    visibility: Mapped[str] = mapped_column(exact_text(7), doc="private or public")
    taken_in: Mapped[int] = mapped_column(BigInteger)
