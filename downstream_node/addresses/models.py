"""The whitelist: who may farm."""

from sqlalchemy import BigInteger
from sqlalchemy.orm import Mapped, mapped_column

from downstream_node.database import Base, exact_text

LONGEST_ADDRESS = 35


class Address(Base):
    """A farming address; its row is also the lock under which the address's quota is kept."""

    __tablename__ = "addresses"

    address: Mapped[str] = mapped_column(exact_text(LONGEST_ADDRESS), primary_key=True)
    balance: Mapped[int] = mapped_column(BigInteger, default=0, doc="SJCX, whole")
