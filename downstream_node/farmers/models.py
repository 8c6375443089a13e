"""What the node knows of each farmer: columns that status pages read as they are."""

from sqlalchemy import BigInteger, Double, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from downstream_node.addresses.models import LONGEST_ADDRESS
from downstream_node.database import Base, RowId, exact_text, fixed_bytes

PLACE_NAME = 100
POSTAL_CODE = 20


class Farmer(Base):
    """One token and all that is counted under it. Instants are service time, in milliseconds."""

    __tablename__ = "farmers"
    # Names of cities are in any script, whatever the database's own default is.
    __table_args__ = ({"mysql_charset": "utf8mb4"},)

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    farmer_id: Mapped[str] = mapped_column(
        exact_text(20), unique=True, doc="first 20 hex digits of the token's SHA-256"
    )
    token_hash: Mapped[bytes] = mapped_column(fixed_bytes(32), unique=True)
    address: Mapped[str] = mapped_column(
        exact_text(LONGEST_ADDRESS), ForeignKey("addresses.address"), index=True
    )
    ip_hash: Mapped[str] = mapped_column(exact_text(32), index=True)
    joined: Mapped[int] = mapped_column(BigInteger)

    city: Mapped[str | None] = mapped_column(String(PLACE_NAME))
    country: Mapped[str | None] = mapped_column(String(PLACE_NAME))
    state: Mapped[str | None] = mapped_column(String(PLACE_NAME))
    zip: Mapped[str | None] = mapped_column(String(POSTAL_CODE))
    lat: Mapped[float | None] = mapped_column(Double)
    lon: Mapped[float | None] = mapped_column(Double)

    heartbeats: Mapped[int] = mapped_column(BigInteger, default=0, doc="accepted answers")
    contracts: Mapped[int] = mapped_column(default=0, doc="open contracts")
    size: Mapped[int] = mapped_column(BigInteger, default=0, doc="bytes in open contracts")
    last_due: Mapped[int | None] = mapped_column(BigInteger, doc="latest due time given")

    first_answer: Mapped[int | None] = mapped_column(BigInteger)
    covered: Mapped[int] = mapped_column(
        BigInteger, default=0, doc="milliseconds that its contracts cover, up to covered_until"
    )
    covered_until: Mapped[int] = mapped_column(BigInteger, default=0)
    next_check: Mapped[int | None] = mapped_column(
        BigInteger, index=True, doc="no open contract expires before this instant"
    )


class IpAddress(Base):
    """A keyed hash of an IP address: the lock under which the tokens of one IP are counted."""

    __tablename__ = "ip_addresses"

    ip_hash: Mapped[str] = mapped_column(exact_text(32), primary_key=True)
