"""The keys with which operators log in."""

from sqlalchemy import BigInteger
from sqlalchemy.orm import Mapped, mapped_column

from downstream_node.database import Base, RowId, exact_text, fixed_bytes

LONGEST_NAME = 64


class OperatorKey(Base):
    """One operator's key, by name. Times are wall time, in milliseconds.

    The key itself is not here: it has 256 bits of entropy, so nobody finds it by trying, and one
    SHA-256 hides it as well as a slow password hash would.
    """

    __tablename__ = "operator_keys"

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    name: Mapped[str] = mapped_column(exact_text(LONGEST_NAME), unique=True)
    key_hash: Mapped[bytes] = mapped_column(fixed_bytes(32), unique=True, doc="SHA-256")
    created: Mapped[int] = mapped_column(BigInteger)
    last_used: Mapped[int | None] = mapped_column(BigInteger)
