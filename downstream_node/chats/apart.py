"""An export read by a process of its own, while this one stores what was read.

In one process the two would hardly run side by side: both need the interpreter nearly all the time.
"""

import logging
import subprocess
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import IO

from downstream_node.chats.batches import Batch, Ending
from downstream_node.chats.frames import LENGTH, NUMBER, Refused, decode
from downstream_node.chats.threads import ahead
from downstream_node.errors import Busy, InvalidExport
from downstream_node.processes import started

log = logging.getLogger(__name__)

LATER = "The export could not be read now. Please try again later."
MOST_FRAMES = 20
"""Frames that wait to be stored, 0.4 MB each or so: a full-text index takes its time for many."""


@contextmanager
def batches_apart(pieces: Iterable[bytes], channel: int) -> Iterator[Iterator[Batch | Ending]]:
    """As `batches.batches`, made by another process that ends with the block.

    What *pieces* raises is raised where the batches are taken. Raises Busy if the process dies.
    """
    try:
        process = started("downstream_node.chats.reader")
    except OSError as error:
        log.error("The process that reads an export cannot be started: %s.", error.strerror)  # noqa: TRY400
        raise Busy(LATER) from None
    feeding = _Feeding(process, pieces, channel)
    try:
        feeding.start()
        with ahead(_frames(process), MOST_FRAMES) as frames:
            try:
                yield _items(frames, feeding)
            finally:
                # Behind this, nothing waits for it any more.
                process.kill()
    finally:
        process.kill()
        process.wait()
        if feeding.is_alive():
            feeding.join()
        for pipe in (process.stdin, process.stdout):
            with suppress(BrokenPipeError):
                _there(pipe).close()


class _Feeding(threading.Thread):
    """Gives the process the bytes of the export."""

    def __init__(
        self, process: "subprocess.Popen[bytes]", pieces: Iterable[bytes], channel: int
    ) -> None:
        super().__init__(name="feeding", daemon=True)
        self._input = _there(process.stdin)
        self._pieces = pieces
        self._channel = channel
        self.error: BaseException | None = None
        """What went wrong with the bytes; known before the process notices that they end."""

    def run(self) -> None:
        # It may end before it has all: if the export is none, or nobody wants it any more.
        with suppress(BrokenPipeError):
            try:
                self._input.write(NUMBER.pack(self._channel))
                for piece in self._pieces:
                    self._input.write(piece)
            except BrokenPipeError:
                raise
            except BaseException as error:  # noqa: BLE001 - it is raised in the other thread
                self.error = error
            finally:
                self._input.close()


def _frames(process: "subprocess.Popen[bytes]") -> Iterator[bytes]:
    """The frames that the process sends, until it ends."""
    output = _there(process.stdout)
    while len(length := output.read(LENGTH.size)) == LENGTH.size:
        size = LENGTH.unpack(length)[0]
        content = output.read(size)
        if len(content) < size:
            return
        yield content


def _items(frames: Iterator[bytes], feeding: _Feeding) -> Iterator[Batch | Ending]:
    """What the *frames* hold, up to the Ending. Raises InvalidExport, Busy."""
    for content in frames:
        item = decode(content)
        if not isinstance(item, Batch) and feeding.error is not None:
            # It had to take what it got for all that there is.
            raise feeding.error
        if isinstance(item, Refused):
            raise InvalidExport(item.text)
        yield item
        if isinstance(item, Ending):
            return
    log.error("The process that reads an export has died.")
    raise feeding.error or Busy(LATER)


def _there(pipe: IO[bytes] | None) -> IO[bytes]:
    """A pipe that was asked for."""
    assert pipe is not None  # noqa: S101
    return pipe
