"""Puts definitions in, and changes them, such that changed rules hold for what was shown before.

A definition that comes again replaces all settings of the one there is, so that a file of
definitions says the whole; what it leaves out has its default.
"""

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, exists, insert, select, update

from downstream_node.database import AnyRow
from downstream_node.errors import InvalidDefinition
from downstream_node.measures.definitions import ALL, GROUP_KEYS, Definition, by_names, parsed
from downstream_node.measures.models import (
    BudgetEntry,
    Cell,
    CellContributor,
    MeasureDefinition,
    RawMeasure,
)
from downstream_node.measures.releasing import keep_what_was_shown
from downstream_node.measures.results import is_strict
from downstream_node.measures.rules import fingerprint


def load(connection: Connection, definitions: Sequence[object]) -> tuple[int, int]:
    """Insert or replace all *definitions*, objects as a file of them holds.

    Returns how many were inserted and how many updated. Raises InvalidDefinition, which names the
    first that makes no sense; the caller's transaction is to be rolled back then.
    """
    read = [parsed(definition) for definition in definitions]
    require_distinct(read)
    there = by_names(connection, [definition.name for definition in read])
    for definition in read:
        former = there.get(definition.name)
        if former is None:
            connection.execute(insert(MeasureDefinition).values(msgspec.structs.asdict(definition)))
        else:
            change(connection, former.id, definition)
    return len(read) - len(there), len(there)


def require_distinct(definitions: Sequence[Definition]) -> None:
    """Raise InvalidDefinition if two have the same name."""
    seen: set[str] = set()
    for definition in definitions:
        if definition.name in seen:
            raise InvalidDefinition(f"The definition {definition.name!r} is there twice.")
        seen.add(definition.name)


def change(connection: Connection, former_id: int, definition: Definition) -> None:
    """Put *definition* in the place of the one with the id *former_id*.

    Whoever counts or releases holds the definition meanwhile, so all of that was done under the
    former settings, or will be under the new ones.
    """
    this = MeasureDefinition.id == former_id
    # Not FOR UPDATE, for which PostgreSQL has all wait that refer to it, writers among them.
    former = connection.execute(ALL.where(this).with_for_update(key_share=True)).one()
    require_same_groups(connection, former, definition)
    require_same_period(connection, former, definition)
    values: dict[str, Any] = msgspec.structs.asdict(definition)
    if fingerprint(former) != fingerprint(definition):
        if not is_strict(former):
            keep_what_was_shown(connection, former)
        # Nothing that was released is shown before the next run: so that is due now.
        values |= {"last_run": None, "rules": None}
    if former.with_quartiles != definition.with_quartiles:
        values["quartiles_kept"] = False
    connection.execute(update(MeasureDefinition).where(this).values(values))


def require_same_groups(connection: Connection, former: AnyRow, definition: Definition) -> None:
    """Raise InvalidDefinition where measures would stand under other groups than they came with."""
    regrouped = any(getattr(definition, key) != getattr(former, key) for key in GROUP_KEYS)
    if regrouped and has_measures(connection, former.id):
        raise InvalidDefinition(
            f"The definition {definition.name!r} has measures under its groups, so the keys of "
            "its groups cannot change: take another name."
        )


def has_measures(connection: Connection, definition: int) -> bool:
    """Whether anything was collected under this definition."""
    conditions = (exists().where(one.definition == definition) for one in (RawMeasure, Cell))
    return any(connection.execute(select(condition)).scalar() for condition in conditions)


def require_same_period(connection: Connection, former: AnyRow, definition: Definition) -> None:
    """Raise InvalidDefinition where another period would lose who contributed, or what was spent.

    Both are known by period: one who contributed twice to a cell would count as two.
    """
    period, before = definition.aggregation_period, former.aggregation_period
    if (period or "day") != (before or "day") and has_contributors(connection, former.id):
        raise InvalidDefinition(
            f"The definition {definition.name!r} has contributors or a spent privacy budget by the "
            f"{before or 'day'}, so its aggregation_period cannot change: take another name."
        )


def has_contributors(connection: Connection, definition: int) -> bool:
    """Whether anything is kept by the period of this definition."""
    conditions = (
        exists().where(BudgetEntry.definition == definition),
        exists().where(CellContributor.cell == Cell.id, Cell.definition == definition),
        exists().where(RawMeasure.definition == definition, RawMeasure.contributor.is_not(None)),
    )
    return any(connection.execute(select(condition)).scalar() for condition in conditions)
