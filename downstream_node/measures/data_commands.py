"""The document's commands that look at data as a whole: wildcards, tables, views, fixtures.

They are in the document's words; where it would have them break a promise, they say why not.
"""

import json
from datetime import UTC, datetime
from pathlib import Path

import click
from flask import current_app
from flask.cli import with_appcontext

from downstream_node import schema
from downstream_node.clock import SECOND
from downstream_node.errors import NotAllowed
from downstream_node.measures import fixtures, releasing, tables, views, wildcards
from downstream_node.measures.answers import documented
from downstream_node.measures.commanding import with_node
from downstream_node.measures.results import definition_of
from downstream_node.node import Node
from downstream_node.terminal import Command, Commands

DATE = click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"])
FOREVER = datetime(9999, 1, 1, tzinfo=UTC)
yes_option = click.option("--yes", is_flag=True, help="Do not ask.")
count_option = click.option(
    "-n",
    "--number",
    type=click.IntRange(1, 1_000_000),
    default=1000,
    show_default=True,
    help="How many.",
)
spread_option = click.option(
    "--days", type=click.IntRange(1, 3650), default=30, show_default=True, help="Of how many days."
)


def time_of(date: datetime) -> int:
    """*date*, in UTC, as wall time in ms."""
    return round(date.replace(tzinfo=UTC).timestamp() * SECOND)


# Wildcards and refusals


@click.command("compute-wildcard-aggregate", cls=Command)
@click.argument("name")
@click.argument("groups")
@click.option("--from-date", type=DATE, default="1970-01-01", help="Of what arrived from then on.")
@click.option("--to-date", type=DATE, help="Of what arrived before.")
@with_node
def compute_wildcard_aggregate(
    node: Node, name: str, groups: str, from_date: datetime, to_date: datetime | None
) -> None:
    """Print the results of the measure NAME over all values of GROUPS, as group1,group2.

    From the raw measures that are left. They are not stored, so nobody else gets them: a total
    could give away what is hidden in its parts.
    """
    definition = definition_of(node, name)
    range_of_arrival = time_of(from_date), time_of(to_date or FOREVER)
    rows = wildcards.wildcard(node, name, groups.split(","), *range_of_arrival)
    for row in rows:
        click.echo(json.dumps(documented(definition, row)))


@click.command("refusals", cls=Command)
@click.argument("name")
@with_node
def refusals(node: Node, name: str) -> None:
    """List the releases of the measure NAME that were refused, each with the reason."""
    found = releasing.refusals(node, definition_of(node, name))
    for one in found:
        start = datetime.fromtimestamp(one.start / SECOND, UTC)
        click.echo(f"{start:%Y-%m-%dT%H:%M:%S}: {one.reason}")
    click.echo(f"{len(found)} in all")


# Tables


@click.group(cls=Commands)
def table() -> None:
    """The tables of measures as a whole."""


@table.command("create-all")
@with_appcontext
def table_create_all() -> None:
    """Make the tables that are missing, of the whole node, or bring them up to date."""
    app = current_app._get_current_object()  # type: ignore[attr-defined]  # noqa: SLF001 - as Flask says
    schema.migrate(app, app.extensions["downstream"])
    click.echo("The tables are up to date.")


@table.command("show")
@click.argument("name")
@with_node
def table_show(node: Node, name: str) -> None:
    """Print the first rows of the table NAME, one JSON object a line."""
    count, rows = node.database.read(lambda connection: tables.shown(connection, name))
    for row in rows:
        click.echo(json.dumps(row))
    click.echo(f"{count} in all", err=True)


@table.command("reset")
@click.argument("name")
@yes_option
@with_node
def table_reset(node: Node, name: str, yes: bool) -> None:
    """Delete all rows of the table NAME, if no other table depends on them."""
    tables.table_named(name)
    if not yes:
        click.confirm(f"Delete all rows of {name}?", abort=True)
    deleted = node.database.write(lambda connection: tables.reset(connection, name))
    click.echo(f"{deleted} rows of {name} deleted.")


@table.command("reset-all")
@yes_option
@with_node
def table_reset_all(node: Node, yes: bool) -> None:
    """Delete all measures, results, definitions and tokens, and what was spent and released."""
    if not yes:
        click.confirm("Delete all that measures have stored, tokens included?", abort=True)
    for name, deleted in node.database.write(tables.reset_all).items():
        click.echo(f"{name}: {deleted} rows deleted.")


# The view


@click.group(cls=Commands)
def view() -> None:
    """The view filtered_aggregation: results for tools that speak SQL."""


@view.command("create-filtered-aggregation")
@with_node
def view_create(node: Node) -> None:
    """Create the view. It is always up to date."""
    node.database.write(views.create)
    click.echo(f"{views.NAME} is there.")


@view.command("update-filtered-aggregation")
@with_node
def view_update(node: Node) -> None:
    """Make the view anew; its rows need no update, they are those of the moment."""
    node.database.write(views.create)
    click.echo(f"{views.NAME} is up to date, as it always is.")


@view.command("recreate-filtered-aggregation")
@with_node
def view_recreate(node: Node) -> None:
    """Delete the view, if it is there, and create it."""
    node.database.write(views.create)
    click.echo(f"{views.NAME} is there.")


@view.command("delete-filtered-aggregation")
@with_node
def view_delete(node: Node) -> None:
    """Delete the view, if it is there."""
    node.database.write(views.drop)
    click.echo(f"{views.NAME} is gone.")


# Fixtures


@click.group("measures", cls=Commands)
def measures() -> None:
    """Measures to try things out with."""


@measures.command("insert-fixtures-from-file")
@click.option("-f", "--file", required=True, metavar="FILE", help="A list of measures as JSON.")
@with_node
def insert_fixtures_from_file(node: Node, file: str) -> None:
    """Store the measures of a file, each as its definition's owner."""
    try:
        found = json.loads(Path(file).read_text(encoding="utf-8"))
    except ValueError as error:
        raise NotAllowed(f"{file} is not JSON: {error}.") from None
    if not isinstance(found, list):
        raise NotAllowed(f"{file} is not a list of measures.")
    told(*fixtures.insert(node, found))


@measures.command("insert-random-measures")
@click.argument("name")
@count_option
@spread_option
@with_node
def insert_random_measures(node: Node, name: str, number: int, days: int) -> None:
    """Store random measures of the measure NAME."""
    told(*fixtures.insert(node, list(fixtures.random_measures(node, name, number, days))))


@measures.command("send-random-measures")
@click.argument("name")
@click.option("--url", required=True, help="Where the node is, such as http://127.0.0.1:5000.")
@click.option("--token", required=True, help="A token that may write this measure.")
@count_option
@spread_option
@with_node
def send_random_measures(  # noqa: PLR0913, PLR0917 - one for each option
    node: Node, name: str, url: str, token: str, number: int, days: int
) -> None:
    """Send random measures of the measure NAME, defined here as there, to a node."""
    told(*fixtures.send(url, token, fixtures.random_measures(node, name, number, days)))


def told(stored: int, errors: list[str]) -> None:
    """Say what was stored, and each thing that was wrong once."""
    click.echo(f"{stored} measures stored, {len(errors)} refused.")
    for error in sorted(set(errors)):
        click.echo(f"  {error}")


ALL: tuple[click.Command, ...] = (compute_wildcard_aggregate, refusals, table, view, measures)
"""These commands, as `flask` and `downstream measures` have them."""
