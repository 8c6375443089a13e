"""Who may read and import: tables in the node's own database, not in the archive."""

from sqlalchemy import BigInteger, Text
from sqlalchemy.orm import Mapped, mapped_column

from downstream_node.database import Base, RowId, exact_text, fixed_bytes

LONGEST_NAME = 64
LONGEST_KIND = 7


class ArchiveKey(Base):
    """One key for the archive, by name. Times are wall time, in milliseconds.

    The key itself is not here, for the reasons that `operators.models.OperatorKey` gives.
    """

    __tablename__ = "archive_keys"

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    name: Mapped[str] = mapped_column(exact_text(LONGEST_NAME), unique=True)
    key_hash: Mapped[bytes] = mapped_column(fixed_bytes(32), unique=True, doc="SHA-256")
    scope: Mapped[str] = mapped_column(Text, doc="JSON, as keys.Opened; bounded by keys.MOST_IDS")
    may_import: Mapped[bool] = mapped_column(default=False)
    created: Mapped[int] = mapped_column(BigInteger)
    last_used: Mapped[int | None] = mapped_column(BigInteger)


class ArchivePublished(Base):
    """One guild or channel that everybody may read."""

    __tablename__ = "archive_published"

    kind: Mapped[str] = mapped_column(
        exact_text(LONGEST_KIND), primary_key=True, doc="guild or channel"
    )
    subject: Mapped[int] = mapped_column(
        BigInteger, primary_key=True, autoincrement=False, doc="its id at Discord"
    )
    since: Mapped[int] = mapped_column(BigInteger)
