"""The node: addresses, farmers, chunks, contracts, and its own clock and jobs.

Revision ID: 0001
Revises: nothing
"""

import sqlalchemy as sa
from alembic import op

from downstream_node.chunks.models import COMMITMENT
from downstream_node.database import RowId, exact_text, fixed_bytes, large_bytes

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create all tables."""
    create_people()
    create_chunks()
    create_contracts()
    create_housekeeping()


def create_people() -> None:
    """Create addresses, farmers and the locks of their IP addresses."""
    op.create_table(
        "addresses",
        sa.Column("address", exact_text(35), nullable=False),
        sa.Column("balance", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("address"),
    )
    op.create_table(
        "farmers",
        sa.Column("id", RowId, nullable=False),
        sa.Column("farmer_id", exact_text(20), nullable=False),
        sa.Column("token_hash", fixed_bytes(32), nullable=False),
        sa.Column("address", exact_text(35), nullable=False),
        sa.Column("ip_hash", exact_text(32), nullable=False),
        sa.Column("joined", sa.BigInteger(), nullable=False),
        sa.Column("city", sa.String(100)),
        sa.Column("country", sa.String(100)),
        sa.Column("state", sa.String(100)),
        sa.Column("zip", sa.String(20)),
        sa.Column("lat", sa.Double()),
        sa.Column("lon", sa.Double()),
        sa.Column("heartbeats", sa.BigInteger(), nullable=False),
        sa.Column("contracts", sa.Integer(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("last_due", sa.BigInteger()),
        sa.Column("first_answer", sa.BigInteger()),
        sa.Column("covered", sa.BigInteger(), nullable=False),
        sa.Column("covered_until", sa.BigInteger(), nullable=False),
        sa.Column("next_check", sa.BigInteger()),
        sa.ForeignKeyConstraint(["address"], ["addresses.address"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("farmer_id"),
        sa.UniqueConstraint("token_hash"),
        mysql_charset="utf8mb4",
    )
    for column in ("address", "ip_hash", "next_check"):
        op.create_index(f"ix_farmers_{column}", "farmers", [column])
    op.create_table(
        "ip_addresses",
        sa.Column("ip_hash", exact_text(32), nullable=False),
        sa.PrimaryKeyConstraint("ip_hash"),
    )


def create_chunks() -> None:
    """Create the pool."""
    op.create_table(
        "chunks",
        sa.Column("id", RowId, nullable=False),
        sa.Column("seed", exact_text(32), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("scheme", exact_text(16)),
        sa.Column("file_hash", fixed_bytes(32)),
        sa.Column("commitment", COMMITMENT),
        sa.Column("challenges", sa.Integer()),
        sa.Column("tag", large_bytes()),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("seed"),
        sa.UniqueConstraint("file_hash"),
    )
    op.create_index("ix_chunks_scheme_size_id", "chunks", ["scheme", "size", "id"])


def create_contracts() -> None:
    """Create the contracts."""
    op.create_table(
        "contracts",
        sa.Column("id", RowId, nullable=False),
        sa.Column("file_hash", fixed_bytes(32), nullable=False),
        sa.Column("farmer", RowId, nullable=False),
        sa.Column("seed", exact_text(32), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("scheme", exact_text(16), nullable=False),
        sa.Column("commitment", COMMITMENT, nullable=False),
        sa.Column("challenges", sa.Integer(), nullable=False),
        sa.Column("started", sa.BigInteger(), nullable=False),
        sa.Column("interval", sa.Integer(), nullable=False),
        sa.Column("answered_through", sa.Integer(), nullable=False),
        sa.Column("closed_at", sa.BigInteger()),
        sa.ForeignKeyConstraint(["farmer"], ["farmers.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("file_hash"),
    )
    op.create_index("ix_contracts_closed_at", "contracts", ["closed_at"])
    op.create_index("ix_contracts_farmer_id", "contracts", ["farmer", "id"])


def create_housekeeping() -> None:
    """Create what the node knows of itself: its key, its clock, its outages, its jobs."""
    op.create_table(
        "node",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("key_fingerprint", sa.String(32), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "service_clock",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("wall", sa.BigInteger(), nullable=False),
        sa.Column("service", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "outages",
        sa.Column("id", RowId, nullable=False),
        sa.Column("began", sa.BigInteger(), nullable=False),
        sa.Column("milliseconds", sa.BigInteger(), nullable=False),
        sa.Column("service", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "jobs",
        sa.Column("name", exact_text(64), nullable=False),
        sa.Column("next_run", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )


def downgrade() -> None:
    """Drop all tables, those that others refer to last."""
    for table in ("contracts", "chunks", "ip_addresses", "farmers", "addresses"):
        op.drop_table(table)
    for table in ("jobs", "outages", "service_clock", "node"):
        op.drop_table(table)
