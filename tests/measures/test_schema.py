"""The migration makes what the models say."""

from typing import Any

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from simulator import SimulatedNode
from sqlalchemy import inspect

from downstream_node.database import Base
from downstream_node.measures.models import MeasureDefinition

TABLES = {
    table.name
    for mapper in Base.registry.mappers
    if mapper.class_.__module__ == MeasureDefinition.__module__
    for table in mapper.tables
}


def is_ours(_thing: object, name: str | None, kind: str, *_more: object) -> bool:
    """Whether the comparison is to look at this table (and all that belongs to it)."""
    return kind != "table" or name in TABLES


def differences(node: SimulatedNode) -> list[Any]:
    """What a new migration would change of the tables of measures."""
    with node.parts.database.reading() as connection:
        options = {"compare_type": True, "include_object": is_ours}
        context = MigrationContext.configure(connection, opts=options)
        return list(compare_metadata(context, Base.metadata))


def test_models_and_migration_agree(node: SimulatedNode) -> None:
    """There is nothing left to migrate, on any database."""
    assert len(TABLES) == 9
    assert differences(node) == []


def test_names_of_constraints_agree(node: SimulatedNode) -> None:
    """Unique keys have the names that the models give them."""
    with node.parts.database.reading() as connection:
        inspector = inspect(connection)
        found = {
            str(one["name"]) for table in TABLES for one in inspector.get_unique_constraints(table)
        }
    assert "uq_measure_cells_definition_cell_key" in found
    assert "uq_measure_receipts_org_key_hash" in found
