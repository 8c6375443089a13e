"""The process that reads one package for a worker: `python -m downstream_node.packages.reader`.

It is apart so that what a stranger sent is parsed where there is no database and no setting, so
that it can be stopped at any time, and so that nothing of the package outlives it in memory. It
imports no more than it needs. The order, with the secret, comes through its standard input; the
sealed result goes out through its standard output. When its worker dies, so does it.
"""

import os
import resource
import sys
import threading
from contextlib import suppress
from io import BufferedReader
from pathlib import Path
from types import TracebackType

import msgspec

from downstream_node.clock import monotonic
from downstream_node.errors import PackageRefused
from downstream_node.packages import redaction
from downstream_node.packages.fetching import FetchRules, Watch, fetch
from downstream_node.packages.links import Link, allowed_origins
from downstream_node.packages.orders import Ended, Kind, Order, Refused, Told, frame
from downstream_node.packages.reading.analysis import Report, analyse
from downstream_node.packages.reading.limits import Limits
from downstream_node.packages.reading.watch import Step
from downstream_node.packages.sealing import SealedGzip
from downstream_node.packages.secrets import Secret
from downstream_node.packages.states import Code, Stage
from downstream_node.packages.working import (
    DOWNLOAD,
    UPLOAD,
    Seal,
    WorkingWriter,
    opened,
    random_key,
    unnamed,
)

INPUT, OUTPUT = 0, 1
"""File descriptors."""
PIECE = 1 << 16
TELL_EVERY = 0.2
"""Seconds between two words about progress."""
ORPHANED = 3
"""Exit status if the worker has died."""


class Line:
    """To the worker."""

    def __init__(self) -> None:
        self._told: tuple[str, float] = ("", 0.0)

    def send(self, kind: Kind, content: bytes) -> None:
        """Send one frame, whole."""
        rest = memoryview(frame(kind, content))
        while rest:
            rest = rest[os.write(OUTPUT, rest) :]

    def tell(self, stage: str, done: float) -> None:
        """Say how far it is, if that is news."""
        now = monotonic()
        before, when = self._told
        if stage != before or now >= when + TELL_EVERY:
            self._told = (stage, now)
            self.send(Kind.TOLD, msgspec.json.encode(Told(stage, done)))


def main() -> None:
    """Carry out the order that comes in."""
    # A core file would hold the package and its secret.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    redaction.install()
    line_in = received()
    if not line_in:  # the worker died before it had said anything
        return
    order = msgspec.json.decode(line_in, type=Order)
    threading.Thread(target=end_with_worker, daemon=True).start()
    line = Line()
    with redaction.known(order.secret, order.url or ""):
        kind, answer = carried_out(order, line)
    with suppress(BrokenPipeError):
        line.send(kind, msgspec.json.encode(answer))


def received() -> bytes:
    """The line that the worker sends."""
    line = bytearray()
    while not line.endswith(b"\n") and (more := os.read(INPUT, PIECE)):
        line += more
    return bytes(line)


def end_with_worker() -> None:
    """Wait until nobody holds the other end of the input, and end at once."""
    while os.read(INPUT, PIECE):
        pass
    os._exit(ORPHANED)


def carried_out(order: Order, line: Line) -> tuple[Kind, Ended | Refused]:
    """Read the package, send its result; what to say in the end."""
    try:
        report = result_of(order, line)
    except PackageRefused as refusal:
        return Kind.REFUSED, Refused(refusal.code)
    except Exception as error:  # noqa: BLE001 - its text may say something of the package
        return Kind.REFUSED, Refused(Code.SERVER_ERROR, place_of(error))
    return Kind.ENDED, Ended(
        report.is_partial, report.messages, report.events, report.database_bytes
    )


def result_of(order: Order, line: Line) -> Report:
    """Read the package and send its result, packed and sealed.

    Raises PackageRefused, SealBroken, StorageFull, StorageFailed.
    """
    secret = Secret(order.secret)

    def progress(step: Step, done: float) -> None:
        line.tell(step, done)

    with package_of(order, secret, line) as package:
        output = SealedGzip(secret, lambda sealed: line.send(Kind.DATA, sealed))
        # Whoever wants it no more ends this process.
        report = analyse(package, output, order.package_id, progress, lambda: False, Limits())
        output.finish()
        return report


def package_of(order: Order, secret: Secret, line: Line) -> BufferedReader:
    """The zip file, fetched or uploaded; it is decrypted as it is read."""
    if order.url is None:
        return opened(
            [Path(name) for name in order.segments],
            Seal(secret.upload_key, UPLOAD, order.package_id),
        )
    # In one file without a name, under a key that is nowhere but here.
    seal = Seal(random_key(), DOWNLOAD, order.package_id)
    file = unnamed(Path(order.working))
    writer = WorkingWriter(file, seal)
    rules = FetchRules(
        allowed=allowed_origins(order.allowed),
        max_size=order.max_size,
        seconds=order.fetch_seconds,
    )
    line.tell(Stage.DOWNLOADING, 0.0)

    def progress(received: int, announced: int | None) -> None:
        line.tell(Stage.DOWNLOADING, min(1.0, received / announced) if announced else 0.0)

    fetch(Link(order.url, secret), writer, rules, Watch(progress=progress))
    writer.finish()
    return opened([file], seal)


def place_of(error: BaseException) -> str:
    """The kind of *error*, and where in our code it came from; not its text."""
    here, name = "", type(error).__name__
    trace: TracebackType | None = error.__traceback__
    while trace is not None:
        code = trace.tb_frame.f_code
        if "downstream_node" in code.co_filename:
            here = f" in {Path(code.co_filename).name}, line {trace.tb_lineno}"
        trace = trace.tb_next
    return name + here


if __name__ == "__main__":
    main()
    sys.exit(0)
