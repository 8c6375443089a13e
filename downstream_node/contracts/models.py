"""Contracts as they are stored: everything that judging and verifying an answer needs."""

from sqlalchemy import BigInteger, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from downstream_node.chunks.models import COMMITMENT, SEED_LENGTH
from downstream_node.database import Base, RowId, exact_text, fixed_bytes


class Contract(Base):
    """A chunk in a farmer's hands. Instants are service time, in milliseconds.

    There is no column for the expiry: it follows from the others (`lifecycle`), and an index
    on it would have to be moved by every answer.
    """

    __tablename__ = "contracts"
    __table_args__ = (Index(None, "farmer", "id"),)

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    file_hash: Mapped[bytes] = mapped_column(fixed_bytes(32), unique=True)
    farmer: Mapped[int] = mapped_column(RowId, ForeignKey("farmers.id"))
    seed: Mapped[str] = mapped_column(exact_text(SEED_LENGTH))
    size: Mapped[int] = mapped_column(BigInteger, doc="bytes")
    scheme: Mapped[str] = mapped_column(exact_text(16))
    commitment: Mapped[bytes] = mapped_column(COMMITMENT)
    challenges: Mapped[int] = mapped_column(doc="how many challenges there are in all")
    started: Mapped[int] = mapped_column(BigInteger)
    interval: Mapped[int] = mapped_column(doc="milliseconds between two challenges")
    answered_through: Mapped[int] = mapped_column(default=-1, doc="last window answered")
    closed_at: Mapped[int | None] = mapped_column(BigInteger, index=True)
