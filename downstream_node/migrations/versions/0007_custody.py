"""Custody: files and who claims them.

Revision ID: 0007
Revises: 0005
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

from downstream_node.database import RowId, exact_text, fixed_bytes, large_bytes

revision = "0007"
down_revision = "0005"
branch_labels = None
depends_on = None

UTF8: dict[str, Any] = {"mysql_charset": "utf8mb4", "mysql_collate": "utf8mb4_bin"}


def upgrade() -> None:
    """Create both tables."""
    op.create_table(
        "files",
        sa.Column("id", RowId, nullable=False),
        sa.Column("sha256", fixed_bytes(32), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("taken_in", sa.BigInteger(), nullable=False),
        sa.Column("verified", sa.BigInteger()),
        sa.Column("damaged", sa.BigInteger()),
        sa.Column("removed", sa.BigInteger()),
        sa.Column("reason", sa.String(255)),
        sa.Column("due", sa.BigInteger()),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("blocks", large_bytes(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("sha256"),
        **UTF8,
    )
    op.create_index("ix_files_damaged", "files", ["damaged"])
    op.create_index("ix_files_due", "files", ["due"])
    op.create_table(
        "file_claims",
        sa.Column("id", RowId, nullable=False),
        sa.Column("file", RowId, nullable=False),
        sa.Column("source", exact_text(16), nullable=False),
        sa.Column("reference", exact_text(200), nullable=False),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("media_type", exact_text(127), nullable=False),
        sa.Column("redundancy", sa.SmallInteger(), nullable=False),
        sa.Column("visibility", exact_text(7), nullable=False),
        sa.Column("taken_in", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["file"], ["files.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("file", "source", "reference"),
        **UTF8,
    )


def downgrade() -> None:
    """Drop both."""
    op.drop_table("file_claims")
    op.drop_table("files")
