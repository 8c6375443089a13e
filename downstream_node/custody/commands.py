"""The operator's commands for files: `downstream files ...`."""

import mimetypes
import os
import sys
from collections.abc import Callable, Iterator
from functools import wraps
from pathlib import Path
from typing import BinaryIO, Concatenate, ParamSpec

import click

from downstream_node.clock import WallTime, iso
from downstream_node.custody import service
from downstream_node.custody.queries import StoredFile
from downstream_node.entropy import random_bytes
from downstream_node.errors import UnknownFile
from downstream_node.node import Node
from downstream_node.terminal import Command

SOURCE = "operator"
REFERENCE = "added"
"""The operator claims a file once, however often it is added."""
UNKNOWN_TYPE = "application/octet-stream"

Given = ParamSpec("Given")


def with_node(work: Callable[Concatenate[Node, Given], None]) -> Callable[Given, None]:
    """Give *work* the node in front of its arguments; the group's object makes it."""

    @wraps(work)
    def run(*arguments: Given.args, **options: Given.kwargs) -> None:
        work(made_node(), *arguments, **options)

    return run


def made_node() -> Node:
    """The node, with a database that is up to date."""
    make: Callable[[], Node] = click.get_current_context().obj
    return make()


@click.command("list", cls=Command)
@click.option("--source", help="Only what this part of the node claims, like chats.")
@with_node
def files_list(node: Node, source: str | None) -> None:
    """List the files that are kept: hash, size, copies wanted, visibility, sources, name."""
    number = size = 0
    for file in all_files(node, source):
        number, size = number + 1, size + file.size
        click.echo(line(file))
    click.echo(f"{number} in all, {size} bytes")


def all_files(node: Node, source: str | None = None) -> Iterator[StoredFile]:
    """All files (that *source* claims) that are kept, page by page."""
    after: int | None = 0
    while after is not None:
        found, after = service.listed(node, source=source, after=after)
        yield from found


def line(file: StoredFile) -> str:
    """One line about *file*."""
    sources = ",".join(sorted({claim.source for claim in file.claims}))
    names = ", ".join(dict.fromkeys(claim.name for claim in file.claims))
    damaged = f" DAMAGED since {iso(WallTime(file.damaged))}" if file.damaged else ""
    return (
        f"{file.sha256.hex()} {file.size:>12} x{file.redundancy} {file.visibility} {sources} "
        f"{names}{damaged}"
    )


@click.command("get", cls=Command)
@click.argument("prefix", metavar="HASH")
@click.option("-o", "--output", metavar="FILE", help="Where to; - or nothing: standard output.")
@with_node
def files_get(node: Node, prefix: str, output: str | None) -> None:
    """Write the file HASH out, checked as it is read.

    FILE is there in the end as a whole or not at all. What goes to standard output may be cut off:
    mind the exit status.
    """
    file = service.resolve(node, prefix)
    pieces = service.read(node, file.sha256)
    if output not in (None, "-"):
        write_whole(Path(str(output)), pieces)
        return
    if output is None and sys.stdout.isatty():
        raise click.UsageError("This may confuse your terminal: give -o FILE, or -o - to insist.")
    copy(pieces, sys.stdout.buffer)
    sys.stdout.buffer.flush()


def write_whole(path: Path, pieces: Iterator[bytes]) -> None:
    """Write *pieces* to *path*, over what was there once all of it is written. Raises OSError."""
    unfinished = path.with_name(f"{path.name}.{random_bytes(4).hex()}.part")
    try:
        with unfinished.open("xb") as file:
            copy(pieces, file)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def copy(pieces: Iterator[bytes], file: BinaryIO) -> None:
    """Write *pieces* to *file*."""
    file.writelines(pieces)


@click.command("verify", cls=Command)
@click.argument("prefixes", metavar="[HASH]...", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="All files that are kept.")
@with_node
def files_verify(node: Node, prefixes: tuple[str, ...], everything: bool) -> None:
    """Read files from the disk and check them; ends with status 1 if one is damaged."""
    if everything == bool(prefixes):
        raise click.UsageError("Give hashes, or --all.")
    chosen = all_files(node) if everything else (service.resolve(node, one) for one in prefixes)
    damages = [damage for file in chosen for damage in verified(node, file)]
    broken = [damage for damage in damages if damage]
    for damage in broken:
        click.echo(damage)
    click.echo(f"{len(damages)} files checked, {len(broken)} damaged.")
    click.get_current_context().exit(1 if broken else 0)


def verified(node: Node, file: StoredFile) -> list[str | None]:
    """What `service.verify` says of *file*; nothing if it has just been removed."""
    try:
        return [service.verify(node, file.sha256)]
    except UnknownFile:
        return []


@click.command("rm", cls=Command)
@click.argument("prefix", metavar="HASH")
@click.option("--reason", required=True, help="Why; it is kept with the hash and the time.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@with_node
def files_rm(node: Node, prefix: str, reason: str, yes: bool) -> None:
    """Remove the file HASH, whoever claims it. The bytes are gone for good."""
    file = service.resolve(node, prefix)
    if not yes:
        for claim in file.claims:
            click.echo(f"{claim.source} {claim.reference}: {claim.name}")
        click.confirm(f"Remove {file.sha256.hex()}, {file.size} bytes?", abort=True)
    claims = service.remove(node, file.sha256, reason)
    click.echo(f"{file.sha256.hex()} is removed; it had {claims} claims.")


@click.command("add", cls=Command)
@click.argument("path", metavar="FILE", type=click.Path(exists=True, dir_okay=False))
@click.option("--name", help="Name for display, if not that of FILE.")
@click.option(
    "--redundancy",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="Copies wanted with farmers.",
)
@click.option("--public", is_flag=True, help="Whoever knows the hash may fetch it.")
@with_node
def files_add(node: Node, path: str, name: str | None, redundancy: int, public: bool) -> None:
    """Keep a copy of FILE and print its hash. FILE stays as it is."""
    with Path(path).open("rb") as file:
        stored = service.take_in(
            node,
            service.pieces(file),
            source=SOURCE,
            reference=REFERENCE,
            name=name or Path(path).name,
            media_type=mimetypes.guess_type(path)[0] or UNKNOWN_TYPE,
            redundancy=redundancy,
            visibility="public" if public else "private",
        )
    click.echo(stored.sha256.hex())


ALL: tuple[click.Command, ...] = (files_list, files_get, files_verify, files_rm, files_add)
"""Every command; the group that they are added to has a function as its object: it makes a node."""
