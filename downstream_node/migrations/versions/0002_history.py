"""History: stretches of coverage, heartbeats by day, failures, the network by hour, job results.

Revision ID: 0002
Revises: 0001
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

from downstream_node.database import RowId, exact_text, fixed_bytes

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def columns() -> dict[str, list[sa.Column[Any]]]:
    """The new columns by table, made anew: a column belongs to one table for good."""
    return {
        "farmers": [
            sa.Column("last_answer", sa.BigInteger()),
            sa.Column("waited", sa.BigInteger(), nullable=False, server_default="0"),
            sa.Column("day", sa.Integer()),
            sa.Column("day_heartbeats", sa.Integer(), nullable=False, server_default="0"),
            sa.Column("stretch_began", sa.BigInteger()),
        ],
        "jobs": [
            sa.Column("last_run", sa.BigInteger()),
            sa.Column("took", sa.BigInteger()),
            sa.Column("did", sa.BigInteger()),
            sa.Column("error", sa.String(500)),
        ],
    }


def upgrade() -> None:
    """Add columns and tables; what is known of coverage so far becomes one stretch a farmer."""
    for table, added in columns().items():
        for column in added:
            op.add_column(table, column)
    # Where coverage had no gap, this is the first answer. Where it had, nobody knows any more
    # when they were: the covered time is put together at the end, so that it adds up.
    op.execute(
        "UPDATE farmers SET stretch_began = covered_until - covered WHERE first_answer IS NOT NULL"
    )
    create_history()
    create_failures()
    op.create_table(
        "network_hours",
        sa.Column("hour", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("samples", sa.Integer(), nullable=False),
        sa.Column("online_sum", sa.BigInteger(), nullable=False),
        sa.Column("farmers", sa.Integer(), nullable=False),
        sa.Column("contracts", sa.BigInteger(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("heartbeats", sa.BigInteger(), nullable=False),
        sa.Column("heartbeats_through", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("hour"),
    )


def create_history() -> None:
    """Create stretches and days."""
    op.create_table(
        "stretches",
        sa.Column("id", RowId, nullable=False),
        sa.Column("farmer", RowId, nullable=False),
        sa.Column("began", sa.BigInteger(), nullable=False),
        sa.Column("ended", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["farmer"], ["farmers.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_stretches_farmer_ended", "stretches", ["farmer", "ended"])
    op.create_index("ix_stretches_ended", "stretches", ["ended"])
    op.create_table(
        "farmer_days",
        sa.Column("id", RowId, nullable=False),
        sa.Column("farmer", RowId, nullable=False),
        sa.Column("day", sa.Integer(), nullable=False),
        sa.Column("heartbeats", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["farmer"], ["farmers.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("farmer", "day"),
    )
    op.create_index("ix_farmer_days_day", "farmer_days", ["day"])


def create_failures() -> None:
    """Create failures."""
    op.create_table(
        "failures",
        sa.Column("id", RowId, nullable=False),
        sa.Column("farmer", RowId, nullable=False),
        sa.Column("minute", sa.BigInteger(), nullable=False),
        sa.Column("kind", exact_text(16), nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("contract", fixed_bytes(32)),
        sa.ForeignKeyConstraint(["farmer"], ["farmers.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("farmer", "minute", "kind"),
    )
    op.create_index("ix_failures_last", "failures", ["last"])


def downgrade() -> None:
    """Drop all of it."""
    for table in ("network_hours", "failures", "farmer_days", "stretches"):
        op.drop_table(table)
    for table, added in columns().items():
        # Not in batch mode, which on SQLite makes the table anew and takes along what refers to it.
        for column in added:
            op.drop_column(table, column.name)
