"""Measures to try things out with: from a file, or random ones, stored here or sent to a node."""

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

import requests

from downstream_node import entropy
from downstream_node.clock import WallTime
from downstream_node.database import AnyRow
from downstream_node.errors import NotAllowed
from downstream_node.measures import definitions
from downstream_node.measures.collecting import Item, Verdict, collect
from downstream_node.measures.definitions import Definition
from downstream_node.measures.periods import DAY, date_of, period_start
from downstream_node.measures.results import definition_of
from downstream_node.node import Node

AT_ONCE = 5000
VALUES = 5
"""Different values of each group."""
LARGEST = 100
TIMEOUT_SECONDS = 60
BATCH = "/api/measures/v1/measures"


def insert(node: Node, measures: Sequence[object]) -> tuple[int, list[str]]:
    """Store *measures*, each as if the owner of its definition had sent it.

    How many were stored, and what is wrong with the others.
    """
    stored, errors = 0, []
    for some in batches(iter(measures)):
        for owner, items in by_owner(node, some).items():
            outcomes = collect(node, owner, items, node.wall_clock())
            stored += sum(one.verdict is Verdict.STORED for one in outcomes)
            errors += [one.error for one in outcomes if one.error]
    return stored, errors


def by_owner(node: Node, measures: Sequence[object]) -> dict[str, list[Item]]:
    """*measures* by the organisation that may send them; "" where nothing is defined."""
    owners: dict[str, str] = {}
    found: dict[str, list[Item]] = {}
    for measure in measures:
        name = str(measure.get("measureName")) if isinstance(measure, dict) else ""
        if name not in owners:
            owners[name] = owner_of(node, name)
        found.setdefault(owners[name], []).append(Item(measure))
    return found


def owner_of(node: Node, name: str) -> str:
    """The owner of the definition *name*; "" if there is none: nobody has that name."""
    row = node.database.read(lambda connection: definitions.by_name(connection, name))
    return "" if row is None else str(row.org)


def random_measures(node: Node, name: str, count: int, days: int) -> Iterator[dict[str, Any]]:
    """*count* random measures of *name*, of the last *days* days. Raises UnknownMeasure."""
    definition = definition_of(node, name)
    now = node.wall_clock()
    return (random_measure(definition, now, days) for _ in range(count))


def random_measure(definition: AnyRow | Definition, now: WallTime, days: int) -> dict[str, Any]:
    """One measure, as it is sent."""
    start = period_start(definition.aggregation_period, now - entropy.below(days) * DAY)
    keys = enumerate((definition.group1_key, definition.group2_key, definition.group3_key), 1)
    groups = {
        f"group{slot}": {key: f"{key} {entropy.below(VALUES) + 1}"} for slot, key in keys if key
    }
    return {
        "measureName": definition.name,
        "value": entropy.below(LARGEST * 100 + 1) / 100,
        "startDate": date_of(start).isoformat(),
        "createdBy": definition.created_by,
        "contributor": f"contributor {entropy.below(1000)}",
        **groups,
    }


def send(url: str, token: str, measures: Iterator[dict[str, Any]]) -> tuple[int, list[str]]:
    """Send *measures* to the node at *url* in batches; how many were stored, and what was wrong.

    Raises NotAllowed with what the node said where it took none.
    """
    stored, errors = 0, []
    with requests.Session() as session:
        session.headers["Authorization"] = f"Bearer {token}"
        for some in batches(measures):
            answer = session.post(
                url.rstrip("/") + BATCH, json={"measures": some}, timeout=TIMEOUT_SECONDS
            )
            if not answer.ok:
                raise NotAllowed(f"The node answers {answer.status_code}: {answer.text[:200]}")
            report = answer.json()
            stored += report["stored"]
            errors += [refused["error"] for refused in report["refused"]]
    return stored, errors


def batches(measures: Iterator[Any]) -> Iterator[list[Any]]:
    """*measures* in lists that one transaction or request takes."""
    while some := list(islice(measures, AT_ONCE)):
        yield some
