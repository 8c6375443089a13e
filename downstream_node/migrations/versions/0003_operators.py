"""The keys of operators.

Revision ID: 0003
Revises: 0002
"""

import sqlalchemy as sa
from alembic import op

from downstream_node.database import RowId, exact_text, fixed_bytes

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table of keys."""
    op.create_table(
        "operator_keys",
        sa.Column("id", RowId, nullable=False),
        sa.Column("name", exact_text(64), nullable=False),
        sa.Column("key_hash", fixed_bytes(32), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("last_used", sa.BigInteger()),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("name"),
        sa.UniqueConstraint("key_hash"),
    )


def downgrade() -> None:
    """Drop it."""
    op.drop_table("operator_keys")
