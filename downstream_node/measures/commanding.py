"""What the commands for measures have in common."""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec

import click
from flask import current_app
from flask.cli import with_appcontext

from downstream_node import schema
from downstream_node.node import Node

DEFAULT_DAYS = 90
Given = ParamSpec("Given")


def with_node(work: Callable[Concatenate[Node, Given], None]) -> Callable[Given, None]:
    """Give *work* the node, with a database that is up to date, in front of its arguments."""

    @with_appcontext
    @wraps(work)
    def run(*arguments: Given.args, **options: Given.kwargs) -> None:
        node: Node = current_app.extensions["downstream"]
        schema.require(node)
        work(node, *arguments, **options)

    return run


days_option = click.option(
    "-d",
    "--days",
    type=click.IntRange(min=0),
    default=DEFAULT_DAYS,
    show_default=True,
    help="Only what arrived longer ago.",
)
