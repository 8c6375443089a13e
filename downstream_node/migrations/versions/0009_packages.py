"""Packages: jobs and what came of them, workers, boxes, uploads.

Revision ID: 0009
Revises: 0008
"""

import sqlalchemy as sa
from alembic import op

from downstream_node.database import RowId, exact_text, fixed_bytes, large_bytes

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the five tables."""
    op.create_table(
        "packages",
        sa.Column("id", RowId, nullable=False),
        sa.Column("package_id", exact_text(32), nullable=False),
        sa.Column("source", exact_text(32), nullable=False),
        sa.Column("state", exact_text(32), nullable=False),
        sa.Column("stage", exact_text(32), nullable=False),
        sa.Column("progress", sa.SmallInteger(), nullable=False),
        sa.Column("is_upgraded", sa.Boolean(), nullable=False),
        sa.Column("error", exact_text(32)),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("updated", sa.BigInteger(), nullable=False),
        sa.Column("queued", sa.BigInteger(), nullable=False),
        sa.Column("shown", sa.BigInteger(), nullable=False),
        sa.Column("ahead_when_joined", sa.Integer(), nullable=False),
        sa.Column("standard_when_joined", sa.Integer(), nullable=False),
        sa.Column("premium_when_joined", sa.Integer(), nullable=False),
        sa.Column("attempts", sa.SmallInteger(), nullable=False),
        sa.Column("worker", RowId),
        sa.Column("lease", sa.BigInteger()),
        sa.Column("sha256", fixed_bytes(32)),
        sa.Column("header", fixed_bytes(24)),
        sa.Column("size", sa.BigInteger()),
        sa.Column("is_partial", sa.Boolean()),
        sa.Column("expires", sa.BigInteger()),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("package_id"),
    )
    place = ["state", "is_upgraded", "queued", "id"]
    op.create_index("ix_packages_state_is_upgraded_queued_id", "packages", place)
    op.create_index("ix_packages_expires", "packages", ["expires"])
    op.create_table(
        "package_workers",
        sa.Column("id", RowId, nullable=False),
        sa.Column("public_key", fixed_bytes(32), nullable=False),
        sa.Column("voucher", fixed_bytes(32), nullable=False),
        sa.Column("name", exact_text(100), nullable=False),
        sa.Column("started", sa.BigInteger(), nullable=False),
        sa.Column("alive_until", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("public_key"),
    )
    op.create_table(
        "package_boxes",
        sa.Column("package", RowId, nullable=False),
        sa.Column("worker", RowId, nullable=False),
        sa.Column("box", large_bytes(), nullable=False),
        sa.ForeignKeyConstraint(["package"], ["packages.id"]),
        sa.PrimaryKeyConstraint("package", "worker"),
    )
    op.create_index("ix_package_boxes_worker", "package_boxes", ["worker"])
    op.create_table(
        "package_uploads",
        sa.Column("package_id", exact_text(32), nullable=False),
        sa.Column("length", sa.BigInteger(), nullable=False),
        sa.Column("offset", sa.BigInteger(), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("expires", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("package_id"),
    )
    op.create_index("ix_package_uploads_expires", "package_uploads", ["expires"])
    op.create_table(
        "package_segments",
        sa.Column("package_id", exact_text(32), nullable=False),
        sa.Column("start", sa.BigInteger(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("file", exact_text(32), nullable=False),
        sa.ForeignKeyConstraint(["package_id"], ["package_uploads.package_id"]),
        sa.PrimaryKeyConstraint("package_id", "start"),
    )


def downgrade() -> None:
    """Drop them."""
    for table in ("segments", "uploads", "boxes", "workers"):
        op.drop_table(f"package_{table}")
    op.drop_table("packages")
