"""Rules of releases, cells that changed, and indexes of raw measures that wait or are counted.

Revision ID: 0006
Revises: 0005
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

from downstream_node.database import fixed_bytes

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

PARTIAL_INDEXES = (
    ("ix_raw_measures_waiting", ["definition", "id"], sa.text("cell IS NULL")),
    ("ix_raw_measures_cell", ["cell"], sa.text("cell IS NOT NULL")),
)
STRICT = "release_at_period_end OR suppress_complements OR noise_epsilon IS NOT NULL"


def columns() -> dict[str, list[sa.Column[Any]]]:
    """The new columns by table, made anew: a column belongs to one table for good."""
    return {
        "measure_definitions": [
            sa.Column("rules", fixed_bytes(16)),
            sa.Column("quartiles_kept", sa.Boolean(), nullable=False, server_default=sa.false()),
        ],
        "measure_cells": [
            sa.Column("pending", sa.Boolean(), nullable=False, server_default=sa.true())
        ],
        "measure_releases": [
            sa.Column("rules", fixed_bytes(16)),
            sa.Column("epsilon", sa.Double()),
        ],
        "measure_budget": [sa.Column("most", sa.Integer(), nullable=False, server_default="1")],
    }


def upgrade() -> None:
    """Add the columns, and have the next run hold all releases against their rules."""
    for table, added in columns().items():
        for column in added:
            op.add_column(table, column)
    op.create_index(
        "ix_measure_cells_definition_pending_start",
        "measure_cells",
        ["definition", "pending", "start"],
    )
    if partial():
        for name, columns_of, where in PARTIAL_INDEXES:
            op.create_index(
                name, "raw_measures", columns_of, sqlite_where=where, postgresql_where=where
            )
        op.drop_index("ix_raw_measures_definition_cell_id", "raw_measures")
    if op.get_bind().dialect.name == "postgresql":
        index_arrivals("brin")
    op.execute(
        "UPDATE measure_budget SET most = (SELECT most_per_contributor FROM measure_definitions "
        "WHERE measure_definitions.id = measure_budget.definition)"
    )
    # Noise could not be told apart before; what has any was made under the settings of now.
    op.execute(
        "UPDATE measure_releases SET epsilon = (SELECT noise_epsilon / most_per_contributor "
        "FROM measure_definitions JOIN measure_cells "
        "ON measure_cells.definition = measure_definitions.id "
        "WHERE measure_cells.id = measure_releases.cell) "
        # Any character for the colon, which would begin a parameter.
        "WHERE result LIKE '%\"noisy\"_true%'"
    )
    op.execute(f"UPDATE measure_definitions SET last_run = NULL WHERE {STRICT}")  # noqa: S608


def partial() -> bool:
    """Whether an index can be of a part of the rows."""
    return op.get_bind().dialect.name in {"sqlite", "postgresql"}


def index_arrivals(kind: str) -> None:
    """Make PostgreSQL's index of arrivals anew, of another *kind*."""
    op.drop_index("ix_raw_measures_arrived", "raw_measures")
    op.create_index("ix_raw_measures_arrived", "raw_measures", ["arrived"], postgresql_using=kind)


def downgrade() -> None:
    """Drop them."""
    if op.get_bind().dialect.name == "postgresql":
        index_arrivals("btree")
    if partial():
        op.create_index(
            "ix_raw_measures_definition_cell_id", "raw_measures", ["definition", "cell", "id"]
        )
        for name, _, _ in PARTIAL_INDEXES:
            op.drop_index(name, "raw_measures")
    # An index of the same beginning is there, so MariaDB has what its foreign key needs.
    op.drop_index("ix_measure_cells_definition_pending_start", "measure_cells")
    for table, added in columns().items():
        # Not in batch mode, which on SQLite makes the table anew and takes along what refers to it.
        for column in added:
            op.drop_column(table, column.name)
