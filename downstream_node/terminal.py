"""Commands that tell in one line what an operator can mend, instead of a traceback."""

from typing import Any

import click
from sqlalchemy.exc import OperationalError

from downstream_node.errors import DownstreamError

EXIT_REFUSED = 2


class _OneLine(click.Command):
    """An error of ours, of the machine or of its database ends the command with one line."""

    def invoke(self, context: click.Context) -> Any:  # noqa: ANN401 - as click
        """Run the command."""
        try:
            return super().invoke(context)
        except OperationalError as error:
            text = f"The database does not do its part: {error.orig}"
        except BrokenPipeError:
            raise  # click ends quietly when nobody reads on
        except (DownstreamError, OSError) as error:
            text = str(error)
        click.echo(f"Error: {text}", err=True)
        return context.exit(EXIT_REFUSED)


class Command(_OneLine):
    """One command."""


class Commands(_OneLine, click.Group):
    """A group of commands; those inside may be plain ones."""
