"""The operator's commands for measures, in the words of the document.

They are there twice: as `flask token create ...` and as `downstream measures token create ...`.
Either way the application comes from Flask's own `with_appcontext`, when the command runs.
"""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from downstream_node.clock import SECOND, WallTime, iso
from downstream_node.errors import InvalidDefinition, InvalidOrganisation
from downstream_node.measures import (
    aggregating,
    data_commands,
    purging,
    redefining,
    redoing,
    telemetry,
    tokens,
)
from downstream_node.measures import partitions as parts
from downstream_node.measures.commanding import days_option, with_node
from downstream_node.node import Node
from downstream_node.terminal import Command, Commands

LONGEST_SHOWN = 120
"""Characters of a refused measure in a list."""

force_option = click.option(
    "-f", "--force", is_flag=True, help="Even if it was computed less than its frequency ago."
)

# Tokens


@click.group(cls=Commands)
def token() -> None:
    """Tokens of organisations and apps: who has one may write and read measures."""


@token.command("create")
@click.argument("org")
@with_node
def token_create(node: Node, org: str) -> None:
    """Make a token for ORG, beside those it has, and print it, once."""
    now = node.wall_clock()
    click.echo(node.database.write(lambda connection: tokens.create(connection, org, now)))
    click.echo("Only its hash is stored, so it is not shown again.", err=True)


@token.command("get")
@click.argument("org", required=False)
@with_node
def token_get(node: Node, org: str | None) -> None:
    """List the tokens (of ORG): the beginnings of their hashes, since no more is stored."""
    found = node.database.read(lambda connection: tokens.listed(connection, org))
    for one in found:
        click.echo(f"{one.org}: made {iso(WallTime(one.created))}, hash {one.hash_begins}...")
    click.echo(f"{len(found)} in all")


@token.command("update")
@click.argument("org")
@with_node
def token_update(node: Node, org: str) -> None:
    """Print a new token for ORG; all that it had end at once."""
    now = node.wall_clock()
    click.echo(node.database.write(lambda connection: tokens.replace(connection, org, now)))
    click.echo("All earlier tokens of the organisation have ended.", err=True)


@token.command("delete-org")
@click.argument("org")
@with_node
def token_delete_org(node: Node, org: str) -> None:
    """Remove all tokens of ORG. What it measured stays."""
    removed = node.database.write(lambda connection: tokens.remove_org(connection, org))
    if not removed:
        raise InvalidOrganisation(f"There is no token of {org}.")
    click.echo(f"{removed} tokens of {org} are removed.")


# Definitions


@click.command("insert-definitions-json", cls=Command)
@click.option(
    "-f",
    "--file",
    metavar="FILE",
    help="A list of definitions as JSON; without it, those of the node's own telemetry.",
)
@with_node
def insert_definitions_json(node: Node, file: str | None) -> None:
    """Insert the definitions of a JSON file, or update those that are there by their names.

    Definitions that are not in the file stay as they are. `assets/definitions-example.json` is an
    example.
    """
    found = read_definitions(telemetry.DEFINITIONS if file is None else located(file))
    inserted, updated = node.database.write(lambda connection: redefining.load(connection, found))
    click.echo(f"{inserted} definitions inserted, {updated} updated.")


def located(file: str) -> Path:
    """Where *file* is: from the working directory, else beside the shipped ones."""
    shipped = telemetry.ASSETS.parent / file
    return shipped if shipped.exists() and not Path(file).exists() else Path(file)


def read_definitions(path: Path) -> list[dict[str, Any]]:
    """The definitions of the file at *path*: a list, or an object with a list "definitions".

    Raises InvalidDefinition, OSError.
    """
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise InvalidDefinition(f"{path} is not JSON: {error}.") from None
    if isinstance(found, dict):
        found = found.get("definitions")
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise InvalidDefinition(f"{path} is not a list of definitions.")
    return found


# Aggregation


@click.command("compute-aggregation", cls=Command)
@click.argument("name")
@force_option
@with_node
def compute_aggregation(node: Node, name: str, force: bool) -> None:
    """Count what has come in for the measure NAME, and release what is due."""
    click.echo(f"{aggregating.aggregate(node, name, force=force)} measures counted.")


@click.command("compute-all-aggregations", cls=Command)
@force_option
@with_node
def compute_all_aggregations(node: Node, force: bool) -> None:
    """Count what has come in for all measures, and release what is due."""
    for name, counted in aggregating.aggregate_all(node, force=force).items():
        click.echo(f"{name}: {counted} measures counted.")


@click.command("delete-aggregations-from-date", cls=Command)
@click.argument("name")
@click.argument("date", type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"]))
@click.option("--yes", is_flag=True, help="Do not ask.")
@with_node
def delete_aggregations_from_date(node: Node, name: str, date: datetime, yes: bool) -> None:
    """Undo the aggregates of the measure NAME that start at DATE (UTC) or later.

    Their measures count as not yet aggregated, and the next aggregation counts them again. What
    was purged can not be counted again: aggregates of purged measures stay.
    """
    if not yes:
        click.confirm(f"Delete the aggregates of {name} from {date:%Y-%m-%d} on?", abort=True)
    start = round(date.replace(tzinfo=UTC).timestamp() * SECOND)
    undone = redoing.undo(node, name, start)
    click.echo(
        f"{undone.cells} aggregates deleted, {undone.measures} measures to be counted again, "
        f"{undone.kept} aggregates of purged measures kept."
    )


# Purging


@click.group(cls=Commands)
def purge() -> None:
    """Delete raw measures that are aggregated; the aggregates stay."""


@purge.command("measure")
@click.argument("name")
@days_option
@with_node
def purge_measure(node: Node, name: str, days: int) -> None:
    """Delete old raw measures of the measure NAME."""
    click.echo(f"{purging.purge(node, name, days)} measures deleted.")


@purge.command("all-measures")
@days_option
@with_node
def purge_all_measures(node: Node, days: int) -> None:
    """Delete old raw measures of all measures."""
    for name, deleted in purging.purge_all(node, days).items():
        click.echo(f"{name}: {deleted} measures deleted.")


# Parts of the raw table


@click.group(cls=Commands)
def partitions() -> None:
    """Raw measures in parts of a week each, on PostgreSQL."""


@partitions.command("convert")
@with_node
def partitions_convert(node: Node) -> None:
    """Keep raw measures in parts from now on. Nobody gets to them while it works."""
    parts.convert(node)
    click.echo("Raw measures are in parts. Run `partitions keep` each week.")


@partitions.command("keep")
@days_option
@with_node
def partitions_keep(node: Node, days: int) -> None:
    """Make the parts of the next weeks, and drop those that are old and counted."""
    kept = parts.keep(node, days)
    click.echo(f"{kept.made} parts made, {kept.dropped} dropped.")
    for name in kept.left:
        click.echo(f"{name} is old, but something in it is not counted, or has quartiles.")


# What was set aside


@click.group(cls=Commands)
def quarantine() -> None:
    """Measures that could not be aggregated."""


@quarantine.command("list")
@click.argument("name", required=False)
@with_node
def quarantine_list(node: Node, name: str | None) -> None:
    """List the measures (of the measure NAME) that were set aside, each with the reason."""
    found = redoing.quarantined(node, name)
    for one in found:
        click.echo(f"{iso(WallTime(one.rejected))} {one.name}: {one.reason}")
        click.echo(f"  {one.measure[:LONGEST_SHOWN]}")
    click.echo(f"{len(found)} in all")


ALL: tuple[click.Command, ...] = (
    token,
    insert_definitions_json,
    compute_aggregation,
    compute_all_aggregations,
    delete_aggregations_from_date,
    purge,
    partitions,
    quarantine,
    *data_commands.ALL,
)
"""Every command, as `flask` and `downstream measures` have them."""
