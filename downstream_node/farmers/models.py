"""What the node knows of each farmer: columns that status pages read as they are."""

from sqlalchemy import BigInteger, Double, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from downstream_node.addresses.models import LONGEST_ADDRESS
from downstream_node.database import Base, RowId, exact_text, fixed_bytes
from downstream_node.farmers.clients import LONGEST_CLIENT

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
    client: Mapped[str | None] = mapped_column(
        String(LONGEST_CLIENT), doc="product and version; shown in aggregates only"
    )

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
    last_answer: Mapped[int | None] = mapped_column(BigInteger, doc="the last accepted one")
    waited: Mapped[int] = mapped_column(
        BigInteger, default=0, doc="milliseconds from challenge to answer, of all heartbeats"
    )
    day: Mapped[int | None] = mapped_column(doc="UTC day of the last answer, since 1970-01-01")
    day_heartbeats: Mapped[int] = mapped_column(default=0, doc="accepted answers on that day")
    day_waited: Mapped[int | None] = mapped_column(
        BigInteger, doc="milliseconds from challenge to answer, of that day; None: not known"
    )

    first_answer: Mapped[int | None] = mapped_column(BigInteger)
    covered: Mapped[int] = mapped_column(
        BigInteger, default=0, doc="milliseconds that its contracts cover, up to covered_until"
    )
    covered_until: Mapped[int] = mapped_column(BigInteger, default=0)
    stretch_began: Mapped[int | None] = mapped_column(
        BigInteger, doc="since when coverage up to covered_until has no gap"
    )
    next_check: Mapped[int | None] = mapped_column(
        BigInteger, index=True, doc="no open contract expires before this instant"
    )


class IpAddress(Base):
    """A keyed hash of an IP address: the lock under which the tokens of one IP are counted."""

    __tablename__ = "ip_addresses"

    ip_hash: Mapped[str] = mapped_column(exact_text(32), primary_key=True)


class Stretch(Base):
    """A stretch of coverage without a gap that has ended. The one that goes on is in the farmer."""

    __tablename__ = "stretches"
    __table_args__ = (Index(None, "farmer", "ended"),)

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    farmer: Mapped[int] = mapped_column(RowId, ForeignKey("farmers.id", ondelete="CASCADE"))
    began: Mapped[int] = mapped_column(BigInteger)
    ended: Mapped[int] = mapped_column(BigInteger, index=True)


class FarmerDay(Base):
    """Accepted answers of a farmer on a UTC day that is over. Today's are in the farmer."""

    __tablename__ = "farmer_days"
    __table_args__ = (UniqueConstraint("farmer", "day"),)

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    farmer: Mapped[int] = mapped_column(RowId, ForeignKey("farmers.id", ondelete="CASCADE"))
    day: Mapped[int] = mapped_column(index=True, doc="days since 1970-01-01")
    heartbeats: Mapped[int] = mapped_column(default=0)
    waited: Mapped[int | None] = mapped_column(BigInteger, doc="as `day_waited` of the farmer")


class Failure(Base):
    """Equal failures of one farmer within one minute of service time."""

    __tablename__ = "failures"
    __table_args__ = (UniqueConstraint("farmer", "minute", "kind"),)

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    farmer: Mapped[int] = mapped_column(RowId, ForeignKey("farmers.id", ondelete="CASCADE"))
    minute: Mapped[int] = mapped_column(BigInteger, doc="minutes of service time")
    kind: Mapped[str] = mapped_column(exact_text(16), doc="unanswered, invalid or corrupted")
    last: Mapped[int] = mapped_column(BigInteger, index=True, doc="instant of the last one")
    count: Mapped[int] = mapped_column(default=0)
    contract: Mapped[bytes | None] = mapped_column(fixed_bytes(32), doc="of the last one")
