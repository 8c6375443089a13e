"""The client of each farmer, and how long its answers of a day took.

Revision ID: 0005
Revises: 0004
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def columns() -> dict[str, list[sa.Column[Any]]]:
    """The new columns by table, made anew: a column belongs to one table for good."""
    return {
        "farmers": [
            sa.Column("client", sa.String(64)),
            # Empty through the day of the upgrade: its answers so far were not added up.
            sa.Column("day_waited", sa.BigInteger()),
        ],
        "farmer_days": [sa.Column("waited", sa.BigInteger())],
    }


def upgrade() -> None:
    """Add the columns."""
    for table, added in columns().items():
        for column in added:
            op.add_column(table, column)


def downgrade() -> None:
    """Drop them."""
    for table, added in columns().items():
        # Not in batch mode, which on SQLite makes the table anew and takes along what refers to it.
        for column in added:
            op.drop_column(table, column.name)
