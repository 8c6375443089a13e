"""The pool: chunks that wait for a farmer."""

from sqlalchemy import BigInteger, Index, LargeBinary
from sqlalchemy.dialects import mysql
from sqlalchemy.orm import Mapped, mapped_column

from downstream_node.database import (
    MYSQL_SCHEMES,
    Base,
    RowId,
    exact_text,
    fixed_bytes,
    large_bytes,
)

SEED_LENGTH = 32
COMMITMENT = LargeBinary(255).with_variant(mysql.VARBINARY(255), *MYSQL_SCHEMES)


class Chunk(Base):
    """A chunk that nobody holds. It is handed out by moving it into a contract.

    A chunk whose contract has ended comes back without a tag: the challenges of the old tag
    are known to the farmer, so it is tagged anew, under a new file hash, before it is ready.
    """

    __tablename__ = "chunks"
    __table_args__ = (Index(None, "scheme", "size", "id"),)

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    seed: Mapped[str] = mapped_column(exact_text(SEED_LENGTH), unique=True)
    size: Mapped[int] = mapped_column(BigInteger, doc="bytes")
    scheme: Mapped[str | None] = mapped_column(exact_text(16), doc="null: not tagged, not ready")
    file_hash: Mapped[bytes | None] = mapped_column(fixed_bytes(32), unique=True)
    commitment: Mapped[bytes | None] = mapped_column(COMMITMENT)
    challenges: Mapped[int | None]
    tag: Mapped[bytes | None] = mapped_column(large_bytes(), doc="wire form, JSON")
