"""Results with the document's names, as they are sent."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec

from downstream_node.database import AnyRow
from downstream_node.measures.parsing import SLOTS
from downstream_node.measures.periods import date_of
from downstream_node.measures.results import AggregateRow

DIGITS = 15
"""Significant digits: all that floating-point numbers hold for sure, without their noise."""


def documented(definition: AnyRow, row: AggregateRow) -> dict[str, Any]:
    """*row* as an object, without what is not there; two fields more where they are true.

    `approximate`: the quartiles come from a sketch. `noisy`: noise was added.
    """
    fields = {
        "measureName": definition.name,
        "startDate": date_of(row.start).replace(tzinfo=None).isoformat(),
        "createdBy": row.created_by,
        **grouped(definition, row),
        **numbers(row),
        "approximate": row.approximate or None,
        "noisy": row.noisy or None,
    }
    return {name: value for name, value in fields.items() if value is not None}


def as_list(definition: AnyRow, pages: Iterable[Sequence[AggregateRow]]) -> Iterator[bytes]:
    """All rows of *pages* as one JSON list, a piece for each page."""
    between = b"["
    for rows in pages:
        if rows:
            written = (msgspec.json.encode(documented(definition, row)) for row in rows)
            yield between + b",".join(written)
            between = b","
    yield b"]" if between == b"," else b"[]"


def grouped(definition: AnyRow, row: AggregateRow) -> dict[str, Any]:
    """The groups of *row*, each an object with the definition's key."""
    keys = (definition.group1_key, definition.group2_key, definition.group3_key)
    return {
        slot: {key: row.groups[slot]}
        for slot, key in zip(SLOTS, keys, strict=True)
        if key is not None and row.groups[slot] is not None
    }


def numbers(row: AggregateRow) -> dict[str, int | float | None]:
    """The numbers of *row*."""
    return {
        "sum": rounded(row.total),
        "count": row.count,
        "countNotZero": row.count_not_zero,
        "min": rounded(row.least),
        "max": rounded(row.greatest),
        "avg": rounded(row.avg),
        "std": rounded(row.std),
        "median": rounded(row.median),
        "firstQuartile": rounded(row.first_quartile),
        "thirdQuartile": rounded(row.third_quartile),
    }


def rounded(value: float | None) -> float | None:
    """*value* with DIGITS significant digits."""
    return None if value is None else float(f"{value:.{DIGITS}g}")
