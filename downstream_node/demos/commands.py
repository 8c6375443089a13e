"""The operator's commands for recordings: `downstream demos ...`."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import click
from sqlalchemy import Connection, select, update

from downstream_node.clock import WallTime, iso
from downstream_node.custody import service as custody
from downstream_node.custody.commands import with_node
from downstream_node.database import AnyRow
from downstream_node.demos import (
    access,
    analysis,
    broadcasts,
    filing,
    ids,
    listing,
    retention,
    scoring,
    sessions,
)
from downstream_node.demos.listing import Demo, Filters
from downstream_node.demos.models import DemoUser
from downstream_node.demos.reports import ACCOUNTS, FIRST_PLAYER, player_in
from downstream_node.demos.states import End, Scope
from downstream_node.errors import DemoRefused, DownstreamError
from downstream_node.node import Node
from downstream_node.terminal import Command

PAGE = 500
MADE_UP = FIRST_PLAYER + ACCOUNTS - 1
"""The last of all accounts: made-up users count down from it, far from any real one."""
MOST_MADE_UP = 10_000
SCOPES = click.Choice([scope.value for scope in Scope if scope is not Scope.BLOCKED])


class InvalidUser(DownstreamError):
    """There is no such user, or it is no Steam id. Nothing has been changed."""


class UnknownDemo(DownstreamError):
    """No session has this id."""

    def __init__(self, session_id: str) -> None:
        super().__init__(f"There is no session {session_id}.")


class SteamId(click.ParamType[int]):
    """A player's 64-bit Steam id."""

    name = "steam_id"

    def convert(
        self, value: object, _parameter: click.Parameter | None, _context: click.Context | None
    ) -> int:
        """The number."""
        found = player_in(str(value))
        if found is None:
            self.fail(f"{value} is no 64-bit Steam id of a player.")
        return found


STEAM_ID = click.argument("steam_id", metavar="STEAM_ID", type=SteamId())


# Keys


@click.command("key", cls=Command)
@STEAM_ID
@click.option("--scope", "scopes", type=SCOPES, multiple=True, help="What it is good for besides.")
@with_node
def demos_key(node: Node, steam_id: int, scopes: tuple[str, ...]) -> None:
    """Make a key for the player STEAM_ID and print it, once. An earlier key ends.

    The scopes of a player who has some already stay, unless --scope says others.
    """
    try:
        key = access.issue(node, steam_id, node.wall_clock())
    except DemoRefused:
        message = f"{steam_id} is shut out: `demos scopes {steam_id} upload` lets them in again."
        raise InvalidUser(message) from None
    if scopes:
        set_scopes(node, steam_id, scopes)
    click.echo(key)
    click.echo("Only its hash is stored, so it is not shown again.", err=True)


@click.command("keys", cls=Command)
@with_node
def demos_keys(node: Node) -> None:
    """List who has a key, what it is good for, and since when."""
    number = 0
    for row in all_users(node):
        number += 1
        state = "key" if row.key_hash is not None else "no key"
        since = iso(WallTime(row.updated))
        click.echo(f"{row.steam_id} {state} {','.join(row.scopes.split())} since {since}")
    click.echo(f"{number} in all")


def all_users(node: Node) -> Iterator[AnyRow]:
    """All users, page by page."""
    after = 0
    while rows := node.database.read(partial(users_behind, after=after)):
        yield from rows
        after = rows[-1].steam_id


def users_behind(connection: Connection, *, after: int) -> list[AnyRow]:
    """The next users behind *after*."""
    columns = (DemoUser.steam_id, DemoUser.key_hash, DemoUser.scopes, DemoUser.updated)
    query = select(*columns).where(DemoUser.steam_id > after)
    return list(connection.execute(query.order_by(DemoUser.steam_id).limit(PAGE)).all())


@click.command("scopes", cls=Command)
@STEAM_ID
@click.argument("scopes", metavar="SCOPE...", type=SCOPES, nargs=-1, required=True)
@with_node
def demos_scopes(node: Node, steam_id: int, scopes: tuple[str, ...]) -> None:
    """Say what the key of STEAM_ID is good for: upload, analyst, reviewer."""
    set_scopes(node, steam_id, scopes)
    click.echo(f"{steam_id}: {', '.join(in_order(scopes))}.")


def set_scopes(node: Node, steam_id: int, scopes: tuple[str, ...]) -> None:
    """Note the scopes of a user; everybody may upload. Raises InvalidUser."""
    change_user(node, steam_id, scopes=" ".join(in_order(scopes)))


def in_order(scopes: tuple[str, ...]) -> list[str]:
    """The scopes with that which everybody has, each once."""
    return [scope for scope in Scope if scope in (Scope.UPLOAD, *scopes)]


def change_user(node: Node, steam_id: int, **values: object) -> None:
    """Change the row of a user. Raises InvalidUser."""
    changed = update(DemoUser).where(DemoUser.steam_id == steam_id)
    changed = changed.values(**values, updated=node.wall_clock())
    if not node.database.write(lambda connection: connection.execute(changed).rowcount):
        raise InvalidUser(f"Nobody with the Steam id {steam_id} is known.")


@click.command("revoke", cls=Command)
@STEAM_ID
@with_node
def demos_revoke(node: Node, steam_id: int) -> None:
    """Take the key of STEAM_ID back, and give no new one. Their recordings stay.

    `demos scopes STEAM_ID upload` lets them in again.
    """
    change_user(node, steam_id, key_hash=None, scopes=Scope.BLOCKED.value)
    click.echo(f"{steam_id} is shut out; `demos scopes` lets them in again.")


@click.command("keys-for", cls=Command)
@click.argument("count", metavar="N", type=click.IntRange(1, MOST_MADE_UP))
@click.option("--demo-users", is_flag=True, help="Yes, on this node.")
@with_node
def demos_keys_for(node: Node, count: int, demo_users: bool) -> None:
    """Print N new keys of made-up players, a line each: for load clients, on a node for tests."""
    if not demo_users:
        raise click.UsageError("This makes up users; say --demo-users if this node is for tests.")
    now = node.wall_clock()
    for number in range(count):
        click.echo(access.issue(node, MADE_UP - number, now))


# Sessions


@click.command("list", cls=Command)
@click.option("--live", is_flag=True, help="Only sessions that go on now.")
@with_node
def demos_list(node: Node, live: bool) -> None:
    """List recordings: id, state, size, player, map, when it began, name."""
    number = size = 0
    for demo in listing.live(node) if live else everything(node):
        number, size = number + 1, size + demo.size
        click.echo(line(demo))
    click.echo(f"{number} in all, {size} bytes")


def everything(node: Node) -> Iterator[Demo]:
    """All recordings, page by page."""
    after: str | None = ""
    while after is not None:
        found = listing.page(node, Filters(state=None), after, PAGE)
        yield from found.rows
        after = found.next


def line(demo: Demo) -> str:
    """One line about *demo*."""
    told = [demo.session_id.rjust(39), demo.state, f"{demo.size:>11}", str(demo.user), demo.map]
    told += [iso(WallTime(demo.started)), custody_state(demo), demo.name]
    if demo.reports:
        told.append(f"({demo.reports} reported)")
    if scoring.is_anomalous(demo.score, demo.zero_run):
        told.append("ANOMALOUS")
    return " ".join(told)


def custody_state(demo: Demo) -> str:
    """Where the bytes are."""
    if demo.pruned is not None:
        return "let go"
    return "filed" if demo.is_filed else "spool"


@click.command("close", cls=Command)
@click.argument("session_id", metavar="SESSION")
@with_node
def demos_close(node: Node, session_id: str) -> None:
    """Close the active session SESSION with all that has arrived."""
    demo = found(node, session_id)
    ended = sessions.close(
        node, demo.user, node.wall_clock(), session_id=demo.session_id, by=End.OPERATOR
    )
    click.echo(f"{ended.session_id} is closed with {ended.size} bytes.")


def found(node: Node, session_id: str) -> Demo:
    """The session with this id. Raises UnknownDemo."""
    known = ids.given(session_id)
    demo = listing.one(node, known) if known else None
    if demo is None:
        raise UnknownDemo(session_id)
    return demo


@click.command("again", cls=Command)
@click.argument("session_id", metavar="SESSION")
@with_node
def demos_again(node: Node, session_id: str) -> None:
    """Let SESSION be analysed anew; what is known of it stays until then."""
    demo = found(node, session_id)
    analysis.again(node, demo.session_id)
    click.echo(f"{demo.session_id} waits for an analysis.")


@click.command("prune", cls=Command)
@click.option("--force", is_flag=True, help="This once, however many there are.")
@with_node
def demos_prune(node: Node, force: bool) -> None:
    """Let recordings go as DEMOS_RETENTION and DEMOS_SPACE say, at once."""
    click.echo(f"{retention.prune(node, force=force)} recordings are let go.")


@click.command("reference", cls=Command)
@click.argument("output", metavar="FILE", type=click.Path(dir_okay=False, path_type=Path))
@click.argument("session_ids", metavar="SESSION...", nargs=-1, required=True)
@with_node
def demos_reference(node: Node, output: Path, session_ids: tuple[str, ...]) -> None:
    """Learn from the recordings SESSION... what follows what; write it to FILE.

    DEMOS_REFERENCE names the file. Take recordings of which you know that they are genuine.
    """
    demos = [filed(node, session_id) for session_id in session_ids]
    streams = (custody.read(node, sha256) for sha256 in demos)
    scoring.save(output, scoring.learned(streams))
    click.echo(f"{output} is written, from {len(demos)} recordings.")


def filed(node: Node, session_id: str) -> bytes:
    """The hash of a recording whose bytes are there. Raises UnknownDemo."""
    demo = found(node, session_id)
    filing.ensure_filed(node, demo.id)
    demo = found(node, session_id)
    if demo.sha256 is None or demo.pruned is not None:
        raise UnknownDemo(session_id)
    return demo.sha256


# News


@click.group("broadcast")
def demos_broadcast() -> None:
    """News for the clients."""


@demos_broadcast.command("add", cls=Command)
@click.argument("message")
@click.option(
    "--importance",
    type=click.Choice([one.value for one in broadcasts.Importance]),
    default=broadcasts.Importance.NORMAL.value,
    show_default=True,
    help="How clients should take it.",
)
@with_node
def broadcast_add(node: Node, message: str, importance: str) -> None:
    """Tell the clients MESSAGE."""
    number = broadcasts.add(node, message, importance, node.wall_clock())
    click.echo(f"Broadcast {number} is out.")


@demos_broadcast.command("list", cls=Command)
@with_node
def broadcast_list(node: Node) -> None:
    """List the news with their numbers, the newest first."""
    for one in broadcasts.shown(node):
        click.echo(f"{one.id} {one.importance} {iso(WallTime(one.created))} {one.message}")


@demos_broadcast.command("remove", cls=Command)
@click.argument("number", type=int)
@with_node
def broadcast_remove(node: Node, number: int) -> None:
    """Take the broadcast NUMBER back."""
    broadcasts.remove(node, number)
    click.echo(f"Broadcast {number} is gone.")


ALL: tuple[click.Command, ...] = (
    demos_key,
    demos_keys,
    demos_scopes,
    demos_revoke,
    demos_keys_for,
    demos_list,
    demos_close,
    demos_again,
    demos_prune,
    demos_reference,
    demos_broadcast,
)
"""Every command; the group that they are added to has a function as its object: it makes a node."""
