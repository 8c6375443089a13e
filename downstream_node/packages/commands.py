"""The operator's commands for packages: `downstream packages ...`."""

import logging
from collections.abc import Callable, Iterator
from functools import partial

import click

from downstream_node.clock import WallTime, iso
from downstream_node.errors import DownstreamError
from downstream_node.node import Node
from downstream_node.packages import queries, redaction, removing
from downstream_node.packages.queries import Stored
from downstream_node.packages.worker import Stop, Worker
from downstream_node.terminal import Command

REMOVED = "removed by the operator"
PAGE = 100


class UnknownPackage(DownstreamError):
    """No package has this id."""

    def __init__(self, package_id: str) -> None:
        super().__init__(f"There is no package {package_id}.")


def made_node() -> Node:
    """The node, with a database that is up to date; the group's object makes it."""
    make: Callable[[], Node] = click.get_current_context().obj
    return make()


@click.command("work", cls=Command)
@click.option("--once", is_flag=True, help="End after one package.")
def packages_work(once: bool) -> None:
    """Process packages, one at a time, until SIGTERM or Ctrl-C.

    Start as many of these as there are processors to spare, on any machine that shares the
    database and the folders FILES_PATH and PACKAGES_PATH. When it is to end, it finishes its
    package, or gives it back after 20 seconds; at once if it is told twice.
    """
    redaction.install()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    stop = Stop().on_signals()
    worker = Worker(made_node(), stop)
    click.echo(f"Worker {worker.id} waits for packages; Ctrl-C stops it.")
    try:
        taken = worker.run(once=once)
    finally:
        worker.leave()
    click.echo(f"Stopped after {taken} packages.")


@click.command("list", cls=Command)
def packages_list() -> None:
    """List packages: id, state, stage, tier, attempts, size, when it changed, why it failed."""
    node, number = made_node(), 0
    for package in everything(node):
        number += 1
        click.echo(line(package))
    click.echo(f"{number} in all")


def everything(node: Node) -> Iterator[Stored]:
    """All packages, page by page."""
    after = 0
    while found := node.database.read(partial(queries.listed, after=after, limit=PAGE)):
        yield from found
        after = found[-1].id


def line(package: Stored) -> str:
    """One line about *package*."""
    tier = "premium" if package.is_upgraded else "standard"
    size = "-" if package.size is None else f"{package.size} bytes"
    return (
        f"{package.package_id} {package.state} {package.stage} {tier} "
        f"attempts {package.attempts} {size} {iso(WallTime(package.updated))}"
        f"{' ' + package.error if package.error else ''}"
    )


@click.command("remove", cls=Command)
@click.argument("package_id", metavar="ID")
def packages_remove(package_id: str) -> None:
    """Delete the package ID and all that came of it, also while it is processed."""
    if not removing.remove(made_node(), package_id, REMOVED):
        raise UnknownPackage(package_id)
    click.echo(f"{package_id} is deleted.")


@click.command("upgrade", cls=Command)
@click.argument("package_id", metavar="ID")
def packages_upgrade(package_id: str) -> None:
    """Let the package ID go before those that are not upgraded."""
    node = made_node()
    now = node.wall_clock()
    if not node.database.write(lambda found: queries.upgrade(found, package_id, now)):
        raise UnknownPackage(package_id)
    click.echo(f"{package_id} is upgraded.")


ALL: tuple[click.Command, ...] = (packages_work, packages_list, packages_remove, packages_upgrade)
"""Every command; the group that they are added to has a function as its object: it makes a node."""
