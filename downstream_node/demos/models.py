"""Users of the demo platform, their sessions, and what analysts say of them.

Times are wall time in milliseconds. Steam ids are the 64-bit numbers.
"""

from sqlalchemy import BigInteger, Boolean, Float, ForeignKey, Index, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from downstream_node.database import Base, RowId, exact_text, fixed_bytes

WORD = 32
SESSION_ID = 39
"""Decimal digits of a 128-bit number, at most."""
LONGEST_NAME = 255
LONGEST_ADDRESS = 255
LATE_BYTES = 16


class DemoUser(Base):
    """Somebody with a key. The key itself is not here, only its hash."""

    __tablename__ = "demo_users"

    steam_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    key_hash: Mapped[bytes | None] = mapped_column(
        fixed_bytes(32), unique=True, doc="SHA-256 of the key; none: it was taken back"
    )
    scopes: Mapped[str] = mapped_column(exact_text(64), doc="see access.Scope, with blanks between")
    created: Mapped[int] = mapped_column(BigInteger)
    updated: Mapped[int] = mapped_column(BigInteger, doc="when the key or the scopes last changed")


class DemoNonce(Base):
    """A login of Steam's that was used, so that it is not used again."""

    __tablename__ = "demo_nonces"

    nonce_hash: Mapped[bytes] = mapped_column(fixed_bytes(32), primary_key=True, doc="SHA-256")
    seen: Mapped[int] = mapped_column(BigInteger, index=True)


class DemoSession(Base):
    """One recording: a session as long as it is streamed, then a file."""

    __tablename__ = "demo_sessions"
    __table_args__ = (
        Index(None, "user", "started", "id"),
        Index(None, "state", "started", "id"),
        Index(None, "state", "is_filed", "id"),
        Index(None, "map", "started", "id"),
        Index(None, "is_ingested", "started", "id"),
    )

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    session_id: Mapped[str] = mapped_column(
        exact_text(SESSION_ID), unique=True, doc="a random 128-bit number, in decimal"
    )
    user: Mapped[int] = mapped_column(BigInteger, ForeignKey("demo_users.steam_id"))
    active_user: Mapped[int | None] = mapped_column(
        BigInteger, unique=True, doc="the user while the session is active: so each has one at most"
    )
    state: Mapped[str] = mapped_column(exact_text(WORD), doc="see states.State")
    name: Mapped[str] = mapped_column(String(LONGEST_NAME), doc="as the client calls the demo")
    map: Mapped[str] = mapped_column(String(LONGEST_NAME), doc="as the client said")
    fake_ip: Mapped[str] = mapped_column(
        String(LONGEST_ADDRESS), doc="of the game server, as the client said"
    )
    started: Mapped[int] = mapped_column(BigInteger)
    ended: Mapped[int | None] = mapped_column(BigInteger)
    ended_by: Mapped[str | None] = mapped_column(exact_text(WORD), doc="see states.End")
    size: Mapped[int] = mapped_column(
        BigInteger, doc="bytes; of an active session as last noted, the truth is its file"
    )
    last_byte: Mapped[int | None] = mapped_column(BigInteger, doc="when bytes last came, as noted")
    bytes_per_second: Mapped[int] = mapped_column(BigInteger, doc="as last noted")
    late_bytes: Mapped[bytes | None] = mapped_column(
        fixed_bytes(LATE_BYTES), doc="replace the end of the header when the demo is filed"
    )
    is_filed: Mapped[bool] = mapped_column(
        Boolean, doc="closed, and its bytes are in custody, or there are none"
    )
    sha256: Mapped[bytes | None] = mapped_column(fixed_bytes(32), index=True)
    header_map: Mapped[str | None] = mapped_column(String(LONGEST_NAME))
    header_server: Mapped[str | None] = mapped_column(String(LONGEST_NAME))
    header_player: Mapped[str | None] = mapped_column(String(LONGEST_NAME))
    header_ticks: Mapped[int | None] = mapped_column(Integer)
    header_frames: Mapped[int | None] = mapped_column(Integer)
    header_seconds: Mapped[float | None] = mapped_column(Float(53))
    header_problem: Mapped[str | None] = mapped_column(
        String(LONGEST_NAME), doc="why the header could not be read"
    )
    is_ingested: Mapped[bool] = mapped_column(Boolean, doc="analysts have given their analysis")
    pruned: Mapped[int | None] = mapped_column(BigInteger, doc="when its bytes were let go")
    prune_reason: Mapped[str | None] = mapped_column(String(LONGEST_NAME))
    score: Mapped[float | None] = mapped_column(Float(53), doc="see scoring.py")
    zero_run: Mapped[int | None] = mapped_column(BigInteger, doc="longest run of zero bytes")


class DemoReport(Base):
    """A player whom a user of a session takes for a cheater or a bot."""

    __tablename__ = "demo_reports"

    session: Mapped[int] = mapped_column(RowId, ForeignKey("demo_sessions.id"), primary_key=True)
    target: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    reason: Mapped[str] = mapped_column(exact_text(WORD), doc="bot or cheater")
    reporter: Mapped[int] = mapped_column(BigInteger)
    created: Mapped[int] = mapped_column(BigInteger)


class DemoAnalysis(Base):
    """How often one algorithm of the analysts found one player in a session."""

    __tablename__ = "demo_analysis"

    session: Mapped[int] = mapped_column(RowId, ForeignKey("demo_sessions.id"), primary_key=True)
    target: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    algorithm: Mapped[str] = mapped_column(exact_text(64), primary_key=True)
    detections: Mapped[int] = mapped_column(BigInteger)
    created: Mapped[int] = mapped_column(BigInteger)


class DemoReview(Base):
    """What one reviewer says of one player in a session."""

    __tablename__ = "demo_reviews"

    session: Mapped[int] = mapped_column(RowId, ForeignKey("demo_sessions.id"), primary_key=True)
    target: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    reviewer: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    verdict: Mapped[str] = mapped_column(exact_text(WORD), doc="see states.Verdict")
    created: Mapped[int] = mapped_column(BigInteger)


class DemoBroadcast(Base):
    """News for the clients."""

    __tablename__ = "demo_broadcasts"

    id: Mapped[int] = mapped_column(RowId, primary_key=True)
    message: Mapped[str] = mapped_column(String(1000))
    importance: Mapped[str] = mapped_column(exact_text(WORD))
    created: Mapped[int] = mapped_column(BigInteger, index=True)
