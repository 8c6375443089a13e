"""The network by hour: one row an hour, kept by a job that looks every minute."""

from sqlalchemy import BigInteger
from sqlalchemy.orm import Mapped, mapped_column

from downstream_node.database import Base


class NetworkHour(Base):
    """One UTC hour of the whole network; the numbers are those of the hour's last sample."""

    __tablename__ = "network_hours"

    hour: Mapped[int] = mapped_column(
        primary_key=True, autoincrement=False, doc="hours since 1970-01-01"
    )
    samples: Mapped[int] = mapped_column(default=0)
    online_sum: Mapped[int] = mapped_column(BigInteger, default=0, doc="over all samples")
    farmers: Mapped[int] = mapped_column(default=0)
    contracts: Mapped[int] = mapped_column(BigInteger, default=0)
    size: Mapped[int] = mapped_column(BigInteger, default=0, doc="bytes in open contracts")
    heartbeats: Mapped[int] = mapped_column(BigInteger, default=0, doc="accepted in this hour")
    heartbeats_through: Mapped[int] = mapped_column(
        BigInteger, default=0, doc="of all farmers, at the last sample"
    )
