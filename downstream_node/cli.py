"""The operator's commands: subcommands with help, and the original's flags for the same.

`python runapp.py` without anything serves for development; production is gunicorn.
"""

import atexit
import logging
from collections.abc import Callable
from typing import Any

import click
from flask import Flask
from flask.cli import ScriptInfo
from sqlalchemy.engine import make_url
from werkzeug.serving import run_simple

from downstream_node import __version__, app, schema, settings, web
from downstream_node.chats import commands as chat_commands
from downstream_node.chats import key_commands
from downstream_node.chunks import maker, pool
from downstream_node.clock import WallTime, iso, pause
from downstream_node.contracts.closing import close_expired, forget_everything_closed
from downstream_node.contracts.whitelist import load_whitelist
from downstream_node.custody import commands as file_commands
from downstream_node.demo import run_demo
from downstream_node.demos import commands as demo_commands
from downstream_node.farmer.command import farm
from downstream_node.measures import commands as measure_commands
from downstream_node.node import Node
from downstream_node.operators import keys
from downstream_node.packages import commands as package_commands
from downstream_node.terminal import Commands

ADDRESSES = ("SQLALCHEMY_DATABASE_URI", "CHATS_ARCHIVE", "REDIS_URL")
"""Settings that may contain a password."""

Levels = tuple[int, int, int, int]
"""MIN, MAX, TOTAL and BASE of the pool."""


def built() -> tuple[Flask, Node]:
    """The application and its node, without serving."""
    application = app.build(settings.load())
    node = application.extensions[web.EXTENSION]
    atexit.register(node.close)
    return application, node


def ready_node() -> Node:
    """The node, with a database that is up to date."""
    _, node = built()
    schema.require(node)
    return node


@click.group(
    cls=Commands,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(__version__)
@click.option("--initdb", is_flag=True, help="Same as `db init`.")
@click.option("--cleandb", is_flag=True, help="Same as `db clean`.")
@click.option("--whitelist", metavar="FILE_OR_ADDRESS", help="Same as `whitelist`.")
@click.option("--generate-chunk", type=int, metavar="SIZE", help="Same as `chunks generate`.")
@click.option(
    "--maintain",
    type=int,
    nargs=4,
    metavar="MIN MAX TOTAL BASE",
    help="Same as `chunks maintain`, once.",
)
@click.option("--clearchunks", is_flag=True, help="Same as `chunks clear`.")
@click.pass_context
def main(context: click.Context, /, **flags: Any) -> None:  # noqa: ANN401 - one value per flag
    """Run and administer a downstream node.

    Without a command or flag: serve for development on localhost:5000
    (DOWNSTREAM_PORT changes it).
    """
    # In the order of FLAGS: somebody who gives all at once means a sensible order.
    given = [
        (name, flags[name])
        for name in FLAGS
        if flags[name] is not None and flags[name] is not False
    ]
    if context.invoked_subcommand is not None:
        if given:
            raise click.UsageError("Give either flags or a command.")
        return
    for name, value in given:
        FLAGS[name](value)
    if not given:
        serve_for_development()


@main.group()
def db() -> None:
    """The database."""


@db.command("init")
def db_init() -> None:
    """Create the database's tables, or bring them up to date."""
    application, node = built()
    schema.migrate(application, node)
    click.echo(f"The database {without_password(node.settings.SQLALCHEMY_DATABASE_URI)} is ready.")


@db.command("clean")
def db_clean() -> None:
    """Close expired contracts and delete all closed ones."""
    node = ready_node()
    now = node.clock.peek()
    closed = close_expired(node, now)
    forgotten = forget_everything_closed(node, now)
    click.echo(f"{closed} expired contracts closed, {forgotten} closed contracts deleted.")


@main.command()
@click.argument("file_or_address")
def whitelist(file_or_address: str) -> None:
    """Replace the whitelist by a CSV file (or its URL), or add one ADDRESS.

    The file has a header row and the columns address and balance. Addresses that are not in
    it are removed with their tokens and contracts. A bad row is named and changes nothing.
    """
    click.echo(f"{load_whitelist(ready_node(), file_or_address)}.")


workers_option = click.option(
    "--workers",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Processes to use.",
)


@main.group()
def chunks() -> None:
    """The pool of chunks that wait for farmers."""


@chunks.command("generate")
@click.argument("size", type=int)
@click.option("--count", type=click.IntRange(min=1), default=1, show_default=True, help="How many.")
@workers_option
def chunks_generate(size: int, count: int, workers: int) -> None:
    """Put new chunks of SIZE bytes into the pool."""
    make([size] * count, ready_node(), workers)


@chunks.command("maintain")
@click.argument("levels", metavar="MIN MAX TOTAL BASE", type=int, nargs=4)
@click.option(
    "--every",
    type=click.FloatRange(min=0.1),
    metavar="SECONDS",
    help="Go on, looking this often.",
)
@workers_option
def chunks_maintain(levels: Levels, every: float | None, workers: int) -> None:
    """Fill the pool up to equal numbers of chunks of each order of magnitude.

    The orders are the powers of BASE from MIN to MAX bytes; TOTAL is the size of the whole
    pool in bytes.
    """
    maintain(levels, every, workers)


@chunks.command("clear")
def chunks_clear() -> None:
    """Remove all chunks that no farmer holds."""
    removed = ready_node().database.write(pool.clear)
    click.echo(f"{removed} chunks removed from the pool.")


@chunks.command("list")
def chunks_list() -> None:
    """Count the chunks in the pool by size."""
    with ready_node().database.reading() as connection:
        counts = pool.counts(connection)
    for size, count in counts.items():
        click.echo(f"{count:8} of {size} bytes")
    click.echo(f"{sum(counts.values()):8} in all")


@main.group()
def operators() -> None:
    """The keys of people who may see the operator's page."""


@operators.command("add")
@click.argument("name")
def operators_add(name: str) -> None:
    """Make a key for the operator NAME and print it, once."""
    node = ready_node()
    click.echo(keys.add(node, name))
    click.echo(
        f"This is the key of {name}. Only its hash is stored, so it is not shown again.\n"
        "Log in with it at /operator on your node."
    )


@operators.command("list")
def operators_list() -> None:
    """Show who has a key, and when it was used."""
    stored = keys.stored(ready_node())
    for key in stored:
        used = f"used {iso(WallTime(key.last_used))}" if key.last_used else "never used"
        click.echo(f"{key.name}: made {iso(WallTime(key.created))}, {used}")
    click.echo(f"{len(stored)} in all")


@operators.command("remove")
@click.argument("name")
def operators_remove(name: str) -> None:
    """Remove the key of NAME; who is logged in with it is logged out."""
    keys.remove(ready_node(), name)
    click.echo(f"The key of {name} is removed.")


@main.group()
@click.pass_context
def measures(context: click.Context) -> None:
    """Measures: tokens, definitions, aggregation, purging. `flask` has the same commands."""
    # Where Flask's `with_appcontext` finds the application once a command needs it.
    context.obj = ScriptInfo(create_app=lambda: built()[0], set_debug_flag=False)


for measure_command in measure_commands.ALL:
    measures.add_command(measure_command)


@main.group()
@click.pass_context
def chats(context: click.Context) -> None:
    """Chats: import exports, list what is in the archive, make it anew."""
    context.obj = ready_node


for chat_command in (*chat_commands.ALL, *key_commands.ALL):
    chats.add_command(chat_command)


@main.group()
@click.pass_context
def files(context: click.Context) -> None:
    """Files in custody. HASH is the SHA-256 of one, or the first 8 digits or more."""
    context.obj = ready_node


for file_command in file_commands.ALL:
    files.add_command(file_command)


@main.group()
@click.pass_context
def packages(context: click.Context) -> None:
    """People's data packages. ID is that of one, 32 hex digits."""
    context.obj = ready_node


for package_command in package_commands.ALL:
    packages.add_command(package_command)


@main.group()
@click.pass_context
def demos(context: click.Context) -> None:
    """Recordings of games, and the keys of those who bring or analyse them."""
    context.obj = ready_node


for demo_command in demo_commands.ALL:
    demos.add_command(demo_command)


@main.command("settings")
@click.option("--template", is_flag=True, help="Print the text of config.py.template.")
def show_settings(template: bool) -> None:
    """Show every setting with the value that is in force."""
    if template:
        click.echo(settings.template(), nl=False)
        return
    values = settings.load()
    for name in settings.FIELDS:
        value = getattr(values, name)
        if name in ADDRESSES and value:
            value = without_password(value)
        click.echo(f"{name} = {value!r}")


def without_password(uri: str) -> str:
    """A database's address as it may be shown."""
    url = make_url(uri)
    # Drivers also take a password among the options.
    options = {name: "***" if "pass" in name else value for name, value in url.query.items()}
    return url.set(query=options).render_as_string(hide_password=True)


@main.command("serve")
def serve_command() -> None:
    """Serve for development on localhost (DOWNSTREAM_PORT, 5000); use gunicorn in production."""
    serve_for_development()


@main.command()
@click.option(
    "--port",
    type=click.IntRange(1, 65535),
    default=5000,
    show_default=True,
    help="Where the node listens.",
)
@click.option("--data", default="data/demo-farmer", show_default=True, help="The farmer's folder.")
def demo(port: int, data: str) -> None:
    """Run a node, its pool of chunks and one farmer, until Ctrl-C."""
    run_demo(port, data)


def make(sizes: list[int], node: Node, workers: int) -> None:
    """Make chunks of these *sizes*, with a progress bar."""
    maker.require_sizes(node, sizes)
    made = maker.make_chunks(node, sizes, workers)
    with click.progressbar(made, length=len(sizes), label="Making chunks") as bar:
        size = sum(bar)
    click.echo(f"{len(sizes)} chunks made, {size} bytes.")


def maintain(levels: Levels, every: float | None, workers: int) -> None:
    """Fill the pool, once or again and again."""
    node = ready_node()
    while True:
        sizes = maker.fill_levels(node, *levels)
        if sizes:
            make(sizes, node, workers)
        elif every is None:
            click.echo("The pool is full.")
        if every is None:
            return
        pause(every)


def serve_for_development() -> None:
    """Serve on localhost with Werkzeug's server."""
    values = settings.load()
    application = app.create_app(values)
    # Requests are not logged: their paths contain tokens, which are secrets.
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    click.echo(f"Serving on http://localhost:{values.PORT}/ for development; Ctrl-C stops it.")
    run_simple("127.0.0.1", values.PORT, application, threaded=True)


FLAGS: dict[str, Callable[[Any], None]] = {
    "initdb": lambda _: call(db_init),
    "cleandb": lambda _: call(db_clean),
    "whitelist": lambda source: call(whitelist, file_or_address=source),
    "generate_chunk": lambda size: make([size], ready_node(), workers=1),
    "maintain": lambda levels: maintain(levels, every=None, workers=1),
    "clearchunks": lambda _: call(chunks_clear),
}
"""The original's flags, in the order in which they are carried out when several are given."""


def call(command: click.Command, **arguments: Any) -> None:  # noqa: ANN401 - as click
    """Run *command* as if it had been given."""
    click.get_current_context().invoke(command, **arguments)


main.add_command(farm)
