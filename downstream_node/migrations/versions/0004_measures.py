"""Measures: tokens, definitions, raw values, cells, releases.

Revision ID: 0004
Revises: 0003
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

from downstream_node.database import RowId, fixed_bytes, large_bytes

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

UTF8: dict[str, Any] = {"mysql_charset": "utf8mb4", "mysql_collate": "utf8mb4_bin"}


def upgrade() -> None:
    """Create the tables, each after those that it refers to."""
    create_tokens()
    create_definitions()
    create_cells()
    create_raw_measures()
    create_refused()
    create_releases()


def create_tokens() -> None:
    """Create tokens and receipts."""
    op.create_table(
        "measure_tokens",
        sa.Column("id", RowId, nullable=False),
        sa.Column("org", sa.String(100), nullable=False),
        sa.Column("token_hash", fixed_bytes(32), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("token_hash"),
        **UTF8,
    )
    op.create_index("ix_measure_tokens_org", "measure_tokens", ["org"])
    op.create_table(
        "measure_receipts",
        sa.Column("id", RowId, nullable=False),
        sa.Column("org", sa.String(100), nullable=False),
        sa.Column("key_hash", fixed_bytes(32), nullable=False),
        sa.Column("content_hash", fixed_bytes(32), nullable=False),
        sa.Column("arrived", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("org", "key_hash"),
        **UTF8,
    )
    op.create_index("ix_measure_receipts_arrived", "measure_receipts", ["arrived"])


def create_definitions() -> None:
    """Create definitions."""
    op.create_table(
        "measure_definitions",
        sa.Column("id", RowId, nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("org", sa.String(50), nullable=False),
        sa.Column("created_by", sa.String(100)),
        sa.Column("group1_key", sa.String(100)),
        sa.Column("group2_key", sa.String(100)),
        sa.Column("group3_key", sa.String(100)),
        sa.Column("description", sa.Text()),
        sa.Column("aggregation_period", sa.String(5)),
        sa.Column("execution_frequency", sa.String(5)),
        sa.Column("aggregation_threshold", sa.Integer(), nullable=False),
        sa.Column("access_app", sa.Boolean(), nullable=False),
        sa.Column("access_public", sa.Boolean(), nullable=False),
        sa.Column("with_quartiles", sa.Boolean(), nullable=False),
        sa.Column("max_days_to_update_quartile", sa.Integer(), nullable=False),
        sa.Column("count_contributors", sa.Boolean(), nullable=False),
        sa.Column("release_at_period_end", sa.Boolean(), nullable=False),
        sa.Column("suppress_complements", sa.Boolean(), nullable=False),
        sa.Column("noise_epsilon", sa.Double()),
        sa.Column("noise_budget", sa.Double()),
        sa.Column("value_min", sa.Double()),
        sa.Column("value_max", sa.Double()),
        sa.Column("most_per_contributor", sa.Integer(), nullable=False),
        sa.Column("last_run", sa.BigInteger()),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("name"),
        **UTF8,
    )


def create_cells() -> None:
    """Create cells and who contributed to them."""
    op.create_table(
        "measure_cells",
        sa.Column("id", RowId, nullable=False),
        sa.Column("definition", RowId, nullable=False),
        sa.Column("cell_key", fixed_bytes(32), nullable=False),
        sa.Column("start", sa.BigInteger(), nullable=False),
        sa.Column("created_by", sa.String(100)),
        sa.Column("group1", sa.String(200)),
        sa.Column("group2", sa.String(200)),
        sa.Column("group3", sa.String(200)),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("count_not_zero", sa.BigInteger(), nullable=False),
        sa.Column("total", sa.Double(), nullable=False),
        sa.Column("mean", sa.Double(), nullable=False),
        sa.Column("deviations", sa.Double(), nullable=False),
        sa.Column("least", sa.Double(), nullable=False),
        sa.Column("greatest", sa.Double(), nullable=False),
        sa.Column("contributors", sa.Integer(), nullable=False),
        sa.Column("first_quartile", sa.Double()),
        sa.Column("median", sa.Double()),
        sa.Column("third_quartile", sa.Double()),
        sa.Column("sketch", large_bytes()),
        sa.Column("last_updated", sa.BigInteger(), nullable=False),
        sa.Column("last_purged", sa.BigInteger()),
        sa.ForeignKeyConstraint(["definition"], ["measure_definitions.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("definition", "cell_key"),
        **UTF8,
    )
    op.create_index("ix_measure_cells_definition_start", "measure_cells", ["definition", "start"])
    op.create_table(
        "measure_contributors",
        sa.Column("cell", RowId, nullable=False),
        sa.Column("contributor", fixed_bytes(16), nullable=False),
        sa.ForeignKeyConstraint(["cell"], ["measure_cells.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("cell", "contributor"),
    )


def create_raw_measures() -> None:
    """Create the measures as they came."""
    op.create_table(
        "raw_measures",
        sa.Column("id", RowId, nullable=False),
        sa.Column("definition", RowId, nullable=False),
        sa.Column("value", sa.Double(), nullable=False),
        sa.Column("start", sa.BigInteger(), nullable=False),
        sa.Column("arrived", sa.BigInteger(), nullable=False),
        sa.Column("created_by", sa.String(100)),
        sa.Column("aggregation_period", sa.String(100)),
        sa.Column("group1", sa.String(200)),
        sa.Column("group2", sa.String(200)),
        sa.Column("group3", sa.String(200)),
        sa.Column("cell_key", fixed_bytes(32), nullable=False),
        sa.Column("contributor", fixed_bytes(16)),
        sa.Column("cell", RowId),
        sa.ForeignKeyConstraint(["definition"], ["measure_definitions.id"]),
        sa.ForeignKeyConstraint(["cell"], ["measure_cells.id"]),
        sa.PrimaryKeyConstraint("id"),
        **UTF8,
    )
    op.create_index(
        "ix_raw_measures_definition_cell_id", "raw_measures", ["definition", "cell", "id"]
    )
    op.create_index("ix_raw_measures_arrived", "raw_measures", ["arrived"])


def create_refused() -> None:
    """Create what could not be aggregated."""
    op.create_table(
        "quarantined_measures",
        sa.Column("id", RowId, nullable=False),
        sa.Column("definition", RowId, nullable=False),
        sa.Column("measure", sa.Text(), nullable=False),
        sa.Column("reason", sa.String(200), nullable=False),
        sa.Column("rejected", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["definition"], ["measure_definitions.id"]),
        sa.PrimaryKeyConstraint("id"),
        **UTF8,
    )
    op.create_index("ix_quarantined_measures_definition", "quarantined_measures", ["definition"])


def create_releases() -> None:
    """Create what is given out by strict definitions, and what it cost."""
    op.create_table(
        "measure_releases",
        sa.Column("cell", RowId, nullable=False, autoincrement=False),
        sa.Column("released", sa.BigInteger(), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("contributors", sa.Integer(), nullable=False),
        sa.Column("hidden", sa.Boolean(), nullable=False),
        sa.Column("result", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["cell"], ["measure_cells.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("cell"),
    )
    op.create_table(
        "measure_budget",
        sa.Column("id", RowId, nullable=False),
        sa.Column("definition", RowId, nullable=False),
        sa.Column("start", sa.BigInteger(), nullable=False),
        sa.Column("epsilon", sa.Double(), nullable=False),
        sa.Column("spent", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["definition"], ["measure_definitions.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_measure_budget_definition_start", "measure_budget", ["definition", "start"])


def downgrade() -> None:
    """Drop all of it."""
    for table in (
        "measure_budget",
        "measure_releases",
        "quarantined_measures",
        "raw_measures",
        "measure_contributors",
        "measure_cells",
        "measure_definitions",
        "measure_receipts",
        "measure_tokens",
    ):
        op.drop_table(table)
