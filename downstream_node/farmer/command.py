"""`farm`: the command with which a volunteer runs a farmer."""

import signal
import threading
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from queue import SimpleQueue
from types import FrameType
from typing import Final

import click

from downstream_node.clock import calendar, system_clock
from downstream_node.errors import FarmerStopped
from downstream_node.farmer.files import locked
from downstream_node.farmer.identity import Identity, load_identity
from downstream_node.farmer.loop import Pass, make_farmer, run
from downstream_node.farmer.node_client import NodeClient
from downstream_node.farmer.storage import Loss

DEFAULT_NODE: Final = "http://127.0.0.1:5000"
DEFAULT_DATA: Final = "data/farmer"
DEFAULT_SIZE: Final = 1 << 20
ENDING_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)


@click.command()
@click.option("--node", metavar="URL", default=DEFAULT_NODE, show_default=True, help="The node.")
@click.option(
    "--data",
    metavar="DIR",
    type=click.Path(file_okay=False, path_type=Path),
    default=DEFAULT_DATA,
    show_default=True,
    help="Where chunks, token and key are kept.",
)
@click.option(
    "--size",
    metavar="BYTES",
    type=click.IntRange(min=0),
    default=DEFAULT_SIZE,
    show_default=True,
    help="Most bytes in chunks; their tags come on top.",
)
@click.option(
    "--passes",
    metavar="N",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="End after so many passes; 0: go on until Ctrl-C.",
)
@click.option(
    "--identity",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The private key of the address; made if missing.  [default: DIR/identity.key]",
)
@click.option("--show-address", is_flag=True, help="Print the address and end.")
def farm(  # noqa: PLR0913 - one parameter per option
    *, node: str, data: Path, size: int, passes: int, identity: Path | None, show_address: bool
) -> None:
    """Keep chunks of a node, and prove again and again that they are kept.

    Started again with the same DIR it goes on with the same token and contracts.
    """
    try:
        own = load_identity(identity or data / "identity.key")
        if show_address:
            click.echo(own.address)
        else:
            work(node, data, size, own, passes)
    except OSError as error:
        raise FarmerStopped(f"{error.filename or data}: {error.strerror}") from error


def work(node: str, data: Path, size: int, identity: Identity, passes: int) -> None:
    """Farm until a signal comes, or for so many *passes* if that is not 0."""
    with stopping() as stop, locked(data), closing(NodeClient(node)) as client:
        click.echo(f"Farming for {identity.address} at {client.url}; Ctrl-C ends it.")
        run(make_farmer(client, data, size, identity), stop, show, passes)


@contextmanager
def stopping() -> Iterator[threading.Event]:
    """Give an event that the first SIGINT or SIGTERM sets; a second one ends us at once.

    The second is for those who do not want to wait for a node that does not answer. It does
    no harm, since files are written as a whole.
    """
    stop = threading.Event()
    signals: SimpleQueue[int] = SimpleQueue()

    def handle(number: int, _frame: FrameType | None) -> None:
        # Not stop.set(): it takes a lock, which the interrupted wait for *stop* may be holding.
        # This queue's put is made to be called in the midst of anything.
        signals.put(number)
        for each in ENDING_SIGNALS:
            signal.signal(each, signal.SIG_DFL)

    def listen() -> None:
        signals.get()
        stop.set()

    listener = threading.Thread(target=listen, name="signals", daemon=True)
    listener.start()
    former = {number: signal.signal(number, handle) for number in ENDING_SIGNALS}
    try:
        yield stop
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)
        signals.put(0)
        listener.join()


def show(done: Pass) -> None:
    """Print what a pass did, if it did something, with the local time of day."""
    time = calendar(system_clock()).astimezone().strftime("%H:%M:%S")
    for line in described(done):
        click.echo(f"{time} {line}")


def described(done: Pass) -> list[str]:
    """Return the lines that tell of a pass; none if nothing happened."""
    events = []
    if done.accepted:
        events.append(f"{counted(done.accepted, 'heartbeat')} accepted")
    if done.taken:
        events.append(f"{counted(done.taken, 'chunk')} taken")
    events += [f"{count} refused: {reason}" for reason, count in reasons(done.refused)]
    events += [f"{count} dropped: {reason}" for reason, count in reasons(done.dropped)]
    lines = []
    if events:
        held = f"{counted(done.contracts, 'contract')}, {done.size} bytes"
        lines.append(", ".join([*events, held]))
    return [*lines, done.trouble] if done.trouble else lines


def counted(count: int, noun: str) -> str:
    """Return *count* with its noun."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def reasons(losses: Iterable[Loss]) -> list[tuple[str, int]]:
    """Return each reason with the number of contracts that it cost, the greatest first."""
    return Counter(loss.reason for loss in losses).most_common()
