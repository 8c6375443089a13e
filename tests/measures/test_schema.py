"""The migration makes what the models say."""

from typing import Any

import flask_migrate
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from conftest import NodeMaker
from measures.gathered import TODAY, bring, count, define, shown
from simulator import SimulatedNode
from sqlalchemy import inspect

from downstream_node.database import Base
from downstream_node.measures.models import MeasureDefinition
from downstream_node.measures.periods import DAY

TABLES = {
    table.name
    for mapper in Base.registry.mappers
    if mapper.class_.__module__ == MeasureDefinition.__module__
    for table in mapper.tables
}


WHERE_PARTIAL = {"ix_raw_measures_waiting", "ix_raw_measures_cell"}
ELSEWHERE = {"ix_raw_measures_definition_cell_id"}
"""Indexes of databases that have partial ones, and of the other ones."""


def differences(node: SimulatedNode) -> list[Any]:
    """What a new migration would change of the tables of measures."""
    not_here = WHERE_PARTIAL if node.parts.database.dialect == "mysql" else ELSEWHERE

    def is_ours(_thing: object, name: str | None, kind: str, *_more: object) -> bool:
        """Whether the comparison is to look at this table or index, and all that belongs to it."""
        return name in TABLES if kind == "table" else name not in not_here

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


def test_indexes_that_differ_by_database(node: SimulatedNode) -> None:
    """Waiting and counted measures are found by indexes of their own, where there are such."""
    with node.parts.database.reading() as connection:
        there = {str(one["name"]) for one in inspect(connection).get_indexes("raw_measures")}
    is_partial = node.parts.database.dialect != "mysql"
    assert WHERE_PARTIAL & there == (WHERE_PARTIAL if is_partial else set())
    assert ELSEWHERE & there == (set() if is_partial else ELSEWHERE)


def test_the_migration_goes_both_ways(make_node: NodeMaker) -> None:
    """What 0006 adds can be dropped and added again, with rows there."""
    node = make_node()
    define(node, aggregation_threshold=1, release_at_period_end=True)
    bring(node, [1, 2], start=TODAY - DAY)
    count(node)
    before = shown(node)
    with node.app.app_context():
        flask_migrate.downgrade(revision="0005")
        flask_migrate.upgrade()
    assert differences(node) == []
    assert shown(node) == []
    count(node)
    assert shown(node) == before
