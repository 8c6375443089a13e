"""The operator's commands for the archive of chats."""

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Concatenate, ParamSpec

import click

from downstream_node.chats import rebuilding
from downstream_node.chats.feature import Chats
from downstream_node.chats.importing import ImportReport, import_export
from downstream_node.clock import WallTime, iso
from downstream_node.errors import DownstreamError, UnknownMessage
from downstream_node.node import Node
from downstream_node.terminal import Command

MOST_LISTED = 100
EXIT_SOME_FAILED = 1
Given = ParamSpec("Given")


def with_node(work: Callable[Concatenate[Node, Given], None]) -> Callable[Given, None]:
    """Give *work* the node, with a database that is up to date, in front of its arguments."""

    @wraps(work)
    def run(*given: Given.args, **options: Given.kwargs) -> None:
        # What the group puts there: only a command that runs needs the node.
        ready: Callable[[], Node] = click.get_current_context().obj
        work(ready(), *given, **options)

    return run


@click.command("import", cls=Command)
@click.argument(
    "files",
    nargs=-1,
    required=True,
    metavar="FILE...",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
)
@click.option(
    "--mark-missing",
    is_flag=True,
    help="Mark stored messages of the time that an export covers, and that it lacks, as deleted. "
    "Not for exports that were filtered.",
)
@with_node
def import_files(node: Node, files: tuple[Path, ...], mark_missing: bool) -> None:
    """Import exports: JSON files of DiscordChatExporter, plain or gzip.

    Each file is imported whole or not at all; what fails does not hinder the others.
    """
    failed = 0
    for path in files:
        try:
            report = imported(node, path, mark_missing)
        except (DownstreamError, OSError) as error:
            failed += 1
            click.echo(f"{path.name}: {error} Nothing of it was imported.", err=True)
        else:
            tell(report)
    if failed:
        click.get_current_context().exit(EXIT_SOME_FAILED)


def imported(node: Node, path: Path, mark_missing: bool) -> ImportReport:
    """Import one file with a progress bar."""
    with click.progressbar(length=path.stat().st_size, label=path.name[:40]) as bar:
        last = 0

        def progress(_messages: int, offset: int, size: int) -> None:
            nonlocal last
            bar.length = size
            bar.update(offset - last)
            last = offset

        return import_export(node, path, path.name, mark_missing=mark_missing, progress=progress)


def tell(report: ImportReport) -> None:
    """Say what an import did."""
    counts = report.counts
    parts = [
        f"{counts.new} new",
        f"{counts.changed} changed",
        f"{counts.unchanged} unchanged",
        f"{counts.older} older than what is stored",
        f"{counts.broken} broken",
    ]
    if counts.deleted or counts.restored:
        parts += [f"{counts.deleted} deleted", f"{counts.restored} restored"]
    click.echo(f"{report.name}: #{report.channel.name} of {report.guild.name}: {', '.join(parts)}")
    for broken in report.broken:
        click.echo(f"  message {broken.index + 1}: {broken.reason}", err=True)
    for note in report.notes:
        click.echo(f"  {note}", err=True)


@click.command("imports", cls=Command)
@with_node
def list_imports(node: Node) -> None:
    """List the last imports, the latest first."""
    found = node.feature(Chats).archive.imports(MOST_LISTED)
    for one in found:
        counts = one.counts
        click.echo(
            f"{iso(WallTime(one.committed))} channel {one.channel}: {one.name}: {counts.new} new, "
            f"{counts.changed} changed, {counts.unchanged} unchanged, {counts.older} older, "
            f"{counts.broken} broken, file {one.sha256.hex()[:12]}"
        )
    click.echo(f"{len(found)} shown")


@click.command("channels", cls=Command)
@with_node
def list_channels(node: Node) -> None:
    """List the channels in the archive, each with its id and that of its guild."""
    archive = node.feature(Chats).archive
    guilds = {guild.id: guild.name for guild in archive.guilds()}
    found = archive.channels()
    for channel in found:
        guild = guilds.get(channel.guild, "")
        click.echo(f"{channel.id} #{channel.name} of {channel.guild} {guild}")
    click.echo(f"{len(found)} in all")


@click.command("remove", cls=Command)
@click.argument("channel", type=int)
@click.option("--yes", is_flag=True, help="Do not ask.")
@with_node
def remove_channel(node: Node, channel: int, yes: bool) -> None:
    """Remove CHANNEL (its id) with all its messages; its exports leave custody."""
    archive = node.feature(Chats).archive
    names = {one.id: one.name for one in archive.channels()}
    if channel not in names:
        raise UnknownMessage(f"There is no channel {channel} in the archive.")
    if not yes:
        click.confirm(f"Remove #{names[channel]} with all its messages?", abort=True)
    removed, files = rebuilding.remove(node, channel)
    click.echo(f"{removed} messages removed, {files} exports given up.")


@click.command("rebuild", cls=Command)
@with_node
def rebuild(node: Node) -> None:
    """Make the archive anew from the exports in custody, in the order in which they were made.

    Channels are removed and imported again one by one: while that goes on, readers find less.
    """
    done = failed = 0
    for name, report in rebuilding.rebuild(node):
        if isinstance(report, ImportReport):
            done += 1
            tell(report)
        else:
            failed += 1
            click.echo(f"{name}: {report}", err=True)
    click.echo(f"{done} exports imported, {failed} failed.")
    if failed:
        click.get_current_context().exit(EXIT_SOME_FAILED)


ALL: tuple[click.Command, ...] = (
    import_files,
    list_imports,
    list_channels,
    remove_channel,
    rebuild,
)
"""Every command below `downstream chats`."""
