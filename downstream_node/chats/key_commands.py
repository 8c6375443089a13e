"""The operator's commands for who may read and import: keys, and what is published."""

import click

from downstream_node.chats import keys
from downstream_node.chats.commands import with_node
from downstream_node.chats.feature import Chats
from downstream_node.chats.keys import Kind
from downstream_node.chats.scopes import Scope
from downstream_node.clock import WallTime, iso
from downstream_node.errors import UnknownMessage
from downstream_node.node import Node
from downstream_node.terminal import Command, Commands


@click.group(cls=Commands)
def key() -> None:
    """Keys of people and programs who may read the archive."""


@key.command("add")
@click.argument("name")
@click.option("--guild", "guilds", type=int, multiple=True, metavar="ID", help="Only this guild.")
@click.option(
    "--channel", "channels", type=int, multiple=True, metavar="ID", help="Only this channel."
)
@click.option("--import", "may_import", is_flag=True, help="It may also import there.")
@with_node
def key_add(
    node: Node, name: str, guilds: tuple[int, ...], channels: tuple[int, ...], may_import: bool
) -> None:
    """Make a key for NAME and print it, once. Without a guild or channel it opens everything."""
    scope = Scope(not guilds and not channels, frozenset(guilds), frozenset(channels))
    click.echo(keys.add(node, name, scope, may_import=may_import))
    click.echo(
        f"This is the key of {name}. Only its hash is stored, so it is not shown again.\n"
        "Log in with it at /chats, or send it: Authorization: Bearer dsck_...",
        err=True,
    )


@key.command("list")
@with_node
def key_list(node: Node) -> None:
    """Show who has a key, what it opens, and when it was used."""
    stored = keys.stored(node)
    for one in stored:
        used = f"used {iso(WallTime(one.last_used))}" if one.last_used else "never used"
        made = iso(WallTime(one.created))
        rights = "reads and imports" if one.may_import else "reads"
        click.echo(f"{one.name}: {rights} {opened(one.scope)}, made {made}, {used}")
    click.echo(f"{len(stored)} in all")


def opened(scope: Scope) -> str:
    """What *scope* opens, in words."""
    if scope.everything:
        return "everything"
    parts = [f"guild {one}" for one in sorted(scope.guilds)]
    return ", ".join(parts + [f"channel {one}" for one in sorted(scope.channels)])


@key.command("remove")
@click.argument("name")
@with_node
def key_remove(node: Node, name: str) -> None:
    """Remove the key of NAME: it opens nothing from now on."""
    keys.remove(node, name)
    click.echo(f"The key of {name} is removed.")


@click.command("publish", cls=Command)
@click.argument("subject", metavar="GUILD_OR_CHANNEL", type=int)
@with_node
def publish(node: Node, subject: int) -> None:
    """Let everybody read a guild or channel (its id), without a key."""
    kind, name = found(node, subject)
    keys.publish(node, kind, subject)
    click.echo(f"Everybody may read the {kind} {name} now.")


@click.command("unpublish", cls=Command)
@click.argument("subject", metavar="GUILD_OR_CHANNEL", type=int)
@with_node
def unpublish(node: Node, subject: int) -> None:
    """Let only keys read a guild or channel (its id) that was published."""
    if not keys.unpublish(node, subject):
        raise UnknownMessage(f"No guild or channel {subject} is published.")
    click.echo(f"{subject} is read with a key only now.")


def found(node: Node, subject: int) -> tuple[Kind, str]:
    """What has this id in the archive. Raises UnknownMessage if nothing has."""
    archive = node.feature(Chats).archive
    for guild in archive.guilds():
        if guild.id == subject:
            return "guild", guild.name
    for channel in archive.channels():
        if channel.id == subject:
            return "channel", f"#{channel.name}"
    raise UnknownMessage(f"No guild or channel in the archive has the id {subject}.")


ALL: tuple[click.Command, ...] = (key, publish, unpublish)
"""Every command of this file, for `downstream chats`."""
