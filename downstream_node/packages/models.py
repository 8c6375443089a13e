"""Packages as the node knows them, the workers, and what travels sealed between them.

No column holds anything that opens a package. Times are wall time in milliseconds.
"""

from sqlalchemy import BigInteger, Boolean, ForeignKey, Index, Integer, SmallInteger
from sqlalchemy.orm import Mapped, mapped_column

from downstream_node.database import Base, RowId, exact_text, fixed_bytes, large_bytes

ID = 32
"""Hex digits of a package's id."""
WORD = 32
HEADER = 24
"""Bytes of the header of a sealed file."""
KEY = 32
NAME = 100


class Package(Base):
    """One package: a job as long as it is processed, then what came of it."""

    __tablename__ = "packages"
    __table_args__ = (Index(None, "state", "is_upgraded", "queued", "id"),)

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    package_id: Mapped[str] = mapped_column(exact_text(ID), unique=True)
    source: Mapped[str] = mapped_column(exact_text(WORD), doc="see states.Source")
    state: Mapped[str] = mapped_column(exact_text(WORD), doc="see states.State")
    stage: Mapped[str] = mapped_column(exact_text(WORD), doc="see states.Stage")
    progress: Mapped[int] = mapped_column(SmallInteger, doc="of the stage, in thousandths")
    is_upgraded: Mapped[bool] = mapped_column(Boolean, doc="goes before those that are not")
    error: Mapped[str | None] = mapped_column(exact_text(WORD), doc="why it failed, a code")
    created: Mapped[int] = mapped_column(BigInteger)
    updated: Mapped[int] = mapped_column(BigInteger)
    queued: Mapped[int] = mapped_column(BigInteger, doc="when it joined the queue: its place there")
    shown: Mapped[int] = mapped_column(BigInteger, doc="when the secret was last sealed to workers")
    ahead_when_joined: Mapped[int] = mapped_column(Integer)
    standard_when_joined: Mapped[int] = mapped_column(Integer)
    premium_when_joined: Mapped[int] = mapped_column(Integer)
    attempts: Mapped[int] = mapped_column(SmallInteger, doc="how often a worker took it")
    worker: Mapped[int | None] = mapped_column(RowId, doc="who processes it")
    lease: Mapped[int | None] = mapped_column(BigInteger, doc="until when, unless it says more")
    sha256: Mapped[bytes | None] = mapped_column(fixed_bytes(32), doc="of the sealed result")
    header: Mapped[bytes | None] = mapped_column(fixed_bytes(HEADER), doc="of the sealed result")
    size: Mapped[int | None] = mapped_column(BigInteger, doc="bytes of the sealed result")
    is_partial: Mapped[bool | None] = mapped_column(Boolean, doc="whole parts were missing")
    expires: Mapped[int | None] = mapped_column(
        BigInteger, index=True, doc="when what came of it is forgotten"
    )


class Worker(Base):
    """A process that takes packages. Its private key is nowhere but in its memory."""

    __tablename__ = "package_workers"

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    public_key: Mapped[bytes] = mapped_column(fixed_bytes(KEY), unique=True)
    voucher: Mapped[bytes] = mapped_column(
        fixed_bytes(KEY), doc="shows that the key came from a process of this node"
    )
    name: Mapped[str] = mapped_column(exact_text(NAME), doc="host and process, for operators")
    started: Mapped[int] = mapped_column(BigInteger)
    alive_until: Mapped[int] = mapped_column(BigInteger, doc="unless it says more")


class Box(Base):
    """The secret of a package, sealed to one worker."""

    __tablename__ = "package_boxes"

    package: Mapped[int] = mapped_column(RowId, ForeignKey("packages.id"), primary_key=True)
    worker: Mapped[int] = mapped_column(RowId, primary_key=True, index=True)
    box: Mapped[bytes] = mapped_column(large_bytes())


class Upload(Base):
    """A package that is being sent in parts; its bytes are in segments, sealed."""

    __tablename__ = "package_uploads"

    package_id: Mapped[str] = mapped_column(exact_text(ID), primary_key=True)
    length: Mapped[int] = mapped_column(BigInteger, doc="bytes in all")
    offset: Mapped[int] = mapped_column(BigInteger, doc="bytes that are durable")
    created: Mapped[int] = mapped_column(BigInteger)
    expires: Mapped[int] = mapped_column(BigInteger, index=True)


class Segment(Base):
    """Some bytes of an upload, in a working file."""

    __tablename__ = "package_segments"

    package_id: Mapped[str] = mapped_column(
        exact_text(ID), ForeignKey("package_uploads.package_id"), primary_key=True
    )
    start: Mapped[int] = mapped_column(BigInteger, primary_key=True, doc="its first byte")
    size: Mapped[int] = mapped_column(BigInteger, doc="bytes, as they were sent")
    file: Mapped[str] = mapped_column(exact_text(ID), doc="its name in the folder of uploads")
