"""Keys for the archive of chats, and what of it is published.

Revision ID: 0008
Revises: 0007
"""

import sqlalchemy as sa
from alembic import op

from downstream_node.database import RowId, exact_text, fixed_bytes

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create both tables."""
    op.create_table(
        "archive_keys",
        sa.Column("id", RowId, nullable=False),
        sa.Column("name", exact_text(64), nullable=False),
        sa.Column("key_hash", fixed_bytes(32), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("may_import", sa.Boolean(), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("last_used", sa.BigInteger()),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("name"),
        sa.UniqueConstraint("key_hash"),
    )
    op.create_table(
        "archive_published",
        sa.Column("kind", exact_text(7), nullable=False),
        sa.Column("subject", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("kind", "subject"),
    )


def downgrade() -> None:
    """Drop both."""
    op.drop_table("archive_published")
    op.drop_table("archive_keys")
