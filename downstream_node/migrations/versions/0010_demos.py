"""Demos: users and their keys, sessions, reports, analysis, reviews, broadcasts.

Revision ID: 0010
Revises: 0009
"""

import sqlalchemy as sa
from alembic import op

from downstream_node.database import RowId, exact_text, fixed_bytes

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the seven tables."""
    op.create_table(
        "demo_users",
        sa.Column("steam_id", sa.BigInteger(), nullable=False, autoincrement=False),
        sa.Column("key_hash", fixed_bytes(32)),
        sa.Column("scopes", exact_text(64), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("updated", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("steam_id"),
        sa.UniqueConstraint("key_hash"),
    )
    op.create_table(
        "demo_nonces",
        sa.Column("nonce_hash", fixed_bytes(32), nullable=False),
        sa.Column("seen", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("nonce_hash"),
    )
    op.create_index("ix_demo_nonces_seen", "demo_nonces", ["seen"])
    op.create_table(
        "demo_sessions",
        sa.Column("id", RowId, nullable=False),
        sa.Column("session_id", exact_text(39), nullable=False),
        sa.Column("user", sa.BigInteger(), nullable=False),
        sa.Column("active_user", sa.BigInteger()),
        sa.Column("state", exact_text(32), nullable=False),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("map", sa.String(255), nullable=False),
        sa.Column("fake_ip", sa.String(255), nullable=False),
        sa.Column("started", sa.BigInteger(), nullable=False),
        sa.Column("ended", sa.BigInteger()),
        sa.Column("ended_by", exact_text(32)),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("last_byte", sa.BigInteger()),
        sa.Column("bytes_per_second", sa.BigInteger(), nullable=False),
        sa.Column("late_bytes", fixed_bytes(16)),
        sa.Column("is_filed", sa.Boolean(), nullable=False),
        sa.Column("sha256", fixed_bytes(32)),
        sa.Column("header_map", sa.String(255)),
        sa.Column("header_server", sa.String(255)),
        sa.Column("header_player", sa.String(255)),
        sa.Column("header_ticks", sa.Integer()),
        sa.Column("header_frames", sa.Integer()),
        sa.Column("header_seconds", sa.Float(53)),
        sa.Column("header_problem", sa.String(255)),
        sa.Column("is_ingested", sa.Boolean(), nullable=False),
        sa.Column("pruned", sa.BigInteger()),
        sa.Column("prune_reason", sa.String(255)),
        sa.Column("score", sa.Float(53)),
        sa.Column("zero_run", sa.BigInteger()),
        sa.ForeignKeyConstraint(["user"], ["demo_users.steam_id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("session_id"),
        sa.UniqueConstraint("active_user"),
    )
    op.create_index("ix_demo_sessions_sha256", "demo_sessions", ["sha256"])
    op.create_index("ix_demo_sessions_user_started_id", "demo_sessions", ["user", "started", "id"])
    op.create_index(
        "ix_demo_sessions_state_started_id", "demo_sessions", ["state", "started", "id"]
    )
    op.create_index(
        "ix_demo_sessions_state_is_filed_id", "demo_sessions", ["state", "is_filed", "id"]
    )
    op.create_index("ix_demo_sessions_map_started_id", "demo_sessions", ["map", "started", "id"])
    op.create_index(
        "ix_demo_sessions_is_ingested_started_id", "demo_sessions", ["is_ingested", "started", "id"]
    )
    op.create_table(
        "demo_reports",
        sa.Column("session", RowId, nullable=False),
        sa.Column("target", sa.BigInteger(), nullable=False, autoincrement=False),
        sa.Column("reason", exact_text(32), nullable=False),
        sa.Column("reporter", sa.BigInteger(), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["session"], ["demo_sessions.id"]),
        sa.PrimaryKeyConstraint("session", "target"),
    )
    op.create_table(
        "demo_analysis",
        sa.Column("session", RowId, nullable=False),
        sa.Column("target", sa.BigInteger(), nullable=False, autoincrement=False),
        sa.Column("algorithm", exact_text(64), nullable=False),
        sa.Column("detections", sa.BigInteger(), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["session"], ["demo_sessions.id"]),
        sa.PrimaryKeyConstraint("session", "target", "algorithm"),
    )
    op.create_table(
        "demo_reviews",
        sa.Column("session", RowId, nullable=False),
        sa.Column("target", sa.BigInteger(), nullable=False, autoincrement=False),
        sa.Column("reviewer", sa.BigInteger(), nullable=False, autoincrement=False),
        sa.Column("verdict", exact_text(32), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["session"], ["demo_sessions.id"]),
        sa.PrimaryKeyConstraint("session", "target", "reviewer"),
    )
    op.create_table(
        "demo_broadcasts",
        sa.Column("id", RowId, nullable=False),
        sa.Column("message", sa.String(1000), nullable=False),
        sa.Column("importance", exact_text(32), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_demo_broadcasts_created", "demo_broadcasts", ["created"])


def downgrade() -> None:
    """Drop them."""
    for table in (
        "demo_broadcasts",
        "demo_reviews",
        "demo_analysis",
        "demo_reports",
        "demo_sessions",
        "demo_nonces",
        "demo_users",
    ):
        op.drop_table(table)
