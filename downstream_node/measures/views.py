"""The document's view `filtered_aggregation`: what may be given out, for tools that speak SQL.

A plain view on each database, not a materialised one: so it says at each moment what `/aggregate`
says to the definition's owner, and rules that are changed hold in it at once.
"""

from collections.abc import Mapping

from sqlalchemy import Connection, text

from downstream_node.database import json_number

NAME = "filtered_aggregation"
EXACT = {
    "count": "c.count",
    "count_not_zero": "c.count_not_zero",
    "total": "c.total",
    "least": "c.least",
    "greatest": "c.greatest",
    "avg": "c.mean",
    "std": "CASE WHEN c.count > 1 THEN SQRT(c.deviations / (c.count - 1)) ELSE 0 END",
    "first_quartile": "c.first_quartile",
    "median": "c.median",
    "third_quartile": "c.third_quartile",
}
"""What releases call their numbers, in the view's order, and where those of a cell are."""
QUARTILES = {"first_quartile", "median", "third_quartile"}
NAMES = {"count": "contributions", "avg": "average", "std": "deviation"}
"""Columns with other names than numbers of releases: those are names of SQL's functions."""
STRICT = "(d.release_at_period_end OR d.suppress_complements OR d.noise_epsilon IS NOT NULL)"
PLACE = "d.name AS measure_name, c.start AS start_ms, c.created_by, c.group1, c.group2, c.group3"


def create(connection: Connection) -> None:
    """Create the view, or make it anew."""
    drop(connection)
    connection.execute(text(f"CREATE VIEW {NAME} AS {exact()} UNION ALL {released(connection)}"))


def drop(connection: Connection) -> None:
    """Delete the view if it is there."""
    connection.execute(text(f"DROP VIEW IF EXISTS {NAME}"))


def columns(sources: Mapping[str, str]) -> str:
    """The columns of the view, each from its source; quartiles only as long as they are wanted."""
    parts = []
    for name, source in sources.items():
        wanted = f"CASE WHEN d.with_quartiles THEN {source} END" if name in QUARTILES else source
        parts.append(f"{wanted} AS {NAMES.get(name, name)}")
    return ", ".join(parts)


def exact() -> str:
    """The query for cells of definitions that are not strict."""
    return (
        f"SELECT {PLACE}, {columns(EXACT)} FROM measure_cells c "  # noqa: S608 - all names are ours
        f"JOIN measure_definitions d ON d.id = c.definition WHERE NOT {STRICT} AND c.count > 0 "
        f"AND {weight('c')} >= d.aggregation_threshold"
    )


def released(connection: Connection) -> str:
    """The query for releases that were held against the rules of their definition."""
    sources = {name: json_number(connection, "r.result", name) for name in EXACT}
    return (
        f"SELECT {PLACE}, {columns(sources)} FROM measure_releases r "  # noqa: S608 - as above
        "JOIN measure_cells c ON c.id = r.cell JOIN measure_definitions d ON d.id = c.definition "
        f"WHERE {STRICT} AND r.count > 0 AND NOT r.hidden AND r.rules = d.rules "
        f"AND {weight('r')} >= d.aggregation_threshold"
    )


def weight(table: str) -> str:
    """What the threshold counts."""
    return f"CASE WHEN d.count_contributors THEN {table}.contributors ELSE {table}.count END"
